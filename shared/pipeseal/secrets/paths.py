"""Paths to values in a document, rendered for people without any secret that the document's names contain."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from pipeseal.secrets.context import find_by_context
from pipeseal.secrets.formats import find_by_format

_MAX_NAME_LENGTH = 64  # characters of one name that are shown
_MIN_HIDDEN_LENGTH = 4  # characters; a shorter secret occurs in many words by chance
_MAX_STEPS = 40  # steps of a path that are shown; a pipeline's paths have about ten
# What to call one element of a list that is named in its elements.
_ELEMENT_NOUNS = {
    "stages": "stage",
    "actions": "action",
    "rules": "rule",
    "variables": "variable",
    "environmentVariables": "variable",
}
_OMITTED_KEYS = frozenset({"configuration", "conditions", "environment"})
_CONDITION_KEYS = frozenset({"beforeEntry", "onSuccess", "onFailure"})
_VALUE_KEYS = frozenset({"value", "defaultvalue", "parametervalue"})


@dataclass(frozen=True, slots=True)
class DocumentPath:
    """The path to a value in a document: its last step, and the path before it; the root has no parent.

    *key* is None for an element of a list. *index* is the position among the keys or elements. *name* is the name
    that an element gives itself, as stages, actions and variables do.
    """

    parent: DocumentPath | None = None
    key: str | None = None
    index: int = 0
    name: str | None = None

    def steps(self) -> list[DocumentPath]:
        """Return the steps from the root, which is left out, to this one."""
        steps: list[DocumentPath] = []
        step: DocumentPath | None = self
        while step is not None and step.parent is not None:
            steps.append(step)
            step = step.parent
        return steps[::-1]


@dataclass(frozen=True, slots=True)
class PathRenderer:
    """Renders paths; replaces each name that contains one of the *hidden* secrets by its index."""

    hidden: frozenset[str]
    _display_names: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def hiding(cls, secrets: Iterable[str]) -> PathRenderer:
        """Return a renderer that shows none of *secrets*, and none of their parts between spaces."""
        parts = (part for secret in secrets for part in (secret, secret.strip(), *secret.split()))
        return cls(frozenset(part for part in parts if len(part) >= _MIN_HIDDEN_LENGTH))

    def display_name(self, name: str) -> str | None:
        """Return *name* in printable characters, at most 64; None for a blank name or one that contains a secret."""
        if name not in self._display_names:
            self._display_names[name] = self._sanitized(name)
        return self._display_names[name]

    def _sanitized(self, name: str) -> str | None:
        if not name.strip() or any(secret in name for secret in self.hidden):
            return None
        if next(find_by_format(name), None) or next(find_by_context(name), None):
            return None
        short = name if len(name) <= _MAX_NAME_LENGTH else name[: _MAX_NAME_LENGTH - 1] + "…"
        return "".join(character if character.isprintable() else "?" for character in short)

    def path(self, path: DocumentPath, prefix: str = "") -> str:
        """Return *path* after *prefix* in the form stages[0].actions[1].name; a hidden key becomes [#index]."""
        steps = path.steps()
        text = prefix
        for step in steps[:_MAX_STEPS]:
            name = None if step.key is None else self.display_name(step.key)
            if step.key is None:
                text += f"[{step.index}]"
            elif name is None:
                text += f"[#{step.index}]"
            elif re.fullmatch(r"[\w:/@+-]+", name):
                text += f".{name}" if text else name
            else:
                text += f"[{json.dumps(name, ensure_ascii=False)}]"
        return text + "…" * (len(steps) > _MAX_STEPS)

    def location(self, path: DocumentPath, noun: str = "") -> str:
        """Return *path* in words, in the form "stage Build, action Test, field Token"; "" for the root.

        *noun* is what to call an element where the document itself is a list.
        """
        parts: list[str] = []
        fields: list[str] = []
        for step in path.steps()[:_MAX_STEPS]:
            label = self._label(step)
            if noun and step.key is None:
                parts.append(f"{noun} {label}")
                noun = ""
            elif not fields and step.key in _ELEMENT_NOUNS:
                noun = _ELEMENT_NOUNS[step.key]
            elif not fields and step.key in _OMITTED_KEYS:
                continue
            elif step.key is None and step.name is None and fields:
                fields[-1] += label
            elif step.parent and step.parent.name and (step.key or "").lower() in _VALUE_KEYS:
                continue
            elif step.key in _CONDITION_KEYS and not fields:
                parts.append(step.key)
            elif not (step.key is None and not fields and step.name is None):
                fields.append(label)
        return ", ".join([*parts, f"field {' '.join(fields)}"] if fields else parts)

    def _label(self, step: DocumentPath) -> str:
        """Return the name of *step*, or its index where it has no name that can be shown."""
        name = step.key if step.key is not None else step.name
        display_name = None if name is None else self.display_name(name)
        return display_name if display_name is not None else f"[{'#' if step.key is not None else ''}{step.index}]"
