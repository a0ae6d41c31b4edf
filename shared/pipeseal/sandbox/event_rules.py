"""The EventBridge rules of the template: which of them match an event, and which fields keep the others from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from moto.events.models import EventPattern, EventPatternParser

from pipeseal.aws.documents import Document
from pipeseal.sandbox.records import EventDocument
from pipeseal.sandbox.template import TemplateFunction

_FieldPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EventRule:
    """A rule of the template, and the function that is its target."""

    function: TemplateFunction
    name: str
    """Its key in the function's Events."""
    pattern: Document

    def matches(self, event: EventDocument) -> bool:
        """Return whether EventBridge delivers *event*; it delivers no read-only management event by default."""
        return not event["detail"].get("readOnly") and pattern_matcher(self.pattern)(event)


@dataclass(frozen=True, slots=True)
class PatternMismatch:
    """A field for which an event does not match the nearest rules."""

    field: str
    """Its path, such as detail.eventName."""
    found: object
    """The event's value; None where it has none."""
    accepted: tuple[object, ...]
    """What the rules accept: values, or comparisons of an event pattern such as {"exists": False}."""


def rules_of(functions: Iterable[TemplateFunction]) -> tuple[EventRule, ...]:
    """Return the rules of all *functions*."""
    return tuple(
        EventRule(function, name, pattern) for function in functions for name, pattern in function.rules.items()
    )


def pattern_matcher(pattern: object) -> Callable[[EventDocument], bool]:
    """Return a function that tells whether an event matches the event *pattern*; moto's engine decides."""
    text = json.dumps(pattern)
    engine = EventPattern(text, EventPatternParser(text).parse())
    return engine.matches_event  # type: ignore[return-value]  # moto's type lists the fields of an event


def nearest_rules(
    rules: Sequence[EventRule], event: EventDocument
) -> tuple[tuple[EventRule, ...], tuple[PatternMismatch, ...]]:
    """Return the rules that differ from *event* in the fewest fields, and the fields in which all of those differ."""
    mismatches = [(rule, dict(_mismatched_fields(rule, event))) for rule in rules]
    fewest = min((len(fields) for _, fields in mismatches), default=0)
    nearest = [(rule, fields) for rule, fields in mismatches if len(fields) == fewest]
    common = [path for path in nearest[0][1] if all(path in fields for _, fields in nearest)] if nearest else []
    return tuple(rule for rule, _ in nearest), tuple(
        PatternMismatch(
            field=".".join(path),
            found=_value_at(event, path),
            accepted=_distinct(value for _, fields in nearest for value in fields[path]),
        )
        for path in common
    )


def _mismatched_fields(rule: EventRule, event: EventDocument) -> Iterator[tuple[_FieldPath, Sequence[object]]]:
    """Yield the path of each field for which *event* does not match *rule*, and what the rule accepts there."""
    for path, accepted in _fields((), rule.pattern):
        single_field: object = accepted
        for name in reversed(path):
            single_field = {name: single_field}
        if not pattern_matcher(single_field)(event):
            yield path, accepted
    if event["detail"].get("readOnly"):
        yield ("detail", "readOnly"), [False]


def _fields(path: _FieldPath, pattern: Document) -> Iterator[tuple[_FieldPath, Sequence[object]]]:
    """Yield the path of each field in *pattern* below *path*, and what the pattern accepts there."""
    for name, value in pattern.items():
        if isinstance(value, Mapping):
            yield from _fields((*path, name), value)
        else:
            yield (*path, name), value


def _value_at(event: object, path: _FieldPath) -> object:
    for name in path:
        event = event.get(name) if isinstance(event, Mapping) else None
    return event


def _distinct(values: Iterable[object]) -> tuple[object, ...]:
    """Return *values* without duplicates, in order; JSON compares them, because some are not hashable."""
    return tuple(json.loads(text) for text in dict.fromkeys(json.dumps(value) for value in values))
