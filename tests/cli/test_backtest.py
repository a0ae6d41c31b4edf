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
    from tests.fake_account import FakeAccount


def run(*arguments: str | Path, stdin: bytes = b"") -> Result:
    """Run the command."""
    return CliRunner().invoke(backtest, [str(each) for each in arguments], input=stdin)


def document(*arguments: str | Path, stdin: bytes = b"") -> dict[str, Any]:
    """Run the command and return what it prints as JSON."""
    found: dict[str, Any] = json.loads(run("--format", "json", *arguments, stdin=stdin).stdout)
    return found


def test_json_has_the_whole_result(tmp_path: Path) -> None:
    """The JSON has the counts by control and actor, the resources, the loops and the errors of all files."""
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
    assert [(loop["resource"], loop["actors"], loop["wars"], loop["broken"]) for loop in found["wars"]] == [
        (HARBOR, ["tomas via Terraform"], 1, 1)
    ]
    (error,) = found["errors"]
    assert error["file"] == str(tmp_path / "3.json.gz")
    assert "truncated" in error["error"]


@pytest.mark.parametrize(
    ("records", "status"),
    [
        pytest.param([put_policy(READER)], 1, id="violation"),
        pytest.param([put_policy(TLS)], 0, id="compliant"),
        pytest.param([], 0, id="no records"),
    ],
)
def test_the_exit_status_is_1_for_violations(tmp_path: Path, records: list[dict[str, Any]], status: int) -> None:
    """The exit status is 1 where a resource would have been in violation, otherwise 0."""
    assert run(written(tmp_path, *records)).exit_code == status


def test_text_has_no_control_characters(tmp_path: Path) -> None:
    """Names of files and actors are printed without control characters, with the result and its basis."""
    actor = {"type": "IAMUser", "userName": "to\x1b[31mmas"}
    written(tmp_path, put_policy(READER, userIdentity=actor), name="odd\x1b[2J.json.gz")
    (tmp_path / "broken\x07.json").write_text("{")
    result = run(tmp_path)
    assert "\x1b" not in result.output
    assert "\x07" not in result.output
    for text in (
        "S3.TLS",
        "based on the request alone",
        "1 record in 2 files",
        "1 resource would have been in violation",
    ):
        assert text in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give the PATH"),
        (("nowhere.json.gz",), "no such file"),
        (("-", "--lookup-events"), "give the PATH"),
        (("--lookup-events", "--since", "91d"), "--since"),
        (("--lookup-events", "--since", "yesterday"), "--since"),
        (("s3://",), "names no bucket"),
        (("-", "--parameter", "Colour=blue"), "Colour"),
        (("-", "--parameter", "EncryptionScope=some"), "ENCRYPTION_SCOPE"),
        (("-", "--endpoint-url", "localhost"), "is not a URL"),
    ],
)
def test_bad_input_is_status_2(arguments: tuple[str, ...], message: str) -> None:
    """Bad input ends with exit status 2 and a message that names it."""
    result = run(*arguments, stdin=packed([]))
    assert (result.exit_code, message in result.output) == (2, True), result.output


def test_unreadable_files_alone_are_status_2(tmp_path: Path) -> None:
    """Where no record could be read, the exit status is 2 and the file is listed."""
    (tmp_path / "foreign.json").write_text('{"Items": []}')
    result = run(tmp_path)
    assert result.exit_code == 2
    assert "NOT READ" in result.output


def test_standard_input_and_parameters() -> None:
    """A dash reads standard input; --parameter sets a parameter of the stack."""
    data = packed([put_policy(READER)])
    assert document("-", stdin=data)["by_control"]["S3.TLS"]["remediated"] == 1
    detected = document("-", "--parameter", "Mode=detect", stdin=data)
    assert detected["by_control"]["S3.TLS"]["detected"] == 1


def test_s3_prefixes(account: FakeAccount) -> None:
    """The log files under an S3 prefix are read; a bucket that does not exist is exit status 3."""
    boto3.client("s3").create_bucket(Bucket="trail-logs")
    boto3.client("s3").put_object(Bucket="trail-logs", Key="a/b.json.gz", Body=packed([put_policy(READER)]))
    assert document("s3://trail-logs/a")["resources_in_violation"] == 1
    failed = run("s3://elsewhere/a")
    assert failed.exit_code == 3
    assert "NoSuchBucket" in failed.output


def test_the_event_history_is_a_source(account: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """--lookup-events replays the records in CloudTrail's event history."""
    monkeypatch.setattr(lookup, "event_names", lambda: ["PutBucketPolicy"])
    text = json.dumps(put_policy(READER))
    requests = []

    def lookup_events(_client: object, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        requests.append((operation, request["LookupAttributes"]))
        return {"Events": [{"CloudTrailEvent": text}]}

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", lookup_events)
    found = document("--lookup-events", "--since", "7d")
    assert (found["records"], found["resources_in_violation"]) == (1, 1)
    assert requests == [("LookupEvents", [{"AttributeKey": "EventName", "AttributeValue": "PutBucketPolicy"}])]


def test_malformed_records_are_errors(tmp_path: Path) -> None:
    """A record with an invalid field is left out and reported; the other records are replayed."""
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


def test_a_time_without_an_offset_is_in_utc(tmp_path: Path) -> None:
    """A record whose eventTime has no UTC offset is replayed among the others, and the period is in UTC."""
    written(tmp_path, put_policy(READER, eventTime="2026-03-02T08:00:00"), put_policy(READER))
    found = document(tmp_path)
    assert found["errors"] == []
    assert found["period"] == {"first": "2026-03-02T08:00:00+00:00", "last": "2026-03-02T09:00:00+00:00"}


def test_text_lists_remediation_loops(tmp_path: Path) -> None:
    """A control that would have been suspended is listed with its actors and the violations since then."""
    written(tmp_path, *(put_policy(READER, minute=minute) for minute in (0, 10, 20, 30, 40)))
    text = " ".join(run(tmp_path).output.split())
    assert "REMEDIATION LOOPS" in text
    assert "S3.TLS: 2 violations since the suspension, by tomas" in text
    assert "3 remediated, 2 suspended, 1 loop" in text
