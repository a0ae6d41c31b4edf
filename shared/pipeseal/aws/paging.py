"""Paging: the argument that requests the next page, and lists cut to the size that a call accepts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

_Item = TypeVar("_Item")


def page_argument(name: str, token: str) -> dict[str, str]:
    """Return the keyword argument *name* that requests the page of *token*; none for the first page (token "")."""
    return {name: token} if token else {}


def slices(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    """Yield *items* in slices of at most *size*, for calls that accept a limited number."""
    return (items[start : start + size] for start in range(0, len(items), size))
