"""A fake account whose invocations share a clock that only the test moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import local
from typing import Any

from tests.fake_account import ENVIRONMENT, FakeAccount, FakeContext, ManualClock, event

import remediate
from pipeseal.aws.clients import client
from pipeseal.clock import Clock
from pipeseal.runtime import Runtime

Event = dict[str, Any]

PAST_LEASE = 61
"""Seconds after which a lease has expired."""

_PROCESS = local()
"""What a Lambda process creates with its first event; here each thread is a process."""


@dataclass(frozen=True, slots=True)
class TimedAccount:
    """An account in which each invocation has a runtime of its own, under one clock."""

    account: FakeAccount
    clock: ManualClock
    environment: dict[str, str] = field(default_factory=dict)
    """Variables beyond those of the stack."""
    sleep: Callable[[float], None] | None = None
    """How an invocation sleeps, where that is more than to move the clock."""

    def runtime(self) -> Runtime:
        """Return the runtime of one invocation."""
        return Runtime({**ENVIRONMENT, **self.environment}, client, Clock(self.clock, self.sleep or self.clock.sleep))

    def deliver(self, happened: Event) -> list[Any]:
        """Invoke the handler with an event, in a process of its own; return the outcomes."""
        _PROCESS.runtime = self.runtime()
        remediate.runtime = lambda: _PROCESS.runtime  # type: ignore[assignment]
        return remediate.handler(happened, FakeContext())


def repeated(happened: Event) -> Event:
    """Return another event of the same call on the same resource, with an ID of its own."""
    detail = happened["detail"]
    return event(detail["eventName"], detail["requestParameters"], detail["responseElements"])
