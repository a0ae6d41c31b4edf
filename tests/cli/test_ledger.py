"""`pipeseal history`, `show`, `apply` and `resume`: the output and the exit status."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result
from tests.fake_account import ACCOUNT, REGION, FakeAccount, event, writes

from pipeseal.cli import main
from pipeseal.runtime import Runtime

BUCKET = "harbor"
ARN = f"arn:aws:s3:::{BUCKET}"
GROUNDS = ("--owner", "ada", "--reason", "no TLS there", "--until", "30d")
Run = Callable[..., Result]


@pytest.fixture
def run(account: FakeAccount) -> Run:
    """Return a function that runs a command in the account of the environment."""
    return lambda *words: CliRunner().invoke(main, [*words])


def unprotected(name: str) -> dict[str, Any]:
    """Create a bucket without a policy; return the event of the call that deleted the policy, one minute old."""
    boto3.client("s3").create_bucket(Bucket=name)
    deleted = event("DeleteBucketPolicy", {"bucketName": name})
    deleted["detail"]["eventTime"] = f"{datetime.now(UTC) - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
    return deleted


@pytest.fixture
def remediated(account: FakeAccount) -> str:
    """Let pipeseal remediate a bucket; return the ID of the ledger entry."""
    return str(account.deliver(unprotected(BUCKET))[0]["ledger_id"])


@pytest.fixture
def proposed(account: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let pipeseal check a bucket in detect mode; return the ID of the ledger entry."""
    monkeypatch.setenv("MODE", "detect")
    return str(account.deliver(unprotected(BUCKET))[0]["ledger_id"])


def parsed(result: Result) -> dict[str, Any]:
    """Return the JSON output of a command that succeeded."""
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def printed_command(output: str, name: str) -> list[str]:
    """Return the arguments of the only `pipeseal NAME` command in *output*, as a shell splits them."""
    (command,) = [line.strip() for line in output.splitlines() if line.strip().startswith(f"pipeseal {name}")]
    return shlex.split(command)[1:]


# --------------------------------------------------------------------- history


def test_history_shows_what_happened(run: Run, remediated: str) -> None:
    """An entry has time, resource, outcome, ID, control, actor and call."""
    first, second = run("history").output.splitlines()
    assert first.startswith("✓ 20")
    assert first.endswith(" UTC  bucket harbor  remediated")
    assert second == f"  {remediated}  S3.TLS  by ada, DeleteBucketPolicy"


def test_history_as_json(account: FakeAccount, run: Run, remediated: str) -> None:
    """Entries are listed newest first up to the limit, with the total number."""
    undone = parsed(run("undo", remediated, *GROUNDS, "--format", "json"))["ledger_id"]
    document = parsed(run("history", "--format", "json"))
    assert [(each["id"], each["action"]) for each in document["entries"]] == [
        (undone, "undone"),
        (remediated, "remediated"),
    ]
    assert (document["entries"][0]["undoes"], document["entries"][1]["undone_by"]) == (remediated, undone)
    assert document["entries"][1]["actor"]["name"] == "ada"
    limited = parsed(run("history", "--limit", "1", "--format", "json"))
    assert (len(limited["entries"]), limited["total"]) == (1, 2)
    assert "1 older entry is not shown; use --limit 2 to list all." in run("history", "--limit", "1").output


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((ARN,), 1),
        ((BUCKET,), 1),
        (("har*",), 1),
        (("arn:aws:s3:::*",), 2),
        (("Harbor",), 0),
        (("--since", "1h"), 2),
        ((f"{ARN}", "--since", "1h"), 1),
    ],
)
def test_history_is_filtered(
    account: FakeAccount, run: Run, remediated: str, words: tuple[str, ...], found: int
) -> None:
    """Entries are selected by ARN, name, pattern and age; names are case-sensitive."""
    account.deliver(unprotected("quay"))
    assert parsed(run("history", *words, "--format", "json"))["total"] == found


def test_an_old_entry_is_not_listed(account: FakeAccount, run: Run) -> None:
    """The age of an entry is the age of the call."""
    deleted = unprotected(BUCKET)
    deleted["detail"]["eventTime"] = "2020-01-01T00:00:00Z"
    account.deliver(deleted)
    assert run("history", "--since", "7d").output == "No matching entries in the ledger.\n"
    assert parsed(run("history", "--format", "json"))["total"] == 1


