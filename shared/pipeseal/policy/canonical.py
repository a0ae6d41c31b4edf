"""Reduce a document to what it means under S3's canonicalisation."""

import re
from collections.abc import Iterable
from typing import Any

from pipeseal.policy.document import dump, scalar

_ROOT = re.compile(r"arn:[^:]+:iam::(\d{12}):root")


def canonical(document: dict[str, Any] | None) -> str | None:
    """Return the same value for documents that mean the same to S3, whatever order and brackets they have."""
    if document is None:
        return None
    found = document["Statement"]
    listed = found if isinstance(found, list) else [found]
    # A missing Version means the older one.
    statements = _ordered([canonical_statement(each) for each in listed])
    return dump(_sorted({"Version": "2008-10-17", **document, "Statement": statements}))


def canonical_statement(raw: dict[str, Any]) -> dict[str, Any]:
    """Return one statement so reduced, its names in order."""
    reduced = {"Sid": "", **raw}
    for name, value in raw.items():
        if name in ("Principal", "NotPrincipal"):
            reduced[name] = _principal(value)
        elif name in ("Action", "NotAction"):
            reduced[name] = _set(each.lower() for each in _listed(value))
        elif name in ("Resource", "NotResource"):
            reduced[name] = _set(_listed(value))
    reduced["Condition"] = _condition(raw.get("Condition", {}))
    return dict(sorted(reduced.items()))


def _principal(value: Any) -> dict[str, list[str]]:
    named = value if isinstance(value, dict) else {"AWS": value}
    return {kind: _set(_ROOT.sub(r"\1", each) for each in _listed(names)) for kind, names in named.items()}


def _condition(raw: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
    return {
        operator: {key.lower(): _set(scalar(each) or "" for each in _listed(value)) for key, value in block.items()}
        for operator, block in raw.items()
        if block
    }


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _set(values: Iterable[str]) -> list[str]:
    return sorted(set(values))


def _ordered(values: list[Any]) -> list[Any]:
    return sorted(values, key=lambda each: dump(_sorted(each)))


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value
