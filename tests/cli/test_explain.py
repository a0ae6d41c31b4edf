"""`pipeseal explain bucket`: the output and the exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from pipeseal.cli._input import explain_lines
from pipeseal.cli.explain import PolicyExplanation, explain, explain_policy, reject_line
from pipeseal.controls.s3_sse_uploads import deny_unencrypted
from pipeseal.controls.s3_tls import deny_insecure

ARN = "arn:aws:s3:::harbor"
TLS = deny_insecure(ARN).statement
SSE = deny_unencrypted(ARN).statement
COMPLETE = {"Version": "2012-10-17", "Statement": [TLS, SSE]}
FIELDS = ["bucket", "tls", "sse", "sealed", "added", "error"]


def run(*arguments: str, stdin: bytes = b"") -> Result:
    """Run the command with *stdin* as standard input."""
    return CliRunner().invoke(explain, ["bucket", *arguments], input=stdin)


def answer(question: object) -> PolicyExplanation:
    """Return the explanation of one line of a batch."""
    (line,) = explain_lines([json.dumps(question).encode()], explain_policy, reject_line)
    assert list(line) == FIELDS
    return line


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (json.dumps(COMPLETE), 0),
        (json.dumps({"Version": "2012-10-17", "Statement": TLS}), 1),
        ("{}", 2),
        ("not json", 2),
        ("", 2),
        ("null", 2),
    ],
    ids=["complete", "incomplete", "no policy", "no JSON", "empty", "null"],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_the_exit_status_depends_on_the_policy(tmp_path: Path, text: str, code: int, form: str) -> None:
    """In either format: 0 for a policy that needs no change, 1 for one that does, 2 for invalid input."""
    file = tmp_path / "policy.json"
    file.write_text(text, "utf-8")
    assert run(str(file), "--bucket", "harbor", "--format", form).exit_code == code


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--bucket NAME"),
        (("missing.json", "--bucket", "harbor"), "missing.json"),
        (("-", "--bucket", "har/bor"), "bucket"),
        (("-", "--bucket", "harbor", "--partition", "azure"), "partition"),
    ],
)
def test_an_invalid_argument_is_named(arguments: tuple[str, ...], message: str) -> None:
    """The error names the invalid argument or option, and the exit status is 2."""
    result = run(*arguments, stdin=json.dumps(COMPLETE).encode())
    assert result.exit_code == 2
    assert message in result.output


def test_the_text_shows_verdicts_reasons_and_the_diff(tmp_path: Path) -> None:
    """The text format shows each verdict with its reasons, and the lines that would be added."""
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": [TLS]}), "utf-8")
    output = run(str(file), "--bucket", "harbor").output
    assert "Requests over HTTP are denied: full" in output
    assert "Uploads without SSE-KMS are denied: partial" in output, "those over HTTP are denied"
    assert '+       "Sid": "DenyUnEncryptedObjectUploads"' in output
    assert "\x1b[" not in output, "no colour where the output is not a terminal"


def test_null_is_a_bucket_without_a_policy() -> None:
    """The proposed policy then consists of the two statements."""
    line = answer({"bucket": "harbor", "policy": None})
    assert (line["tls"]["verdict"], line["sse"]["verdict"], line["error"]) == ("none", "none", None)
    assert line["sealed"] == {"Version": "2012-10-17", "Statement": [SSE, TLS]}
    assert line["added"] == [SSE["Sid"], TLS["Sid"]]


def test_a_policy_may_be_text_or_an_object() -> None:
    """Both forms of one policy have the same explanation."""
    assert answer({"bucket": "harbor", "policy": COMPLETE}) == answer(
        {"bucket": "harbor", "policy": json.dumps(COMPLETE)}
    )


def test_a_complete_policy_stays_as_it_is() -> None:
    """A policy that denies both is returned unchanged."""
    line = answer({"bucket": "harbor", "policy": COMPLETE})
    assert (line["tls"]["verdict"], line["sse"]["verdict"]) == ("full", "full")
    assert (line["sealed"], line["added"]) == (COMPLETE, [])


def test_the_partition_is_part_of_the_arn() -> None:
    """A statement about the same bucket name in another partition denies nothing."""
    assert answer({"bucket": "harbor", "partition": "aws-cn", "policy": COMPLETE})["tls"]["verdict"] == "none"


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({"policy": None}, "bucket"),
        ({"bucket": "har*", "policy": None}, "bucket"),
        ({"bucket": "harbor", "partition": 7, "policy": None}, "partition"),
        ({"bucket": "harbor"}, "policy"),
        ({"bucket": "harbor", "policy": [COMPLETE]}, "policy"),
        ({"bucket": "harbor", "policy": {"Version": "2012-10-17", "Statement": []}}, "Statement"),
        ({"bucket": "another", "policy": COMPLETE}, "statement 1"),
        ([], "object"),
        ("harbor", "object"),
    ],
)
def test_an_invalid_line_has_its_own_error(question: object, message: str) -> None:
    """The error states what is wrong and where."""
    assert message in str(answer(question)["error"])


def test_a_policy_that_would_become_too_large_is_rejected() -> None:
    """No policy is proposed that exceeds the size limit of S3."""
    readers = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{ARN}/*"}
    many = [{"Sid": f"Readers{number:03}" + "x" * 100, **readers} for number in range(100)]
    line = answer({"bucket": "harbor", "policy": {"Version": "2012-10-17", "Statement": many}})
    assert line["sealed"] is None
    assert "more than" in str(line["error"])


def test_a_batch_has_one_result_for_each_line() -> None:
    """Valid, invalid and empty lines have one result each, in order, and the exit status is 0."""
    lines = [b'{"bucket": "one", "policy": null}', b"{", b"", b"\xff", b'{"bucket": "two", "policy": "x"}', b"[" * 9999]
    result = run("--batch", stdin=b"\n".join(lines))
    assert result.exit_code == 0
    got = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["bucket"] for line in got] == ["one", None, None, None, "two", None]
    assert [line["error"] is None for line in got] == [True, False, False, False, False, False]


@given(st.binary() | st.text().map(str.encode) | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(
    lambda value: json.dumps({"bucket": "harbor", "policy": value}).encode()))  # fmt: skip
def test_no_line_ends_a_batch(line: bytes) -> None:
    """Every sequence of bytes has one result with all fields."""
    (got,) = explain_lines([line], explain_policy, reject_line)
    assert list(got) == FIELDS
