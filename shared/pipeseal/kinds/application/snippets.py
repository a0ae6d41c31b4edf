"""The code snippets of CodeDeploy applications: none, because pipeseal does not write to them; pure."""

from __future__ import annotations

from collections.abc import Iterator

from pipeseal.kinds.application.value import Application
from pipeseal.snippets.part import SnippetPart


def parts(_before: Application, _after: Application) -> Iterator[SnippetPart]:
    """Yield nothing."""
    yield from ()
