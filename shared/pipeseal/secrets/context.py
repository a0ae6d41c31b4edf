"""Literal secrets in a text that their context identifies: an assignment, an option, a command or a header."""

from __future__ import annotations

from collections.abc import Iterator

from pipeseal.secrets.assignments import find_in_assignments
from pipeseal.secrets.commands import find_in_commands
from pipeseal.secrets.values import LiteralSecret

_REFERENCE_SECTIONS = ("secrets-manager:", "parameter-store:")


def find_by_context(text: str) -> Iterator[LiteralSecret]:
    """Yield the literal secrets in *text* that their context identifies; one value can be yielded twice."""
    if any(section in text for section in _REFERENCE_SECTIONS):
        text = _without_reference_sections(text)
    yield from find_in_assignments(text)
    yield from find_in_commands(text)


def _without_reference_sections(text: str) -> str:
    """Return *text* without the sections of a buildspec that contain only names of secrets and parameters."""
    kept = []
    section_indent: int | None = None
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip())
        if section_indent is not None and line.strip() and indent <= section_indent:
            section_indent = None
        if section_indent is None:
            kept.append(line)
            if line.strip() in _REFERENCE_SECTIONS:
                section_indent = indent
    return "\n".join(kept)
