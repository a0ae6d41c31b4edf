"""A thousand events of one bucket, fifty at a time: it is remediated once, with one alert."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import pytest
from tests.fake_account import FakeAccount, ManualClock, event
from tests.fake_resources import BUCKET, READERS, TLS, create_bucket, live_statements, put_policy
from tests.races.interception import intercepted
from tests.races.length import full_length
from tests.races.timed_account import TimedAccount

_EVENTS = 1000
_FEWER = 200
_CONCURRENT = 50


class WallClock(ManualClock):
    """The real clock: fifty concurrent invocations sleep at the same time."""

    def __call__(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class CallCounter:
    """An interceptor that counts calls; it makes them one at a time, because moto is not thread-safe."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.violations = 1
        self._lock = Lock()
        self._compliant = False

    def __call__(self, operation: str, arguments: Mapping[str, Any], call: Callable[[], Any]) -> Any:
        """See Interceptor."""
        with self._lock:
            self.calls.append(operation)
            if operation == "PutBucketPolicy":
                compliant = TLS["Sid"] in arguments["Policy"]
                self.violations += self._compliant and not compliant
                self._compliant = compliant
            return call()


def policy_put() -> dict[str, Any]:
    """Return the event of a policy that does not require TLS."""
    policy = {"Version": "2012-10-17", "Statement": [READERS]}
    return event("PutBucketPolicy", {"bucketName": BUCKET, "bucketPolicy": policy, "policy": ""})


@pytest.mark.parametrize("case", ["different events", "the same event", "violated again"])
def test_a_burst_causes_one_remediation_and_one_alert(
    account: FakeAccount, case: str, record_property: Callable[[str, object], None]
) -> None:
    """At most three writes, and at most one alert for each violation, in any order of the deliveries."""
    timed, events = (
        TimedAccount(account, WallClock()),
        _EVENTS if full_length() or case == "different events" else _FEWER,
    )
    create_bucket(BUCKET, READERS)
    first = policy_put()
    violating = (events // 3, 2 * events // 3) if case == "violated again" else ()

    def deliver(number: int) -> str:
        if number in violating:
            put_policy(READERS)
        (*_, outcome) = timed.deliver(first if case == "the same event" else policy_put())
        return str(outcome["action"])

    counter = CallCounter()
    timed.deliver(event("PutBucketPolicy", {"bucketName": "elsewhere"}))  # creates the clients before the threads start
    with intercepted(counter), ThreadPoolExecutor(_CONCURRENT) as pool:
        actions = list(pool.map(deliver, range(events)))
    assert set(actions) <= {"remediated", "compliant", "busy"}
    assert live_statements()[-1] == TLS
    written = counter.calls.count("PutBucketPolicy") - len(violating)
    alerts = [alert["id"] for alert in account.alerts()]
    assert written <= 3
    assert len(alerts) == len(set(alerts))
    assert 1 <= len(alerts) <= counter.violations  # fewer where it was violated during a write
    assert not [entry for entry in account.entries() if "outcome" not in entry]
    record_property(
        f"burst of {events}, {case}",
        f"{len(counter.calls)} calls, {written} PutBucketPolicy, {len(alerts)} alerts, {counter.violations} violations",
    )
