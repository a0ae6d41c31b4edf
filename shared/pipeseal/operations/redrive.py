"""Redrive dead letters: each to the function that it was for, and what can never succeed to the quarantine queue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from pipeseal.aws.functions import invoke_async
from pipeseal.aws.queues import Message, QueueReader, find_queue
from pipeseal.operations.dead_letters import DeadLetter, StackIdentity, read_dead_letter, with_reason

if TYPE_CHECKING:
    from pipeseal.runtime import Runtime

_MAX_REDRIVES = 2
"""How often an event is redriven before it is quarantined."""


class Disposition(StrEnum):
    """What becomes of a dead letter."""

    REDRIVEN = "redriven"
    QUARANTINED = "quarantined"
    LEFT = "left"


class QueueMissing(Exception):
    """The queue to read does not exist; the text names it."""


@dataclass(frozen=True, slots=True)
class Redriven:
    """One dead letter, and what became of it."""

    event: str
    function: str
    """ARN of the function that it was for; the name of the sweep's queue where it goes back there."""
    reason: str
    """Why it was a dead letter, or why it is quarantined or left."""
    action: Disposition

    def as_dict(self) -> dict[str, str]:
        """Return it as the command prints it."""
        return asdict(self)


class Redriver:
    """The queues and functions of one stack, each looked up when first used."""

    def __init__(self, runtime: Runtime, stack: str, *, dry_run: bool) -> None:
        """Take the name of the stack; nothing is written where *dry_run*."""
        self._runtime = runtime
        self._stack = StackIdentity(stack, runtime.account, runtime.region)
        self._dry_run = dry_run
        self._queue = cache(lambda name: find_queue(runtime.clients, runtime.region, f"{stack}-{name}"))
        self._done: set[tuple[str, str]] = set()

    def redrive(self) -> Iterator[Redriven]:
        """Redrive or quarantine each dead letter; raise QueueMissing, or ClientError where AWS refuses."""
        reader = self._reader("dead-letters")
        for message in reader.messages():
            dead_letter = read_dead_letter(message.body, message.texts, self._stack)
            why = dead_letter.hopeless or self._exhausted(dead_letter)
            yield (
                self._quarantine(dead_letter, message, reader, why) if why else self._pass(dead_letter, message, reader)
            )

    def release(self) -> Iterator[Redriven]:
        """Redrive what was quarantined, on an operator's request; raises as `redrive` does."""
        reader = self._reader("quarantine")
        for message in reader.messages():
            dead_letter = read_dead_letter(message.body, message.texts, self._stack)
            if dead_letter.hopeless and not dead_letter.function:
                yield Redriven(dead_letter.event, "", dead_letter.hopeless, Disposition.LEFT)
            else:
                yield self._pass(dead_letter, message, reader)

    def _reader(self, name: str) -> QueueReader:
        if found := self._queue(name):
            return QueueReader(found)
        raise QueueMissing(f"there is no queue {self._stack.name}-{name} in this account and region")

    def _exhausted(self, dead_letter: DeadLetter) -> str:
        """Return why it is not redriven again; "" where it may be."""
        times = self._runtime.ledger.redrives.count(dead_letter.event)
        return f"it was redriven {times} times and failed again: {dead_letter.reason}" if times >= _MAX_REDRIVES else ""

    def _pass(self, dead_letter: DeadLetter, message: Message, reader: QueueReader) -> Redriven:
        """Deliver it, then delete it: after a failure in between it is delivered twice, which is safe."""
        where = dead_letter.function or f"{self._stack.name}-sweep"
        if (dead_letter.event, where) in self._done:
            why = "it was redriven a moment ago and has returned, or is in the queue twice"
            return Redriven(dead_letter.event, where, why, Disposition.LEFT)
        self._done.add((dead_letter.event, where))
        missing = self._missing_target(dead_letter) if self._dry_run else self._deliver(dead_letter, message)
        if missing:
            return Redriven(dead_letter.event, where, missing, Disposition.LEFT)
        if not self._dry_run:
            reader.delete(message)
        return Redriven(dead_letter.event, where, dead_letter.reason, Disposition.REDRIVEN)

    def _missing_target(self, dead_letter: DeadLetter) -> str:
        return "" if dead_letter.function or self._queue("sweep") else self._no_sweep_queue()

    def _no_sweep_queue(self) -> str:
        return f"there is no queue {self._stack.name}-sweep to send it back to"

    def _deliver(self, dead_letter: DeadLetter, message: Message) -> str:
        """Deliver it; return which target is missing, "" where none is."""
        if dead_letter.function:
            if not invoke_async(self._runtime.clients, dead_letter.function, dead_letter.payload):
                return "the function no longer exists"
        else:
            sweep = self._queue("sweep")
            if sweep is None:
                return self._no_sweep_queue()
            sweep.send(message.body, message.attributes)
        self._runtime.ledger.redrives.add(dead_letter.event)
        return ""

    def _quarantine(self, dead_letter: DeadLetter, message: Message, reader: QueueReader, why: str) -> Redriven:
        quarantine = self._queue("quarantine")
        if quarantine is None:
            missing = (
                f"{why}; and there is no queue {self._stack.name}-quarantine to move it to: deploy the stack again"
            )
            return Redriven(dead_letter.event, dead_letter.function, missing, Disposition.LEFT)
        if not self._dry_run:
            quarantine.send(message.body, with_reason(message.attributes, why))
            reader.delete(message)
        return Redriven(dead_letter.event, dead_letter.function, why, Disposition.QUARANTINED)
