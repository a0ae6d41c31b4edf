"""`pipeseal explain pipeline`: the output and the exit status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from tests.resources import ARTIFACT_KEY, REGION, document

from pipeseal.cli._explain_pipeline import PipelineExplanation, explain_pipeline, reject_pipeline
from pipeseal.cli._input import explain_lines
from pipeseal.cli.explain import explain

FIELDS = ["name", "violations", "error"]
COMPLIANT = document((REGION, "harbor", ARTIFACT_KEY))
KEYLESS = document()
TOKEN = document((REGION, "harbor", ARTIFACT_KEY), OAuthToken="gho_" + "m" * 36)
LITERAL = "hunter2-made-up"


def run(*arguments: str, stdin: bytes = b"") -> Result:
    """Run the command with *stdin* as standard input."""
    return CliRunner().invoke(explain, ["pipeline", *arguments], input=stdin)


def answer(question: object) -> PipelineExplanation:
    """Return the explanation of one line of a batch."""
    (line,) = explain_lines([json.dumps(question).encode()], explain_pipeline, reject_pipeline)
    assert list(line) == FIELDS
    return line


def found(structure: object) -> list[tuple[str, str]]:
    """Return the control and the path of each violation."""
    return [(each["control"], each["path"]) for each in answer({"pipeline": structure})["violations"]]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (json.dumps(COMPLIANT), 0),
        (json.dumps({"pipeline": KEYLESS}), 1),
        (json.dumps({"pipeline": TOKEN}), 1),
        ('{"pipeline": []}', 2),
        ("{}", 2),
        ("not json", 2),
        ("", 2),
        ("null", 2),
    ],
    ids=["compliant", "no key", "a token", "no structure", "nothing in it", "no JSON", "empty", "null"],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_the_exit_status_depends_on_the_pipeline(tmp_path: Path, text: str, code: int, form: str) -> None:
    """In either format: 0 for a compliant pipeline, 1 for violations, 2 for invalid input."""
    file = tmp_path / "pipeline.json"
    file.write_text(text, "utf-8")
    assert run(str(file), "--format", form).exit_code == code
    assert run("-", "--format", form, stdin=text.encode()).exit_code == code


def test_the_text_shows_control_path_and_reason() -> None:
    """The text format never shows the secret itself."""
    output = run("-", stdin=json.dumps(document(DB_PASSWORD=LITERAL)).encode()).output
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
def test_the_structure_is_found_in_every_known_document(wrapped: object) -> None:
    """The structure alone, GetPipeline's response and CloudTrail's forms have the same violations."""
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
    """An AWS managed key does not count."""
    assert found({"name": "release", **stores}) == [
        ("CODEPIPELINE.ARTIFACT_KEY", f"{path}.encryptionKey") for path in paths
    ]


@pytest.mark.parametrize(
    ("part", "message", "violations"),
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
def test_the_valid_parts_of_an_invalid_structure_are_checked(
    part: dict[str, Any], message: str, violations: int
) -> None:
    """The error names the invalid part; violations in the other parts are reported."""
    line = answer({"pipeline": {**document(DB_PASSWORD=LITERAL), **part}})
    assert message in str(line["error"])
    assert len(line["violations"]) == violations


@pytest.mark.parametrize(
    ("question", "message"),
    [({}, "missing"), ({"pipeline": None}, "object"), ({"pipeline": "x"}, "object"), ([], "object"), (7, "object")],
)
def test_an_invalid_line_has_its_own_error(question: object, message: str) -> None:
    """The error states what is wrong."""
    line = answer(question)
    assert message in str(line["error"])
    assert (line["name"], line["violations"]) == (None, [])


def test_a_name_that_contains_a_secret_is_not_shown() -> None:
    """The violation has the path of the name instead."""
    token = "ghp_" + "m7Kq2ZtR9xWb" * 3
    line = answer({"pipeline": {**COMPLIANT, "name": token}})
    assert line["name"] is None
    assert [each["path"] for each in line["violations"]] == ["name"]
    assert token not in json.dumps(line)


def test_a_batch_has_one_result_for_each_line() -> None:
    """Valid, invalid and empty lines have one result each, in order, and the exit status is 0."""
    lines = [json.dumps({"pipeline": COMPLIANT}).encode(), b"{", b"", b"\xff", json.dumps(TOKEN).encode(), b"[" * 9999]
    result = run("--batch", stdin=b"\n".join(lines))
    assert result.exit_code == 0
    got = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["name"] for line in got] == ["release", None, None, None, "release", None]
    assert [line["error"] is None for line in got] == [True, False, False, False, True, False]


def test_a_file_or_batch_is_required() -> None:
    """Without either the exit status is 2, and the error names both."""
    result = run()
    assert (result.exit_code, "--batch" in result.output) == (2, True)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_UNUSUAL = st.fixed_dictionaries(
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


@given(
    st.binary()
    | (_JSON | _UNUSUAL | _UNUSUAL.map(lambda value: {"pipeline": value})).map(lambda v: json.dumps(v).encode())
)
def test_no_line_ends_a_batch(line: bytes) -> None:
    """Every sequence of bytes has one result with all fields."""
    (got,) = explain_lines([line], explain_pipeline, reject_pipeline)
    assert list(got) == FIELDS
    assert json.loads(json.dumps(got)) == got
