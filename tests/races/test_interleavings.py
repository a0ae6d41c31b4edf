"""Administrators and deliveries at the same time, in random orders of single calls: no change of a policy is lost.

These losses cannot be prevented or repaired, and are exempt:

- A blind write of an administrator: a policy that is made from a read before another change reverts that change, with
  or without pipeseal.
- A policy that an administrator puts in the same second as pipeseal's read, and that lacks a statement of what
  was read. S3 has no version history, and CloudTrail's times are whole seconds, so the order of the two is unknown.
  pipeseal restores such a policy only where it contains everything that pipeseal read.
- For the same reason, a statement may return that was put while pipeseal worked (a second or so) and removed again
  before its event was delivered. One statement too many, which the bucket owner sees, is better than one too few.
- An event that is delivered, and finds the policy compliant, before another delivery that read the policy earlier has
  recorded its intent. CloudTrail takes seconds, such a read a fraction of one.

What is exempt is decided by the times at which the schedule let each call happen.

Two losses are known limitations, in which pipeseal itself removes a statement. The test counts them, and two tests show
them:

- A put between two reads: where a concurrent put makes pipeseal write a second time, the ledger's entry holds the
  document of the second read under the times of the first one. A put between the two reads is then compared with a
  later document, and what only that document has is taken for removed.
- A statement that was removed while pipeseal worked, and added again before the event of its removal was delivered: it
  is taken for one that pipeseal's write has restored, and is removed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fake_account import FakeAccount, event, user
from tests.fake_resources import allow_reads, create_bucket, live_statements, put_policy
from tests.races.observed_writes import ObservedWrite, observed_writes
from tests.races.schedule import Schedule, TimedOut
from tests.races.timed_account import Event, TimedAccount

from pipeseal.controls.s3_tls import deny_insecure
from pipeseal.ledger.entries import LedgerEntry

_CONCURRENT_INVOCATIONS = 3
_EXAMPLES = 20
_ADMINISTRATORS = "abc"
_INVOCATION = "pipeseal"
_RETRIES = 2
_RETRY_SECONDS = 60
_TIMEOUT_SECONDS = 60

Statements = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class AdministratorPut:
    """A policy that an administrator put."""

    administrator: str
    change: str
    """add, remove (the own statement) or unprotect (remove every Deny)."""
    statements: Statements
    read: int
    """How many policies administrators had put when this one's base was read."""
    second: int
    """CloudTrail's time."""

    @property
    def sids(self) -> set[str]:
        return {each["Sid"] for each in self.statements}


@dataclass(frozen=True, slots=True)
class PendingEvent:
    """An event that has not been delivered yet."""

    event: Event
    may_come: Callable[[], bool]
    """Returns whether it can be delivered now."""


@dataclass(frozen=True, slots=True)
class LostChange:
    """A change that the policy lacks at the end."""

    text: str
    known_limitation: bool


