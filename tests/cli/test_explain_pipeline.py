"""`pipeseal explain pipeline`: the contract of its output and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from tests.resources import ARTIFACT_KEY, REGION, document

from pipeseal.cli._explain_pipeline import explained, failed
from pipeseal.cli._input import answers
from pipeseal.cli.explain import explain

FIELDS = ["name", "violations", "error"]
SOUND = document((REGION, "harbor", ARTIFACT_KEY))
KEYLESS = document()
TOKEN = document((REGION, "harbor", ARTIFACT_KEY), OAuthToken="gho_" + "m" * 36)
LITERAL = "hunter2-made-up"


def run(*arguments: str, given_: bytes = b"") -> Result:
    """Run the command on what is *given_* on standard input."""
    return CliRunner().invoke(explain, ["pipeline", *arguments], input=given_)


def answer(question: object) -> dict[str, Any]:
    """Return the answer to one line of a batch."""
    (line,) = answers([json.dumps(question).encode()], explained, failed)
    assert list(line) == FIELDS
    return line


def found(structure: object) -> list[tuple[str, str]]:
    """Return the control and the place of each violation."""
    return [(each["control"], each["path"]) for each in answer({"pipeline": structure})["violations"]]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (json.dumps(SOUND), 0),
        (json.dumps({"pipeline": KEYLESS}), 1),
        (json.dumps({"pipeline": TOKEN}), 1),
        ('{"pipeline": []}', 2),
        ("{}", 2),
        ("not json", 2),
        ("", 2),
        ("null", 2),
    ],
    ids=["sound", "no key", "a token", "no structure", "nothing in it", "no JSON", "empty", "null"],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_the_exit_code_tells(tmp_path: Path, text: str, code: int, form: str) -> None:
    """0 nothing wrong, 1 something, 2 bad input, whichever the format."""
    file = tmp_path / "pipeline.json"
    file.write_text(text, "utf-8")
    assert run(str(file), "--format", form).exit_code == code
    assert run("-", "--format", form, given_=text.encode()).exit_code == code


def test_a_person_sees_control_place_and_what_to_do() -> None:
    """And never the secret."""
    output = run("-", given_=json.dumps(document(DB_PASSWORD=LITERAL)).encode()).output
    for part in (
        "CODEPIPELINE.ARTIFACT_KEY  artifactStore.encryptionKey",
        "CODEPIPELINE.SECRETS  stages[1].actions[0].configuration.DB_PASSWORD",
        "stage Build, action Compile, field DB_PASSWORD",
        "Secrets Manager",
    ):
        assert part in output
    assert LITERAL not in output


@pytest.mark.parametrize(
    "wrapped",
    [
        TOKEN,
        {"pipeline": TOKEN},
        {"pipeline": TOKEN, "metadata": {"pipelineArn": "arn:aws:codepipeline:us-east-1:123456789012:release"}},
        {"pipeline": {"pipeline": TOKEN, "metadata": {}}},
        {"pipeline": TOKEN, "tags": [{"key": "team", "value": "harbor"}]},
        {"requestParameters": {"pipeline": TOKEN}, "eventName": "UpdatePipeline"},
        {"detail": {"requestParameters": {"pipeline": TOKEN}}},
    ],
    ids=["bare", "plain", "GetPipeline", "GetPipeline twice", "parameters", "record", "event"],
)
def test_a_structure_may_come_in_every_wrapping(wrapped: object) -> None:
    """As it is, as GetPipeline answers it, as CloudTrail records it."""
    line = answer(wrapped)
    assert (line["name"], line["error"]) == ("release", None)
    (violation,) = line["violations"]
    assert violation["control"] == "CODEPIPELINE.SECRETS"
    assert violation["path"] == "stages[1].actions[0].configuration.OAuthToken"


@pytest.mark.parametrize(
    ("stores", "paths"),
    [
        ({"artifactStore": {"type": "S3", "location": "b"}}, ["artifactStore"]),
        ({"artifactStore": {"type": "S3", "location": "b", "encryptionKey": None}}, ["artifactStore"]),
        ({"artifactStore": {"type": "S3", "location": "b", "encryptionKey": {"id": " "}}}, ["artifactStore"]),
        (
            {"artifactStore": {"type": "S3", "location": "b", "encryptionKey": {"id": "alias/aws/s3"}}},
            ["artifactStore"],
        ),
        ({"artifactStore": {"type": "S3", "location": "b", "encryptionKey": {"id": "1c3a"}}}, []),
        (
            {"artifactStores": {"eu-west-1": {"type": "S3", "location": "b"}, REGION: {"type": "S3", "location": "c"}}},
            ["artifactStores.eu-west-1", f"artifactStores.{REGION}"],
        ),
        ({"artifactStores": None, "artifactStore": {"type": "S3", "location": "b"}}, ["artifactStore"]),
    ],
)
def test_every_store_must_name_a_key(stores: dict[str, Any], paths: list[str]) -> None:
    """A key of AWS's own is none."""
    assert found({"name": "release", **stores}) == [
        ("CODEPIPELINE.ARTIFACT_KEY", f"{path}.encryptionKey") for path in paths
    ]


