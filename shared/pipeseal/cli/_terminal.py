"""The console that commands print on; text that was written outside pipeseal passes `printable` first."""

from __future__ import annotations

from typing import IO, NoReturn

from rich.console import Console

WIDEST = 100
"""Columns that text is laid out for at most, however wide the terminal is."""


class Terminal(Console):
    """A console that prints text as it is: brackets are markup only with *markup*, numbers are not highlighted."""

    def __init__(
        self, *, stderr: bool = False, file: IO[str] | None = None, soft_wrap: bool = True, markup: bool = False
    ) -> None:
        """Break no line where *soft_wrap*, so that what is printed can be copied."""
        super().__init__(stderr=stderr, file=file, soft_wrap=soft_wrap, markup=markup, emoji=False, highlight=False)

    def on_broken_pipe(self) -> NoReturn:
        """Raise BrokenPipeError: `main` sets the exit status; rich would exit with status 1."""
        raise BrokenPipeError
