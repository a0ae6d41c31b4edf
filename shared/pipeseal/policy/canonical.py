"""Reduce a policy to a canonical form, so that a policy equals its copy as S3 returns it.

S3 may reorder lists, replace a list of one value with that value, and replace ``arn:aws:iam::<account>:root`` with the
account id. The canonical form ignores these differences.
"""

import re
from collections.abc import Iterable
from typing import Any

from pipeseal.aws.documents import Document, MutableDocument
from pipeseal.policy.document import condition_values, dump, raw_statements

_ACCOUNT_ROOT = re.compile(r"arn:[^:]+:iam::(\d{12}):root")


def canonical_document(document: Document | None) -> str | None:
    """Return the canonical JSON text of *document*, equal for equivalent documents; None for None."""
    if document is None:
        return None
    statements = sorted((canonical_statement(each) for each in raw_statements(document)), key=_sort_key)
    # A document without Version has version 2008-10-17.
    return _sort_key({"Version": "2008-10-17", **document, "Statement": statements})


def canonical_statement(raw: Document) -> MutableDocument:
    """Return the canonical form of one statement, its elements sorted by name."""
    reduced = {"Sid": "", **raw}
    for name, value in raw.items():
        if name in ("Principal", "NotPrincipal"):
            reduced[name] = _principal(value)
        elif name in ("Action", "NotAction"):
            reduced[name] = _sorted_set(each.lower() for each in _as_list(value))
        elif name in ("Resource", "NotResource"):
            reduced[name] = _sorted_set(_as_list(value))
    reduced["Condition"] = _condition(raw.get("Condition", {}))
    return dict(sorted(reduced.items()))


def _principal(value: object) -> dict[str, list[str]]:
    by_type = value if isinstance(value, dict) else {"AWS": value}
    return {
        kind: _sorted_set(_ACCOUNT_ROOT.sub(r"\1", each) for each in _as_list(values))
        for kind, values in by_type.items()
    }


def _condition(raw: Document) -> dict[str, dict[str, list[str]]]:
    return {
        operator: {
            key.lower(): _sorted_set(text or "" for text in condition_values(values)) for key, values in block.items()
        }
        for operator, block in raw.items()
        if block
    }


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _sorted_set(values: Iterable[str]) -> list[str]:
    return sorted(set(values))


def _sort_key(value: object) -> str:
    return dump(_with_sorted_keys(value))


def _with_sorted_keys(value: object) -> object:
    if isinstance(value, dict):
        return {name: _with_sorted_keys(value[name]) for name in sorted(value)}
    return [_with_sorted_keys(each) for each in value] if isinstance(value, list) else value
