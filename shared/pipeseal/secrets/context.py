"""Literal secrets in a text that their context identifies: an assignment, an option, a command or a header."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeseal.secrets.assignments import find_in_assignments
from pipeseal.secrets.commands import find_in_commands
from pipeseal.secrets.values import LiteralSecret

# In a document that is no valid YAML; search.py reads the sections of a valid one.
_REFERENCE_SECTION = re.compile(r"[ \t]*[\"']?(?:secrets-manager|parameter-store)[\"']?[ \t]*:[ \t]*(?:#.*)?")
_SEPARATOR = re.compile(r"[=:<\s]")  # between a secret and what identifies it
_CONTINUED_LINE = re.compile(r"[\\`^]\r?\n[ \t]*")  # of a shell, of PowerShell, of cmd


def find_by_context(text: str) -> Iterator[LiteralSecret]:
    """Yield the literal secrets in *text* that their context identifies; one value can be yielded twice."""
    if not _SEPARATOR.search(text):
        return
    if "\n" in text:
        text = _CONTINUED_LINE.sub(" ", text)
        if "secrets-manager" in text or "parameter-store" in text:
            text = _without_reference_sections(text)
    yield from find_in_assignments(text)
    yield from find_in_commands(text)


def _without_reference_sections(text: str) -> str:
    """Return *text* without the sections of a buildspec that contain only names of secrets and parameters."""
    kept = []
    section_indent: int | None = None
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip())
        is_content = bool(line.strip()) and not line.lstrip().startswith("#")
        if section_indent is not None and is_content and indent <= section_indent:
            section_indent = None
        if section_indent is None:
            kept.append(line)
            if _REFERENCE_SECTION.fullmatch(line.rstrip()):
                section_indent = indent
    return "\n".join(kept)
