"""The timeline: a row for each resource, a bar for each period of violation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeseal.cli._report.formatting import duration, ticks
from pipeseal.cli._report.periods import PeriodState, ViolationPeriod

NAME_WIDTH, PLOT_WIDTH = 240, 760
"""Pixels of the column with the names, and of the plot."""
_TOP, _LANE_HEIGHT, _PADDING, _MIN_BAR_WIDTH = 26, 16, 8, 9
_MAX_ROWS = 60
_LABEL_WIDTH, _BAR_GAP = 52, 4


@dataclass(frozen=True, slots=True)
class Bar:
    """A period during which the resource violated one or more controls."""

    x: float
    y: float
    width: float
    controls: tuple[str, ...]
    label: str
    """The duration; "" where the end is unknown."""
    label_left: bool
    """Whether the label is to the left of the bar, for lack of space to its right."""
    period: ViolationPeriod


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """The bars of one resource."""

    resource: str
    y: float
    height: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole drawing."""

    rows: tuple[TimelineRow, ...]
    ticks: tuple[tuple[float, str], ...]
    width: float
    height: float
    omitted: int
    """Resources beyond the limit of the drawing."""


def timeline(periods: Iterable[ViolationPeriod], start: datetime, now: datetime) -> Timeline:
    """Return the drawing of the periods between *start* and *now*, resources with open violations first."""
    by_resource: dict[str, list[ViolationPeriod]] = {}
    for period in periods:
        if period.start >= start or period.state is PeriodState.OPEN or (period.end and period.end > start):
            by_resource.setdefault(period.resource, []).append(period)
    ordered = sorted(by_resource.items(), key=lambda item: _open_first(item[1]))
    rows, y = [], float(_TOP)
    for resource, of_resource in ordered[:_MAX_ROWS]:
        bars, lanes = _bars(of_resource, y, start, now)
        height = lanes * _LANE_HEIGHT + _PADDING
        rows.append(TimelineRow(resource, y, height, bars))
        y += height
    marks = tuple((_x(when, start, now), label) for when, label in ticks(start, now))
    return Timeline(tuple(rows), marks, NAME_WIDTH + PLOT_WIDTH, y + _PADDING, max(0, len(ordered) - _MAX_ROWS))


def _open_first(periods: Sequence[ViolationPeriod]) -> tuple[bool, float]:
    none_open = all(period.state is not PeriodState.OPEN for period in periods)
    return none_open, -max(each.start for each in periods).timestamp()


def _x(when: datetime, start: datetime, now: datetime) -> float:
    share = (when - start) / (now - start) if now > start else 1.0
    return NAME_WIDTH + PLOT_WIDTH * min(max(share, 0.0), 1.0)


def _bars(
    periods: Sequence[ViolationPeriod], top: float, start: datetime, now: datetime
) -> tuple[tuple[Bar, ...], int]:
    """Return the bars of one resource, and the number of lanes that they need not to overlap."""
    lane_ends: list[float] = []
    bars = []
    for controls, period in _grouped(periods):
        label = _label(period, now)
        x, end = _x(period.start, start, now), _x(_drawn_end(period, now), start, now)
        x = min(x, NAME_WIDTH + PLOT_WIDTH - _MIN_BAR_WIDTH)
        width = max(end - x, _MIN_BAR_WIDTH)
        space = _LABEL_WIDTH if label else _BAR_GAP
        label_left = x + width + space > NAME_WIDTH + PLOT_WIDTH
        left, right = (x - (space if label_left else 0), x + width + (0 if label_left else space))
        lane = next((number for number, lane_end in enumerate(lane_ends) if lane_end <= left), len(lane_ends))
        lane_ends[lane:] = [right, *lane_ends[lane + 1 :]]
        y = top + _PADDING / 2 + lane * _LANE_HEIGHT
        bars.append(Bar(x, y, width, controls, label, label_left, period))
    return tuple(bars), len(lane_ends)


def _grouped(periods: Sequence[ViolationPeriod]) -> Iterator[tuple[tuple[str, ...], ViolationPeriod]]:
    """Yield one period for those with the same times and state, with all their controls."""
    groups: dict[tuple[object, ...], list[ViolationPeriod]] = {}
    for period in periods:
        groups.setdefault((period.start, period.end, period.state), []).append(period)
    for group in groups.values():
        yield tuple(period.control for period in group), group[0]


def _drawn_end(period: ViolationPeriod, now: datetime) -> datetime:
    if period.end or period.state in (PeriodState.OPEN, PeriodState.EXEMPT):
        return period.end or now
    return period.start


def _label(period: ViolationPeriod, now: datetime) -> str:
    if period.end or period.state is PeriodState.OPEN:
        return duration((period.end or now) - period.start)
    return ""
