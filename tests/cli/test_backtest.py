"""`pipeseal backtest`: its options, output and exit status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from click.testing import CliRunner, Result
from tests.backtest.made_records import packed, record, written
from tests.backtest.test_replay import HARBOR, READER, TLS, pipeline, put_policy

from pipeseal.backtest import lookup
from pipeseal.cli.backtest import backtest

if TYPE_CHECKING:
    from tests.account import Account


def run(*arguments: str | Path, stdin: bytes = b"") -> Result:
    """Run the command."""
    return CliRunner().invoke(backtest, [str(each) for each in arguments], input=stdin)


def document(*arguments: str | Path, stdin: bytes = b"") -> dict[str, Any]:
    """Run the command and return what it prints as JSON."""
    found: dict[str, Any] = json.loads(run("--format", "json", *arguments, stdin=stdin).stdout)
    return found


def test_json_tells_all(tmp_path: Path) -> None:
    """The counts by control and by actor, the resources, the wars and the errors; times over all files."""
    noise = [record("PutKeyPolicy", eventID=f"noise-{number}") for number in range(20)]
    first = put_policy(READER, minute=0)
    later = [put_policy(READER, minute=minute, userAgent="Terraform/1.9") for minute in (10, 20, 30)]
    written(tmp_path, *noise, later[2], later[1], first, name="2.json.gz")
    written(tmp_path, *noise[:3], later[0], first, put_policy(READER, errorCode="AccessDenied"), name="1.json.gz")
    (tmp_path / "3.json.gz").write_bytes(packed([pipeline(minute=50)])[:40])
    found = document(tmp_path)
    assert (found["records"], found["files"], found["relevant"], found["resources_in_violation"]) == (29, 3, 4, 1)
    assert found["by_control"]["S3.TLS"] == {
        "severity": "high",
        "violations": 4,
        "resources": 1,
        "remediated": 3,
        "rejected": 0,
        "quarantined": 0,
        "detected": 0,
        "failed": 0,
        "escalated": 1,
        "wars": 1,
    }
    assert [(each["actor"], each["via"], each["violations"]) for each in found["by_actor"]] == [
        ("tomas", "Terraform", 3),
        ("tomas", "", 1),
    ]
    (resource,) = found["resources"]
    assert (resource["resource"], resource["controls"], resource["basis"]) == (HARBOR, ["S3.TLS"], "request")
    assert resource["actions"] == {"remediated": 3, "escalated": 1}
    assert (resource["first"], resource["last"]) == ("2026-03-02T09:00:00+00:00", "2026-03-02T09:30:00+00:00")
    assert [(war["resource"], war["actors"]) for war in found["wars"]] == [(HARBOR, ["tomas via Terraform"])]
    (error,) = found["errors"]
    assert error["file"] == str(tmp_path / "3.json.gz")
    assert "truncated" in error["error"]


@pytest.mark.parametrize(
    ("records", "status"),
    [
        pytest.param([put_policy(READER)], 1, id="violated"),
        pytest.param([put_policy(TLS)], 0, id="fine"),
        pytest.param([], 0, id="nothing happened"),
    ],
)
def test_the_exit_status_tells_violations(tmp_path: Path, records: list[dict[str, Any]], status: int) -> None:
    """0 where nothing would have been in violation, 1 where something would."""
    assert run(written(tmp_path, *records)).exit_code == status


def test_text_is_for_people_and_holds_nothing_raw(tmp_path: Path) -> None:
    """Names of files and people cannot move the cursor; the sum and the basis are said."""
    actor = {"type": "IAMUser", "userName": "to\x1b[31mmas"}
    written(tmp_path, put_policy(READER, userIdentity=actor), name="odd\x1b[2J.json.gz")
    (tmp_path / "broken\x07.json").write_text("{")
    result = run(tmp_path)
    assert "\x1b" not in result.output
    assert "\x07" not in result.output
    for said in ("S3.TLS", "from the request", "1 records in 2 files", "1 resource would have been in violation"):
        assert said in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give the PATH"),
        (("nowhere.json.gz",), "no such file"),
        (("-", "--lookup-events"), "give the PATH"),
        (("--lookup-events", "--since", "91d"), "--since"),
        (("--lookup-events", "--since", "yesterday"), "--since"),
        (("s3://",), "names no bucket"),
        (("-", "--parameter", "Colour=blue"), "Colour"),
        (("-", "--parameter", "EncryptionScope=some"), "ENCRYPTION_SCOPE"),
        (("-", "--endpoint-url", "localhost"), "is no URL"),
    ],
)
def test_bad_input_is_status_2(arguments: tuple[str, ...], said: str) -> None:
    """What makes no sense is named."""
    result = run(*arguments, stdin=packed([]))
    assert (result.exit_code, said in result.output) == (2, True), result.output


def test_nothing_but_unreadable_files_is_not_fine(tmp_path: Path) -> None:
    """Where no record could be read nobody knows what happened."""
    (tmp_path / "foreign.json").write_text('{"Items": []}')
    result = run(tmp_path)
    assert result.exit_code == 2
    assert "NOT READ" in result.output


def test_standard_input_and_parameters() -> None:
    """A dash reads standard input; parameters are those of the stack."""
    data = packed([put_policy(READER)])
    assert document("-", stdin=data)["by_control"]["S3.TLS"]["remediated"] == 1
    detected = document("-", "--parameter", "Mode=detect", stdin=data)
    assert detected["by_control"]["S3.TLS"]["detected"] == 1


def test_s3_and_what_it_refuses(account: Account) -> None:
    """A prefix is read as a folder is; a bucket that is not there is status 3."""
    boto3.client("s3").create_bucket(Bucket="trail-logs")
    boto3.client("s3").put_object(Bucket="trail-logs", Key="a/b.json.gz", Body=packed([put_policy(READER)]))
    assert document("s3://trail-logs/a")["resources_in_violation"] == 1
    refused = run("s3://elsewhere/a")
    assert refused.exit_code == 3
    assert "NoSuchBucket" in refused.output


def test_the_event_history_is_a_source(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """--lookup-events replays what CloudTrail itself remembers."""
    monkeypatch.setattr(lookup, "NAMES", ["PutBucketPolicy"])
    text = json.dumps(put_policy(READER))
    asked = []

    def lookup_events(_client: object, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        asked.append((operation, request["LookupAttributes"]))
        return {"Events": [{"CloudTrailEvent": text}]}

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", lookup_events)
    found = document("--lookup-events", "--since", "7d")
    assert (found["records"], found["resources_in_violation"]) == (1, 1)
    assert asked == [("LookupEvents", [{"AttributeKey": "EventName", "AttributeValue": "PutBucketPolicy"}])]


def test_records_that_cannot_be_judged_are_errors(tmp_path: Path) -> None:
    """A record with the wrong thing in the right place is left out and said; the rest is judged."""
    odd = [
        put_policy(READER, eventTime="yesterday"),
        put_policy(READER, eventID=None),
        record("PutBucketPolicy", {"bucketName": 7}),
        record("UpdateProject", {"name": "harbor"}, responseElements={"project": {"name": "harbor", "artifacts": "x"}}),
    ]
    written(tmp_path, *odd, put_policy(READER))
    found = document(tmp_path)
    assert (found["records"], found["resources_in_violation"]) == (5, 1)
    (error,) = found["errors"]
    assert "4 records" in error["error"]
