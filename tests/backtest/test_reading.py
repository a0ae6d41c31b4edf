"""Many log files at once: found, read in any number of processes, put into order."""

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
from pipeseal.backtest.journal import Journal, Misshapen
from pipeseal.backtest.lookup import NAMES, looked_up
from pipeseal.backtest.reading import read
from pipeseal.backtest.sources import Account, NoSource, Source, found

if TYPE_CHECKING:
    from tests.account import Account as Stack

NOBODY = Account()
DELIVERED = "AWSLogs/o-a1b2c3d4e5/123456789012/CloudTrail/eu-west-1/2026/03/02/log.json.gz"


def policies(*buckets: str) -> list[dict[str, Any]]:
    """Make a record for each bucket."""
    return [record("PutBucketPolicy", {"bucketName": bucket}) for bucket in buckets]


def test_a_folder_gives_its_log_files_alone(tmp_path: Path) -> None:
    """Every log file at any depth counts, in an order that does not change; digests, notes and pipes do not."""
    for name in ("b/2.json.gz", "a/1.json", "a/notes.txt", "AWSLogs/1/CloudTrail-Digest/x/3.json.gz"):
        written(tmp_path, name=name)
    os.mkfifo(tmp_path / "pipe.json")
    names = [each.name for each in found([str(tmp_path)], NOBODY) if isinstance(each, Source)]
    assert names == [str(tmp_path / "a/1.json"), str(tmp_path / "b/2.json.gz")]


def test_a_file_that_is_named_is_read_whatever_its_name(tmp_path: Path) -> None:
    """Who names a file means it."""
    file = written(tmp_path, name="log.txt")
    assert list(found([str(file)], NOBODY)) == [Source(str(file), file.stat().st_size)]


@pytest.mark.parametrize("empty", ["", "nothing-here"])
def test_nothing_to_read_is_said(tmp_path: Path, empty: str) -> None:
    """A path that leads nowhere and a folder without log files are no result without violations."""
    with pytest.raises(NoSource, match=r"no such file|holds no log file"):
        list(found([str(tmp_path / empty)], NOBODY))


def test_the_oldest_records_are_of_the_account_in_their_path() -> None:
    """The path that CloudTrail delivers to names account and Region."""
    assert Source(f"s3://trail-logs/{DELIVERED}", 0).owner == ("123456789012", "eu-west-1")
    assert Source("log.json.gz", 0).owner == ("", "")


