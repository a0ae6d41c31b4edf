"""A page of a listing: the resources of one kind in an account and Region."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from pipeseal.model.ref import Ref


class Listed(NamedTuple):
    """A resource that exists, and when it was created; *created* is None where its service does not say."""

    ref: Ref
    created: datetime | None


class Page(NamedTuple):
    """What was listed, and the *token* that asks for the next page: "" on the last."""

    found: tuple[Listed, ...]
    token: str
