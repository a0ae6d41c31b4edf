"""Many log files: they are found, read by any number of processes, and sorted."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from tests.backtest.made_records import packed, record, written

from pipeseal.backtest import reading
from pipeseal.backtest.lookup import event_names, look_up
from pipeseal.backtest.ordering import RecordSorter
from pipeseal.backtest.reading import read
from pipeseal.backtest.sources import AwsOptions, NoLogFile, Source, find_sources
from pipeseal.kinds.cloudtrail import Malformed

if TYPE_CHECKING:
    from tests.fake_account import FakeAccount

DEFAULTS = AwsOptions()
DELIVERED = "AWSLogs/o-a1b2c3d4e5/123456789012/CloudTrail/eu-west-1/2026/03/02/log.json.gz"


def policies(*buckets: str) -> list[dict[str, Any]]:
    """Return a record of PutBucketPolicy for each bucket."""
    return [record("PutBucketPolicy", {"bucketName": bucket}) for bucket in buckets]


def test_a_folder_gives_its_log_files(tmp_path: Path) -> None:
    """Log files at any depth are found, in a stable order; digest files, other files and pipes are not."""
    for name in ("b/2.json.gz", "a/1.json", "a/notes.txt", "AWSLogs/1/CloudTrail-Digest/x/3.json.gz"):
        written(tmp_path, name=name)
    os.mkfifo(tmp_path / "pipe.json")
    names = [each.name for each in find_sources([str(tmp_path)], DEFAULTS) if isinstance(each, Source)]
    assert names == [str(tmp_path / "a/1.json"), str(tmp_path / "b/2.json.gz")]


def test_a_path_of_a_file_needs_no_suffix(tmp_path: Path) -> None:
    """A file that is given by its own path is a log file with any name."""
    file = written(tmp_path, name="log.txt")
    assert list(find_sources([str(file)], DEFAULTS)) == [Source(str(file), file.stat().st_size)]


@pytest.mark.parametrize("empty", ["", "nothing-here"])
def test_a_path_without_log_files_is_an_error(tmp_path: Path, empty: str) -> None:
    """A path that does not exist and a folder without log files raise NoLogFile."""
    with pytest.raises(NoLogFile, match=r"no such file|no log file found"):
        list(find_sources([str(tmp_path / empty)], DEFAULTS))


def test_the_delivery_path_has_account_and_region() -> None:
    """Account and Region are read from the path that CloudTrail delivers to; other paths have neither."""
    assert Source(f"s3://trail-logs/{DELIVERED}", 0).account_and_region == ("123456789012", "eu-west-1")
    assert Source("log.json.gz", 0).account_and_region == ("", "")


@pytest.fixture
def with_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use worker processes for small files too."""
    monkeypatch.setattr(reading, "_WORTH_WORKERS", 0)


def read_all(sources: list[Source], workers: int) -> tuple[int, list[bytes], list[tuple[int, str]]]:
    """Read *sources*; return the number of records, the changes in order, and (file, error) of each error."""
    portions = list(read(sources, DEFAULTS, workers))
    assert sorted(each.file for each in portions if each.ended) == list(range(len(sources)))
    changes = [(each.file, place, text) for each in portions for place, text in each.changes]
    errors = sorted((each.file, each.error) for each in portions if each.error)
    return sum(each.size for each in portions), [text for *_, text in sorted(changes)], errors


def test_the_number_of_processes_changes_nothing(tmp_path: Path, with_workers: None) -> None:
    """Three processes find the same records and errors as one."""
    for number in range(9):
        written(tmp_path, *policies(*(f"harbor-{number}-{each}" for each in range(40))), name=f"{number}.json.gz")
    (tmp_path / "4.json.gz").write_bytes(b"{}")
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere")
    sources = [each for each in find_sources([str(tmp_path)], DEFAULTS) if isinstance(each, Source)]
    alone = read_all(sources, 1)
    assert read_all(sources, 3) == alone
    assert alone[0] == len(alone[1]) == 320
    assert [number for number, _ in alone[2]] == [4, 9]
    assert "No such file" in alone[2][1][1]


