"""Between a finding and the person told of it: where in a document a value stands, said without giving it away."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from pipeseal.secrets.formats import tokens
from pipeseal.secrets.phrases import phrases

_SHOWN = 64  # characters of a name; a mail's line, and far from the size limit of an alert
_TELLING = 4  # a literal shorter than this is in half of all words, so its presence in a name says nothing
_DEEP = 40  # steps of a path that are shown; a real one has ten
# Lists whose elements a person knows by name.
_NOUNS = {
    "stages": "stage",
    "actions": "action",
    "rules": "rule",
    "variables": "variable",
    "environmentVariables": "variable",
}
_UNSAID = frozenset({"configuration", "conditions", "environment"})
_VALUES = frozenset({"value", "defaultvalue", "parametervalue"})


@dataclass(frozen=True, slots=True)
class Place:
    """One step into a document, and the way to it.

    *key* is None in a list; *index* counts the keys or elements before it; *name* is what the element calls itself.
    """

    parent: Place | None = None
    key: str | None = None
    index: int = 0
    name: str | None = None

    def way(self) -> list[Place]:
        """Return the steps from the document's root to here."""
        steps: list[Place] = []
        step: Place | None = self
        while step is not None and step.parent is not None:
            steps.append(step)
            step = step.parent
        return steps[::-1]


@dataclass(frozen=True, slots=True)
class Names:
    """Decides which of a document's own names can be shown, given the *literals* found anywhere in it."""

    literals: frozenset[str]
    _known: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def hiding(cls, literals: Iterable[str]) -> Names:
        """Return names that show none of *literals*."""
        parts = (part for literal in literals for part in (literal, literal.strip(), *literal.split()))
        return cls(frozenset(part for part in parts if len(part) >= _TELLING))

    def shown(self, name: str) -> str | None:
        """Return *name* fit for a log line or a mail; None where it is, or holds, a secret."""
        if name not in self._known:
            self._known[name] = self._cleaned(name)
        return self._known[name]

    def _cleaned(self, name: str) -> str | None:
        """Return *name* in printable characters and of bearable length, or None."""
        if not name.strip() or any(literal in name for literal in self.literals):
            return None
        if next(iter(tokens(name)), None) or next(iter(phrases(name)), None):
            return None
        short = name if len(name) <= _SHOWN else name[: _SHOWN - 1] + "…"
        return "".join(character if character.isprintable() else "?" for character in short)

    def path(self, place: Place, start: str) -> str:
        """Return the way to *place* as stages[0].actions[1], from *start*; a hidden key is [#its index]."""
        way = place.way()
        text = start
        for step in way[:_DEEP]:
            shown = None if step.key is None else self.shown(step.key)
            if step.key is None:
                text += f"[{step.index}]"
            elif shown is None:
                text += f"[#{step.index}]"
            elif re.fullmatch(r"[\w:/@+-]+", shown):
                text += f".{shown}" if text else shown
            else:
                text += f"[{json.dumps(shown, ensure_ascii=False)}]"
        return text + "…" * (len(way) > _DEEP)

    def where(self, place: Place, noun: str = "") -> str:
        """Return the way to *place* in a person's words: stage Build, action Test, field Token.

        *noun* is what to call an element where the way starts with a list.
        """
        said: list[str] = []
        fields: list[str] = []
        for step in place.way()[:_DEEP]:
            label = self._label(step)
            if noun and step.key is None:
                said.append(f"{noun} {label}")
                noun = ""
            elif not fields and step.key in _NOUNS:
                noun = _NOUNS[step.key]
            elif not fields and step.key in _UNSAID:
                continue
            elif step.key is None and step.name is None and fields:
                fields[-1] += label
            elif step.parent and step.parent.name and (step.key or "").lower() in _VALUES:
                continue
            elif step.key in {"beforeEntry", "onSuccess", "onFailure"} and not fields:
                said.append(step.key)
            elif not (step.key is None and not fields and step.name is None):
                fields.append(label)
        return ", ".join([*said, f"field {' '.join(fields)}"] if fields else said)

    def _label(self, step: Place) -> str:
        """Return what to call *step*: its name, or its index where it has none that can be shown."""
        name = step.key if step.key is not None else step.name
        shown = None if name is None else self.shown(name)
        return shown if shown is not None else f"[{'#' if step.key is not None else ''}{step.index}]"
