"""The code snippets of CloudTrail trails; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeseal.kinds.trail.value import Trail
from pipeseal.snippets.part import SnippetPart
from pipeseal.snippets.terraform import snake_case


def parts(before: Trail, after: Trail) -> Iterator[SnippetPart]:
    """Yield what the owner's code must contain for the trail to be as *after*."""
    changes_logging = after.logging != before.logging
    selectors = _without_empty(after.selectors) if after.selectors != before.selectors else {}
    if changes_logging or selectors:
        yield SnippetPart(
            "The trail logs the events that it logged before.",
            "Trail",
            "AWS::CloudTrail::Trail",
            {"TrailName": before.ref.name, **({"IsLogging": after.logging} if changes_logging else {}), **selectors},
            "aws_cloudtrail",
            {
                "name": before.ref.name,
                **({"enable_logging": after.logging} if changes_logging else {}),
                **snake_case(selectors),
            },
        )


def _without_empty(document: Mapping[str, object]) -> dict[str, object]:
    """Return *document* without the empty lists and nulls that the API returns for what is not set."""
    return {name: _value_without_empty(each) for name, each in document.items() if each not in ([], None)}


def _value_without_empty(value: object) -> object:
    if isinstance(value, Mapping):
        return _without_empty(value)
    return [_value_without_empty(each) for each in value] if isinstance(value, list) else value
