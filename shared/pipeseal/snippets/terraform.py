"""JSON values as HCL that Terraform reads, laid out as `terraform fmt` leaves it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeseal.snippets.quoting import quoted

_BARE = re.compile(r"[A-Z][A-Za-z]*")
"""The names that policy documents use; any other may be a word of HCL's."""


@dataclass(frozen=True, slots=True)
class Json:
    """A document that an argument takes as text."""

    document: Mapping[str, Any]


def lines(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield the arguments and blocks of *body*: an object is a block, a list of objects a block each."""
    yield from _aligned(_item(name, value) for name, value in body.items())


def _item(name: str, value: Any) -> tuple[str, list[str]]:
    """Return the name of an argument and the lines of its value; a block, with its name in them, has none."""
    if isinstance(value, Json):
        first, *others, last = _value(value.document)
        return name, [f"jsonencode({first}", *others, f"{last})"]
    blocks = value if isinstance(value, list | tuple) else [value]
    if not blocks or not all(isinstance(each, Mapping) for each in blocks):
        return name, list(_value(value))
    return "", [line for each in blocks for line in (f"{name} {{", *_inner(lines(each)), "}")]


def _value(value: Any) -> Iterator[str]:
    match value:
        case Mapping():
            names = (name if _BARE.fullmatch(name) else _text(name) for name in value)
            items = zip(names, (list(_value(each)) for each in value.values()), strict=True)
            yield from ("{", *_inner(_aligned(items)), "}") if value else ("{}",)
        case list() | tuple():
            if any(isinstance(each, Mapping | list) for each in value):
                yield "["
                for each in value:
                    *others, last = _inner(_value(each))
                    yield from (*others, f"{last},")
                yield "]"
            else:
                yield f"[{', '.join(line for each in value for line in _value(each))}]"
        case None | bool():
            yield {None: "null", True: "true", False: "false"}[value]
        case str():
            yield _text(value)
        case _:
            yield repr(value)


def _aligned(items: Iterable[tuple[str, list[str]]]) -> Iterator[str]:
    """Yield arguments, with the equals signs of those that follow one another in a single line below each other."""
    group: list[tuple[str, str]] = []
    for name, found in items:
        if name and len(found) == 1:
            group.append((name, found[0]))
            continue
        yield from _columns(group)
        group = []
        yield from (f"{name} = {found[0]}", *found[1:]) if name else found
    yield from _columns(group)


def _columns(group: list[tuple[str, str]]) -> Iterator[str]:
    width = max((len(name) for name, _ in group), default=0)
    yield from (f"{name:{width}} = {value}" for name, value in group)


def _inner(found: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in found)


def _text(text: str) -> str:
    """Quote *text*; what HCL takes for a template, as IAM's own variables look, is doubled."""
    return quoted(text).replace("${", "$${").replace("%{", "%%{")
