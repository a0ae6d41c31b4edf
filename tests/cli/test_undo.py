"""`pipeseal undo` and `pipeseal exempt`: the output and the exit status."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn, cast

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, NoCredentialsError, SSOTokenLoadError
from click.testing import CliRunner, Result
from tests.fake_account import REGION, FakeAccount, event, writes

from pipeseal.cli import main
from pipeseal.notify.email import alert_body

if TYPE_CHECKING:
    from pipeseal.notify.alert import Alert

BUCKET = "harbor"
ARN = f"arn:aws:s3:::{BUCKET}"
CHANGED = event("DeleteBucketPolicy", {"bucketName": BUCKET})
GROUNDS = ("--owner", "ada", "--reason", "no TLS there", "--until", "30d")
Run = Callable[..., Result]


@pytest.fixture
def run(account: FakeAccount) -> Run:
    """Return a function that runs a command in the account of the environment."""
    return lambda *words: CliRunner().invoke(main, [*words])


@pytest.fixture
def alerted(account: FakeAccount) -> dict[str, Any]:
    """Let pipeseal remediate a bucket without a policy; return the alert."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    account.deliver(CHANGED)
    (alert,) = account.alerts()
    return alert


def has_policy() -> bool:
    """Return whether the bucket has a policy."""
    try:
        return bool(boto3.client("s3").get_bucket_policy(Bucket=BUCKET))
    except boto3.client("s3").exceptions.ClientError:
        return False


def commands(alert: dict[str, Any]) -> list[list[str]]:
    """Return the arguments of each command in the email, as a shell splits them."""
    return [
        shlex.split(line)[1:]
        for line in alert_body(cast("Alert", alert)).splitlines()
        if line.strip().startswith("pipeseal ")
    ]


# ------------------------------------------------------------------------ undo


def test_the_commands_of_an_alert_work(account: FakeAccount, run: Run, alerted: dict[str, Any]) -> None:
    """Pasted from the email into a shell, both commands do what the alert says."""
    undo, exempt = commands(alerted)
    assert run(*exempt).exit_code == 0
    done = run(*undo)
    assert done.exit_code == 0, done.output
    assert not has_policy()
    assert account.deliver(CHANGED)[0]["action"] == "exempt"


def test_undo_shows_what_it_did(account: FakeAccount, run: Run, alerted: dict[str, Any]) -> None:
    """The output has the steps, the exemptions with their end, and a command that ends each when it is pasted."""
    result = run("undo", alerted["id"], *GROUNDS)
    (exemption,) = json.loads(run("exempt", "list", "--format", "json").stdout)["exemptions"]
    entry = account.entries()[-1]
    (step,) = entry["steps"]
    assert step.startswith("bucket policy: deleted")
    assert result.output.splitlines() == [
        f"Restored bucket {BUCKET} to its state before {alerted['id']}:",
        f"  {step}",
        f"Exempted until {datetime.fromisoformat(exemption['until']):%Y-%m-%d %H:%M} UTC from:",
        f"  S3.TLS   {exemption['id']}",
        f"Recorded as {entry['id']}. To have it remediated again:",
        f"  pipeseal exempt end {exemption['id']}",
    ]
    assert run(*shlex.split(result.output.splitlines()[-1])[1:]).exit_code == 0
    assert account.deliver(CHANGED)[0]["action"] == "remediated"


def test_undo_as_json(account: FakeAccount, run: Run, alerted: dict[str, Any]) -> None:
    """The document has the same facts as the text."""
    document = json.loads(run("undo", alerted["id"], *GROUNDS, "--format", "json").stdout)
    assert {name: document[name] for name in ("undoes", "resource", "action", "dry_run", "steps", "ledger_id")} == {
        "undoes": alerted["id"],
        "resource": ARN,
        "action": "undone",
        "dry_run": False,
        "steps": account.entries()[-1]["steps"],
        "ledger_id": account.entries()[-1]["id"],
    }
    assert [(each["control"], each["owner"]) for each in document["exemptions"]] == [("S3.TLS", "ada")]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_dry_run_writes_nothing(account: FakeAccount, run: Run, alerted: dict[str, Any], form: str) -> None:
    """The command only reads, and shows what would be done."""
    with account.calls() as calls:
        result = run("undo", alerted["id"], *GROUNDS, "--dry-run", "--format", form)
    assert result.exit_code == 0
    assert "bucket policy: deleted" in result.output
    assert [call for call in writes(calls) if call != "Query"] == []
    assert has_policy()


