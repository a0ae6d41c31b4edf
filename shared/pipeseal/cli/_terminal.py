"""Where text for people goes: a terminal, which may be a pipe, and must get no control characters of others."""

from __future__ import annotations

from typing import IO, NoReturn

from rich.console import Console


class Terminal(Console):
    """A console that takes text as it is, brackets and numbers too, unless *markup* is asked for."""

    def __init__(
        self, *, stderr: bool = False, file: IO[str] | None = None, soft_wrap: bool = True, markup: bool = False
    ) -> None:
        """Fold no line of its own where *soft_wrap*, so that what is shown can be copied."""
        super().__init__(stderr=stderr, file=file, soft_wrap=soft_wrap, markup=markup, emoji=False, highlight=False)

    def on_broken_pipe(self) -> NoReturn:
        """Let the main entry end the program, which knows the exit status for that; rich's own is 1."""
        raise BrokenPipeError
