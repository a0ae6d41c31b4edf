"""Text, durations and times as the page shows them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipeseal.text import printable

_MAX_LENGTH = 28
_TICK_STEPS = tuple(
    timedelta(seconds=seconds)
    for seconds in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)
) + tuple(timedelta(days=days) for days in (1, 2, 7, 14, 30, 90, 365))
_MAX_TICKS = 7
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_FROM_DAYS, _FROM_HOURS, _FROM_MINUTES = 2 * _DAY, 90 * _MINUTE, timedelta(seconds=90)
_FROM_WHOLE_SECONDS = timedelta(seconds=10)


def safe(text: object) -> str:
    """Return *text* on one line; control characters and those that change the reading direction become "?"."""
    return printable(text, replacement="?")


def shorten(name: str, limit: int = _MAX_LENGTH) -> str:
    """Return *name* with at most *limit* characters; the middle is left out, for names often differ at their ends."""
    half = (limit - 1) // 2
    return name if len(name) <= limit else f"{name[:half]}…{name[-half:]}"


def duration(time: timedelta) -> str:
    """Return *time* in one unit, such as "3.9 s", "10 min", "2 h" or "12 d"."""
    for least, unit, name in ((_FROM_DAYS, _DAY, "d"), (_FROM_HOURS, _HOUR, "h"), (_FROM_MINUTES, _MINUTE, "min")):
        if time >= least:
            return f"{time / unit:.0f} {name}"
    return f"{time.total_seconds():.{1 if time < _FROM_WHOLE_SECONDS else 0}f} s"


def timestamp(when: datetime) -> str:
    """Return *when* in UTC, to the second."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def ticks(start: datetime, end: datetime) -> list[tuple[datetime, str]]:
    """Return round times between *start* and *end* with their labels, few enough not to overlap on an axis."""
    step = next((step for step in _TICK_STEPS if (end - start) / step <= _MAX_TICKS), _TICK_STEPS[-1])
    form = "%H:%M:%S" if step < _MINUTE else "%H:%M" if step < _DAY else "%d %b"
    origin = datetime(2000, 1, 3, tzinfo=UTC)  # a Monday
    first = origin + -((origin - start) // step) * step
    found = (first + number * step for number in range(_MAX_TICKS + 2))
    return [(when, f"{when:{form}}") for when in found if start <= when <= end]
