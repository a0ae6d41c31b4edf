"""The type of options that take a duration: 12h, 30d, 4w."""

from __future__ import annotations

from datetime import timedelta

import click

from pipeseal.text import parse_duration


class Duration(click.ParamType[timedelta]):
    """A number of hours (h), days (d) or weeks (w)."""

    name = "duration"

    def __init__(self, longest: timedelta = timedelta.max) -> None:
        """Accept durations up to *longest*."""
        self._longest = longest

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the duration; fail where *value* is not one, is zero, or is too long."""
        if isinstance(value, timedelta):
            return value
        duration = parse_duration(str(value))
        if not duration:
            self.fail(f"{value!r:.60} is not a duration; write 12h, 30d or 4w", param, ctx)
        if duration > self._longest:
            self.fail(f"{value} is too long; the longest is {self._longest.days}d", param, ctx)
        return duration