def test_an_entry_without_an_outcome_is_incomplete(account: FakeAccount, run: Run, remediated: str) -> None:
    """An entry that no invocation closed is shown as incomplete, with an empty action in JSON."""
    boto3.client("dynamodb").update_item(
        TableName="pipeseal-ledger",
        Key={"resource": {"S": ARN}, "id": {"S": remediated}},
        UpdateExpression="REMOVE outcome, closed",
    )
    assert "incomplete: the function stopped before recording a result" in run("history").output
    assert parsed(run("history", "--format", "json"))["entries"][0]["action"] == ""
    assert parsed(run("show", remediated, "--format", "json"))["closed"] is None


# ------------------------------------------------------------------------ show


def test_show_has_all_details(run: Run, remediated: str) -> None:
    """The output has actor, finding, diff, and a command that undoes the entry when it is pasted."""
    output = run("show", remediated).output
    for part in (
        "✓ Bucket harbor  remediated",
        f"entry     {remediated}",
        f"resource  {ARN}",
        "ada, DeleteBucketPolicy at 20",
        f"arn:aws:iam::{ACCOUNT}:user/ada",
        "S3.TLS  (enforce)",
        "no statement denies",
        "bucket policy: DenyInsecureConnections added, all else kept",
        '+       "Sid": "DenyInsecureConnections",',
    ):
        assert part in output
    assert run(*printed_command(output, "undo")).exit_code == 0
    output = run("show", remediated).output
    assert "✓ Bucket harbor  remediated; undone by an operator" in output
    assert "Undone by" in output
    assert "pipeseal undo" not in output


def test_an_undo_shows_how_to_end_its_exemptions(run: Run, remediated: str) -> None:
    """The printed command ends the exemption when it is pasted."""
    undone = parsed(run("undo", remediated, *GROUNDS, "--format", "json"))["ledger_id"]
    output = run("show", undone).output
    assert "↶ Bucket harbor  undone by an operator" in output
    assert run(*printed_command(output, "exempt end")).exit_code == 0
    assert run("exempt", "list").output == "There are no exemptions.\n"


def test_show_as_json(run: Run, proposed: str) -> None:
    """The document has the states, the findings and the commands."""
    document = parsed(run("show", proposed, "--format", "json"))
    assert (document["action"], document["kind"], document["undo"]) == ("detected", "bucket", "")
    assert document["apply"] == f"pipeseal apply {proposed}"
    assert (document["before"]["policy"], document["after"]["policy"]) == (None, None)
    assert document["wanted"]["policy"]["Statement"][0]["Sid"] == "DenyInsecureConnections"
    assert document["proposed"] == ["bucket policy: DenyInsecureConnections added, all else kept"]
    assert [finding["control"] for finding in document["findings"]] == ["S3.TLS"]


def test_printed_commands_keep_the_target_options(run: Run, remediated: str) -> None:
    """Options that select the stack are repeated, quoted for a shell, so that the command finds the same ledger."""
    options = ("--region", REGION, "--stack", "pipeseal")
    undo = printed_command(run("show", remediated, *options).output, "undo")
    assert undo[-4:] == [*options]
    assert parsed(run("show", remediated, *options, "--format", "json"))["undo"].endswith(" ".join(options))
    assert "--region" not in run("show", remediated).output, "the environment has the Region"
    assert run(*undo).exit_code == 0


def test_control_characters_of_an_event_never_reach_the_terminal(account: FakeAccount, run: Run) -> None:
    """Actor and call are text that was written outside pipeseal."""
    deleted = unprotected(BUCKET)
    deleted["detail"]["userIdentity"]["userName"] = "\x1b]0;owned\x07ada\r"
    entry = account.deliver(deleted)[0]["ledger_id"]
    for words in (("history",), ("show", entry)):
        output = run(*words).output
        assert "ada" in output
        assert not {"\x1b", "\x07", "\r"} & set(output)


# ----------------------------------------------------------------------- apply


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_dry_run_of_apply_writes_nothing(account: FakeAccount, run: Run, proposed: str, form: str) -> None:
    """The command only reads, and shows what would be done."""
    with account.calls() as calls:
        result = run("apply", proposed, "--dry-run", "--format", form)
    assert result.exit_code == 0
    assert "DenyInsecureConnections added" in result.output
    assert [call for call in writes(calls) if call != "Query"] == []


