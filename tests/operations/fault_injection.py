"""Faults of calls to AWS: which call fails, how, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import botocore.client
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

LEDGER = ("BatchGetItem", "GetItem", "Query", "Scan", "TransactWriteItems", "UpdateItem", "PutItem")


class Killed(BaseException):
    """The process has ended: nothing catches this, and it makes no further call."""


class ManualClock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.now += timedelta(seconds=seconds)


def _returns(code: str, status: int) -> Callable[[str, Callable[[], Any]], Any]:
    def fault(operation: str, _call: Callable[[], Any]) -> Any:
        answer = {"Error": {"Code": code, "Message": "made up"}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(answer, operation)  # type: ignore[arg-type]

    return fault


def _request_lost(_operation: str, _call: Callable[[], Any]) -> Any:
    raise ConnectTimeoutError(endpoint_url="made up")


def _response_lost(_operation: str, call: Callable[[], Any]) -> Any:
    call()
    raise ReadTimeoutError(endpoint_url="made up")


def _raises(error: type[BaseException], *, after: bool = False) -> Callable[[str, Callable[[], Any]], Any]:
    def fault(_operation: str, call: Callable[[], Any]) -> Any:
        if after:
            call()
        raise error

    return fault


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to calls from a certain one on."""

    happens: Callable[[str, Callable[[], Any]], Any]
    seconds: float = 0
    """For how long, from the first one on; 0 for that call alone."""
    only_ledger: bool = False
    """Whether only calls to DynamoDB fail."""
    same_operation: bool = False
    """Whether only calls of the first one's operation fail."""


_LONG = 3600
FAULTS: Mapping[str, Fault] = {
    "throttled": Fault(_returns("ThrottlingException", 400)),
    "500 for 4 s": Fault(_returns("InternalServerError", 500), 4),
    "503 for 30 s": Fault(_returns("ServiceUnavailable", 503), 30),
    "requests lost for 4 s": Fault(_request_lost, 4),
    "response lost": Fault(_response_lost),
    "responses lost for 4 s": Fault(_response_lost, 4),
    "access denied": Fault(_returns("AccessDenied", 403), _LONG, same_operation=True),
    "outage": Fault(_returns("InternalServerError", 500), _LONG),
    "responses lost, no end": Fault(_response_lost, _LONG, same_operation=True),
    "outage of the ledger": Fault(_returns("InternalServerError", 500), _LONG, only_ledger=True),
    "interrupted before": Fault(_raises(KeyboardInterrupt)),
    "interrupted after": Fault(_raises(KeyboardInterrupt, after=True)),
    "killed before": Fault(_raises(Killed)),
    "killed after": Fault(_raises(Killed, after=True)),
}
TRANSIENT = tuple(FAULTS)[:6]
"""What a command survives by itself: at most 30 seconds long."""


@dataclass(slots=True)
class Process:
    """One run of a command or a function: its calls are listed; *fault* begins at the one numbered *at*."""

    clock: ManualClock
    fault: Fault | None = None
    at: int = 0
    calls: list[str] = field(default_factory=list)
    _dead: bool = False
    _end: datetime | None = None

    def call(self, operation: str, call: Callable[[], Any]) -> Any:
        """Make the call, or let the fault happen."""
        if self._dead:
            raise Killed
        number = len(self.calls)
        self.calls.append(operation)
        if not self.fault or not self._fails(self.fault, number, operation):
            return call()
        try:
            return self.fault.happens(operation, call)
        except Killed:
            self._dead = True
            raise

    def _fails(self, fault: Fault, number: int, operation: str) -> bool:
        if number < self.at:
            return False
        if number == self.at:
            self._end = self.clock.now + timedelta(seconds=fault.seconds)
            return True
        lasts = self._end is not None and self.clock.now < self._end
        only = (not fault.only_ledger or operation in LEDGER) and (
            not fault.same_operation or operation == self.calls[self.at]
        )
        return lasts and only


@contextmanager
def injected(process: Process) -> Iterator[None]:
    """Send every call to AWS through *process*."""
    original = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001

    def replaced(client: object, operation: str, arguments: dict[str, Any]) -> Any:
        return process.call(operation, lambda: original(client, operation, arguments))

    with patch.object(botocore.client.BaseClient, "_make_api_call", replaced):
        yield
