"""`pipeseal undo` and `pipeseal exempt` as a person types them: what they say, and the exit status."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from click.testing import CliRunner, Result
from tests.account import REGION, Account, event, writes

from pipeseal.alert import letter
from pipeseal.cli import main

BUCKET = "harbor"
ARN = f"arn:aws:s3:::{BUCKET}"
CHANGED = event("DeleteBucketPolicy", {"bucketName": BUCKET})
GROUNDS = ("--owner", "ada", "--reason", "no TLS there", "--until", "30d")
Run = Callable[..., Result]


@pytest.fixture
def run(account: Account) -> Run:
    """Give a way to type a command; the environment says which account it is."""
    return lambda *words: CliRunner().invoke(main, [*words])


@pytest.fixture
def told(account: Account) -> dict[str, Any]:
    """Seal a bucket that had no policy, and give the alert of it."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    account.deliver(CHANGED)
    (alert,) = account.alerts()
    return alert


def has_policy() -> bool:
    """Say whether the bucket is sealed."""
    try:
        return bool(boto3.client("s3").get_bucket_policy(Bucket=BUCKET))
    except boto3.client("s3").exceptions.ClientError:
        return False


def commands(alert: dict[str, Any]) -> list[list[str]]:
    """Return what the letter says to type."""
    return [shlex.split(line)[1:] for line in letter(alert).splitlines() if line.strip().startswith("pipeseal ")]


# ------------------------------------------------------------------------ undo


def test_the_letters_own_words_work(account: Account, run: Run, told: dict[str, Any]) -> None:
    """Copied from the alert into a shell, both commands do what the alert says."""
    undo, exempt = commands(told)
    assert run(*exempt).exit_code == 0
    done = run(*undo)
    assert done.exit_code == 0, done.output
    assert not has_policy()
    assert account.deliver(CHANGED)[0]["action"] == "exempt"


def test_undo_says_what_it_did(account: Account, run: Run, told: dict[str, Any]) -> None:
    """What was written, from what it is excused until when, and how to have it back."""
    result = run("undo", told["id"], *GROUNDS)
    (exemption,) = json.loads(run("exempt", "list", "--format", "json").stdout)["exemptions"]
    assert result.output.splitlines() == [
        f"Bucket {BUCKET} is as it was before {told['id']}:",
        "  bucket policy: deleted, for there was none",
        f"Excused until {datetime.fromisoformat(exemption['until']):%Y-%m-%d %H:%M} UTC from:",
        f"  S3.TLS   {exemption['id']}",
        f"Recorded as {account.entries()[-1]['id']}. To have it put right again:",
        f"  pipeseal exempt end {exemption['id']}",
    ]


def test_undo_for_machines(account: Account, run: Run, told: dict[str, Any]) -> None:
    """The same as JSON."""
    said = json.loads(run("undo", told["id"], *GROUNDS, "--format", "json").stdout)
    assert {name: said[name] for name in ("undoes", "resource", "action", "dry_run", "steps", "ledger_id")} == {
        "undoes": told["id"],
        "resource": ARN,
        "action": "undone",
        "dry_run": False,
        "steps": ["bucket policy: deleted, for there was none"],
        "ledger_id": account.entries()[-1]["id"],
    }
    assert [(each["control"], each["owner"]) for each in said["exemptions"]] == [("S3.TLS", "ada")]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_dry_run_writes_nothing(account: Account, run: Run, told: dict[str, Any], form: str) -> None:
    """It reads, and says what would be done."""
    with account.calls() as calls:
        result = run("undo", told["id"], *GROUNDS, "--dry-run", "--format", form)
    assert result.exit_code == 0
    assert "bucket policy: deleted" in result.output
    assert [call for call in writes(calls) if call != "Query"] == []
    assert has_policy()


def test_a_later_change_needs_force(run: Run, told: dict[str, Any]) -> None:
    """Refused with exit status 2 and the way out; --force takes it."""
    policy = json.loads(boto3.client("s3").get_bucket_policy(Bucket=BUCKET)["Policy"])
    later = {"Sid": "Later", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ARN}
    policy["Statement"].append(later)
    boto3.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    refused = run("undo", told["id"], *GROUNDS)
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert has_policy()
    assert run("undo", told["id"], *GROUNDS, "--force").exit_code == 0
    assert not has_policy()


# ---------------------------------------------------------------------- exempt


