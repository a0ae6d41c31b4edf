"""Times and names as the report writes them; whatever others wrote is made inert first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipeseal.cli._plain import plain

_LONGEST = 28
_STEPS = tuple(
    timedelta(seconds=seconds)
    for seconds in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)
) + tuple(timedelta(days=days) for days in (1, 2, 7, 14, 30, 90, 365))
_TICKS = 7
_UNITS = ((timedelta(days=2), timedelta(days=1), "d"), (timedelta(minutes=90), timedelta(hours=1), "h"))
_SHORT, _SECONDS = timedelta(seconds=10), timedelta(seconds=90)


def inert(text: object) -> str:
    """Return *text* in one line, what controls a terminal or turns the reading direction shown as "?"."""
    return plain(text)


def short(name: str, longest: int = _LONGEST) -> str:
    """Return *name*, its middle left out where it is long: what tells names apart stands at both ends."""
    half = (longest - 1) // 2
    return name if len(name) <= longest else f"{name[:half]}…{name[-half:]}"


def lasted(time: timedelta) -> str:
    """Return a length of time in one unit, as people say it."""
    for least, unit, name in _UNITS:
        if time >= least:
            return f"{time / unit:.0f} {name}"
    if time >= _SECONDS:
        return f"{time / timedelta(minutes=1):.0f} min"
    return f"{time.total_seconds():.1f} s" if time < _SHORT else f"{time.total_seconds():.0f} s"


def stamp(when: datetime) -> str:
    """Return a time as the page shows it, in UTC."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def ticks(start: datetime, end: datetime) -> list[tuple[datetime, str]]:
    """Return round times between the two with their labels, few enough to stand beside one another."""
    step = next((step for step in _STEPS if (end - start) / step <= _TICKS), _STEPS[-1])
    form = "%H:%M:%S" if step < timedelta(minutes=1) else "%H:%M" if step < timedelta(days=1) else "%d %b"
    origin = datetime(2000, 1, 3, tzinfo=UTC)  # a Monday
    first = origin + -((origin - start) // step) * step
    found = (first + number * step for number in range(_TICKS + 2))
    return [(when, f"{when:{form}}") for when in found if start <= when <= end]
