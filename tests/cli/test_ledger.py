"""`pipeseal history`, `show`, `apply` and `resume` as a person types them: what they say, and the exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result
from tests.account import ACCOUNT, ENVIRONMENT, REGION, Account, event, writes

from pipeseal.aws.clients import client
from pipeseal.aws.world import World
from pipeseal.cli import main

BUCKET = "harbor"
ARN = f"arn:aws:s3:::{BUCKET}"
GROUNDS = ("--owner", "ada", "--reason", "no TLS there", "--until", "30d")
Run = Callable[..., Result]


@pytest.fixture
def run(account: Account) -> Run:
    """Give a way to type a command; the environment says which account it is."""
    return lambda *words: CliRunner().invoke(main, [*words])


def opened(name: str) -> dict[str, Any]:
    """Make a bucket without a policy and the event of it, a minute ago."""
    boto3.client("s3").create_bucket(Bucket=name)
    made = event("DeleteBucketPolicy", {"bucketName": name})
    made["detail"]["eventTime"] = f"{datetime.now(UTC) - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
    return made


@pytest.fixture
def sealed(account: Account) -> str:
    """Seal a bucket; give the entry's id."""
    return str(account.deliver(opened(BUCKET))[0]["ledger_id"])


@pytest.fixture
def proposed(account: Account, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let detect mode see a bucket; give the entry's id."""
    monkeypatch.setenv("MODE", "detect")
    return str(account.deliver(opened(BUCKET))[0]["ledger_id"])


def said(result: Result) -> dict[str, Any]:
    """Return the JSON of a run that went well."""
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


# --------------------------------------------------------------------- history


def test_history_says_what_happened(run: Run, sealed: str) -> None:
    """When, to what, what came of it, by which control, and who; the id to go on with."""
    first, second = run("history").output.splitlines()
    assert first.startswith("✓ 20")
    assert first.endswith("  bucket harbor  put right")
    assert second == f"  {sealed}  S3.TLS  by ada, DeleteBucketPolicy"


def test_history_for_machines(account: Account, run: Run, sealed: str) -> None:
    """The newest first, as many as were asked for, and how many there are."""
    undone = said(run("undo", sealed, *GROUNDS, "--format", "json"))["ledger_id"]
    document = said(run("history", "--format", "json"))
    assert [(each["id"], each["action"]) for each in document["entries"]] == [
        (undone, "undone"),
        (sealed, "remediated"),
    ]
    assert (document["entries"][0]["undoes"], document["entries"][1]["undone_by"]) == (sealed, undone)
    assert document["entries"][1]["actor"]["name"] == "ada"
    cut = said(run("history", "--limit", "1", "--format", "json"))
    assert (len(cut["entries"]), cut["total"]) == (1, 2)
    assert "1 older ones: --limit 2" in run("history", "--limit", "1").output


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
def test_history_of_a_resource(account: Account, run: Run, sealed: str, words: tuple[str, ...], found: int) -> None:
    """By ARN, name or pattern, and no longer ago than asked."""
    account.deliver(opened("quay"))
    assert said(run("history", *words, "--format", "json"))["total"] == found


def test_an_old_entry_is_left_out(account: Account, run: Run) -> None:
    """The time is that of the call."""
    made = opened(BUCKET)
    made["detail"]["eventTime"] = "2020-01-01T00:00:00Z"
    account.deliver(made)
    assert run("history", "--since", "7d").output == "The ledger has no such entry.\n"
    assert said(run("history", "--format", "json"))["total"] == 1


# ------------------------------------------------------------------------ show


def test_show_tells_everything(run: Run, sealed: str) -> None:
    """Who, what was wrong, what was done line by line, and the way back as a command that works."""
    output = run("show", sealed).output
    for part in (
        "✓ Bucket harbor  put right",
        f"entry     {sealed}",
        f"resource  {ARN}",
        "ada, DeleteBucketPolicy at 20",
        f"arn:aws:iam::{ACCOUNT}:user/ada",
        "S3.TLS  (enforce)",
        "every request made in clear: no statement denies them.",
        "bucket policy: DenyInsecureConnections added, all else kept",
        '+       "Sid": "DenyInsecureConnections",',
    ):
        assert part in output
    (way,) = [line.strip() for line in output.splitlines() if line.strip().startswith("pipeseal undo")]
    assert run(*way.split()[1:]).exit_code == 0
    assert "it was taken back by" in run("show", sealed).output


def test_show_for_machines(run: Run, proposed: str) -> None:
    """The states, the findings and the commands."""
    document = said(run("show", proposed, "--format", "json"))
    assert (document["action"], document["kind"], document["undo"]) == ("detected", "bucket", "")
    assert document["apply"] == f"pipeseal apply {proposed}"
    assert (document["before"]["policy"], document["after"]["policy"]) == (None, None)
    assert document["wanted"]["policy"]["Statement"][0]["Sid"] == "DenyInsecureConnections"
    assert document["proposed"] == ["bucket policy: DenyInsecureConnections added, all else kept"]
    assert [finding["control"] for finding in document["findings"]] == ["S3.TLS"]


def test_what_others_named_reaches_no_terminal_raw(account: Account, run: Run) -> None:
    """Actor and call come from the event."""
    made = opened(BUCKET)
    made["detail"]["userIdentity"]["userName"] = "\x1b]0;owned\x07ada\r"
    identity = account.deliver(made)[0]["ledger_id"]
    for words in (("history",), ("show", identity)):
        assert not {"\x1b", "\x07", "\r"} & set(run(*words).output)


# ----------------------------------------------------------------------- apply


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_dry_run_of_apply_writes_nothing(account: Account, run: Run, proposed: str, form: str) -> None:
    """It reads, and says what would be done."""
    with account.calls() as calls:
        result = run("apply", proposed, "--dry-run", "--format", form)
    assert result.exit_code == 0
    assert "DenyInsecureConnections added" in result.output
    assert [call for call in writes(calls) if call != "Query"] == []


def test_apply_says_what_it_did(account: Account, run: Run, proposed: str) -> None:
    """What was written, and how it is taken back; the operator's name is AWS's own word."""
    result = run("apply", proposed)
    own = account.entries()[-1]["id"]
    assert result.output.splitlines() == [
        f"Bucket harbor is as {proposed} proposed:",
        "  bucket policy: DenyInsecureConnections added, all else kept",
        f"Recorded as {own}. To take it back: pipeseal undo {own}",
    ]
    assert said(run("show", own, "--format", "json"))["actor"]["type"] == "operator"
    assert run("undo", own, *GROUNDS).exit_code == 0
    again = run("apply", proposed)
    assert (again.exit_code, "carried out already" in again.stderr) == (2, True)


# ---------------------------------------------------------------------- resume


@pytest.fixture
def world(account: Account) -> World:
    """Give the world of an operator."""
    return World({name: ENVIRONMENT[name] for name in ("AWS_REGION", "LEDGER_TABLE", "ALERT_TOPIC_ARN")}, client)


def wage(world: World, *controls: str, ago: timedelta = timedelta(0)) -> None:
    """Let *controls* have given up on the bucket so long ago."""
    world.ledger.wage(ARN, dict.fromkeys(controls, datetime.now(UTC) - ago))


def test_resume_lists_the_wars(world: World, run: Run) -> None:
    """Those that go on; one that had a quiet hour is over."""
    assert run("resume").output == "Nobody is at war with pipeseal.\n"
    wage(world, "S3.TLS")
    assert [(war["resource"], war["control"]) for war in said(run("resume", "--format", "json"))["wars"]] == [
        (ARN, "S3.TLS")
    ]
    assert run("resume").output.splitlines()[0].startswith(f"S3.TLS on {ARN}: last seen broken at 20")
    wage(world, "S3.TLS", ago=timedelta(hours=2))
    assert said(run("resume", "--format", "json"))["wars"] == []


@pytest.mark.parametrize("resource", [ARN, BUCKET, "har*"])
def test_resume_ends_a_war(account: Account, world: World, run: Run, resource: str) -> None:
    """A dry run leaves it; afterwards the next event is put right again."""
    made = opened(BUCKET)
    wage(world, "S3.TLS", "S3.SSE_UPLOADS")
    assert account.deliver(made)[0]["action"] == "known"
    assert said(run("resume", resource, "--dry-run", "--format", "json"))["resumed"] is False
    assert world.ledger.memory(ARN).wars
    assert said(run("resume", resource, "--format", "json"))["resumed"] is True
    assert account.deliver(made)[0]["action"] == "remediated"


def test_resume_of_one_control_leaves_the_others(world: World, run: Run) -> None:
    """What somebody else's war is about stays theirs."""
    wage(world, "S3.TLS", "S3.SSE_UPLOADS")
    assert run("resume", BUCKET, "--control", "s3.tls").exit_code == 0
    assert set(world.ledger.memory(ARN).wars) == {"S3.SSE_UPLOADS"}


# ------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("show", "20261121T092958Z-0123456789"), "20261121T092958Z-0123456789"),
        (("show", "20261121T092958Z-0123456789"), "pipeseal history lists them"),
        (("show", "\x1b[31m"), "holds no such entry"),
        (("apply", "x"), "holds no such entry"),
        (("history", "--since", "soon"), "'soon' is no span"),
        (("history", "--since", "0d"), "'0d' is no span"),
        (("history", "--limit", "0"), "--limit"),
        (("resume", "nowhere"), "nowhere: nobody is at war over it"),
        (("resume", "nowhere", "--control", "S3.TSL"), "S3.TLS"),
        (("redrive", "--limit", "3"), "--limit"),
    ],
)
def test_bad_input_is_named(run: Run, words: tuple[str, ...], names: str) -> None:
    """Exit status 2, nothing on stdout, the thing and the way out in the message."""
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert names in " ".join(result.stderr.split())


@pytest.mark.parametrize("words", [("history",), ("show", "20261121T092958Z-0123456789"), ("resume",)])
def test_a_stack_that_is_not_there_is_named(run: Run, words: tuple[str, ...]) -> None:
    """What AWS refuses has exit status 3."""
    result = run(*words, "--stack", "elsewhere", "--region", REGION)
    assert (result.exit_code, "elsewhere-ledger" in result.stderr) == (3, True)
