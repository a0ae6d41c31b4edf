"""The figures of the fault tests: faults tried and survived, for each command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings

if TYPE_CHECKING:
    import pytest

_OWN = "tests/operations/"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures under the profile "soak"; tests/races prints those of all tests where it runs too."""
    reports = terminalreporter.stats.get("passed", ())
    printed = any("tests/races/" in report.nodeid for report in reports)
    figures = [
        f"{name}: {value}" for report in reports for name, value in report.user_properties if _OWN in report.nodeid
    ]
    if figures and not printed and settings.get_current_profile_name() == "soak":
        terminalreporter.section("figures")
        terminalreporter.write("\n".join(figures) + "\n")
