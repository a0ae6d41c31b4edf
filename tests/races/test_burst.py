"""A thousand events on one bucket, fifty at a time: it is sealed once, and one alert says so."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import boto3
import pytest
from tests.account import ACCOUNT, Account, event
from tests.races.flows import Stage
from tests.races.length import whole
from tests.races.wire import Clock, tapped

from pipeseal.controls.s3_tls import deny_insecure

_EVENTS = 1000
_FEWER = 200
_AT_ONCE = 50
_BUCKET = "harbor"
_SEAL = deny_insecure(f"arn:aws:s3:::{_BUCKET}").statement
_OPEN = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Readers",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{_BUCKET}/*",
        }
    ],
}


class WallClock(Clock):
    """The real one: fifty at once do sleep at the same time."""

    def __call__(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Traffic:
    """Counts what is asked of AWS; calls are atomic and go in any order, for moto does not do two at a time."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.unsealed = 1
        self._one = Lock()
        self._sealed = False

    def __call__(self, operation: str, arguments: Mapping[str, Any], call: Callable[[], Any]) -> Any:
        """See Tap."""
        with self._one:
            self.calls.append(operation)
            if operation == "PutBucketPolicy":
                sealed = _SEAL["Sid"] in arguments["Policy"]
                self.unsealed += self._sealed and not sealed
                self._sealed = sealed
            return call()


def news() -> dict[str, Any]:
    """Make the event of somebody who put the open policy."""
    return event("PutBucketPolicy", {"bucketName": _BUCKET, "bucketPolicy": _OPEN, "policy": ""})


@pytest.mark.parametrize("sort", ["other events", "the same event", "broken again in between"])
def test_a_burst_seals_once_and_tells_once(
    account: Account, sort: str, record_property: Callable[[str, object], None]
) -> None:
    """At most three writes and one alert for each time that it was broken, whoever comes first, last or at once."""
    stage, events = Stage(account, WallClock()), _EVENTS if whole() or sort == "other events" else _FEWER
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=_BUCKET)
    s3.put_bucket_policy(Bucket=_BUCKET, Policy=json.dumps(_OPEN))
    first = news()
    breaks = (events // 3, 2 * events // 3) if sort == "broken again in between" else ()

    def deliver(number: int) -> str:
        if number in breaks:
            s3.put_bucket_policy(Bucket=_BUCKET, Policy=json.dumps(_OPEN))
        (*_, outcome) = stage.deliver(first if sort == "the same event" else news())
        return str(outcome["action"])

    traffic = Traffic()
    stage.deliver(event("PutBucketPolicy", {"bucketName": "elsewhere"}))  # clients are made once, and not by fifty
    with tapped(traffic), ThreadPoolExecutor(_AT_ONCE) as pool:
        actions = list(pool.map(deliver, range(events)))
    assert set(actions) <= {"remediated", "compliant", "busy"}
    assert json.loads(s3.get_bucket_policy(Bucket=_BUCKET)["Policy"])["Statement"][-1] == _SEAL
    written = traffic.calls.count("PutBucketPolicy") - len(breaks)
    alerts = [alert["id"] for alert in account.alerts()]
    assert written <= 3
    assert len(alerts) == len(set(alerts))
    assert 1 <= len(alerts) <= traffic.unsealed  # fewer where it was broken while it was being put right
    assert not [entry for entry in account.entries() if "outcome" not in entry]
    record_property(
        f"burst of {events}, {sort}",
        f"{len(traffic.calls)} calls, {written} PutBucketPolicy, {len(alerts)} alerts, broken {traffic.unsealed} times",
    )
