"""Participants that take turns call by call, in a given order, so that every interleaving of AWS calls is possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Semaphore, Thread, local
from typing import Any
from unittest.mock import patch

from tests.fake_account import ManualClock
from tests.races.interception import intercepted


class TimedOut(BaseException):
    """Lambda has ended the invocation because it took too long."""


@dataclass(slots=True, eq=False)
class Participant:
    """An administrator or an invocation; makes one call in each of its turns."""

    name: str
    wakes: datetime
    """When its sleep ends; in the past where it does not sleep."""
    times_out: datetime | None = None
    turn: Semaphore = field(default_factory=lambda: Semaphore(0))
    done: bool = False
    reads: int = 0
    """How many reads of a resource it began."""
    reading: bool = False
    """Whether it reads a resource and has not recorded an intent yet."""
    last_turn: datetime | None = None
    """When it was last chosen: the time that it reads from the clock until its next call."""


@dataclass(frozen=True, slots=True)
class ObservedCall:
    """A call, with the times that the schedule gave it."""

    participant: Participant
    operation: str
    arguments: Mapping[str, Any]
    time: datetime
    prepared: datetime
    """When the participant prepared it: the time of its turn before, which is what it reads from the clock."""
    response: Any = None
    """What AWS returned; None where that was an error."""


class Schedule:
    """Runs participants one at a time; before each call it chooses which of them continues."""

    def __init__(self, choices: list[int], pace: float) -> None:
        """Take the order (a number for each turn, 0 when they are used up) and the seconds that a turn takes."""
        self.clock = ManualClock()
        self.participants: list[Participant] = []
        self.turns = 0
        self.calls: list[ObservedCall] = []
        self._choices = iter(choices)
        self._pace = timedelta(seconds=pace)
        self._back = Semaphore(0)
        self._own = local()

    def begin(self, name: str, work: Callable[[], None]) -> Participant:
        """Add a participant, which starts when it is first chosen."""
        participant = Participant(name, self.clock.now)

        def run() -> None:
            self._own.participant = participant
            participant.turn.acquire()
            participant.last_turn = self.clock.now
            try:
                work()
            finally:
                participant.done = True
                self._back.release()

        self.participants.append(participant)
        Thread(target=run, daemon=True).start()
        return participant

    def run(self, openings: Callable[[], list[Callable[[], None]]]) -> None:
        """Run all participants to their end; *openings* returns what else could happen in each turn."""
        while True:
            self.participants = [participant for participant in self.participants if not participant.done]
            ready = [participant for participant in self.participants if participant.wakes <= self.clock.now]
            possible: list[Callable[[], None]] = [lambda each=each: self._continue(each) for each in ready]  # type: ignore[misc]
            possible += openings()
            if not possible:
                if not self.participants:
                    return
                self.clock.now = min(participant.wakes for participant in self.participants)
                continue
            possible[next(self._choices, 0) % len(possible)]()

    def sleep(self, seconds: float) -> None:
        """Make the participant of the current thread sleep; other participants continue in the meantime."""
        participant = getattr(self._own, "participant", None)
        if participant is None:
            self.clock.sleep(seconds)
        else:
            participant.wakes = self.clock.now + timedelta(seconds=seconds)
            self._wait(participant)

    def current_reads_over(self) -> Callable[[], bool]:
        """Return a function that returns whether every read that is in progress now has ended."""
        in_progress = [(each, each.reads) for each in self.participants if each.reading and not each.done]
        return lambda: all(each.done or not each.reading or each.reads != reads for each, reads in in_progress)

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Raise TimedOut in the participant of the current thread where the block takes longer."""
        self._own.participant.times_out = self.clock.now + timedelta(seconds=seconds)
        try:
            yield
        finally:
            self._own.participant.times_out = None

    @contextmanager
    def controlling(self) -> Iterator[None]:
        """Make every call of a participant in the block wait for a turn, and record it."""

        def controlled(operation: str, arguments: Mapping[str, Any], call: Callable[[], Any]) -> Any:
            participant = getattr(self._own, "participant", None)
            if participant is None:
                return call()
            prepared = participant.last_turn or self.clock.now
            self._wait(participant)
            if participant.times_out and self.clock.now > participant.times_out:
                raise TimedOut
            if operation == "BatchGetItem":
                participant.reads, participant.reading = participant.reads + 1, True
            elif operation == "TransactWriteItems":
                participant.reading = False
            observed = ObservedCall(participant, operation, arguments, self.clock.now, prepared)
            self.calls.append(observed)
            response = call()
            self.calls[-1] = replace(observed, response=response)
            return response

        with intercepted(controlled), patch("time.sleep", self.sleep):
            yield

    def _continue(self, participant: Participant) -> None:
        self.turns += 1
        self.clock.now += self._pace
        participant.turn.release()
        self._back.acquire()

    def _wait(self, participant: Participant) -> None:
        self._back.release()
        participant.turn.acquire()
        participant.last_turn = self.clock.now
