"""The clock of one invocation: the time in UTC, waiting, and how much time is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_RESERVE = timedelta(seconds=10)
"""What must be left of an invocation to write, read back and record."""


class OutOfTime(Exception):
    """The invocation has too little time left to go on; Lambda retries the event."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Clock:
    """The only source of time: everything that reads the time or waits does so here, within the deadline."""

    def __init__(self, now: Callable[[], datetime] = _utc_now, sleep: Callable[[float], None] = time.sleep) -> None:
        """Take the functions that read the time (aware, in UTC) and that sleep for a number of seconds."""
        self.now = now
        self.sleep = sleep
        """Sleeps without a look at the deadline: for pauses of a fraction of a second."""
        self.deadline: datetime | None = None
        """When Lambda ends this invocation; None where that is unknown."""

    def start(self, remaining: timedelta | None) -> None:
        """Note that an invocation starts now and has *remaining* time; None where that is unknown."""
        self.deadline = self.now() + remaining if remaining is not None else None

    def wait(self, seconds: float) -> None:
        """Wait that many *seconds*; raise OutOfTime first where that would leave too little to finish."""
        self.require(seconds)
        self.sleep(seconds)

    def require(self, seconds: float = 0) -> None:
        """Raise OutOfTime where too little will be left in *seconds* to finish what is started then."""
        if self.remaining_below(_RESERVE + timedelta(seconds=seconds)):
            raise OutOfTime("too little time is left in this invocation; Lambda retries the event")

    def remaining_below(self, limit: timedelta) -> bool:
        """Return whether less than *limit* is left of the invocation; False where the deadline is unknown."""
        return self.deadline is not None and self.now() + limit > self.deadline
