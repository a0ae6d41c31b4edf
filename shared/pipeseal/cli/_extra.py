"""Packages that only some commands need and `pip install pipeseal[cli]` does not install."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pipeseal.cli._account import BadInput


@contextmanager
def optional_imports(command: str) -> Iterator[None]:
    """Raise BadInput, which names the package, where an import that *command* needs fails in this context."""
    try:
        yield
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if package == "pipeseal":
            raise
        raise BadInput(
            f"{command} needs {package}, which is not installed. Run make setup or pip install 'pipeseal[dev]'."
        ) from None
