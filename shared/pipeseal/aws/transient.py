"""Errors that end by themselves, and calls that are repeated until they do."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004 - botocore's own

from pipeseal.aws.errors import AWS_ERRORS, code

if TYPE_CHECKING:
    from pipeseal.clock import Clock

T = TypeVar("T")

_TRANSIENT = re.compile(
    "Throttl|TooManyRequests|SlowDown|RequestLimit|ProvisionedThroughput|Timeout|TimedOut|Unavailable|Internal|Concurrent|"
    "Conflict|Aborted|InProgress"
)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 8.0
"""Seconds before the first repetition, and at most; twice as many before each further one."""
_WITHIN_INVOCATION = timedelta(seconds=50)
"""Less than a lease."""
_RESERVE = timedelta(seconds=5)
"""What must be left of an invocation to make one more call."""


def is_transient(error: Exception) -> bool:
    """Return whether the same call may succeed soon; what the failed call did is unknown."""
    if not isinstance(error, ClientError):
        return isinstance(error, ConnectionError | HTTPClientError)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", HTTPStatus.BAD_REQUEST)
    reasons = [reason.get("Code", "") for reason in error.response.get("CancellationReasons") or ()]
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or any(map(_TRANSIENT.search, (code(error), *reasons)))


def describe(error: BaseException) -> str:
    """Return which call failed, and how; one line, which may hold characters that are not printable."""
    if not isinstance(error, ClientError):
        return str(error) or type(error).__name__
    message = error.response.get("Error", {}).get("Message", "")
    return f"{error.operation_name}: {code(error)}: {message}".rstrip(": ")


def _no_notice(_error: Exception) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class RetryBudget:
    """Repeats calls that fail with a transient error, with exponential backoff, until *end*."""

    clock: Clock
    end: datetime
    notice: Callable[[Exception], None] = _no_notice
    """Called with the error ahead of each repetition."""

    def run(self, call: Callable[[], T]) -> T:
        """Return what *call* returns; raise its error where that is not transient, or where *end* is reached."""
        attempt = 0
        while True:
            try:
                return call()
            except AWS_ERRORS as error:
                self.pause(attempt, error)
            attempt += 1

    def pause(self, attempt: int, error: Exception) -> None:
        """Wait ahead of another attempt after *attempt* repetitions; raise *error* where there must be none."""
        seconds = min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE) * random.uniform(0.75, 1.25)  # noqa: S311 - a jitter
        if not is_transient(error) or self.clock.now() + timedelta(seconds=seconds) > self.end:
            raise error
        self.notice(error)
        self.clock.sleep(seconds)


def budget_of_invocation(clock: Clock) -> RetryBudget:
    """Return the budget for the last call of an invocation: 50 seconds, less where less is left of it."""
    end = clock.now() + _WITHIN_INVOCATION
    return RetryBudget(clock, min(end, clock.deadline - _RESERVE) if clock.deadline else end)
