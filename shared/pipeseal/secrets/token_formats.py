"""Tokens of the exported rule base: secrets that their format identifies, under any name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import log2
from pathlib import Path

from pipeseal.secrets.placeholders import consists_of_words, is_placeholder_token
from pipeseal.secrets.values import LiteralSecret

_MIN_LENGTH = 15  # characters of the shortest token; a shorter text needs no look
_TABLE = Path(__file__).with_name("token_formats.json")


@dataclass(frozen=True, slots=True)
class _Table:
    """The exported rules: description, pattern and entropy of each, and which to try for a keyword.

    *look* finds the longest keyword at each position of a text in lower case: one pass instead of a pass for each rule.
    """

    formats: list[tuple[str, str, float]]
    look: re.Pattern[str]
    keywords: dict[str, list[int]]


def find_by_exported_format(text: str) -> Iterator[LiteralSecret]:
    """Yield the tokens in *text* that a rule of the exported rule base describes; repeats included."""
    table = _table()
    if len(text) < _MIN_LENGTH:
        return
    numbers = {number for found in table.look.finditer(text.lower()) for number in table.keywords[found[1]]}
    for number in sorted(numbers):
        description, _, min_entropy = table.formats[number]
        for match in _pattern(number).finditer(text):
            token = match[0]
            is_generated = _entropy(token) >= min_entropy and not consists_of_words(token)
            if is_generated and not is_placeholder_token(token):
                yield LiteralSecret(description, token)


@cache
def _table() -> _Table:
    """Return the table that `make setup` and the build of the layer export; raise FileNotFoundError without it."""
    try:
        content = json.loads(_TABLE.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = f"{_TABLE} is missing, so no text can be checked for tokens: run `make setup`, which generates it."
        raise FileNotFoundError(message) from error
    return _Table(content["formats"], re.compile(f"(?=({content['look']}))"), content["keywords"])


@cache
def _pattern(number: int) -> re.Pattern[str]:
    """Return the pattern of a format, compiled when a text first contains one of its keywords."""
    return re.compile(_table().formats[number][1])


def _entropy(text: str) -> float:
    """Return the Shannon entropy of *text* in bits a character."""
    return -sum(share * log2(share) for share in (text.count(each) / len(text) for each in set(text)))
