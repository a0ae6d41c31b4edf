"""What only some commands need, and `pip install pipeseal[cli]` does not bring: the embedded account's own tools."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pipeseal.cli._account import BadInput


@contextmanager
def needed(command: str) -> Iterator[None]:
    """Import in here what *command* needs: where something is not installed, BadInput says what and the way out."""
    try:
        yield
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if package == "pipeseal":
            raise
        raise BadInput(
            f"{command} needs {package}, which is not installed. Run: make setup, or pip install 'pipeseal[dev]'"
        ) from None
