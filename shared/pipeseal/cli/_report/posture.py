"""Each control over time: how much was found in each slice of the report, and what was open at its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeseal.cli._report.facts import Facts, Spell, State

SLICES = 30
_MOMENT = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the report's time."""

    start: datetime
    righted: int
    """Violations that began in it and were put right since, contained, or settled by somebody."""
    left: int
    """Those that began in it and are still open."""
    open: int
    """Violations that were open at its end, whenever they began."""


@dataclass(frozen=True, slots=True)
class Row:
    """One control."""

    control: str
    title: str
    severity: str
    slices: tuple[Slice, ...]
    found: int
    righted: int
    open: int
    excused: int
    median: timedelta | None
    """Half of what was put right was so within this time; None where nothing was."""


def begin(facts: Facts, every: Iterable[Spell]) -> datetime:
    """Return where the charts begin: no earlier than there is something to show."""
    first = min((spell.start for spell in every if spell.start >= facts.start), default=facts.start)
    if any(spell.start < facts.start and lasts(spell, facts.start) for spell in every):
        return facts.start
    return max(facts.start, first - (facts.now - first) / SLICES)


def lasts(spell: Spell, when: datetime) -> bool:
    """Say whether it is open at that time; one whose end nobody recorded is not."""
    ends = spell.end is None and spell.state is not State.OPEN
    return spell.start <= when and not ends and (spell.end is None or spell.end > when)


def row(control: str, title: str, severity: str, every: Sequence[Spell], start: datetime, now: datetime) -> Row:  # noqa: PLR0913, PLR0917
    """Return the row of *every* violation of one control, or of all."""
    counted = [spell for spell in every if spell.state is not State.EXCUSED]
    within = [spell for spell in counted if spell.start >= start]
    took = sorted(spell.end - spell.start for spell in within if spell.state is State.RIGHTED and spell.end)
    step = (now + _MOMENT - start) / SLICES  # what begins now is in the last one
    return Row(
        control=control,
        title=title,
        severity=severity,
        slices=tuple(_slice(counted, start + number * step, start + (number + 1) * step) for number in range(SLICES)),
        found=len(within),
        righted=sum(spell.state in (State.RIGHTED, State.CONTAINED) for spell in within),
        open=sum(spell.state is State.OPEN for spell in counted),
        excused=sum(spell.state is State.EXCUSED for spell in every),
        median=took[len(took) // 2] if took else None,
    )


def _slice(every: Sequence[Spell], start: datetime, end: datetime) -> Slice:
    began = [spell for spell in every if start <= spell.start < end]
    left = sum(spell.state is State.OPEN for spell in began)
    return Slice(start, len(began) - left, left, sum(lasts(spell, end) for spell in every))
