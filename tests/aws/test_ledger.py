"""The ledger on moto: intents before writes, one holder at a time, what is remembered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from tests.account import ENVIRONMENT, Account
from tests.resources import bucket

from pipeseal.aws.entries import entry_id
from pipeseal.aws.ledger import LEASE, Ledger, Overrun, Throttled
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


def begin(ledger: Ledger, entry: str, turn: int = 0) -> bool:
    """Open an entry for PLAN, read at that *turn*."""
    return ledger.open(entry, PLAN, CAUSE, {"action": "remediated"}, turn=turn)


def done(entry: str, action: Action = Action.REMEDIATED) -> Outcome:
    """Make the outcome that closes *entry*."""
    return Outcome(PLAN.before.ref, action, PLAN, ("done",), entry)


def test_an_intent_is_there_before_its_outcome(account: Account, ledger: Ledger) -> None:
    """A function that is killed in between leaves what it was about to do and how it was before."""
    assert begin(ledger, "one")
    (entry,) = account.entries()
    assert "outcome" not in entry
    assert entry["before"]["policy"] is None
    assert entry["after"]["policy"]["Statement"]
    assert entry["actor"] == {"name": "ada", "type": "IAMUser", "mfa": True, "via": "", "arn": ""}
    begun = ledger.begun(ARN, "one")
    assert begun
    assert (begun.alert, begun.cause, begun.closed) == ({"action": "remediated"}, CAUSE, None)


def test_one_holder_at_a_time(ledger: Ledger, clock: Clock) -> None:
    """Whoever comes while another is at work goes; a holder that was killed is in the way for its lease only."""
    assert begin(ledger, "one")
    assert not begin(ledger, "two")
    assert not ledger.inherit(ARN, "one")
    clock.now += LEASE + timedelta(seconds=1)
    assert begin(ledger, "three")
    clock.now += LEASE + timedelta(seconds=1)
    assert not ledger.inherit(ARN, "one")
    assert ledger.inherit(ARN, "three")
    assert not ledger.inherit(ARN, "three")


def test_what_was_read_before_another_turn_is_old(ledger: Ledger) -> None:
    """Somebody who read the resource, and then waited while another put it right, must look again."""
    assert begin(ledger, "one")
    ledger.close(done("one"), PLAN, told="")
    assert ledger.memory(ARN).turn == 1
    assert not begin(ledger, "two")
    assert begin(ledger, "two", turn=1)


def test_the_resource_is_let_go(ledger: Ledger) -> None:
    """After a failure the next one may begin at once; whoever no longer holds it lets nothing go."""
    assert begin(ledger, "one")
    ledger.give_up(ARN, "another")
    assert not begin(ledger, "two")
    ledger.give_up(ARN, "one")
    assert begin(ledger, "two")
    with pytest.raises(Overrun, match="held too long"):
        ledger.close(done("one"), PLAN, told="")
    assert ledger.memory(ARN).holder == "two"


def test_a_mark_reaches_the_holder(ledger: Ledger, clock: Clock) -> None:
    """Who comes meanwhile leaves word of why; the holder hears it once, and nobody leaves word where nobody is."""
    other = replace(CAUSE, id="77aa", put={"Statement": []})
    assert not ledger.mark(ARN, "two", other)
    assert begin(ledger, "one")
    assert not ledger.mark(ARN, "one", other)  # one's own twin waits instead
    assert ledger.mark(ARN, "two", CAUSE)
    assert ledger.mark(ARN, "three", other)
    assert ledger.close(done("one"), PLAN, told="") == (CAUSE, other)
    assert begin(ledger, "two", turn=1)
    assert ledger.close(done("two"), PLAN, told="") == ()
    assert begin(ledger, "three", turn=2)
    clock.now += LEASE + timedelta(seconds=1)
    assert not ledger.mark(ARN, "four", other)


def test_wars_and_what_was_put_right_are_remembered(ledger: Ledger, clock: Clock) -> None:
    """Until they are over, or an operator says so."""
    late, spell = {"S3.TLS": (NOW, NOW + timedelta(minutes=5))}, timedelta(hours=1)
    assert begin(ledger, "one")
    ledger.close(done("one"), PLAN, told="", righted=late, wars={"S3.TLS": NOW})
    memory = ledger.memory(ARN)
    assert memory.of_late(NOW + timedelta(minutes=61), spell) == {"S3.TLS": (NOW + timedelta(minutes=5),)}
    assert memory.at_war(NOW + timedelta(minutes=59), spell) == {"S3.TLS": NOW}
    assert memory.at_war(NOW + timedelta(minutes=60), spell) == {}
    ledger.resume(ARN)
    assert (ledger.memory(ARN).righted, ledger.memory(ARN).wars) == ({}, {})


def test_uses_of_exemptions_are_counted(ledger: Ledger, clock: Clock) -> None:
    """How often, and where and when last."""
    ledger.use(["ex-1", "ex-2"], "arn:one")
    clock.now += timedelta(hours=1)
    ledger.use(["ex-1"], "arn:two")
    uses = ledger.uses()
    assert (uses["ex-1"].count, uses["ex-1"].resource, uses["ex-1"].time) == (2, "arn:two", clock.now.isoformat())
    assert (uses["ex-2"].count, uses["ex-2"].resource) == (1, "arn:one")
    assert ledger.exemptions() == ()


def test_users_and_what_was_told_are_remembered(ledger: Ledger) -> None:
    """The memory of a bucket outlives what is done to it."""
    ledger.relink("arn:pipeline:one", {}, {ARN: "arn:key"})
    ledger.relink("arn:pipeline:two", {}, {ARN: ""})
    assert begin(ledger, "one")
    ledger.close(done("one", Action.DETECTED), PLAN, told="digest")
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
    assert begin(ledger, identity)
    found = ledger.entry(identity)
    assert found
    assert (found.ref, found.intent, found.outcome) == (PLAN.before.ref, "remediated", "")
    assert (found.changed, found.controls, found.wrote) == (("policy",), ("S3.TLS",), ("S3.TLS",))
    assert ledger.entry("#memory") is None