def test_the_files_of_a_dead_process_are_errors(
    tmp_path: Path, with_workers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that a process was reading when it died is an error; the other process reads the rest."""
    for number in range(4):
        written(tmp_path, *policies("harbor"), name=f"{number}.json.gz")
    sources = [each for each in find_sources([str(tmp_path)], DEFAULTS) if isinstance(each, Source)]
    one = reading.portions

    def die_at_file_2(number: int, source: Source, account: AwsOptions) -> Iterator[Any]:
        if number == 2:
            os._exit(9)
        return one(number, source, account)

    monkeypatch.setattr(reading, "portions", die_at_file_2)
    size, _, errors = read_all(sources, 2)
    assert (2, "not read: its worker process died") in errors
    assert size + len(errors) == 4


def test_files_read_before_the_death_of_their_process_count(
    tmp_path: Path, with_workers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a job whose process dies, the files that it finished count; its other files and all later jobs are errors."""
    for number in range(40):
        written(tmp_path, *policies("harbor"), name=f"{number:02}.json.gz")
    sources = [each for each in find_sources([str(tmp_path)], DEFAULTS) if isinstance(each, Source)]
    one = reading.portions

    def die_at_file_4(number: int, source: Source, options: AwsOptions) -> Iterator[Any]:
        if number == 4:
            os._exit(9)
        return one(number, source, options)

    monkeypatch.setattr(reading, "_jobs", lambda *_: [[0, 1], [2, 3, 4, 5], list(range(6, 40))])
    monkeypatch.setattr(reading, "_PORTIONS_PER_MESSAGE", 1)
    monkeypatch.setattr(reading, "portions", die_at_file_4)
    size, changes, errors = read_all(sources, 1)
    assert (size, len(changes)) == (4, 4)
    died, not_started = "not read: its worker process died", "not read: every worker process died"
    assert errors == [(4, died), (5, died), *((number, not_started) for number in range(6, 40))]


def test_s3_gives_log_files(account: FakeAccount) -> None:
    """The log files under a prefix are listed and read; an object that cannot be read is an error of that file."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="trail-logs")
    s3.put_object(Bucket="trail-logs", Key=DELIVERED, Body=packed(policies("harbor")))
    s3.put_object(Bucket="trail-logs", Key=DELIVERED.replace("CloudTrail/", "CloudTrail-Digest/"), Body=b"{}")
    sources = [each for each in find_sources(["s3://trail-logs/AWSLogs/"], DEFAULTS) if isinstance(each, Source)]
    assert [each.name for each in sources] == [f"s3://trail-logs/{DELIVERED}"]
    s3.delete_object(Bucket="trail-logs", Key=sources[0].name.removeprefix("s3://trail-logs/"))
    s3.put_object(Bucket="trail-logs", Key="one.json.gz", Body=packed(policies("harbor")))
    size, changes, errors = read_all([*sources, Source("s3://trail-logs/one.json.gz", 9)], 1)
    assert (size, len(changes)) == (1, 1)
    assert [number for number, _ in errors] == [0]
    assert "NoSuchKey" in errors[0][1]
    with pytest.raises(NoLogFile, match="no log file"):
        list(find_sources(["s3://trail-logs/elsewhere/"], DEFAULTS))


def test_records_are_sorted_once() -> None:
    """Records are sorted by time across files; in one second a creation is first; a duplicate is dropped."""
    sorter = RecordSorter()
    late, early = record("PutBucketPolicy", {}, 2, eventID="late"), record("DeleteBucketPolicy", {}, 1, eventID="early")
    made = record("CreateBucket", {}, 1, eventID="made")
    for file, each in enumerate((late, early, made, late)):
        sorter.add(file, 0, _text(each))
    assert [file for file, _ in sorter] == [2, 1, 0]
    sorter.close()


def test_a_time_without_an_offset_is_sorted_as_utc() -> None:
    """A record whose eventTime has no UTC offset is sorted among the others as UTC."""
    times = ("2026-03-02T09:02:00Z", "2026-03-02T09:01:00", "2026-03-02T10:00:00+01:00")
    sorter = RecordSorter()
    for file, time in enumerate(times):
        sorter.add(file, 0, _text(record("PutBucketPolicy", {}, eventTime=time)))
    assert [file for file, _ in sorter] == [2, 1, 0]
    sorter.close()


@pytest.mark.parametrize(("field", "message"), [("eventID", "no eventID"), ("eventTime", "time is None")])
def test_a_record_without_id_or_time_is_malformed(field: str, message: str) -> None:
    """A record that cannot be sorted raises Malformed."""
    with pytest.raises(Malformed, match=message):
        RecordSorter().add(0, 0, _text({**record("PutBucketPolicy"), field: None}))


def _text(each: dict[str, Any]) -> bytes:
    return json.dumps(each).encode()


class EventHistory:
    """A CloudTrail client whose event history has pages of one event."""

    def __init__(self, *records: dict[str, Any]) -> None:
        self.records = records
        self.requests: list[dict[str, Any]] = []

    def lookup_events(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        (condition,) = request["LookupAttributes"]
        found = [each for each in self.records if each["eventName"] == condition["AttributeValue"]]
        at = int(request.get("NextToken", 0))
        events = [{"CloudTrailEvent": _text(each).decode()} for each in found[at : at + 1]]
        return {"Events": events} | ({"NextToken": str(at + 1)} if at + 1 < len(found) else {})


def test_the_event_history_is_read_within_its_quota() -> None:
    """All pages of each event name are read, at two requests per second, without other services' calls of that name."""
    namesake = record("CreateKey", eventSource="payment-cryptography.amazonaws.com")
    history = EventHistory(*policies("a", "b", "c"), namesake)
    now = [0.0]

    def pause(seconds: float) -> None:
        now[0] += seconds

    portions = list(look_up(history, datetime(2026, 3, 1, tzinfo=UTC), clock=lambda: now[0], sleep=pause))
    assert sum(each.size for each in portions) == 4
    assert [place for each in portions for place, _ in each.changes] == sorted(
        place for each in portions for place, _ in each.changes
    )
    assert len([text for each in portions for _, text in each.changes]) == 3
    assert len(history.requests) == len(event_names()) + 2
    assert now[0] == pytest.approx((len(history.requests) - 1) * 0.5)
