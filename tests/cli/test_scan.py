"""`pipeseal scan`: its options, output and exit status."""

from __future__ import annotations

import csv
import io
import json
from functools import cache
from typing import Any

import pytest
from botocore.session import Session
from click.testing import CliRunner, Result
from tests.account import ENVIRONMENT, REGION, Account
from tests.scan import harbor

from pipeseal.aws import sessions
from pipeseal.cli.scan import scan
from pipeseal.scan import posture
from pipeseal.scan.rows import HEADER


@cache
def shared(profile: str | None) -> Session:
    """Give one session to all tests: each would read the models of AWS's services anew."""
    return Session(profile=profile)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Share the session, and ask nothing of the account itself, which has tests of its own."""
    monkeypatch.setattr(sessions, "Session", shared)
    monkeypatch.setattr(posture, "asked", lambda *_: iter(()))


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(scan, arguments)


def test_json_tells_what_is_wrong_and_the_status(account: Account) -> None:
    """One object on stdout, nothing on stderr where that is no terminal."""
    plain = harbor.bucket("plain")
    harbor.bucket("sealed", sealed=True)
    result = run("--format", "json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["exit"], result.stderr) == (1, 1, "")
    assert [(each["resource"], each["control"]) for each in document["findings"]] == [(plain, "S3.TLS")]
    assert (document["region"], document["scanned"]["bucket"], document["compliant"]) == (REGION, 2, 1)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ((), 1),
        (("--fail-on", "critical"), 0),
        (("--fail-on", "never"), 0),
        (("--only", "key"), 0),
        (("--control", "s3.*"), 1),
        (("--control", "S3.FOREIGN_WRITE"), 0),
        (("--parameter", "ControlModes=S3.TLS=off"), 0),
        (("--parameter", "EncryptionScope=all", "--control", "S3.DEFAULT_ENCRYPTION"), 1),
    ],
)
def test_the_exit_status_is_that_of_what_was_asked_for(
    account: Account, arguments: tuple[str, ...], status: int
) -> None:
    """A bucket that lets requests in clear through, under a bar, a kind, a control or a parameter."""
    harbor.bucket("plain")
    assert run("--format", "json", *arguments).exit_code == status


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--control", "S3.NOPE"), "S3.NOPE"),
        (("--control", "KMS.*", "--only", "bucket"), "no control matches"),
        (("--parameter", "Mode"), "NAME=VALUE"),
        (("--parameter", "Mode=enforce"), "RequireCustomerKey"),
        (("--parameter", "RequireCustomerKey=perhaps"), "perhaps"),
        (("--fail-on", "severe"), "severe"),
        (("--endpoint-url", "localhost"), "localhost"),
    ],
)
def test_bad_input_is_named(account: Account, arguments: tuple[str, ...], says: str) -> None:
    """With exit status 2."""
    result = run(*arguments)
    assert (result.exit_code, says in result.output) == (2, True)


def test_an_account_that_refuses_everything_is_status_3(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials, no report."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setattr(sessions, "Session", Session)
    result = run("--format", "json")
    assert (result.exit_code, result.stdout) == (3, "")


def test_every_format_is_its_own(account: Account) -> None:
    """A header and rows, and lists of findings."""
    harbor.bucket("plain")
    header, row = csv.reader(io.StringIO(run("--format", "csv").stdout))
    assert (tuple(header), row[HEADER.index("status")]) == (HEADER, "violated")
    (finding,) = json.loads(run("--format", "asff").stdout)
    assert finding["Resources"][0]["Id"] == "arn:aws:s3:::plain"
    (event,) = json.loads(run("--format", "ocsf").stdout)
    assert event["resources"][0]["uid"] == "arn:aws:s3:::plain"
    assert "1 resource in violation" in run().stdout


def test_the_policy_needs_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither credentials nor a Region; the stack and the partition are those that are named."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    result = run("--iam-policy", "--stack", "mine", "--region", "us-gov-west-1")
    document: dict[str, Any] = json.loads(result.stdout)
    assert (result.exit_code, document["Version"]) == (0, "2012-10-17")
    assert document["Statement"][1]["Resource"] == "arn:aws-us-gov:dynamodb:*:*:table/mine-ledger"
