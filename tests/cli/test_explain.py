"""`pipeseal explain bucket`: the contract of its output and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from pipeseal.cli._input import answers
from pipeseal.cli.explain import _unread, explain, explained
from pipeseal.controls.s3_sse_uploads import deny_unencrypted
from pipeseal.controls.s3_tls import deny_insecure

ARN = "arn:aws:s3:::harbor"
TLS = deny_insecure(ARN).statement
SSE = deny_unencrypted(ARN).statement
SEALED = {"Version": "2012-10-17", "Statement": [TLS, SSE]}
FIELDS = ["bucket", "tls", "sse", "sealed", "added", "error"]


def run(*arguments: str, given_: bytes = b"") -> Result:
    """Run the command on what is *given_* on standard input."""
    return CliRunner().invoke(explain, ["bucket", *arguments], input=given_)


def answer(question: object) -> dict[str, Any]:
    """Return the answer to one line of a batch."""
    (line,) = answers([json.dumps(question).encode()], explained, _unread)
    assert list(line) == FIELDS
    return line


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (json.dumps(SEALED), 0),
        (json.dumps({"Version": "2012-10-17", "Statement": TLS}), 1),
        ("{}", 2),
        ("not json", 2),
        ("", 2),
        ("null", 2),
    ],
    ids=["sealed", "half sealed", "no policy", "no JSON", "empty", "null"],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_the_exit_code_tells(tmp_path: Path, text: str, code: int, form: str) -> None:
    """0 sealed already, 1 not, 2 bad input, whichever the format."""
    file = tmp_path / "policy.json"
    file.write_text(text, "utf-8")
    assert run(str(file), "--bucket", "harbor", "--format", form).exit_code == code


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "--bucket NAME"),
        (("missing.json", "--bucket", "harbor"), "missing.json"),
        (("-", "--bucket", "har/bor"), "bucket"),
        (("-", "--bucket", "harbor", "--partition", "azure"), "partition"),
    ],
)
def test_bad_input_is_named(arguments: tuple[str, ...], says: str) -> None:
    """Whatever is wrong with the call is said by its name, and the exit code is 2."""
    result = run(*arguments, given_=json.dumps(SEALED).encode())
    assert result.exit_code == 2
    assert says in result.output


def test_the_text_shows_verdicts_reasons_and_the_diff(tmp_path: Path) -> None:
    """A person sees what is missing and the very lines that would be added."""
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": [TLS]}), "utf-8")
    output = run(str(file), "--bucket", "harbor").output
    assert "Requests in clear are refused: full" in output
    assert "Uploads outside AWS KMS are refused: partial" in output, "those in clear are refused"
    assert '+       "Sid": "DenyUnEncryptedObjectUploads"' in output
    assert "\x1b[" not in output, "no colour where the output is no terminal"


def test_a_bucket_without_a_policy_gets_one() -> None:
    """Null stands for a bucket without a policy."""
    line = answer({"bucket": "harbor", "policy": None})
    assert (line["tls"]["verdict"], line["sse"]["verdict"], line["error"]) == ("none", "none", None)
    assert line["sealed"] == {"Version": "2012-10-17", "Statement": [SSE, TLS]}
    assert line["added"] == [SSE["Sid"], TLS["Sid"]]


def test_a_policy_may_be_text_or_an_object() -> None:
    """Both forms of one policy get one answer."""
    assert answer({"bucket": "harbor", "policy": SEALED}) == answer({"bucket": "harbor", "policy": json.dumps(SEALED)})


def test_a_sealed_policy_gains_nothing() -> None:
    """What is sealed comes back to the letter."""
    line = answer({"bucket": "harbor", "policy": SEALED})
    assert (line["tls"]["verdict"], line["sse"]["verdict"]) == ("full", "full")
    assert (line["sealed"], line["added"]) == (SEALED, [])


def test_the_partition_is_that_of_the_bucket() -> None:
    """The same statement under another partition's ARN refuses nothing here."""
    assert answer({"bucket": "harbor", "partition": "aws-cn", "policy": SEALED})["tls"]["verdict"] == "none"


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ({"policy": None}, "bucket"),
        ({"bucket": "har*", "policy": None}, "bucket"),
        ({"bucket": "harbor", "partition": 7, "policy": None}, "partition"),
        ({"bucket": "harbor"}, "policy"),
        ({"bucket": "harbor", "policy": [SEALED]}, "policy"),
        ({"bucket": "harbor", "policy": {"Version": "2012-10-17", "Statement": []}}, "Statement"),
        ({"bucket": "another", "policy": SEALED}, "statement 1"),
        ([], "object"),
        ("harbor", "object"),
    ],
)
def test_a_bad_line_gets_its_own_error(question: object, says: str) -> None:
    """The error says what is wrong and where."""
    assert says in answer(question)["error"]


def test_a_policy_too_large_is_refused_by_its_excess() -> None:
    """No sealed policy is proposed that S3 would not take."""
    readers = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{ARN}/*"}
    many = [{"Sid": f"Readers{number:03}" + "x" * 100, **readers} for number in range(100)]
    line = answer({"bucket": "harbor", "policy": {"Version": "2012-10-17", "Statement": many}})
    assert line["sealed"] is None
    assert "more than" in line["error"]


def test_the_batch_answers_every_line_in_order() -> None:
    """Good lines, bad lines and empty ones: as many answers as lines, and the exit code is 0."""
    lines = [b'{"bucket": "one", "policy": null}', b"{", b"", b"\xff", b'{"bucket": "two", "policy": "x"}', b"[" * 9999]
    result = run("--batch", given_=b"\n".join(lines))
    assert result.exit_code == 0
    got = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["bucket"] for line in got] == ["one", None, None, None, "two", None]
    assert [line["error"] is None for line in got] == [True, False, False, False, False, False]


@given(st.binary() | st.text().map(str.encode) | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(
    lambda value: json.dumps({"bucket": "harbor", "policy": value}).encode()))  # fmt: skip
def test_no_line_ends_the_batch(line: bytes) -> None:
    """Whatever the bytes, there is one answer with every field of the contract."""
    (got,) = answers([line], explained, _unread)
    assert list(got) == FIELDS
