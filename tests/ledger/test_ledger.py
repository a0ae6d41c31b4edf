"""The ledger on moto: intents precede writes, one lease a resource, and what a record keeps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from tests.fake_account import ENVIRONMENT, FakeAccount, ManualClock
from tests.resources import bucket

from pipeseal.clock import Clock
from pipeseal.exemptions import Grounds, grant
from pipeseal.ledger import Ledger
from pipeseal.ledger.entries import Intent, entry_id
from pipeseal.ledger.leases import LEASE, Completion, LeaseLost
from pipeseal.ledger.table import Throttled
from pipeseal.model import Action, Actor, Cause, Outcome
from pipeseal.remediation.escalation import active_suspensions, recent_remediations
from pipeseal.remediation.planning import make_plan
from pipeseal.settings import Settings

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
CAUSE = Cause("5f0c", "PutBucketPolicy", NOW, Actor("ada", "IAMUser", mfa=True))
PLAN = make_plan(bucket(), Settings())
ARN = PLAN.before.ref.arn


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that only the test moves."""
    return ManualClock(NOW)


@pytest.fixture
def ledger(account: FakeAccount, clock: ManualClock) -> Ledger:
    """Return the ledger of the account under that clock."""
    return Ledger(boto3.client("dynamodb"), ENVIRONMENT["LEDGER_TABLE"], Clock(clock))


def begin(ledger: Ledger, entry: str, version: int = 0, replaces: str = "") -> bool:
    """Acquire the lease for PLAN, read at that *version* of the record."""
    return ledger.leases.acquire(Intent(entry, PLAN, CAUSE, {"action": "remediated"}), version, replaces)


def complete(ledger: Ledger, outcome: Outcome, alerted: frozenset[str] = frozenset(), **more: Any) -> tuple[Cause, ...]:
    """Complete the entry of *outcome*."""
    return ledger.leases.complete(Completion(outcome, PLAN, alerted, **more))


def done(entry: str, action: Action = Action.REMEDIATED) -> Outcome:
    """Return the outcome that completes *entry*."""
    return Outcome(PLAN.before.ref, action, PLAN, ("done",), entry)


def test_an_intent_is_stored_before_its_outcome(account: FakeAccount, ledger: Ledger) -> None:
    """An invocation that ends in between leaves the state before, the intended state, the cause and the alert."""
    assert begin(ledger, "one")
    (entry,) = account.entries()
    assert "outcome" not in entry
    assert entry["before"]["policy"] is None
    assert entry["after"]["policy"]["Statement"]
    assert entry["actor"] == {"name": "ada", "type": "IAMUser", "mfa": True, "via": "", "arn": ""}
    open_entry = ledger.entries.get(ARN, "one")
    assert open_entry
    assert (open_entry.alert, open_entry.cause, open_entry.closed) == ({"action": "remediated"}, CAUSE, None)


def test_a_resource_has_one_lease_at_a_time(ledger: Ledger, clock: ManualClock) -> None:
    """A lease is refused while another is valid; an expired one can be taken over once, under its owner's name."""
    assert begin(ledger, "one")
    assert not begin(ledger, "two")
    assert not ledger.leases.take_over(ARN, "one")
    assert not begin(ledger, "two", replaces="one")
    clock.now += LEASE + timedelta(seconds=1)
    assert not begin(ledger, "three")  # the entry "one" would stay open
    assert not begin(ledger, "three", replaces="two")
    assert begin(ledger, "three", replaces="one")
    clock.now += LEASE + timedelta(seconds=1)
    assert not ledger.leases.take_over(ARN, "one")
    assert ledger.leases.take_over(ARN, "three")
    assert not ledger.leases.take_over(ARN, "three")


def test_a_lease_needs_the_current_version(ledger: Ledger) -> None:
    """An invocation that read the resource before another one completed must read it again."""
    assert begin(ledger, "one")
    complete(ledger, done("one"))
    assert ledger.records.get(ARN).version == 1
    assert not begin(ledger, "two")
    assert begin(ledger, "two", version=1)


