"""The ledger on moto: intents before writes, one holder at a time, what is remembered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from tests.account import ENVIRONMENT, Account
from tests.resources import bucket

from pipeseal.aws.ledger import Ledger
from pipeseal.decide import decide
from pipeseal.model import Action, Actor, Cause, Outcome
from pipeseal.settings import Settings

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
CAUSE = Cause("5f0c", "PutBucketPolicy", NOW, Actor("ada", "IAMUser", mfa=True))
PLAN = decide(bucket(), Settings())
ARN = PLAN.before.ref.arn
LEASE = timedelta(seconds=60)


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
    assert ledger.open("one", PLAN, CAUSE, LEASE)
    (entry,) = account.entries()
    assert "outcome" not in entry
    assert entry["before"]["policy"] is None
    assert entry["after"]["policy"]["Statement"]
    assert entry["actor"] == {"name": "ada", "type": "IAMUser", "mfa": True, "via": ""}


def test_one_holder_at_a_time(ledger: Ledger, clock: Clock) -> None:
    """Whoever comes while another is at work goes; a holder that was killed is in the way for its lease only."""
    assert ledger.open("one", PLAN, CAUSE, LEASE)
    assert not ledger.open("two", PLAN, CAUSE, LEASE)
    clock.now += LEASE + timedelta(seconds=1)
    assert ledger.open("three", PLAN, CAUSE, LEASE)


@pytest.mark.parametrize("end", ["close", "release"])
def test_the_resource_is_let_go(ledger: Ledger, end: str) -> None:
    """After the outcome, or after a failure, the next one may begin."""
    assert ledger.open("one", PLAN, CAUSE, LEASE)
    if end == "close":
        ledger.close(Outcome(PLAN.before.ref, Action.REMEDIATED, PLAN, ("done",), "one"), told="")
    else:
        ledger.release(ARN)
    assert ledger.open("two", PLAN, CAUSE, LEASE)


def test_users_and_what_was_told_are_remembered(ledger: Ledger) -> None:
    """The memory of a bucket outlives what is done to it."""
    ledger.remember(ARN, "arn:pipeline:one", "arn:key")
    ledger.remember(ARN, "arn:pipeline:two", "")
    assert ledger.open("one", PLAN, CAUSE, LEASE)
    ledger.close(Outcome(PLAN.before.ref, Action.DETECTED, PLAN, (), "one"), told="digest")
    memory = ledger.memory(ARN)
    assert memory.pipelines == {"arn:pipeline:one": "arn:key", "arn:pipeline:two": ""}
    assert memory.told == "digest"
    ledger.forget(ARN)
    assert ledger.memory(ARN).told == ""
    assert ledger.memory(ARN).pipelines == memory.pipelines
