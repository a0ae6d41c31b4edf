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
from tests.fake_account import ENVIRONMENT, REGION, FakeAccount
from tests.scan.scan_account import create_bucket

from pipeseal.aws import sessions
from pipeseal.cli.scan import scan
from pipeseal.scan import advice
from pipeseal.scan.rows import HEADER


@cache
def shared_session(profile: str | None) -> Session:
    """Return one session for all tests: each new session loads the service models again."""
    return Session(profile=profile)


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Share the session, and leave out the advice for the account, which has tests of its own."""
    monkeypatch.setattr(sessions, "Session", shared_session)
    monkeypatch.setattr(advice, "account_advice", lambda *_: iter(()))


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(scan, arguments)


def test_json_has_the_violations_and_the_status(account: FakeAccount) -> None:
    """One object is printed to stdout, and nothing to stderr where that is not a terminal."""
    plain = create_bucket("plain")
    create_bucket("tls", require_tls=True)
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
def test_the_exit_status_depends_on_the_options(account: FakeAccount, arguments: tuple[str, ...], status: int) -> None:
    """For a bucket that allows plaintext requests: by severity, kind, control and parameter."""
    create_bucket("plain")
    assert run("--format", "json", *arguments).exit_code == status


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--control", "S3.NOPE"), "S3.NOPE"),
        (("--control", "KMS.*", "--only", "bucket"), "no control of the selected kinds matches KMS.*"),
        (("--parameter", "Mode"), "NAME=VALUE"),
        (("--parameter", "Mode=enforce"), "RequireCustomerKey"),
        (("--parameter", "RequireCustomerKey=perhaps"), "perhaps"),
        (("--fail-on", "severe"), "severe"),
        (("--endpoint-url", "localhost"), "localhost"),
    ],
)
def test_invalid_input_is_named(account: FakeAccount, arguments: tuple[str, ...], says: str) -> None:
    """The message names the invalid value, and the exit status is 2."""
    result = run(*arguments)
    assert (result.exit_code, says in result.output) == (2, True)


def test_missing_credentials_are_exit_status_3(account: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials, there is no report."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setattr(sessions, "Session", Session)
    result = run("--format", "json")
    assert (result.exit_code, result.stdout) == (3, "")


def test_each_format_has_the_violation(account: FakeAccount) -> None:
    """CSV has a header and a row, ASFF and OCSF are lists of findings, and the text has the verdict."""
    create_bucket("plain")
    header, row = csv.reader(io.StringIO(run("--format", "csv").stdout))
    assert (tuple(header), row[HEADER.index("status")]) == (HEADER, "violated")
    (finding,) = json.loads(run("--format", "asff").stdout)
    assert finding["Resources"][0]["Id"] == "arn:aws:s3:::plain"
    (event,) = json.loads(run("--format", "ocsf").stdout)
    assert event["resources"][0]["uid"] == "arn:aws:s3:::plain"
    assert "1 resource in violation" in run().stdout


def test_the_iam_policy_needs_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs neither credentials nor a Region; stack and partition are those of the options."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    result = run("--iam-policy", "--stack", "mine", "--region", "us-gov-west-1")
    document: dict[str, Any] = json.loads(result.stdout)
    assert (result.exit_code, document["Version"]) == (0, "2012-10-17")
    assert document["Statement"][1]["Resource"] == "arn:aws-us-gov:dynamodb:*:*:table/mine-ledger"