def test_a_released_lease_can_be_replaced_at_once(ledger: Ledger) -> None:
    """Only its owner can release a lease, and an owner that lost it cannot complete its entry."""
    assert begin(ledger, "one")
    ledger.leases.release(ARN, "another")
    assert not begin(ledger, "two")
    ledger.leases.release(ARN, "one")
    assert begin(ledger, "two", replaces="one")
    with pytest.raises(LeaseLost, match="lease expired"):
        complete(ledger, done("one"))
    assert ledger.records.get(ARN).lease_owner == "two"


def test_a_follow_up_reaches_the_owner_of_the_lease(ledger: Ledger, clock: ManualClock) -> None:
    """The owner gets each follow-up once, when it completes; without a valid lease none is accepted."""
    other = replace(CAUSE, id="77aa", put={"Statement": []})
    assert not ledger.leases.request_follow_up(ARN, "two", other)
    assert begin(ledger, "one")
    assert not ledger.leases.request_follow_up(ARN, "one", other)  # a second delivery of the same event waits instead
    assert ledger.leases.request_follow_up(ARN, "two", CAUSE)
    assert ledger.leases.request_follow_up(ARN, "three", other)
    assert complete(ledger, done("one")) == (CAUSE, other)
    assert begin(ledger, "two", version=1)
    assert complete(ledger, done("two")) == ()
    assert begin(ledger, "three", version=2)
    clock.now += LEASE + timedelta(seconds=1)
    assert not ledger.leases.request_follow_up(ARN, "four", other)


def test_remediations_and_suspensions_are_stored_until_they_end(ledger: Ledger, clock: ManualClock) -> None:
    """They leave the escalation window after an hour, or when an operator resumes the resource."""
    late = {"S3.TLS": (NOW, NOW + timedelta(minutes=5))}
    assert begin(ledger, "one")
    complete(ledger, done("one"), remediations=late, suspended={"S3.TLS": NOW})
    record = ledger.records.get(ARN)
    assert recent_remediations(record.remediations, NOW + timedelta(minutes=61)) == {
        "S3.TLS": (NOW + timedelta(minutes=5),)
    }
    assert active_suspensions(record.suspended, NOW + timedelta(minutes=59)) == {"S3.TLS": NOW}
    assert active_suspensions(record.suspended, NOW + timedelta(minutes=60)) == {}
    ledger.records.resume(ARN)
    assert (ledger.records.get(ARN).remediations, ledger.records.get(ARN).suspended) == ({}, {})


def test_uses_of_exemptions_are_counted(ledger: Ledger, clock: ManualClock) -> None:
    """The ledger holds how often each was used, and for which resource and when last."""
    ledger.exemptions.count_use(["ex-1", "ex-2"], "arn:one")
    clock.now += timedelta(hours=1)
    ledger.exemptions.count_use(["ex-1"], "arn:two")
    uses = ledger.exemptions.uses()
    assert (uses["ex-1"].count, uses["ex-1"].resource, uses["ex-1"].time) == (
        2,
        "arn:two",
        clock.now.isoformat(),
    )
    assert (uses["ex-2"].count, uses["ex-2"].resource) == (1, "arn:one")
    assert ledger.exemptions.all() == ()


def test_dependents_and_alerts_are_stored(ledger: Ledger) -> None:
    """The dependents of a bucket outlast leases and the end of its violations; the alerts end with the violations."""
    ledger.records.set_dependencies("arn:pipeline:one", {}, {ARN: "arn:key"})
    ledger.records.set_dependencies("arn:pipeline:two", {}, {ARN: ""})
    assert begin(ledger, "one")
    complete(ledger, done("one", Action.DETECTED), frozenset({"digest"}))
    record = ledger.records.get(ARN)
    assert record.dependents == {"arn:pipeline:one": "arn:key", "arn:pipeline:two": ""}
    assert record.alerted == {"digest"}
    ledger.records.clear_violations(ARN)
    assert ledger.records.get(ARN).alerted == frozenset()
    assert ledger.records.get(ARN).dependents == record.dependents


