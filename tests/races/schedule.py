"""Actors that take turns call by call, in an order that is given: every interleaving of single AWS calls can be had."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Semaphore, Thread, local
from typing import Any
from unittest.mock import patch

from tests.races.wire import Clock, tapped


class TimedOut(BaseException):
    """Lambda has ended the invocation, as it does with one that takes too long."""


@dataclass(slots=True, eq=False)
class Actor:
    """Somebody who makes calls, one whenever it is their turn."""

    name: str
    wakes: datetime
    ends: datetime | None = None
    """When whoever runs them stops them."""
    turn: Semaphore = field(default_factory=lambda: Semaphore(0))
    done: bool = False
    look: int = 0
    """How often they began to look."""
    looking: bool = False
    """Whether they are still looking: nothing of what they make of it is written down."""
    raised: BaseException | None = None


class Schedule:
    """Runs actors one at a time; who goes on is chosen before each call of any of them."""

    def __init__(self, choices: list[int], pace: float) -> None:
        """Take the order, a number for each turn (the first of those who can go on, when there are no more of them)."""
        self.clock = Clock()
        self.actors: list[Actor] = []
        self.turns = 0
        self._choices = iter(choices)
        self._pace = timedelta(seconds=pace)
        self._back = Semaphore(0)
        self._own = local()

    def begin(self, name: str, work: Callable[[], None]) -> Actor:
        """Add an actor, who begins when first chosen."""
        actor = Actor(name, self.clock.now)

        def play() -> None:
            self._own.actor = actor
            actor.turn.acquire()
            try:
                work()
            except BaseException as raised:  # noqa: BLE001 - whoever began it looks at it
                actor.raised = raised
            actor.done = True
            self._back.release()

        self.actors.append(actor)
        Thread(target=play, daemon=True).start()
        return actor

    def run(self, openings: Callable[[], list[Callable[[], None]]]) -> None:
        """Let everybody go on to their end; *openings* gives what else could happen at each turn."""
        while True:
            self.actors = [actor for actor in self.actors if not actor.done]
            ready = [actor for actor in self.actors if actor.wakes <= self.clock.now]
            possible: list[Callable[[], None]] = [lambda actor=actor: self._go_on(actor) for actor in ready]  # type: ignore[misc]
            possible += openings()
            if not possible:
                if not self.actors:
                    return
                self.clock.now = min(actor.wakes for actor in self.actors)
                continue
            possible[next(self._choices, 0) % len(possible)]()

    def sleep(self, seconds: float) -> None:
        """Let the actor whose thread this is sleep by the clock."""
        actor = getattr(self._own, "actor", None)
        if actor is None:
            self.clock.sleep(seconds)
        else:
            actor.wakes = self.clock.now + timedelta(seconds=seconds)
            self._wait(actor)

    def looks(self) -> Callable[[], bool]:
        """Return what tells whether every look is over that is under way now."""
        under_way = [(actor, actor.look) for actor in self.actors if actor.looking and not actor.done]
        return lambda: all(actor.done or not actor.looking or actor.look != look for actor, look in under_way)

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Stop the actor whose thread this is after that long."""
        self._own.actor.ends = self.clock.now + timedelta(seconds=seconds)
        try:
            yield
        finally:
            self._own.actor.ends = None

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Make every call of an actor wait for its turn meanwhile."""

        def tap(operation: str, _arguments: Mapping[str, Any], call: Callable[[], Any]) -> Any:
            if actor := getattr(self._own, "actor", None):
                self._wait(actor)
                if actor.ends and self.clock.now > actor.ends:
                    raise TimedOut
                if operation == "BatchGetItem":
                    actor.look, actor.looking = actor.look + 1, True
                elif operation == "TransactWriteItems":
                    actor.looking = False
            return call()

        with tapped(tap), patch("time.sleep", self.sleep):
            yield

    def _go_on(self, actor: Actor) -> None:
        self.turns += 1
        self.clock.now += self._pace
        actor.turn.release()
        self._back.acquire()

    def _wait(self, actor: Actor) -> None:
        self._back.release()
        actor.turn.acquire()
