"""`pipeseal invoke`: an event through the template's rules to the real functions, as a person types it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result
from tests.account import ACCOUNT, ENVIRONMENT, REGION, Account, event

from pipeseal.aws.clients import client
from pipeseal.cli import main
from pipeseal.cli._account import Place
from pipeseal.cli.invoke import _environment

BUCKET = "harbor"
ARN = f"arn:aws:s3:::{BUCKET}"
CHANGED = event("DeleteBucketPolicy", {"bucketName": BUCKET})
Run = Callable[..., Result]


@pytest.fixture
def run(account: Account) -> Run:
    """Give a way to type the command with an event on standard input; the environment says which account it is."""
    return lambda given, *words: CliRunner().invoke(main, ["invoke", "-", *words], input=json.dumps(given))


@pytest.fixture
def bucket(account: Account) -> str:
    """Make a bucket without a policy."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    return BUCKET


def has_policy() -> bool:
    """Say whether the bucket is sealed."""
    try:
        return bool(boto3.client("s3").get_bucket_policy(Bucket=BUCKET))
    except boto3.client("s3").exceptions.ClientError:
        return False


def test_what_is_wrong_is_put_right_and_shown(account: Account, run: Run, bucket: str) -> None:
    """Rule and function, resource and reason, the ledger's id; the process is then as it was."""
    before = dict(os.environ)
    result = run(CHANGED)
    assert (result.exit_code, result.stderr) == (0, "")
    (entry,) = account.entries()
    lines = result.stdout.splitlines()
    assert lines[0] == "s3:DeleteBucketPolicy is heard by the rule Changed of BucketFunction"
    assert lines[2] == f"✓ {ARN}  put right"
    assert "made in clear" in lines[3]
    assert lines[4:] == ["    controls  S3.TLS", f"    ledger    {entry['id']}"]
    assert has_policy()
    assert [alert["action"] for alert in account.alerts()] == ["remediated"]
    assert dict(os.environ) == before


def test_in_detect_mode_the_exit_code_tells_and_nothing_is_written(run: Run, bucket: str) -> None:
    """A parameter of the template reaches the function; what it leaves wrong is exit status 1; logs are for -v."""
    result = run(CHANGED, "--parameter", "Mode=detect", "--format", "json", "-v")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["matched"]) == (1, ["BucketFunction"])
    (outcome,) = document["outcomes"]
    assert (outcome["resource"], outcome["action"], outcome["controls"]) == (ARN, "detected", ["S3.TLS"])
    assert not has_policy()
    assert f"{ARN} detected" in result.stderr


def test_what_is_put_right_in_part_is_still_wrong(run: Run, bucket: str) -> None:
    """A website is encrypted and stays open to requests in clear: its owner has something to do."""
    boto3.client("s3").put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "i.html"}})
    result = run(CHANGED, "--parameter", "EncryptionScope=all")
    assert result.exit_code == 1
    assert f"✓ {ARN}  put right" in result.stdout
    assert "left      S3.TLS: only its owner can put that right" in result.stdout


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_no_rule_hears_is_told_with_the_field(run: Run, form: str) -> None:
    """Nothing would happen on AWS, so nothing is wrong; JSON stays JSON."""
    unheard = {**CHANGED, "detail": {**CHANGED["detail"], "errorCode": "\x1b[2JAccessDenied"}}
    result = run(unheard, "--format", form)
    assert result.exit_code == 0
    said, other = (result.stdout, result.stderr) if form == "text" else (result.stderr, result.stdout)
    assert "No rule hears it" in said
    assert r'detail.errorCode is "\u001b[2JAccessDenied"; the rule of BucketFunction takes missing, ""' in said
    assert (json.loads(other) if form == "json" else other) == (
        {"matched": [], "outcomes": []} if form == "json" else ""
    )


def test_an_event_of_elsewhere_is_noted(run: Run) -> None:
    """EventBridge would not have brought it here; the function decides, and leaves what is another account's alone."""
    result = run({**CHANGED, "account": "210987654321"})
    assert result.exit_code == 0
    assert f"of account 210987654321, and you are in {ACCOUNT}" in result.stderr