@dataclass
class SharedBucket:
    """One bucket, the administrators and invocations that write to it, and everything that administrators put."""

    timed: TimedAccount
    schedule: Schedule
    bucket: str
    copies: int
    """How often each event is delivered."""
    puts: list[AdministratorPut] = field(default_factory=list)
    pending: list[PendingEvent] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    delivered: int = 0

    def run(self, changes: list[list[str]]) -> None:
        """Let each administrator make their *changes*, and deliver each event of them."""
        with self.schedule.controlling():
            for administrator, own in zip(_ADMINISTRATORS, changes, strict=False):
                self.schedule.begin(administrator, partial(self.administer, administrator, own))
            self.schedule.run(self.possible_deliveries)

    def administer(self, administrator: str, changes: list[str]) -> None:
        """Get, modify and put the policy, once for each change."""
        for change in changes:
            found, read = live_statements(self.bucket), len(self.puts)
            if change == "unprotect":
                statements = [each for each in found if each["Effect"] == "Allow"]
            else:
                statements = [each for each in found if each["Sid"] != administrator]
            if change == "add":
                statements.append(self.statement(administrator))
            put_policy(*statements, bucket=self.bucket)
            second = int(self.schedule.clock.now.timestamp())
            self.record(AdministratorPut(administrator, change, statements, read, second))

    def record(self, put: AdministratorPut) -> None:
        """Record a put; its event can be delivered from now on, more than once and in any order."""
        self.puts.append(put)
        happened = event(
            "PutBucketPolicy",
            {"bucketName": self.bucket, "bucketPolicy": {"Version": "2012-10-17", "Statement": put.statements}},
            eventTime=f"{self.schedule.clock.now:%Y-%m-%dT%H:%M:%SZ}",
            userIdentity=user(put.administrator),
            eventID=f"{self.bucket}-{len(self.puts)}",
        )
        self.pending += [PendingEvent(happened, self.schedule.current_reads_over())] * self.copies

    def possible_deliveries(self) -> list[Callable[[], None]]:
        """Return the deliveries that may begin now."""
        running = sum(participant.name == _INVOCATION for participant in self.schedule.participants)
        if running >= _CONCURRENT_INVOCATIONS:
            return []
        return [partial(self.begin_delivery, each) for each in self.pending if each.may_come()]

    def begin_delivery(self, pending: PendingEvent) -> None:
        """Begin the delivery of an event."""
        self.pending.remove(pending)
        self.delivered += 1
        self.schedule.begin(_INVOCATION, partial(self.deliver, pending.event))

    def deliver(self, happened: Event) -> None:
        """Deliver an event as Lambda does: with two retries."""
        for number in range(_RETRIES + 1):
            try:
                with self.schedule.limited(_TIMEOUT_SECONDS):
                    self.timed.deliver(happened)
            except (TimedOut, Exception) as failure:  # noqa: BLE001 - as Lambda does
                if number == _RETRIES:
                    self.failures.append(failure)
                self.schedule.sleep(_RETRY_SECONDS)
            else:
                return

    def statement(self, administrator: str) -> dict[str, Any]:
        """Return the statement that an administrator adds and removes."""
        return {**allow_reads(self.bucket, administrator), "Resource": f"arn:aws:s3:::{self.bucket}/{administrator}/*"}

    def entries(self) -> tuple[LedgerEntry, ...]:
        """Return the ledger's entries of the bucket."""
        return self.timed.runtime().ledger.entries.latest(f"arn:aws:s3:::{self.bucket}", 100)

    # ------------------------------------------------------------------ the oracle

    def writes(self) -> list[ObservedWrite]:
        """Return pipeseal's writes to the bucket, as the schedule observed them."""
        return list(observed_writes(self.schedule.calls, _INVOCATION))

    def lost_changes(self) -> list[LostChange]:
        """Return the last changes of administrators that the policy lacks and that are not exempt."""
        present = {each["Sid"] for each in live_statements(self.bucket)}
        lost = []
        for administrator in _ADMINISTRATORS:
            own = (put.administrator == administrator and put.change != "unprotect" for put in self.puts)
            last = max((number for number, is_own in enumerate(own) if is_own), default=-1)
            if last < 0 or any(
                put.read <= last and put.administrator != administrator for put in self.puts[last + 1 :]
            ):
                continue  # no change, or a blind write of another administrator after it
            put = self.puts[last]
            if (put.change == "add") == (administrator in present) or self.order_is_unknown(put):
                continue
            if put.change == "add":
                limited = any(administrator in write.removed for write in self.writes()) and (
                    self.put_between_two_reads(administrator) or self.removed_during_a_write(administrator, last)
                )
                lost.append(LostChange(f"statement {administrator} is lost", limited))
            elif not self.put_during_a_write(administrator, last):
                lost.append(LostChange(f"statement {administrator} has returned", known_limitation=False))
        return lost

    def put_between_two_reads(self, administrator: str) -> bool:
        """Return whether a put without the statement lies between two reads, the second of which has it."""
        return any(
            write.read_until < put.second <= write.last_read and administrator in write.sids - put.sids
            for write in self.writes()
            for put in self.puts
        )

    def removed_during_a_write(self, administrator: str, addition: int) -> bool:
        """Return whether the statement was removed, before its last *addition*, between read and end of a write."""
        return any(
            write.read_from <= put.second <= write.confirmed
            for write in self.writes()
            for put in self.puts[:addition]
            if put.administrator == administrator and put.change == "remove"
        )

    def order_is_unknown(self, put: AdministratorPut) -> bool:
        """Return whether *put* happened in a second of pipeseal's read, and lacks a statement of what was read."""
        return any(
            write.read_from <= put.second <= write.read_until and write.sids - put.sids for write in self.writes()
        )

    def put_during_a_write(self, administrator: str, removal: int) -> bool:
        """Return whether the statement was put, before its *removal*, between the read and the end of a write."""
        return any(
            write.read_from <= put.second <= write.confirmed
            for write in self.writes()
            for put in self.puts[:removal]
            if administrator in put.sids
        )