def test_both_sides_of_a_dependency_are_updated(account: FakeAccount, ledger: Ledger) -> None:
    """A removed dependency loses its dependent, and dependencies that did not change cost no call."""
    former, now = {ARN: "arn:key", "arn:other": ""}, {ARN: "arn:new-key", "arn:third": ""}
    ledger.records.set_dependencies("arn:pipeline:one", {}, former)
    ledger.records.set_dependencies("arn:pipeline:one", former, now)
    assert ledger.records.get("arn:pipeline:one").dependencies == now
    dependents = {name: dict(ledger.records.get(name).dependents) for name in (ARN, "arn:other", "arn:third")}
    assert dependents == {
        ARN: {"arn:pipeline:one": "arn:new-key"},
        "arn:other": {},
        "arn:third": {"arn:pipeline:one": ""},
    }
    with account.calls() as calls:
        ledger.records.set_dependencies("arn:pipeline:one", now, now)
    assert not calls


class ThrottledDynamoDB:
    """DynamoDB that leaves all keys unprocessed for the first *times* calls, and then all keys but the first."""

    def __init__(self, times: int) -> None:
        self.times = times

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 - DynamoDB's own name
        self.times -= 1
        if self.times >= 0:
            return {"Responses": {}, "UnprocessedKeys": RequestItems}
        first, *others = RequestItems["ledger"]["Keys"]
        unprocessed = {"UnprocessedKeys": {"ledger": {"Keys": others}}} if others else {}
        return {
            "Responses": {"ledger": [first | {"alerted": {"S": first["id"]["S"]}, **EXEMPTION_ATTRIBUTE}]},
            **unprocessed,
        }


EXEMPTION = grant("S3.TLS", ARN, Grounds("ada", "why", NOW + timedelta(days=1)), NOW)
EXEMPTION_ATTRIBUTE = {f"exemption:{EXEMPTION.id}": {"S": EXEMPTION.text}}


def test_unprocessed_keys_are_read_again() -> None:
    """A throttled read is not taken for an empty record; after five attempts it is an error."""
    record = Ledger(ThrottledDynamoDB(2), "ledger", Clock(sleep=lambda _: None)).records.get(ARN)
    assert (record.alerted, record.exemptions) == (frozenset({"#record"}), (EXEMPTION,))
    with pytest.raises(Throttled, match="ledger unread"):
        Ledger(ThrottledDynamoDB(99), "ledger", Clock(sleep=lambda _: None)).records.get(ARN)


def test_exemptions_are_read_with_the_record(account: FakeAccount, ledger: Ledger) -> None:
    """One call returns both, however many exemptions there are."""
    others = [replace(EXEMPTION, id=f"ex-{number}") for number in range(3)]
    for exemption in (EXEMPTION, *others):
        ledger.exemptions.add(exemption)
    with account.calls() as calls:
        found = ledger.records.get(ARN).exemptions
    assert calls == ["BatchGetItem"]
    assert set(found) == {EXEMPTION, *others} == set(ledger.exemptions.all())
    assert ledger.exemptions.end("ex-1")
    assert not ledger.exemptions.end("ex-1")
    assert len(ledger.exemptions.all()) == 3


def test_an_entry_is_found_by_its_id(ledger: Ledger) -> None:
    """It has the full Ref, which a bucket's ARN does not contain, and the controls that wrote."""
    identity = entry_id(NOW, "5f0c", ARN)
    assert begin(ledger, identity)
    found = ledger.entries.find(identity)
    assert found
    assert (found.ref, found.intent, found.outcome) == (PLAN.before.ref, "remediated", "")
    assert (found.changed_parts, found.controls, found.written_controls) == (("policy",), ("S3.TLS",), ("S3.TLS",))
    assert ledger.entries.find("#record") is None
