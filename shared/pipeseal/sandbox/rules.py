"""EventBridge's rules: which of them hear an event, and what keeps the nearest from hearing it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moto.events.models import EventPattern, EventPatternParser

from pipeseal.sandbox.records import Event
from pipeseal.sandbox.stack import Function


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the template, and the function that it invokes."""

    function: Function
    name: str
    """Its name among the function's events."""
    pattern: Mapping[str, Any]

    def hears(self, event: Event) -> bool:
        """Say whether EventBridge delivers *event*; of reads it delivers none unless a rule asks for them."""
        return not event["detail"].get("readOnly") and matcher(self.pattern)(event)

    def fields(self) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
        """Yield the path of each field that the pattern speaks of, and the values that it takes."""
        return _leaves((), self.pattern)


@dataclass(frozen=True, slots=True)
class Difference:
    """A field by which the nearest rules do not hear an event."""

    field: str
    """Such as detail.eventName."""
    found: Any
    """Its value, None where the event has none."""
    wanted: tuple[Any, ...]
    """What the rules take there: values, or EventBridge's comparisons such as {"exists": False}."""


def rules_of(functions: Sequence[Function]) -> tuple[Rule, ...]:
    """Return the rules of all *functions*."""
    return tuple(Rule(function, name, pattern) for function in functions for name, pattern in function.rules.items())


def matcher(pattern: object) -> Callable[[Event], bool]:
    """Return whether an event matches an EventBridge *pattern*, by moto's engine."""
    text = json.dumps(pattern)
    engine = EventPattern(text, EventPatternParser(text).parse())
    return engine.matches_event  # type: ignore[return-value]  # its type lists the fields


def nearest(rules: Sequence[Rule], event: Event) -> tuple[tuple[Rule, ...], tuple[Difference, ...]]:
    """Return the rules that differ from *event* in the fewest fields, and the fields by which each of those differs."""
    unlike = [(rule, dict(_unlike(rule, event))) for rule in rules]
    fewest = min((len(fields) for _, fields in unlike), default=0)
    near = [(rule, fields) for rule, fields in unlike if len(fields) == fewest]
    common = [path for path in near[0][1] if all(path in fields for _, fields in near)] if near else []
    return tuple(rule for rule, _ in near), tuple(
        Difference(
            field=".".join(path),
            found=_value(event, path),
            wanted=_distinct(value for _, fields in near for value in fields[path]),
        )
        for path in common
    )


def _unlike(rule: Rule, event: Event) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """Yield the fields that keep *rule* from hearing *event*."""
    for path, wanted in rule.fields():
        alone: Any = wanted
        for name in reversed(path):
            alone = {name: alone}
        if not matcher(alone)(event):
            yield path, wanted
    if event["detail"].get("readOnly"):
        yield ("detail", "readOnly"), [False]


def _leaves(path: tuple[str, ...], pattern: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    for name, value in pattern.items():
        if isinstance(value, Mapping):
            yield from _leaves((*path, name), value)
        else:
            yield (*path, name), value


def _value(event: Any, path: Sequence[str]) -> Any:
    for name in path:
        event = event.get(name) if isinstance(event, Mapping) else None
    return event


def _distinct(values: Iterator[Any]) -> tuple[Any, ...]:
    """Return *values* once each, in order; some cannot be hashed."""
    return tuple(json.loads(text) for text in dict.fromkeys(json.dumps(value) for value in values))