def test_apply_shows_what_it_did(account: FakeAccount, run: Run, proposed: str) -> None:
    """The output has the steps and a command that undoes them; the ledger names the caller that STS returns."""
    result = run("apply", proposed)
    own = account.entries()[-1]["id"]
    assert result.output.splitlines() == [
        f"Applied the proposal of {proposed} to bucket harbor:",
        "  bucket policy: DenyInsecureConnections added, all else kept",
        f"Recorded as {own}. To undo it:",
        f"  pipeseal undo {own} --owner 'WHO' --reason 'WHY' --until 30d",
    ]
    actor = parsed(run("show", own, "--format", "json"))["actor"]
    caller = boto3.client("sts").get_caller_identity()["Arn"]
    assert (actor["type"], actor["arn"], actor["name"]) == ("operator", caller, caller.rpartition("/")[2])
    assert "✓ Bucket harbor  remediated by an operator" in run("show", own).output
    assert "not changed; subscribers notified; applied by an operator" in run("show", proposed).output
    assert run(*printed_command(result.output, "undo")).exit_code == 0
    again = run("apply", proposed)
    assert (again.exit_code, "was already applied by" in again.stderr) == (2, True)


# ---------------------------------------------------------------------- resume


def suspend(runtime: Runtime, *controls: str, ago: timedelta = timedelta(0)) -> None:
    """Record that *controls* are suspended for the bucket, and were last violated that long ago."""
    runtime.ledger.records.set_suspended(ARN, dict.fromkeys(controls, datetime.now(UTC) - ago))


def test_resume_lists_the_suspended_controls(runtime: Runtime, run: Run) -> None:
    """A control is listed, with a command that resumes it, until one hour has passed without a violation."""
    assert run("resume").output == "No controls are suspended.\n"
    suspend(runtime, "S3.TLS")
    assert [(each["resource"], each["control"]) for each in parsed(run("resume", "--format", "json"))["wars"]] == [
        (ARN, "S3.TLS")
    ]
    output = run("resume").output
    assert output.splitlines()[0].startswith(f"S3.TLS on {ARN}: last violated at 20")
    assert run(*printed_command(output, "resume")).output.splitlines()[-1].startswith("Resumed: ")
    assert run("resume").output == "No controls are suspended.\n"
    suspend(runtime, "S3.TLS", ago=timedelta(hours=2))
    assert parsed(run("resume", "--format", "json"))["wars"] == []


@pytest.mark.parametrize("resource", [ARN, BUCKET, "har*"])
def test_resume_ends_a_suspension(account: FakeAccount, runtime: Runtime, run: Run, resource: str) -> None:
    """A dry run does not end it; afterwards the next event is remediated."""
    deleted = unprotected(BUCKET)
    suspend(runtime, "S3.TLS", "S3.SSE_UPLOADS")
    assert account.deliver(deleted)[0]["action"] == "known"
    assert parsed(run("resume", resource, "--dry-run", "--format", "json"))["resumed"] is False
    assert runtime.ledger.records.get(ARN).suspended
    assert parsed(run("resume", resource, "--format", "json"))["resumed"] is True
    assert account.deliver(deleted)[0]["action"] == "remediated"


def test_resume_of_one_control_keeps_the_others_suspended(runtime: Runtime, run: Run) -> None:
    """--control limits the command to one control, in any case."""
    suspend(runtime, "S3.TLS", "S3.SSE_UPLOADS")
    assert run("resume", BUCKET, "--control", "s3.tls").exit_code == 0
    assert set(runtime.ledger.records.get(ARN).suspended) == {"S3.SSE_UPLOADS"}


# --------------------------------------------------------------- invalid input


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("show", "20261121T092958Z-0123456789"), "20261121T092958Z-0123456789"),
        (("show", "20261121T092958Z-0123456789"), "pipeseal history lists"),
        (("show", "\x1b[31m"), "holds no such entry"),
        (("apply", "x"), "holds no such entry"),
        (("history", "--since", "soon"), "'soon' is not a duration; write 12h, 30d or 4w"),
        (("history", "--since", "0d"), "'0d' is not a duration"),
        (("history", "--limit", "0"), "--limit"),
        (("resume", "nowhere"), "nowhere: no control is suspended for it"),
        (("resume", "nowhere", "--control", "S3.TLS"), "nowhere: S3.TLS is not suspended for it"),
        (("resume", "\x1b[31m"), "no control is suspended for it"),
        (("resume", "nowhere", "--control", "S3.TSL"), "S3.TLS"),
        (("redrive", "--limit", "3"), "--limit"),
    ],
)
def test_invalid_input_is_named(run: Run, words: tuple[str, ...], message: str) -> None:
    """The exit status is 2, stdout is empty, and the error names the input, printably, and what to do."""
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in " ".join(result.stderr.split())
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize("words", [("history",), ("show", "20261121T092958Z-0123456789"), ("resume",)])
def test_a_missing_stack_is_named(run: Run, words: tuple[str, ...]) -> None:
    """A call that AWS refuses is exit status 3, and the error names the table."""
    result = run(*words, "--stack", "elsewhere", "--region", REGION)
    assert (result.exit_code, "elsewhere-ledger" in result.stderr) == (3, True)
