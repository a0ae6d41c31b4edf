"""Put dead letters through again: each to the function that it was for, and what never succeeds to the quarantine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from pipeseal.aws.functions import hand_over
from pipeseal.aws.mailbox import Mailbox, Message, mailbox
from pipeseal.dead_letters import Letter, Stack, read, reasoned

if TYPE_CHECKING:
    from pipeseal.aws.world import World

_MOST = 2
"""How often an event is put through again before it counts as poison."""


class Fate(StrEnum):
    """What becomes of a dead letter."""

    REDRIVEN = "redriven"
    QUARANTINED = "quarantined"
    LEFT = "left"


class NoQueue(Exception):
    """The queue to read is not there; the text names it."""


@dataclass(frozen=True, slots=True)
class Handled:
    """One dead letter, and what became of it."""

    event: str
    function: str
    """ARN of the function that it was for; the name of the sweep's queue where it goes back there."""
    reason: str
    """Why it was a dead letter, or why it is quarantined or left."""
    action: Fate

    def as_dict(self) -> dict[str, Any]:
        """Return it as the tool prints it."""
        return asdict(self)


class Post:
    """The queues and functions of one stack, each looked up when first needed."""

    def __init__(self, world: World, stack: str, *, dry: bool) -> None:
        """Take whose they are; nothing is written where *dry*."""
        self._world = world
        self._stack = Stack(stack, world.account, world.region)
        self._dry = dry
        self._box = cache(lambda name: mailbox(world.clients, world.region, f"{stack}-{name}"))
        self._done: set[tuple[str, str]] = set()

    def redrive(self) -> Iterator[Handled]:
        """Put each dead letter through, or quarantine it; raises NoQueue, and what AWS answers where it refuses."""
        letters = self._existing("dead-letters")
        for message in letters.messages():
            letter = read(message.body, message.texts, self._stack)
            poison = letter.hopeless or self._tired(letter)
            yield self._quarantine(letter, message, letters, poison) if poison else self._pass(letter, message, letters)

    def release(self) -> Iterator[Handled]:
        """Put through what was quarantined, for somebody asked for it; raises as `redrive` does."""
        letters = self._existing("quarantine")
        for message in letters.messages():
            letter = read(message.body, message.texts, self._stack)
            if letter.hopeless and not letter.function:
                yield Handled(letter.event, "", letter.hopeless, Fate.LEFT)
            else:
                yield self._pass(letter, message, letters)

    def _existing(self, name: str) -> Mailbox:
        if found := self._box(name):
            return found
        raise NoQueue(f"there is no queue {self._stack.name}-{name} in this account and region")

    def _tired(self, letter: Letter) -> str:
        """Say that it was put through often enough; "" where it was not."""
        times = self._world.ledger.redrives(letter.event)
        return f"it was put through {times} times already and failed again: {letter.reason}" if times >= _MOST else ""

    def _pass(self, letter: Letter, message: Message, letters: Mailbox) -> Handled:
        """Hand it over, then take it off: whoever dies between the two has it delivered twice, which is safe."""
        where = letter.function or f"{self._stack.name}-sweep"
        if (letter.event, where) in self._done:
            return Handled(
                letter.event, where, "it was put through a moment ago and is back, or is there twice", Fate.LEFT
            )
        self._done.add((letter.event, where))
        missing = self._dry_missing(letter) if self._dry else self._handed_over(letter, message)
        if missing:
            return Handled(letter.event, where, missing, Fate.LEFT)
        if not self._dry:
            letters.delete(message)
        return Handled(letter.event, where, letter.reason, Fate.REDRIVEN)

    def _dry_missing(self, letter: Letter) -> str:
        return "" if letter.function or self._box("sweep") else _no_sweep(self._stack)

    def _handed_over(self, letter: Letter, message: Message) -> str:
        """Hand it over; say what was not there to take it, "" where all is well."""
        if letter.function:
            if not hand_over(self._world.clients, letter.function, letter.payload):
                return "there is no such function any more"
        else:
            sweep = self._box("sweep")
            if sweep is None:
                return _no_sweep(self._stack)
            sweep.send(message.body, message.attributes)
        self._world.ledger.redrive(letter.event)
        return ""

    def _quarantine(self, letter: Letter, message: Message, letters: Mailbox, why: str) -> Handled:
        quarantine = self._box("quarantine")
        if quarantine is None:
            missing = f"{why}; and there is no queue {self._stack.name}-quarantine to move it to: deploy the stack anew"
            return Handled(letter.event, letter.function, missing, Fate.LEFT)
        if not self._dry:
            quarantine.send(message.body, reasoned(message.attributes, why))
            letters.delete(message)
        return Handled(letter.event, letter.function, why, Fate.QUARANTINED)


def _no_sweep(stack: Stack) -> str:
    return f"there is no queue {stack.name}-sweep to send it back to"
