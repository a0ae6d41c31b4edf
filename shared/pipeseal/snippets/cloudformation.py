"""JSON values as YAML that CloudFormation reads (YAML 1.1): in blocks, as people write templates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipeseal.snippets.quoting import quoted

_BARE = re.compile(r"[A-Za-z]([A-Za-z0-9_:./*-]*[A-Za-z0-9_./*-])?")
# What YAML 1.1 takes for something else than text.
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_LONGEST_KEY = 100
"""YAML takes a key of up to 1024 characters without a mark."""


def lines(value: Mapping[str, Any]) -> Iterator[str]:
    """Yield *value*, a JSON object with something in it, as lines of YAML."""
    for name, each in value.items():
        key = _scalar(name)
        if len(key) > _LONGEST_KEY:
            yield f"? {key}"
            key = ""
        nested = list(_nested(each))
        yield f"{key}:" if nested else f"{key}: {_scalar(each)}"
        yield from (f"  {line}" for line in nested)


def _nested(value: Any) -> Iterator[str]:
    """Yield *value* as lines of its own, none where it stands on the line of its name."""
    if isinstance(value, Mapping):
        yield from lines(value)
    elif isinstance(value, list | tuple):
        for each in value:
            first, *others = list(_nested(each)) or [_scalar(each)]
            yield f"- {first}"
            yield from (f"  {line}" for line in others)


def _scalar(value: Any) -> str:
    match value:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case int():
            return str(value)
        case float():
            text = repr(value)
            return text if "." in text else text.replace("e", ".0e")  # without the dot YAML 1.1 reads text
        case str():
            return value if _BARE.fullmatch(value) and value.lower() not in _WORDS else quoted(value)
        case _:
            return "{}" if isinstance(value, Mapping) else "[]"