@pytest.mark.parametrize(
    ("odd", "says", "judged"),
    [
        ({"artifactStore": []}, "artifactStore: must", 1),
        ({"artifactStore": {"type": "S3"}}, "artifactStore: must", 1),
        ({"artifactStore": None}, "artifactStore: must", 1),
        ({"artifactStores": [1]}, "artifactStores: must", 2),
        ({"artifactStores": {"Not A Region": {"type": "S3", "location": "b"}}}, "artifactStores[#0]: must", 2),
        ({"stages": {}}, "stages: must be a list", 1),
        ({"stages": [None, {"actions": "x"}]}, "stages[0]: must be an object; stages[1].actions: must be a list", 1),
        ({"name": ["x"]}, "name: must be a string", 2),
    ],
)
def test_what_can_be_read_of_an_odd_structure_is_judged(odd: dict[str, Any], says: str, judged: int) -> None:
    """The error says what no pipeline can have, and the rest is not passed over for it."""
    line = answer({"pipeline": {**document(DB_PASSWORD=LITERAL), **odd}})
    assert says in line["error"]
    assert len(line["violations"]) == judged


@pytest.mark.parametrize(
    ("question", "says"),
    [({}, "missing"), ({"pipeline": None}, "object"), ({"pipeline": "x"}, "object"), ([], "object"), (7, "object")],
)
def test_a_bad_line_gets_its_own_error(question: object, says: str) -> None:
    """The error says what is wrong."""
    line = answer(question)
    assert says in line["error"]
    assert (line["name"], line["violations"]) == (None, [])


def test_a_name_that_gives_a_secret_away_is_not_shown() -> None:
    """The violation says where it stands."""
    token = "ghp_" + "m" * 36
    line = answer({"pipeline": {**SOUND, "name": token}})
    assert line["name"] is None
    assert [each["path"] for each in line["violations"]] == ["name"]
    assert token not in json.dumps(line)


def test_the_batch_answers_every_line_in_order() -> None:
    """Good lines, bad lines and empty ones: as many answers as lines, and the exit code is 0."""
    lines = [json.dumps({"pipeline": SOUND}).encode(), b"{", b"", b"\xff", json.dumps(TOKEN).encode(), b"[" * 9999]
    result = run("--batch", given_=b"\n".join(lines))
    assert result.exit_code == 0
    got = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["name"] for line in got] == ["release", None, None, None, "release", None]
    assert [line["error"] is None for line in got] == [True, False, False, False, True, False]


def test_neither_file_nor_batch_is_bad_input() -> None:
    """The message says what to give."""
    result = run()
    assert (result.exit_code, "--batch" in result.output) == (2, True)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_ODD = st.fixed_dictionaries(
    {},
    optional={
        "name": _JSON,
        "stages": _JSON | st.lists(st.fixed_dictionaries({"name": _JSON, "actions": _JSON})),
        "artifactStore": _JSON | st.fixed_dictionaries({"location": _JSON, "encryptionKey": _JSON}),
        "artifactStores": _JSON | st.dictionaries(st.just(REGION), st.fixed_dictionaries({"location": _JSON})),
        "variables": _JSON,
        "triggers": _JSON,
    },
)


@given(st.binary() | (_JSON | _ODD | _ODD.map(lambda odd: {"pipeline": odd})).map(lambda v: json.dumps(v).encode()))
def test_no_line_ends_the_batch(line: bytes) -> None:
    """Whatever the bytes, there is one answer with every field of the contract."""
    (got,) = answers([line], explained, failed)
    assert list(got) == FIELDS
    assert json.loads(json.dumps(got)) == got
