"""What commands do about errors: retry those that are transient for a minute, then report what is open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from pipeseal.aws.errors import AWS_ERRORS
from pipeseal.aws.transient import RetryBudget, describe, is_transient

if TYPE_CHECKING:
    from pipeseal.runtime import Runtime

T = TypeVar("T")

Progress = Callable[[str], None]
"""Reports to the operator, in one sentence, what the command waits for."""

_PATIENCE = timedelta(seconds=60)
_BETWEEN_REPORTS = timedelta(seconds=5)


class Unfinished(Exception):
    """The command stopped before its result was recorded; the text says what was done and what is open now."""


def no_progress(_text: str) -> None:
    """Report nothing."""


def budget(runtime: Runtime, progress: Progress = no_progress) -> RetryBudget:
    """Return a budget of one minute; it reports to *progress* every few seconds that a call is retried."""
    end, next_report = runtime.clock.now() + _PATIENCE, runtime.clock.now()

    def report(error: Exception) -> None:
        nonlocal next_report
        if (now := runtime.clock.now()) >= next_report:
            next_report = now + _BETWEEN_REPORTS
            left = (end - now).total_seconds()
            progress(f"{describe(error)}; retrying for {left:.0f} s at most (Ctrl-C stops the command)")

    return RetryBudget(runtime.clock, end, report)


def run_reported(retry: RetryBudget, call: Callable[[], T], claim: str) -> T:
    """Return what *call* returns, a single write that may be repeated.

    Raises Unfinished where it is unknown whether it was made; *claim* says what is true if it was. A KeyboardInterrupt
    has the same text as a note.
    """
    try:
        return retry.run(call)
    except AWS_ERRORS as error:
        if not is_transient(error):
            raise
        raise Unfinished(f"Stopped ({describe(error)}). It is unknown whether {claim}.") from error
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(f"Interrupted. It is unknown whether {claim}.")
        raise