def test_an_exemption_is_made_listed_and_ended(account: Account, run: Run, told: dict[str, Any]) -> None:
    """While it is there the bucket is left; afterwards it is sealed again."""
    assert run("exempt", "list").output == "There are no exemptions.\n"
    made = json.loads(
        run("exempt", "add", "--control", "S3.*", "--resource", f"{ARN}*", *GROUNDS, "--format", "json").stdout
    )
    boto3.client("s3").delete_bucket_policy(Bucket=BUCKET)
    assert account.deliver(CHANGED)[0]["exemptions"] == [made["id"]]
    assert not has_policy()
    listed = run("exempt", "list").output.splitlines()
    assert listed[0] == f"{made['id']}  S3.* on {ARN}*"
    assert listed[1].endswith("UTC; ada: no TLS there")
    ended = run("exempt", "end", made["id"])
    assert (ended.exit_code, ended.output.splitlines()[0]) == (0, f"Ended: S3.* on {ARN}*")
    assert account.deliver(CHANGED)[0]["action"] == "remediated"
    assert has_policy()
    assert told["id"]


def test_exempt_dry_runs_write_nothing(account: Account, run: Run) -> None:
    """Neither to add nor to end."""
    words = ("exempt", "add", "--control", "S3.TLS", "--resource", ARN, *GROUNDS)
    made = json.loads(run(*words, "--format", "json").stdout)
    with account.calls() as calls:
        assert "Nothing was written" in run(*words, "--dry-run").output
        assert "Nothing was written" in run("exempt", "end", made["id"], "--dry-run").output
    assert not writes(calls)


def test_an_ended_one_is_listed_as_such(run: Run, account: Account) -> None:
    """It excuses nobody any more and stays to be seen."""
    soon = (datetime.now(UTC) + timedelta(seconds=0.3)).isoformat()
    words = ("--owner", "ada", "--reason", "a moment", "--until", soon)
    assert run("exempt", "add", "--control", "*", "--resource", "*", *words).exit_code == 0
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    while not json.loads(run("exempt", "list", "--format", "json").stdout)["exemptions"][0]["ended"]:
        assert not has_policy()
    assert "  ended " in run("exempt", "list").output
    assert account.deliver(CHANGED)[0]["action"] == "remediated"


# ------------------------------------------------------------------- bad input

ADD = ("exempt", "add", "--control", "S3.TLS", "--resource", ARN)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("undo", "20261121T092958Z-0123456789", *GROUNDS), "20261121T092958Z-0123456789"),
        (("undo", "x", "--owner", "ada", "--reason", "why"), "--until"),
        (("undo", "x", "--owner", "ada", "--until", "30d"), "--reason"),
        (("undo", "x", "--reason", "why", "--until", "30d"), "--owner"),
        (("undo", *GROUNDS), "LEDGER_ID"),
        (("undo", "x", "--owner", "ada", "--reason", "why", "--until", "soon"), "'soon' is no end"),
        ((*ADD, "--owner", "ada", "--reason", "why", "--until", "2020-01-01"), "2020-01-01T23:59:59+00:00 is past"),
        ((*ADD, "--owner", "ada", "--reason", "why", "--until", "2099-01-01T00:00"), "no time zone"),
        ((*ADD, "--owner", " ", "--reason", "why", "--until", "30d"), "owner: is blank"),
        ((*ADD, "--owner", "ada", "--reason", "a\nb", "--until", "30d"), "reason: 'a\\nb'"),
        (("exempt", "add", "--control", "S3.TSL", "--resource", ARN, *GROUNDS), "control: 'S3.TSL'"),
        (("exempt", "add", "--control", "S3.TLS", "--resource", BUCKET, *GROUNDS), f"resource: '{BUCKET}'"),
        (("exempt", "end", "ex-20261121-01234567"), "ex-20261121-01234567"),
        (("exempt", "list", "--profile", "nobody"), "nobody"),
        (("exempt", "list", "--format", "yaml"), "yaml"),
        (("exempt", "list", "--endpoint-url", "here"), "'here' is no URL"),
        (("exempt", "list", "--region", "no where"), "no where"),
    ],
)
def test_bad_input_is_named(run: Run, words: tuple[str, ...], names: str) -> None:
    """Exit status 2, nothing on stdout, and the thing in the message."""
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert names in result.stderr


def test_a_region_is_wanted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing says where the stack is."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    result = run("exempt", "list")
    assert (result.exit_code, "--region" in result.stderr) == (2, True)
    assert run("exempt", "list", "--region", REGION).exit_code == 0


def test_a_stack_that_is_not_there_is_named(run: Run) -> None:
    """What AWS refuses has exit status 3, and says which table was asked for."""
    result = run("exempt", "list", "--stack", "elsewhere")
    assert result.exit_code == 3
    assert "AWS refused GetItem: ResourceNotFoundException" in result.stderr
    assert "elsewhere-ledger" in result.stderr


def test_an_endpoint_that_does_not_answer_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a traceback."""
    monkeypatch.setattr("pipeseal.aws.sessions.CONFIG", Config(retries={"total_max_attempts": 1}))
    result = run("exempt", "list", "--endpoint-url", "http://127.0.0.1:9")
    assert result.exit_code == 3
    assert "http://127.0.0.1:9" in result.stderr
