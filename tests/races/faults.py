"""Everything that can go wrong with one call to AWS, and a delivery in which it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError


class Killed(BaseException):
    """The process is no more: nothing catches this, and it makes no further call."""


def answered(code: str, status: int, message: str = "made up") -> Callable[..., Any]:
    """Make the fault in which AWS answers with *code* and does nothing."""

    def fault(operation: str, _call: Callable[[], Any]) -> Any:
        problem = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(problem, operation)  # type: ignore[arg-type]

    return fault


def _unreached(_operation: str, _call: Callable[[], Any]) -> Any:
    raise ConnectTimeoutError(endpoint_url="made up")


def _unheard(_operation: str, call: Callable[[], Any]) -> Any:
    call()
    raise ReadTimeoutError(endpoint_url="made up")


def _killed_before(_operation: str, _call: Callable[[], Any]) -> Any:
    raise Killed


def _killed_after(_operation: str, call: Callable[[], Any]) -> Any:
    call()
    raise Killed


PASSING: Mapping[str, Callable[..., Any]] = {
    "throttling": answered("ThrottlingException", 400),
    "500": answered("InternalError", 500),
    "503 SlowDown": answered("SlowDown", 503),
    "timeout before it was heard": _unreached,
    "timeout after it was done": _unheard,
    "OperationAborted": answered("OperationAborted", 409),
    "killed right before": _killed_before,
    "killed right after": _killed_after,
}
"""What is over by the time that the event is delivered again; here all that botocore would try again is in vain."""

DENIED = answered("AccessDenied", 403)


@dataclass(slots=True)
class Delivery:
    """One invocation: its calls are listed, and *fault* happens to the one numbered *at* (None: to none)."""

    at: int | None = None
    fault: Callable[..., Any] = DENIED
    calls: list[str] = field(default_factory=list)
    dead: bool = False

    def __call__(self, operation: str, _arguments: Mapping[str, Any], call: Callable[[], Any]) -> Any:
        """See Tap."""
        if self.dead:
            raise Killed
        self.calls.append(operation)
        if len(self.calls) - 1 != self.at:
            return call()
        try:
            return self.fault(operation, call)
        except Killed:
            self.dead = True
            raise
