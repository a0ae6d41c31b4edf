"""JSON values as the YAML that CloudFormation reads (YAML 1.1), in block style."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pipeseal.snippets.quoting import quoted

_PLAIN_SCALAR = re.compile(r"[A-Za-z]([A-Za-z0-9_:./*-]*[A-Za-z0-9_./*-])?")
# Plain scalars that YAML 1.1 does not read as strings.
_RESERVED = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_LONGEST_KEY = 100
"""A key of more than 1,024 characters needs the "?" indicator; this limit is lower to be safe."""


def lines(value: Mapping[str, object]) -> Iterator[str]:
    """Yield *value*, a JSON object that is not empty, as lines of YAML."""
    for name, each in value.items():
        key = _scalar(name)
        if len(key) > _LONGEST_KEY:
            yield f"? {key}"
            key = ""
        nested = list(_nested(each))
        yield f"{key}:" if nested else f"{key}: {_scalar(each)}"
        yield from (f"  {line}" for line in nested)


def _nested(value: object) -> Iterator[str]:
    """Yield *value* as lines of their own; none where it belongs on the line of its key."""
    if isinstance(value, Mapping):
        yield from lines(value)
    elif isinstance(value, list | tuple):
        for each in value:
            first, *others = list(_nested(each)) or [_scalar(each)]
            yield f"- {first}"
            yield from (f"  {line}" for line in others)


def _scalar(value: object) -> str:
    match value:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case int():
            return str(value)
        case float():
            text = repr(value)
            return text if "." in text else text.replace("e", ".0e")  # YAML 1.1 reads 1e3 as a string
        case str():
            is_plain = _PLAIN_SCALAR.fullmatch(value) and value.lower() not in _RESERVED
            return value if is_plain else quoted(value)
        case _:
            return "{}" if isinstance(value, Mapping) else "[]"
