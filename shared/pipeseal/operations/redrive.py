"""Redrive dead letters: each to the function that it was for, and what can never succeed to the quarantine queue."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pipeseal.aws.errors import AWS_ERRORS
from pipeseal.aws.functions import invoke_async
from pipeseal.aws.queues import Message, Queue, QueueReader, find_queue
from pipeseal.operations.dead_letters import DeadLetter, StackIdentity, read_dead_letter, with_reason
from pipeseal.operations.retrying import Progress, budget, no_progress

if TYPE_CHECKING:
    from pipeseal.runtime import Runtime

T = TypeVar("T")

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


class _RetryingClient:
    """A client of SQS whose calls are retried: a message may be sent twice, which is safe."""

    def __init__(self, client: Any, run: Callable[[Callable[[], Any]], Any]) -> None:
        """Take the client, and what retries a call."""
        self._client, self._run = client, run

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return the method *name* of the client."""
        method = getattr(self._client, name)
        return lambda **arguments: self._run(lambda: method(**arguments))


class Redriver:
    """The queues and functions of one stack, each looked up when first used."""

    def __init__(self, runtime: Runtime, stack: str, progress: Progress = no_progress, *, dry_run: bool) -> None:
        """Take the name of the stack; nothing is written where *dry_run*. Retries are reported to *progress*."""
        self._runtime = runtime
        self._stopping = False
        self._progress = progress
        self._stack = StackIdentity(stack, self._run(lambda: runtime.account), runtime.region)
        self._dry_run = dry_run
        self._queue = cache(self._find_queue)
        self._done: set[tuple[str, str]] = set()

    def redrive(self) -> Iterator[Redriven]:
        """Redrive or quarantine each dead letter; raise QueueMissing, or ClientError where AWS refuses."""
        with self._reading("dead-letters") as (reader, messages):
            for message in messages:
                dead_letter = read_dead_letter(message.body, message.texts, self._stack)
                if why := dead_letter.hopeless or self._exhausted(dead_letter):
                    yield self._quarantine(dead_letter, message, reader, why)
                else:
                    yield self._pass(dead_letter, message, reader)

    def release(self) -> Iterator[Redriven]:
        """Redrive what was quarantined, on an operator's request; raises as `redrive` does."""
        with self._reading("quarantine") as (reader, messages):
            for message in messages:
                dead_letter = read_dead_letter(message.body, message.texts, self._stack)
                if dead_letter.hopeless and not dead_letter.function:
                    yield Redriven(dead_letter.event, "", dead_letter.hopeless, Disposition.LEFT)
                else:
                    yield self._pass(dead_letter, message, reader)

    def _run(self, call: Callable[[], T]) -> T:
        """Return what *call* returns; each call has a minute of retries of its own, unless the command is stopping."""
        if self._stopping:
            return call()
        return budget(self._runtime, self._progress).run(call)

    def _find_queue(self, name: str) -> Queue | None:
        runtime, full_name = self._runtime, f"{self._stack.name}-{name}"
        found = self._run(lambda: find_queue(runtime.clients, runtime.region, full_name))
        return Queue(_RetryingClient(found.client, self._run), found.url) if found else None

    @contextmanager
    def _reading(self, name: str) -> Iterator[tuple[QueueReader, Generator[Message, None, None]]]:
        """Yield the reader of a queue and its messages; those that are left become visible at once, if SQS responds."""
        found = self._queue(name)
        if not found:
            raise QueueMissing(f"there is no queue {self._stack.name}-{name} in this account and region")
        reader = QueueReader(found)
        messages = cast("Generator[Message, None, None]", reader.messages())
        try:
            yield reader, messages
        except BaseException:
            self._stopping = True
            with suppress(*AWS_ERRORS):
                messages.close()
            raise

    def _exhausted(self, dead_letter: DeadLetter) -> str:
        """Return why it is not redriven again; "" where it may be."""
        times = self._run(lambda: self._runtime.ledger.redrives.count(dead_letter.event))
        return f"it was redriven {times} times and failed again: {dead_letter.reason}" if times >= _MAX_REDRIVES else ""

    def _pass(self, dead_letter: DeadLetter, message: Message, reader: QueueReader) -> Redriven:
        """Deliver it, count that, then delete it: after a failure in between it is delivered twice, which is safe."""
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
        redrives, clients = self._runtime.ledger.redrives, self._runtime.clients
        times = self._run(lambda: redrives.count(dead_letter.event))
        if dead_letter.function:
            if not self._run(lambda: invoke_async(clients, dead_letter.function, dead_letter.payload)):
                return "the function no longer exists"
        else:
            sweep = self._queue("sweep")
            if sweep is None:
                return self._no_sweep_queue()
            sweep.send(message.body, message.attributes)
        self._run(lambda: redrives.add(dead_letter.event, times))
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