def shared_bucket(account: FakeAccount, schedule: Schedule, name: str, copies: int = 1) -> SharedBucket:
    """Create a bucket with one statement; each remediation of it is allowed any number of times."""
    timed = TimedAccount(account, schedule.clock, {"WAR_LIMIT": "99"}, schedule.sleep)
    shared = SharedBucket(timed, schedule, name, copies)
    create_bucket(name, shared.statement("start"))
    return shared


def test_no_change_is_lost_to_pipeseal(account: FakeAccount, record_property: Callable[[str, object], None]) -> None:
    """No added statement is missing, no removed one returns, TLS is required, and each entry has its alert."""
    count = {"interleavings": 0, "turns": 0, "puts": 0, "deliveries": 0, "restored": 0, "limited": 0}

    @settings(max_examples=_EXAMPLES if settings().derandomize else settings().max_examples)
    @given(
        st.lists(st.integers(0, 7), min_size=60, max_size=120),
        st.lists(
            st.lists(st.sampled_from(["add", "remove", "unprotect"]), min_size=1, max_size=3), min_size=1, max_size=3
        ),
        st.sampled_from([0.03, 0.3, 1.1]),
        st.integers(1, 2),
    )
    def holds(choices: list[int], changes: list[list[str]], pace: float, copies: int) -> None:
        count["interleavings"] += 1
        schedule = Schedule(choices, pace)
        shared = shared_bucket(account, schedule, f"harbor-{count['interleavings']}", copies)
        shared.run(changes)
        entries, alerts = shared.entries(), [alert["id"] for alert in account.alerts()]
        count["turns"] += schedule.turns
        count["puts"] += len(shared.puts)
        count["deliveries"] += shared.delivered
        count["restored"] += sum("S3.LOST_UPDATE" in entry.controls for entry in entries)
        assert not shared.failures
        lost = shared.lost_changes()
        count["limited"] += sum(each.known_limitation for each in lost)
        assert all(each.known_limitation for each in lost), (lost, shared.puts)
        assert deny_insecure(f"arn:aws:s3:::{shared.bucket}").statement in live_statements(shared.bucket)
        assert set(alerts) == {entry.id for entry in entries if entry.outcome == "remediated"}
        unprotected = sum(put.change == "unprotect" or put.read == 0 for put in shared.puts)
        assert sum("S3.TLS" in entry.controls for entry in entries) <= 1 + unprotected + len(shared.puts)
        assert all(entry.outcome for entry in entries)

    holds()
    record_property("interleavings", ", ".join(f"{number} {name}" for name, number in count.items()))


@pytest.mark.xfail(reason="the entry holds the second document that was read under the times of the first read")
def test_a_put_between_two_reads_does_not_revert_another(account: FakeAccount) -> None:
    """Two administrators add a statement between pipeseal's two reads: the second one's statement stays."""
    choices = [2, 1, 2, 2, 0, 6, 2, 7, 0, 3, 3, 3, 0, 6, 6, 0, 3, 3, 7, 3, 3, 3, 3]
    shared = shared_bucket(account, Schedule(choices, 0.3), "harbor")
    shared.run([["unprotect"], ["add"], ["add", "remove", "add"]])
    assert not shared.lost_changes()


@pytest.mark.xfail(
    reason="the event of a removal is handled without knowledge of a later addition, whose event is pending"
)
def test_a_statement_that_is_added_again_stays(account: FakeAccount) -> None:
    """An administrator removes a statement during a write, and adds it again before the event of the removal."""
    shared = shared_bucket(account, Schedule([0, 0, 0, 1, 3, 3, 1, 3, 3], 0.3), "harbor")
    shared.run([["add", "remove", "add"]])
    assert not shared.lost_changes()


def test_a_removal_in_the_second_of_a_read_is_reverted(account: FakeAccount) -> None:
    """An administrator removes a statement in the second of pipeseal's read: it returns, which is exempt."""
    shared = shared_bucket(account, Schedule([0, 0, 0, 1, 1, 1, 3], 0.3), "harbor")
    shared.run([["add", "remove"]])
    assert [put.change for put in shared.puts] == ["add", "remove"]
    assert shared.order_is_unknown(shared.puts[-1])
    assert "a" in {each["Sid"] for each in live_statements(shared.bucket)}
    assert not shared.lost_changes()