def test_a_function_that_looked_at_nothing_says_so(run: Run) -> None:
    """The record names a bucket that another account owns."""
    theirs = {"accountId": "210987654321", "type": "AWS::S3::Bucket", "ARN": ARN}
    result = run({**CHANGED, "detail": {**CHANGED["detail"], "resources": [theirs]}})
    assert result.exit_code == 0
    assert "It looked at nothing: the resource is another account's" in result.stdout


def test_a_ledger_that_is_not_there_is_an_answer_of_aws(run: Run, bucket: str) -> None:
    """Exit status 3, and which table was asked for."""
    result = run(CHANGED, "--stack", "elsewhere")
    assert result.exit_code == 3
    assert "elsewhere-ledger" in result.stderr


def test_a_function_that_fails_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by a traceback, and not as fine."""
    monkeypatch.setattr("pipeseal.reconcile.reconcile", lambda *_: 1 / 0)
    result = run(CHANGED)
    assert result.exit_code == 1
    assert "BucketFunction failed, and Lambda would try again: ZeroDivisionError" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("given", "words", "names"),
    [
        ("", (), "not JSON"),
        ([1, 2], (), "must be one EventBridge event"),
        (CHANGED["detail"], (), "is a CloudTrail record"),
        ({**CHANGED, "source": None}, (), "source must be a string"),
        ({**CHANGED, "detail": []}, (), "detail must be an object"),
        (CHANGED, ("--parameter", "Mode"), "NAME=VALUE"),
        (CHANGED, ("--region", "no where"), "no where"),
        (CHANGED, ("--profile", "nobody"), "nobody"),
        (CHANGED, ("--endpoint-url", "here"), "'here' is no URL"),
    ],
)
def test_bad_input_is_named(given: object, words: tuple[str, ...], names: str) -> None:
    """Exit status 2, nothing on stdout, and the thing in the message, before AWS is asked for anything."""
    text = given if isinstance(given, str) else json.dumps(given)
    result = CliRunner().invoke(main, ["invoke", "-", *words], input=text)
    assert (result.exit_code, result.stdout) == (2, "")
    assert names in result.stderr


@pytest.mark.parametrize(
    ("given", "words", "names"),
    [
        (event("DeleteBucketPolicy", {}), (), "names no resource"),
        (CHANGED, ("--parameter", "Mood=detect"), "no parameter Mood; it has: "),
        (CHANGED, ("--parameter", "Mode=observe"), "Mode is 'observe': it must be one of: enforce, detect"),
    ],
)
def test_what_neither_function_nor_template_takes_is_named(
    run: Run, given: object, words: tuple[str, ...], names: str
) -> None:
    """Exit status 2 as well: it is the input that is to blame."""
    result = run(given, *words)
    assert result.exit_code == 2
    assert names in result.stderr


def test_away_from_a_clone_it_says_so(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Template and functions are what is tried."""
    monkeypatch.setattr("pipeseal.sandbox.stack.__file__", str(tmp_path / "stack.py"))
    monkeypatch.chdir(tmp_path)
    result = run(CHANGED)
    assert (result.exit_code, "run this in a clone" in result.stderr) == (2, True)


def test_the_options_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the AWS CLI: a profile over keys, an endpoint over those of single services; all is put back."""
    given: dict[str, Any] = {**ENVIRONMENT, "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1", "AWS_REGION": REGION}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    with _environment(Place("somebody", None, "http://127.0.0.1:2", "pipeseal"), "eu-west-1"):
        assert os.environ["AWS_PROFILE"] == "somebody"
        assert "AWS_ACCESS_KEY_ID" not in os.environ
        assert (os.environ["AWS_REGION"], os.environ["AWS_DEFAULT_REGION"]) == ("eu-west-1", "eu-west-1")
    with _environment(Place(None, None, "http://127.0.0.1:2", "pipeseal"), REGION):
        assert client("s3", REGION).meta.endpoint_url == "http://127.0.0.1:2"
    assert dict(os.environ) == before