def test_a_later_change_requires_force(run: Run, alerted: dict[str, Any]) -> None:
    """Without --force the exit status is 2 and the error names the option; with it the bucket is restored."""
    policy = json.loads(boto3.client("s3").get_bucket_policy(Bucket=BUCKET)["Policy"])
    later = {"Sid": "Later", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ARN}
    policy["Statement"].append(later)
    boto3.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    refused = run("undo", alerted["id"], *GROUNDS)
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert has_policy()
    assert run("undo", alerted["id"], *GROUNDS, "--force").exit_code == 0
    assert not has_policy()


# ---------------------------------------------------------------------- exempt


def test_an_exemption_is_added_listed_and_ended(account: FakeAccount, run: Run, alerted: dict[str, Any]) -> None:
    """The bucket is not changed during the exemption, and is remediated after its end."""
    assert run("exempt", "list").output == "There are no exemptions.\n"
    added = json.loads(
        run("exempt", "add", "--control", "S3.*", "--resource", f"{ARN}*", *GROUNDS, "--format", "json").stdout
    )
    boto3.client("s3").delete_bucket_policy(Bucket=BUCKET)
    assert account.deliver(CHANGED)[0]["exemptions"] == [added["id"]]
    assert not has_policy()
    listed = run("exempt", "list").output.splitlines()
    assert listed[0] == f"{added['id']}  S3.* on {ARN}*"
    assert listed[1].endswith("UTC; ada: no TLS there")
    ended = run("exempt", "end", added["id"])
    assert (ended.exit_code, ended.output.splitlines()[0]) == (0, f"Ended: S3.* on {ARN}*")
    assert account.deliver(CHANGED)[0]["action"] == "remediated"
    assert has_policy()
    assert alerted["id"]


def test_exempt_dry_runs_write_nothing(account: FakeAccount, run: Run) -> None:
    """Adding and ending only read."""
    words = ("exempt", "add", "--control", "S3.TLS", "--resource", ARN, *GROUNDS)
    added = json.loads(run(*words, "--format", "json").stdout)
    with account.calls() as calls:
        assert "Nothing was written" in run(*words, "--dry-run").output
        assert "Nothing was written" in run("exempt", "end", added["id"], "--dry-run").output
    assert not writes(calls)


def test_an_ended_exemption_no_longer_applies(run: Run, account: FakeAccount) -> None:
    """It is listed as ended, and the bucket is remediated."""
    soon = (datetime.now(UTC) + timedelta(seconds=0.3)).isoformat()
    words = ("--owner", "ada", "--reason", "a moment", "--until", soon)
    assert run("exempt", "add", "--control", "*", "--resource", "*", *words).exit_code == 0
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    while not json.loads(run("exempt", "list", "--format", "json").stdout)["exemptions"][0]["ended"]:
        assert not has_policy()
    assert "  ended " in run("exempt", "list").output
    assert account.deliver(CHANGED)[0]["action"] == "remediated"


# ------------------------------------------------------------------- invalid input

