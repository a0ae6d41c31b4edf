"""The account of the tests of races, and the figures that they report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.fake_account import ManualClock
from tests.races.length import full_length
from tests.races.timed_account import TimedAccount

import remediate

if TYPE_CHECKING:
    from tests.fake_account import FakeAccount


@pytest.fixture(autouse=True)
def _own_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore the handler's runtime after each test."""
    monkeypatch.setattr(remediate, "runtime", remediate.runtime)


@pytest.fixture
def timed(account: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> TimedAccount:
    """Return an account in which sleeping takes no time."""
    clock = ManualClock()
    monkeypatch.setattr("time.sleep", clock.sleep)
    return TimedAccount(account, clock)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what the tests counted: faults, interleavings, events, calls and alerts."""
    passed = terminalreporter.stats.get("passed", ())
    figures = [f"{name}: {value}" for report in passed for name, value in report.user_properties]
    if figures and full_length():
        terminalreporter.section("figures")
        terminalreporter.write("\n".join(figures) + "\n")
