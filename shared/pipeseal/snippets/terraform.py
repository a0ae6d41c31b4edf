"""JSON values as the HCL that Terraform reads, in the layout of `terraform fmt`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pipeseal.snippets.quoting import quoted

_BARE_KEY = re.compile(r"[A-Z][A-Za-z]*")
"""The keys of policy documents; any other key is quoted, because it may be a keyword of HCL."""
_WORD_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class Json:
    """A document that an argument takes as JSON text."""

    document: Mapping[str, object]


def snake_case(document: Mapping[str, object], plural_blocks: Collection[str] = ()) -> dict[str, object]:
    """Return *document* with its names as Terraform spells them.

    A list of objects becomes blocks, whose name is singular unless it is one of *plural_blocks*.
    """
    return {
        _spelled(name, each, plural_blocks): _value_in_snake_case(each, plural_blocks)
        for name, each in document.items()
    }


def _value_in_snake_case(value: object, plural_blocks: Collection[str]) -> object:
    if isinstance(value, Mapping):
        return snake_case(value, plural_blocks)
    return [_value_in_snake_case(each, plural_blocks) for each in value] if isinstance(value, list) else value


def _spelled(name: str, value: object, plural_blocks: Collection[str]) -> str:
    spelled = _WORD_BOUNDARY.sub("_", name).lower()
    is_block = isinstance(value, list) and any(isinstance(each, Mapping) for each in value)
    return spelled.removesuffix("s") if is_block and spelled not in plural_blocks else spelled


def lines(body: Mapping[str, object]) -> Iterator[str]:
    """Yield the arguments and blocks of *body*: an object is a block, a list of objects one block each."""
    yield from _aligned(_item(name, value) for name, value in body.items())


def _item(name: str, value: object) -> tuple[str, list[str]]:
    """Return the name of an argument and the lines of its value; a block has its name in its lines, and "" here."""
    if isinstance(value, Json):
        first, *others, last = _value(value.document)
        return name, [f"jsonencode({first}", *others, f"{last})"]
    items = value if isinstance(value, list | tuple) else [value]
    blocks = [each for each in items if isinstance(each, Mapping)]
    if not blocks or len(blocks) < len(items):
        return name, list(_value(value))
    return "", [line for each in blocks for line in (f"{name} {{", *_indented(lines(each)), "}")]


def _value(value: object) -> Iterator[str]:
    match value:
        case Mapping():
            names = (name if _BARE_KEY.fullmatch(name) else _text(name) for name in value)
            items = zip(names, (list(_value(each)) for each in value.values()), strict=True)
            yield from ("{", *_indented(_aligned(items)), "}") if value else ("{}",)
        case list() | tuple():
            if any(isinstance(each, Mapping | list) for each in value):
                yield "["
                for each in value:
                    *others, last = _indented(_value(each))
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
    """Yield arguments, with the equals signs of consecutive single-line arguments aligned."""
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


def _indented(found: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in found)


def _text(text: str) -> str:
    """Return *text* quoted; template markers, which IAM policy variables look like, are escaped by doubling."""
    return quoted(text).replace("${", "$${").replace("%{", "%%{")
