"""The difference between two documents, line by line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import SequenceMatcher

_CONTEXT = 2
"""Unchanged lines that are shown before and after a change."""
_OMISSION = (" ", "⋮")


def difference(before: object, after: object, width: int) -> Iterator[tuple[str, str]]:
    """Yield (mark, line) for each change from *before* to *after*, with a few unchanged lines around it.

    The mark is "-" for removed lines, "+" for added lines, " " for unchanged lines.
    """
    marked = _marked_lines(*(_lines(document, width) for document in (before, after)))
    changed = [number for number, (mark, _) in enumerate(marked) if mark != " "]
    shown = {number + step for number in changed for step in range(-_CONTEXT, _CONTEXT + 1)}
    omitted = False
    for number, line in enumerate(marked):
        if number in shown:
            if omitted:
                yield _OMISSION
            yield line
        omitted = number not in shown
    if omitted:
        yield _OMISSION


def _lines(document: object, width: int) -> list[str]:
    return pretty(_with_statement_list(document), width).splitlines() if document else []


def _marked_lines(old: list[str], new: list[str]) -> list[tuple[str, str]]:
    """Return all lines with their marks; a comma that only another last statement requires is not a change."""
    a, b = ([line.rstrip(",") for line in lines] for lines in (old, new))
    marked: list[tuple[str, str]] = []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if kind == "equal":
            marked += [(" ", line) for line in new[j1:j2]]
        else:
            marked += [("-", line) for line in old[i1:i2]] + [("+", line) for line in new[j1:j2]]
    return marked


def _with_statement_list(document: object) -> object:
    """Return a policy with its only statement in a list, as it is once a second statement is added."""
    if isinstance(document, dict) and isinstance(document.get("Statement"), dict):
        return {**document, "Statement": [document["Statement"]]}
    return document


def pretty(value: object, width: int, indent: int = 0, taken: int = 0) -> str:
    """Return *value* as JSON, on one line wherever that fits; *taken* columns of its first line are in use."""
    flat = json.dumps(value)
    if indent + taken + len(flat) <= width or not isinstance(value, dict | list) or not value:
        return flat
    pad, step = " " * (indent + 2), indent + 2
    if isinstance(value, dict):
        named = ((json.dumps(name), each) for name, each in value.items())
        parts = [f"{pad}{name}: {pretty(each, width, step, len(name) + 2)}" for name, each in named]
        return "{\n" + ",\n".join(parts) + "\n" + " " * indent + "}"
    return "[\n" + ",\n".join(pad + pretty(each, width, step) for each in value) + "\n" + " " * indent + "]"
