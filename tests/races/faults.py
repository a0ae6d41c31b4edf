"""Every way in which one call to AWS can fail, and an invocation in which one call fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError


class Killed(BaseException):
    """The process has ended: nothing catches this, and no further call is made."""


def returned(code: str, status: int, message: str = "made up") -> Callable[..., Any]:
    """Return the fault in which AWS returns the error *code* and does nothing."""

    def fault(operation: str, _call: Callable[[], Any]) -> Any:
        problem = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(problem, operation)  # type: ignore[arg-type]

    return fault


def _request_lost(_operation: str, _call: Callable[[], Any]) -> Any:
    raise ConnectTimeoutError(endpoint_url="made up")


def _response_lost(_operation: str, call: Callable[[], Any]) -> Any:
    call()
    raise ReadTimeoutError(endpoint_url="made up")


def _killed_before(_operation: str, _call: Callable[[], Any]) -> Any:
    raise Killed


def _killed_after(_operation: str, call: Callable[[], Any]) -> Any:
    call()
    raise Killed


TEMPORARY: Mapping[str, Callable[..., Any]] = {
    "throttling": returned("ThrottlingException", 400),
    "500": returned("InternalError", 500),
    "503 SlowDown": returned("SlowDown", 503),
    "request lost": _request_lost,
    "response lost": _response_lost,
    "OperationAborted": returned("OperationAborted", 409),
    "killed before the call": _killed_before,
    "killed after the call": _killed_after,
}
"""Faults that have ended when the event is delivered again; they outlast botocore's own retries."""

DENIED = returned("AccessDenied", 403)


@dataclass(slots=True)
class FaultyInvocation:
    """An interceptor for one invocation: lists its calls, and injects *fault* into the call numbered *at*."""

    at: int | None = None
    """Number of the call, from 0; None for a run without fault."""
    fault: Callable[..., Any] = DENIED
    calls: list[str] = field(default_factory=list)
    killed: bool = False

    def __call__(self, operation: str, _arguments: Mapping[str, Any], call: Callable[[], Any]) -> Any:
        """See Interceptor."""
        if self.killed:
            raise Killed
        self.calls.append(operation)
        if len(self.calls) - 1 != self.at:
            return call()
        try:
            return self.fault(operation, call)
        except Killed:
            self.killed = True
            raise


@dataclass(slots=True)
class FirstCall:
    """An interceptor that injects *fault* into the first call of one operation."""

    operation: str
    fault: Callable[..., Any]
    reached: bool = False
    killed: bool = False

    def __call__(self, operation: str, _arguments: Mapping[str, Any], call: Callable[[], Any]) -> Any:
        """See Interceptor."""
        if self.killed:
            raise Killed
        if self.reached or operation != self.operation:
            return call()
        self.reached = True
        try:
            return self.fault(operation, call)
        except Killed:
            self.killed = True
            raise


def preceded_by(act: Callable[[], object]) -> Callable[..., Any]:
    """Return the fault in which *act* happens right before the call."""

    def fault(_operation: str, call: Callable[[], Any]) -> Any:
        act()
        return call()

    return fault


def followed_by(act: Callable[[], object]) -> Callable[..., Any]:
    """Return the fault in which *act* happens right after the call."""

    def fault(_operation: str, call: Callable[[], Any]) -> Any:
        response = call()
        act()
        return response

    return fault
