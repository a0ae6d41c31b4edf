"""The timeline: a line a resource, a bar for each time that it was in violation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeseal.cli._report.facts import Spell, State
from pipeseal.cli._report.words import lasted, ticks

NAMES, PLOT = 240, 760
_TOP, _LANE, _PAD, _LEAST = 26, 16, 8, 9
_MOST = 60
_LABEL = 52
"""What a bar's length needs beside it."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One or more controls violated from when to when."""

    x: float
    y: float
    width: float
    state: State
    controls: tuple[str, ...]
    label: str
    """How long it lasted; "" where nobody recorded that."""
    inside: bool
    """Whether the label stands to the left of the bar's end, for there is no room behind it."""
    spell: Spell


@dataclass(frozen=True, slots=True)
class Line:
    """One resource."""

    resource: str
    y: float
    height: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole drawing."""

    lines: tuple[Line, ...]
    ticks: tuple[tuple[float, str], ...]
    width: float
    height: float
    left_out: int
    """Resources that are not drawn because there are so many."""


def timeline(spells: Iterable[Spell], start: datetime, now: datetime) -> Timeline:
    """Return the drawing of what lasted between the two, what is still open first."""
    by_resource: dict[str, list[Spell]] = {}
    for spell in spells:
        if spell.start >= start or spell.state is State.OPEN or (spell.end and spell.end > start):
            by_resource.setdefault(spell.resource, []).append(spell)
    ordered = sorted(by_resource.items(), key=lambda item: _first(item[1]))
    lines, y = [], float(_TOP)
    for resource, its in ordered[:_MOST]:
        bars, lanes = _bars(its, y, start, now)
        height = lanes * _LANE + _PAD
        lines.append(Line(resource, y, height, bars))
        y += height
    at = tuple((_x(when, start, now), label) for when, label in ticks(start, now))
    return Timeline(tuple(lines), at, NAMES + PLOT, y + _PAD, max(0, len(ordered) - _MOST))


def _first(spells: Sequence[Spell]) -> tuple[bool, float]:
    return all(spell.state is not State.OPEN for spell in spells), -max(each.start for each in spells).timestamp()


def _x(when: datetime, start: datetime, now: datetime) -> float:
    share = (when - start) / (now - start) if now > start else 1.0
    return NAMES + PLOT * min(max(share, 0.0), 1.0)


def _bars(spells: Sequence[Spell], top: float, start: datetime, now: datetime) -> tuple[tuple[Bar, ...], int]:
    """Return the bars of one resource, and in how many lanes they lie so that none hides another."""
    free: list[float] = []
    bars = []
    for controls, spell in _together(spells):
        label = _label(spell, now)
        x, end = _x(spell.start, start, now), _x(_until(spell, now), start, now)
        x = min(x, NAMES + PLOT - _LEAST)
        width = max(end - x, _LEAST)
        room = _LABEL if label else 4
        inside = x + width + room > NAMES + PLOT
        begins, ends = (x - (room if inside else 0), x + width + (0 if inside else room))
        lane = next((number for number, taken in enumerate(free) if taken <= begins), len(free))
        free[lane:] = [ends, *free[lane + 1 :]]
        y = top + _PAD / 2 + lane * _LANE
        bars.append(Bar(x, y, width, spell.state, controls, label, inside, spell))
    return tuple(bars), len(free)


def _together(spells: Sequence[Spell]) -> Iterator[tuple[tuple[str, ...], Spell]]:
    """Yield what began and ended together as one, with its controls."""
    groups: dict[tuple[object, ...], list[Spell]] = {}
    for spell in spells:
        groups.setdefault((spell.start, spell.end, spell.state), []).append(spell)
    for its in groups.values():
        yield tuple(spell.control for spell in its), its[0]


def _until(spell: Spell, now: datetime) -> datetime:
    if spell.end or spell.state in (State.OPEN, State.EXCUSED):
        return spell.end or now
    return spell.start


def _label(spell: Spell, now: datetime) -> str:
    if spell.end or spell.state is State.OPEN:
        return lasted((spell.end or now) - spell.start)
    return ""
