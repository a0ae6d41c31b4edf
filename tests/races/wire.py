"""The one place through which every AWS call of a test goes: there it is counted, failed, or made to wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import botocore.client

Tap = Callable[[str, Mapping[str, Any], Callable[[], Any]], Any]
"""Is given the operation, its arguments and what makes the call; returns or raises what the caller is to get."""


class Clock:
    """A clock that stands still until somebody sleeps by it."""

    def __init__(self, now: datetime = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let that much time pass, at once."""
        self.now += timedelta(seconds=seconds)


@contextmanager
def tapped(tap: Tap) -> Iterator[None]:
    """Send every call of every client through *tap* meanwhile."""
    ask = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001

    def through(client: object, operation: str, arguments: dict[str, Any]) -> Any:
        return tap(operation, arguments, lambda: ask(client, operation, arguments))

    with patch.object(botocore.client.BaseClient, "_make_api_call", through):
        yield
