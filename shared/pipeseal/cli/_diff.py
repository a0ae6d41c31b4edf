"""A document before and after, line by line, as a person reads a diff."""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import SequenceMatcher

_CONTEXT = 2
"""Lines that are shown around a change."""


def difference(before: object, after: object, width: int) -> Iterator[tuple[str, str]]:
    """Yield the lines of *after*, marked "+" where they are new, with what is gone as "-" and a few lines around."""
    old, new = (
        pretty(_listed_statements(document), width).splitlines() if document else [] for document in (before, after)
    )
    # A comma after what was the last statement is no change worth showing.
    plain_old, plain_new = ([line.rstrip(",") for line in lines] for lines in (old, new))
    marked: list[tuple[str, str]] = []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, plain_old, plain_new, autojunk=False).get_opcodes():
        if kind == "equal":
            marked += [(" ", line) for line in new[j1:j2]]
        else:
            marked += [("-", line) for line in old[i1:i2]] + [("+", line) for line in new[j1:j2]]
    changed = [number for number, (mark, _) in enumerate(marked) if mark != " "]
    near = {number + step for number in changed for step in range(-_CONTEXT, _CONTEXT + 1)}
    skipped = False
    for number, (mark, line) in enumerate(marked):
        if number in near:
            if skipped:
                yield " ", "⋮"
            yield mark, line
        skipped = number not in near
    if skipped:
        yield " ", "⋮"


def _listed_statements(document: object) -> object:
    """Return a policy with its statement in a list, where it has one alone: it becomes one when ours joins it."""
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
