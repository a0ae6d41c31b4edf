"""`pipeseal invoke`: an event is matched against the template's rules and handled by the real functions."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner, Result
from tests.fake_account import ACCOUNT, ENVIRONMENT, REGION, FakeAccount, event

from pipeseal.aws.clients import client
from pipeseal.cli import main
from pipeseal.cli._account import AwsTarget
from pipeseal.cli.invoke import _target_environment

BUCKET = "harbor"
ARN = f"arn:aws:s3:::{BUCKET}"
CHANGED = event("DeleteBucketPolicy", {"bucketName": BUCKET})
Run = Callable[..., Result]


@pytest.fixture
def run(account: FakeAccount) -> Run:
    """Return a function that runs the command with an event on standard input, in the account of the environment."""
    return lambda stdin, *words: CliRunner().invoke(main, ["invoke", "-", *words], input=json.dumps(stdin))


@pytest.fixture
def bucket(account: FakeAccount) -> str:
    """Create a bucket without a policy; return its name."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    return BUCKET


def has_policy() -> bool:
    """Return whether the bucket has a policy."""
    try:
        return bool(boto3.client("s3").get_bucket_policy(Bucket=BUCKET))
    except boto3.client("s3").exceptions.ClientError:
        return False


def test_a_violation_is_remediated_and_shown(account: FakeAccount, run: Run, bucket: str) -> None:
    """The output has rule, function, resource, reason and ledger ID; the environment is restored afterwards."""
    before = dict(os.environ)
    result = run(CHANGED)
    assert (result.exit_code, result.stderr) == (0, "")
    (entry,) = account.entries()
    lines = result.stdout.splitlines()
    assert lines[0] == "s3:DeleteBucketPolicy matches rule Changed of BucketFunction"
    assert lines[2] == f"✓ {ARN}  remediated"
    assert "no statement denies" in lines[3]
    assert lines[4:] == ["    controls  S3.TLS", f"    ledger    {entry['id']}"]
    assert has_policy()
    assert [alert["action"] for alert in account.alerts()] == ["remediated"]
    assert dict(os.environ) == before


def test_detect_mode_writes_nothing_and_exits_with_status_1(run: Run, bucket: str) -> None:
    """A template parameter reaches the function, a remaining violation is exit status 1, and -v prints the log."""
    result = run(CHANGED, "--parameter", "Mode=detect", "--format", "json", "-v")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["matched"]) == (1, ["BucketFunction"])
    (outcome,) = document["outcomes"]
    assert (outcome["resource"], outcome["action"], outcome["controls"]) == (ARN, "detected", ["S3.TLS"])
    assert not has_policy()
    assert f"{ARN} detected" in result.stderr


def test_a_partial_remediation_exits_with_status_1(run: Run, bucket: str) -> None:
    """A website is encrypted but still allows plain HTTP, which the bucket owner must change."""
    boto3.client("s3").put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "i.html"}})
    result = run(CHANGED, "--parameter", "EncryptionScope=all")
    assert result.exit_code == 1
    assert f"✓ {ARN}  remediated" in result.stdout
    assert "left      S3.TLS: requires action by the resource owner" in result.stdout


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_event_that_matches_no_rule_is_explained(run: Run, form: str) -> None:
    """The differing field is shown without control characters, beside the JSON on stderr; the exit status is 0."""
    unmatched = {**CHANGED, "detail": {**CHANGED["detail"], "errorCode": "\x1b[2JAccessDenied"}}
    result = run(unmatched, "--format", form)
    assert result.exit_code == 0
    explanation, other = (result.stdout, result.stderr) if form == "text" else (result.stderr, result.stdout)
    assert "No rule matches the event" in explanation
    expected = r'detail.errorCode is "\u001b[2JAccessDenied"; the rule of BucketFunction expects missing or ""'
    assert expected in explanation
    assert (json.loads(other) if form == "json" else other) == (
        {"matched": [], "outcomes": []} if form == "json" else ""
    )


def test_an_event_of_another_account_is_noted(run: Run) -> None:
    """A note says that the event is from another account; the function does not change that account's resource."""
    result = run({**CHANGED, "account": "210987654321"})
    assert result.exit_code == 0
    assert f"the event is from account 210987654321; the function runs in account {ACCOUNT}" in result.stderr


