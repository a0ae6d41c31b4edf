"""The account that tests of races happen in, and the figures that they leave behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.races.flows import Stage
from tests.races.length import whole
from tests.races.wire import Clock

import remediate

if TYPE_CHECKING:
    from tests.account import Account


@pytest.fixture(autouse=True)
def _own_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the handler's world back after each test."""
    monkeypatch.setattr(remediate, "world", remediate.world)


@pytest.fixture
def stage(account: Account, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Give an account in which waiting takes no time."""
    clock = Clock()
    monkeypatch.setattr("time.sleep", clock.sleep)
    return Stage(account, clock)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what the tests counted: faults injected, interleavings explored, events thrown, calls and alerts."""
    passed = terminalreporter.stats.get("passed", ())
    figures = [f"{name}: {value}" for report in passed for name, value in report.user_properties]
    if figures and whole():
        terminalreporter.section("figures")
        terminalreporter.write("\n".join(figures) + "\n")
