"""How far back a command looks, as people write it: 12h, 30d, 4w."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import click

_SPAN = re.compile(r"(\d{1,5})([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


class Span(click.ParamType[timedelta]):
    """A length of time: a number with h, d or w behind it."""

    name = "span"

    def __init__(self, most: timedelta = timedelta.max) -> None:
        """Take no length beyond *most*."""
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read it; fail where it is none."""
        if isinstance(value, timedelta):
            return value
        found = _SPAN.fullmatch(value)
        if not found or not int(found[1]):
            self.fail(f"{value!r:.60} is no span; write 12h, 30d or 4w", param, ctx)
        length = timedelta(**{_UNITS[found[2]]: int(found[1])})
        if length > self._most:
            self.fail(f"{value} is too long: {self._most.days} days is all there is", param, ctx)
        return length
