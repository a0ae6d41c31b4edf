"""The ledger on moto: intents before writes, one holder at a time, what is remembered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from tests.account import ENVIRONMENT, Account
from tests.resources import bucket

from pipeseal.aws.ledger import LEASE, Ledger, Throttled, entry_id
from pipeseal.decide import decide
from pipeseal.exemptions import Grounds, grant
from pipeseal.model import Action, Actor, Cause, Outcome
from pipeseal.settings import Settings

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
CAUSE = Cause("5f0c", "PutBucketPolicy", NOW, Actor("ada", "IAMUser", mfa=True))
PLAN = decide(bucket(), Settings())
ARN = PLAN.before.ref.arn


class Clock:
    """A clock that stands where it is put."""

    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Give a clock to move by hand."""
    return Clock()


@pytest.fixture
def ledger(account: Account, clock: Clock) -> Ledger:
    """Give the ledger of the account under that clock."""
    return Ledger(boto3.client("dynamodb"), ENVIRONMENT["LEDGER_TABLE"], clock)


def test_an_intent_is_there_before_its_outcome(account: Account, ledger: Ledger) -> None:
    """A function that is killed in between leaves what it was about to do and how it was before."""
    assert ledger.open("one", PLAN, CAUSE)
    (entry,) = account.entries()
    assert "outcome" not in entry
    assert entry["before"]["policy"] is None
    assert entry["after"]["policy"]["Statement"]
    assert entry["actor"] == {"name": "ada", "type": "IAMUser", "mfa": True, "via": ""}


def test_one_holder_at_a_time(ledger: Ledger, clock: Clock) -> None:
    """Whoever comes while another is at work goes; a holder that was killed is in the way for its lease only."""
    assert ledger.open("one", PLAN, CAUSE)
    assert not ledger.open("two", PLAN, CAUSE)
    clock.now += LEASE + timedelta(seconds=1)
    assert ledger.open("three", PLAN, CAUSE)


@pytest.mark.parametrize("end", ["close", "release"])
def test_the_resource_is_let_go(ledger: Ledger, end: str) -> None:
    """After the outcome, or after a failure, the next one may begin."""
    assert ledger.open("one", PLAN, CAUSE)
    if end == "close":
        ledger.close(Outcome(PLAN.before.ref, Action.REMEDIATED, PLAN, ("done",), "one"), told="")
    else:
        ledger.release(ARN)
    assert ledger.open("two", PLAN, CAUSE)


def test_users_and_what_was_told_are_remembered(ledger: Ledger) -> None:
    """The memory of a bucket outlives what is done to it."""
    ledger.relink("arn:pipeline:one", {}, {ARN: "arn:key"})
    ledger.relink("arn:pipeline:two", {}, {ARN: ""})
    assert ledger.open("one", PLAN, CAUSE)
    ledger.close(Outcome(PLAN.before.ref, Action.DETECTED, PLAN, (), "one"), told="digest")
    memory = ledger.memory(ARN)
    assert memory.users == {"arn:pipeline:one": "arn:key", "arn:pipeline:two": ""}
    assert memory.told == "digest"
    ledger.forget(ARN)
    assert ledger.memory(ARN).told == ""
    assert ledger.memory(ARN).users == memory.users


def test_the_graph_stays_true(account: Account, ledger: Ledger) -> None:
    """What a pipeline no longer uses no longer knows of it; what has not changed costs nothing."""
    former, now = {ARN: "arn:key", "arn:other": ""}, {ARN: "arn:new-key", "arn:third": ""}
    ledger.relink("arn:pipeline:one", {}, former)
    ledger.relink("arn:pipeline:one", former, now)
    assert ledger.memory("arn:pipeline:one").uses == now
    used = {name: dict(ledger.memory(name).users) for name in (ARN, "arn:other", "arn:third")}
    assert used == {ARN: {"arn:pipeline:one": "arn:new-key"}, "arn:other": {}, "arn:third": {"arn:pipeline:one": ""}}
    with account.calls() as calls:
        ledger.relink("arn:pipeline:one", now, now)
    assert not calls


class Sparing:
    """A DynamoDB that leaves all keys unread for the first *times*, and then the second of two."""

    def __init__(self, times: int) -> None:
        self.times = times

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 - DynamoDB's own name
        self.times -= 1
        if self.times >= 0:
            return {"Responses": {}, "UnprocessedKeys": RequestItems}
        first, *others = RequestItems["ledger"]["Keys"]
        left = {"UnprocessedKeys": {"ledger": {"Keys": others}}} if others else {}
        return {"Responses": {"ledger": [first | {"told": {"S": first["id"]["S"]}, **EXCUSED}]}, **left}


EXEMPTION = grant("S3.TLS", ARN, Grounds("ada", "why", NOW + timedelta(days=1)), NOW)
EXCUSED = {f"exemption:{EXEMPTION.id}": {"S": EXEMPTION.text}}


def test_what_dynamodb_leaves_unread_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A throttled partition is not taken for an empty one: neither memory nor exemptions get lost."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    memory = Ledger(Sparing(2), "ledger", Clock()).memory(ARN)
    assert (memory.told, memory.exemptions) == ("#memory", (EXEMPTION,))
    with pytest.raises(Throttled, match="ledger unread"):
        Ledger(Sparing(99), "ledger", Clock()).memory(ARN)


def test_exemptions_come_with_the_memory(account: Account, ledger: Ledger) -> None:
    """One call brings both, however many there are."""
    others = [replace(EXEMPTION, id=f"ex-{number}") for number in range(3)]
    for exemption in (EXEMPTION, *others):
        ledger.excuse(exemption)
    with account.calls() as calls:
        found = ledger.memory(ARN).exemptions
    assert calls == ["BatchGetItem"]
    assert set(found) == {EXEMPTION, *others} == set(ledger.exemptions())
    assert ledger.end("ex-1")
    assert not ledger.end("ex-1")
    assert len(ledger.exemptions()) == 3


def test_an_entry_is_found_by_its_id_alone(ledger: Ledger) -> None:
    """With the whole of its Ref, which a bucket's ARN does not hold, and which controls wrote."""
    identity = entry_id(NOW, "5f0c", ARN)
    assert ledger.open(identity, PLAN, CAUSE)
    found = ledger.entry(identity)
    assert found
    assert (found.ref, found.intent, found.outcome) == (PLAN.before.ref, "remediated", "")
    assert (found.changed, found.controls, found.wrote) == (("policy",), ("S3.TLS",), ("S3.TLS",))
    assert ledger.entry("#memory") is None
