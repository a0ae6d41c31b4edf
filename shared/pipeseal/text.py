"""Text that people read: safe to print, joined into sentences, durations; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

_DURATION = re.compile(r"(\d{1,5})([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def printable(text: object, limit: int | None = None, replacement: str = " ") -> str:
    """Return *text* on one line: each character that a log or a terminal could interpret becomes *replacement*.

    Use it for everything that was written outside pipeseal. *limit* cuts the result to that many characters.
    """
    line = str(text)[:limit]
    return line if line.isprintable() else "".join(c if c.isprintable() else replacement for c in line)


def conjoin(names: Sequence[str], limit: int | None = None) -> str:
    """Return *names* as "a, b and c"; beyond *limit* names the rest is counted ("a, b and 7 more")."""
    if limit is not None and len(names) > limit:
        names = (*names[:limit], f"{len(names) - limit} more")
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def parse_duration(text: str) -> timedelta | None:
    """Return the duration that *text* gives as a number of hours, days or weeks (12h, 30d, 4w); None if it is none.

    Raises OverflowError where the duration is longer than timedelta can hold.
    """
    found = _DURATION.fullmatch(text)
    return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