def test_a_function_that_checks_no_resource_is_reported(run: Run) -> None:
    """The record names a bucket that another account owns, so there is no outcome."""
    external = {"accountId": "210987654321", "type": "AWS::S3::Bucket", "ARN": ARN}
    result = run({**CHANGED, "detail": {**CHANGED["detail"], "resources": [external]}})
    assert result.exit_code == 0
    assert "No resource was checked: it belongs to another account" in result.stdout


def test_a_missing_ledger_exits_with_status_3(run: Run, bucket: str) -> None:
    """The error names the table."""
    result = run(CHANGED, "--stack", "elsewhere")
    assert result.exit_code == 3
    assert "elsewhere-ledger" in result.stderr


def test_a_function_that_fails_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit status is 1, and the error has the function's name instead of a traceback."""
    monkeypatch.setattr("pipeseal.remediation.reconcile.reconcile", lambda *_: 1 / 0)
    result = run(CHANGED)
    assert result.exit_code == 1
    assert "BucketFunction failed; Lambda would retry the event: ZeroDivisionError" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("stdin", "words", "message"),
    [
        ("", (), "not JSON"),
        ([1, 2], (), "must be one EventBridge event"),
        (CHANGED["detail"], (), "is a CloudTrail record"),
        ({**CHANGED, "source": None}, (), "source must be a string"),
        ({**CHANGED, "detail": []}, (), "detail must be an object"),
        (CHANGED, ("--parameter", "Mode"), "NAME=VALUE"),
        (CHANGED, ("--region", "no where"), "no where"),
        (CHANGED, ("--profile", "missing"), "missing"),
        (CHANGED, ("--endpoint-url", "here"), "'here' is not a URL"),
    ],
)
def test_invalid_input_is_named(stdin: object, words: tuple[str, ...], message: str) -> None:
    """Before any call to AWS the exit status is 2, stdout is empty, and the error names the invalid input."""
    text = stdin if isinstance(stdin, str) else json.dumps(stdin)
    result = CliRunner().invoke(main, ["invoke", "-", *words], input=text)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


@pytest.mark.parametrize(
    ("stdin", "words", "message"),
    [
        (event("DeleteBucketPolicy", {}), (), "names no resource"),
        (CHANGED, ("--parameter", "Mood=detect"), "no parameter Mood; it has: "),
        (CHANGED, ("--parameter", "Mode=observe"), "Mode is 'observe': it must be one of: enforce, detect"),
    ],
)
def test_input_that_function_or_template_rejects_is_named(
    run: Run, stdin: object, words: tuple[str, ...], message: str
) -> None:
    """An event that the function rejects, or a parameter that the template rejects, is exit status 2."""
    result = run(stdin, *words)
    assert result.exit_code == 2
    assert message in result.stderr


def test_the_command_requires_a_checkout(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without template.yaml and functions/ the exit status is 2, and the error says where to run the command."""
    monkeypatch.setattr("pipeseal.sandbox.template.__file__", str(tmp_path / "template.py"))
    monkeypatch.chdir(tmp_path)
    result = run(CHANGED)
    assert (result.exit_code, "run this in a clone" in result.stderr) == (2, True)


def test_options_take_precedence_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the AWS CLI, a profile replaces keys and an endpoint replaces those of services; all is restored."""
    variables: dict[str, str] = {**ENVIRONMENT, "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1", "AWS_REGION": REGION}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    with _target_environment(AwsTarget("profile-a", None, "http://127.0.0.1:2", "pipeseal"), "eu-west-1"):
        assert os.environ["AWS_PROFILE"] == "profile-a"
        assert "AWS_ACCESS_KEY_ID" not in os.environ
        assert (os.environ["AWS_REGION"], os.environ["AWS_DEFAULT_REGION"]) == ("eu-west-1", "eu-west-1")
    with _target_environment(AwsTarget(None, None, "http://127.0.0.1:2", "pipeseal"), REGION):
        assert client("s3", REGION).meta.endpoint_url == "http://127.0.0.1:2"
    assert dict(os.environ) == before
