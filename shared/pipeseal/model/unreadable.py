"""A resource that AWS would not let pipeseal look at, as a value: never taken for a sound one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from pipeseal.model import Action, Ref


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A resource of which nothing is known but that it could not be read."""

    ref: Ref
    permission: str
    """The IAM action that was refused, as far as AWS said which."""
    answer: str
    """What AWS answered."""

    @property
    def users(self) -> Mapping[str, str]:
        """See Resource; unknown."""
        return {}

    def state(self) -> dict[str, Any]:
        """See Resource; nothing is known, and nothing is ever written."""
        return {}

    def with_state(self, _state: Mapping[str, Any]) -> Self:
        """See Resource."""
        return self

    def same_as(self, other: Self) -> bool:
        """See Resource."""
        return self.ref == other.ref

    def changed(self, _after: Self) -> tuple[Action, tuple[str, ...]]:
        """See Resource."""
        return Action.DETECTED, ()

    def uses(self) -> Iterator[tuple[Ref, str]]:
        """See Resource; unknown."""
        yield from ()
