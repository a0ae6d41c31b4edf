"""How commands that write report retries, and what is open where they could not finish."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import click

from pipeseal.cli._account import AwsRefused, BadInput, target_options
from pipeseal.operations.amendment import Declined
from pipeseal.operations.retrying import Unfinished
from pipeseal.text import printable


def show_progress(text: str) -> None:
    """Print *text* to stderr, without control characters."""
    for line in text.split("\n"):
        click.echo(printable(line), err=True)


def command_line(*words: str, options: Mapping[str, str | bool] | None = None) -> str:
    """Return the command as it is typed, with the target options of this one; False and "" omit an option."""
    parts = ["pipeseal", *map(shlex.quote, words)]
    for name, value in (options or {}).items():
        if value is True:
            parts.append(f"--{name}")
        elif value:
            parts.append(f"--{name} {shlex.quote(value)}")
    return " ".join(parts) + target_options()


@contextmanager
def reporting(command: str) -> Iterator[None]:
    """Translate the errors of the block; print what was changed and, where that is open, the *command* to finish it."""
    try:
        yield
    except Declined as declined:
        raise BadInput(str(declined)) from declined
    except Unfinished as unfinished:
        raise AwsRefused(f"{unfinished}\n{_to_finish(command)}") from unfinished
    except KeyboardInterrupt as interrupt:
        for note in getattr(interrupt, "__notes__", ()):
            show_progress(f"\n{note}\n{_to_finish(command)}")
        raise
    except Exception as error:
        for note in getattr(error, "__notes__", ()):
            show_progress(note)
        raise


def _to_finish(command: str) -> str:
    return f"To finish it now, run the command again:\n  {command}"
