"""Structures that a string contains: JSON, and YAML where the string is a build specification or an AppSpec."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

# The sections of buildspec and AppSpec files, in every spelling of a YAML key.
_SECTION = re.compile(
    r"^[ \t]{0,8}(?:\?[ \t]{1,8})?[\"']?(?:env|phases|batch|hooks|files|permissions|artifacts|reports|cache|proxy"
    r"|[Rr]esources|secrets-manager|parameter-store|variables)[\"']?[ \t]{0,8}(?:#.*)?(?::|$)",
    re.MULTILINE,
)
_MAX_YAML = 65_536  # characters; the reader takes about a second for them, and a longer document is checked as text


class YamlDocument(NamedTuple):
    """The content of a YAML document; every scalar is text. *comments* is what is left of the document without it."""

    content: object
    comments: str


class _Open:
    """A collection whose end is not read yet: a mapping, as pairs, or a sequence."""

    __slots__ = ("elements", "is_mapping", "tag")

    def __init__(self, tag: str | None, *, is_mapping: bool) -> None:
        self.elements: list[object] = []
        self.is_mapping = is_mapping
        self.tag = tag

    def content(self) -> object:
        """Return the dictionary or list of the elements."""
        if not self.is_mapping:
            return _tagged(self.elements, self.tag)
        keys = (key if isinstance(key, str) else "" for key in self.elements[::2])
        return _tagged(with_repeated_keys(list(zip(keys, self.elements[1::2], strict=False))), self.tag)


def parse_json(text: str) -> object:
    """Return the object or array that *text* contains as JSON, or None."""
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        return json.loads(text, object_pairs_hook=with_repeated_keys)
    except (ValueError, RecursionError):
        return None


def parse_yaml(text: str) -> YamlDocument | None:
    """Return the mapping that *text* contains as YAML, or None; only a build specification or an AppSpec is read."""
    if "\n" not in text or len(text) > _MAX_YAML or not _SECTION.search(text):
        return None
    import yaml  # noqa: PLC0415 - only a document in YAML needs it: it would lengthen every cold start

    opened: list[_Open] = [_Open(None, is_mapping=False)]
    anchors: dict[str, str] = {}
    comments: list[str] = []
    position = 0
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                opened.append(_Open(event.tag, is_mapping=isinstance(event, yaml.MappingStartEvent)))
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                closed = opened.pop()
                opened[-1].elements.append(closed.content())
            elif isinstance(event, yaml.ScalarEvent):
                comments.append(text[position : event.start_mark.index] if event.start_mark else "")
                position = event.end_mark.index if event.end_mark else position
                if event.anchor:
                    anchors[event.anchor] = event.value
                opened[-1].elements.append(_tagged(event.value, None if event.implicit[1] else event.tag))
            elif isinstance(event, yaml.AliasEvent):
                # An alias of a collection is checked where its anchor is.
                opened[-1].elements.append(anchors.get(event.anchor or "", ""))
    except yaml.YAMLError:
        return None
    documents = opened[0].elements
    if not any(isinstance(document, dict) for document in documents):
        return None
    content = documents[0] if len(documents) == 1 else documents
    return YamlDocument(content, "".join([*comments, text[position:]]))


def with_repeated_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return a dictionary of *pairs* that keeps each value of a repeated key, which JSON would drop."""
    built: dict[str, object] = {}
    for key, value in pairs:
        built[key] = [built[key], value] if key in built else value
    return built


def _tagged(value: object, tag: str | None) -> object:
    """Return *value* as a CloudFormation function where it has a local tag, as !Ref and !Sub."""
    if tag is None or not tag.startswith("!") or tag == "!":
        return value
    return {"Ref" if tag == "!Ref" else f"Fn::{tag[1:]}": value}