@pytest.fixture
def several(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let small files be worth processes."""
    monkeypatch.setattr(reading, "_WORTH_WORKERS", 0)


def whole(sources: list[Source], workers: int) -> tuple[int, list[bytes], list[tuple[int, str]]]:
    """Read all; say how many records there are, those that matter, and which file has what error."""
    portions = list(read(sources, NOBODY, workers))
    assert sorted(each.file for each in portions if each.ended) == list(range(len(sources)))
    telling = [(each.file, place, text) for each in portions for place, text in each.telling]
    errors = sorted((each.file, each.error) for each in portions if each.error)
    return sum(each.size for each in portions), [text for *_, text in sorted(telling)], errors


def test_any_number_of_processes_finds_the_same(tmp_path: Path, several: None) -> None:
    """Files are shared out, and what is found is what one process finds, errors too."""
    for number in range(9):
        written(tmp_path, *policies(*(f"harbor-{number}-{each}" for each in range(40))), name=f"{number}.json.gz")
    (tmp_path / "4.json.gz").write_bytes(b"{}")
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere")
    sources = [each for each in found([str(tmp_path)], NOBODY) if isinstance(each, Source)]
    alone = whole(sources, 1)
    assert whole(sources, 3) == alone
    assert alone[0] == len(alone[1]) == 320
    assert [number for number, _ in alone[2]] == [4, 9]
    assert "No such file" in alone[2][1][1]


def test_a_process_that_dies_is_an_error_of_its_files(
    tmp_path: Path, several: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a dead process had in hand is said, and the others go on."""
    for number in range(4):
        written(tmp_path, *policies("harbor"), name=f"{number}.json.gz")
    sources = [each for each in found([str(tmp_path)], NOBODY) if isinstance(each, Source)]
    one = reading.portions

    def deadly(number: int, source: Source, account: Account) -> Iterator[Any]:
        if number == 2:
            os._exit(9)
        return one(number, source, account)

    monkeypatch.setattr(reading, "portions", deadly)
    size, _, errors = whole(sources, 2)
    assert (2, "not read: the process that was to read it died") in errors
    assert size + len(errors) == 4


def test_s3_gives_log_files(account: Stack) -> None:
    """A prefix in a bucket is listed and read; an object that is refused or foreign is an error of its own."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="trail-logs")
    s3.put_object(Bucket="trail-logs", Key=DELIVERED, Body=packed(policies("harbor")))
    s3.put_object(Bucket="trail-logs", Key=DELIVERED.replace("CloudTrail/", "CloudTrail-Digest/"), Body=b"{}")
    sources = [each for each in found(["s3://trail-logs/AWSLogs/"], NOBODY) if isinstance(each, Source)]
    assert [each.name for each in sources] == [f"s3://trail-logs/{DELIVERED}"]
    s3.delete_object(Bucket="trail-logs", Key=sources[0].name.removeprefix("s3://trail-logs/"))
    s3.put_object(Bucket="trail-logs", Key="one.json.gz", Body=packed(policies("harbor")))
    size, telling, errors = whole([*sources, Source("s3://trail-logs/one.json.gz", 9)], 1)
    assert (size, len(telling)) == (1, 1)
    assert [number for number, _ in errors] == [0]
    assert "NoSuchKey" in errors[0][1]
    with pytest.raises(NoSource, match="no log file"):
        list(found(["s3://trail-logs/elsewhere/"], NOBODY))


def test_the_journal_puts_things_into_order_once() -> None:
    """Time decides, not the file; in one second what makes a resource comes first; a second delivery is dropped."""
    journal = Journal()
    late, early = record("PutBucketPolicy", {}, 2, eventID="late"), record("DeleteBucketPolicy", {}, 1, eventID="early")
    made = record("CreateBucket", {}, 1, eventID="made")
    for file, each in enumerate((late, early, made, late)):
        journal.add(file, 0, _text(each))
    assert [file for file, _ in journal] == [2, 1, 0]
    journal.close()


@pytest.mark.parametrize(("field", "said"), [("eventID", "no eventID"), ("eventTime", "eventTime is None")])
def test_what_has_no_place_in_the_order_is_said(field: str, said: str) -> None:
    """A record without id or time is left out, and not put anywhere."""
    with pytest.raises(Misshapen, match=said):
        Journal().add(0, 0, _text({**record("PutBucketPolicy"), field: None}))


def _text(each: dict[str, Any]) -> bytes:
    return json.dumps(each).encode()


class History:
    """CloudTrail's event history, in pages of one."""

    def __init__(self, *records: dict[str, Any]) -> None:
        self.records = records
        self.requests: list[dict[str, Any]] = []

    def lookup_events(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        (asked,) = request["LookupAttributes"]
        found = [each for each in self.records if each["eventName"] == asked["AttributeValue"]]
        at = int(request.get("NextToken", 0))
        events = [{"CloudTrailEvent": _text(each).decode()} for each in found[at : at + 1]]
        return {"Events": events} | ({"NextToken": str(at + 1)} if at + 1 < len(found) else {})


def test_the_event_history_is_asked_at_its_own_pace() -> None:
    """All pages of every name are read, two requests a second at most, and other services' namesakes left aside."""
    namesake = record("CreateKey", eventSource="payment-cryptography.amazonaws.com")
    history = History(*policies("a", "b", "c"), namesake)
    now = [0.0]

    def pause(seconds: float) -> None:
        now[0] += seconds

    portions = list(looked_up(history, datetime(2026, 3, 1, tzinfo=UTC), clock=lambda: now[0], pause=pause))
    assert sum(each.size for each in portions) == 4
    assert [place for each in portions for place, _ in each.telling] == sorted(
        place for each in portions for place, _ in each.telling
    )
    assert len([text for each in portions for _, text in each.telling]) == 3
    assert len(history.requests) == len(NAMES) + 2
    assert now[0] == pytest.approx((len(history.requests) - 1) * 0.5)