ADD = ("exempt", "add", "--control", "S3.TLS", "--resource", ARN)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("undo", "20261121T092958Z-0123456789", *GROUNDS), "20261121T092958Z-0123456789"),
        (("undo", "x", "--owner", "ada", "--reason", "why"), "--until"),
        (("undo", "x", "--owner", "ada", "--until", "30d"), "--reason"),
        (("undo", "x", "--reason", "why", "--until", "30d"), "--owner"),
        (("undo", *GROUNDS), "LEDGER_ID"),
        (("undo", "x", "--owner", "ada", "--reason", "why", "--until", "soon"), "'soon' is not an end"),
        (
            (*ADD, "--owner", "ada", "--reason", "why", "--until", "2020-01-01"),
            "2020-01-01T23:59:59+00:00 is in the past",
        ),
        ((*ADD, "--owner", "ada", "--reason", "why", "--until", "2099-01-01T00:00"), "no time zone"),
        ((*ADD, "--owner", " ", "--reason", "why", "--until", "30d"), "owner: is blank"),
        ((*ADD, "--owner", "ada", "--reason", "a\nb", "--until", "30d"), "reason: 'a\\nb'"),
        (("exempt", "add", "--control", "S3.TSL", "--resource", ARN, *GROUNDS), "control: 'S3.TSL'"),
        (("exempt", "add", "--control", "S3.TLS", "--resource", BUCKET, *GROUNDS), f"resource: '{BUCKET}'"),
        (("exempt", "end", "ex-20261121-01234567"), "ex-20261121-01234567"),
        (("exempt", "list", "--profile", "missing"), "missing"),
        (("exempt", "list", "--format", "yaml"), "yaml"),
        (("exempt", "list", "--endpoint-url", "here"), "'here' is not a URL"),
        (("exempt", "list", "--region", "no where"), "no where"),
    ],
)
def test_invalid_input_is_named(run: Run, words: tuple[str, ...], message: str) -> None:
    """The exit status is 2, stdout is empty, and the error names the input."""
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_a_region_is_required(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a Region in options, environment or configuration the error names the option."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    result = run("exempt", "list")
    assert (result.exit_code, "--region" in result.stderr) == (2, True)
    assert run("exempt", "list", "--region", REGION).exit_code == 0


def test_a_missing_stack_is_named(run: Run) -> None:
    """A call that AWS refuses is exit status 3; the error has the call, the answer, the table and the options."""
    result = run("exempt", "list", "--stack", "elsewhere")
    assert result.exit_code == 3
    assert "AWS refused GetItem: ResourceNotFoundException" in result.stderr
    assert "elsewhere-ledger" in result.stderr
    assert "--stack, --region and --profile select others" in result.stderr


def test_an_unreachable_endpoint_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit status is 3, and the error has the URL instead of a traceback."""
    monkeypatch.setattr("pipeseal.aws.sessions.CONFIG", Config(retries={"total_max_attempts": 1}))
    result = run("exempt", "list", "--endpoint-url", "http://127.0.0.1:9")
    assert result.exit_code == 3
    assert "http://127.0.0.1:9" in result.stderr


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (NoCredentialsError(), "No AWS credentials. Use --profile or run aws sso login."),
        (
            ClientError({"Error": {"Code": "ExpiredTokenException", "Message": "expired"}}, "GetItem"),
            "Your AWS credentials are expired or invalid. Use --profile or run aws sso login.",
        ),
        (SSOTokenLoadError(error_msg="expired"), "Use --profile or run aws sso login."),
        (
            ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no\x1b[2J"}}, "GetItem"),
            "AWS refused GetItem: AccessDeniedException: no [2J\nThe command uses your own permissions",
        ),
    ],
)
def test_missing_credentials_and_permissions_are_explained(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    """The exit status is 3, and the error says what to do, without control characters."""

    def refuse(*_: object) -> NoReturn:
        raise error

    monkeypatch.setattr("pipeseal.ledger.exemption_store.ExemptionStore.all", refuse)
    result = run("exempt", "list")
    assert (result.exit_code, message in result.stderr) == (3, True)


def test_control_characters_of_an_exemption_never_reach_the_terminal(run: Run) -> None:
    """An exemption is refused where its text has characters that are not printable."""
    words = ("exempt", "add", "--control", "S3.TLS", "--resource", f"{ARN}\x1b[2J", *GROUNDS)
    result = run(*words)
    assert result.exit_code == 2
    assert "\x1b" not in result.output
