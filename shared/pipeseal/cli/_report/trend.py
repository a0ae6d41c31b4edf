"""Each control over time: violations found in each slice of the reported time, and those open at its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeseal.cli._report.data import ReportData
from pipeseal.cli._report.periods import PeriodState, ViolationPeriod

SLICES = 30
_RESOLUTION = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class TrendSlice:
    """The violations of one slice of the reported time."""

    start: datetime
    ended: int
    """Violations that began in the slice and are not open now."""
    unresolved: int
    """Violations that began in the slice and are open now."""
    open_at_end: int
    """Violations that were open at the end of the slice, whenever they began."""


@dataclass(frozen=True, slots=True)
class ControlTrend:
    """One control over time."""

    control: str
    title: str
    severity: str
    slices: tuple[TrendSlice, ...]
    found: int
    remediated: int
    open: int
    exempt: int
    median: timedelta | None
    """Median time to remediation; None where nothing was remediated."""


def chart_start(data: ReportData, periods: Iterable[ViolationPeriod]) -> datetime:
    """Return where the charts begin: shortly before the first violation, but not before the reported time."""
    first = min((period.start for period in periods if period.start >= data.start), default=data.start)
    if any(period.start < data.start and _is_open(period, data.start) for period in periods):
        return data.start
    return max(data.start, first - (data.now - first) / SLICES)


def control_trend(  # noqa: PLR0913, PLR0917 - the columns of a row
    control: str, title: str, severity: str, periods: Sequence[ViolationPeriod], start: datetime, now: datetime
) -> ControlTrend:
    """Return the trend of *periods*: those of one control, or of all."""
    counted = [period for period in periods if period.state is not PeriodState.EXEMPT]
    within = [period for period in counted if period.start >= start]
    remediated = (period for period in within if period.state is PeriodState.REMEDIATED)
    durations = sorted(period.end - period.start for period in remediated if period.end)
    step = (now + _RESOLUTION - start) / SLICES  # so that a violation that begins now is in the last slice
    return ControlTrend(
        control=control,
        title=title,
        severity=severity,
        slices=tuple(_slice(counted, start + number * step, start + (number + 1) * step) for number in range(SLICES)),
        found=len(within),
        remediated=sum(period.state in (PeriodState.REMEDIATED, PeriodState.QUARANTINED) for period in within),
        open=sum(period.state is PeriodState.OPEN for period in counted),
        exempt=sum(period.state is PeriodState.EXEMPT for period in periods),
        median=durations[len(durations) // 2] if durations else None,
    )


def _slice(periods: Sequence[ViolationPeriod], start: datetime, end: datetime) -> TrendSlice:
    began = [period for period in periods if start <= period.start < end]
    unresolved = sum(period.state is PeriodState.OPEN for period in began)
    return TrendSlice(start, len(began) - unresolved, unresolved, sum(_is_open(period, end) for period in periods))


def _is_open(period: ViolationPeriod, when: datetime) -> bool:
    """Return whether the violation was open at *when*; one with an unrecorded end does not count."""
    end_unknown = period.end is None and period.state is not PeriodState.OPEN
    return period.start <= when and not end_unknown and (period.end is None or period.end > when)
