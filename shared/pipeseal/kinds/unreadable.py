"""A resource that AWS denies pipeseal access to, as a value: it is never taken for a compliant one; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from pipeseal.model import Action, Ref, Resource, State


@dataclass(frozen=True, slots=True)
class Unreadable(Resource):
    """A resource of which only the reference is known."""

    ref: Ref
    permission: str
    """The IAM action that AWS denied."""
    answer: str
    """AWS's error code and message, in one printable line."""

    def state(self) -> State:
        """See Resource; nothing is known, and nothing is ever written."""
        return {}

    def with_state(self, _state: State) -> Self:
        """See Resource."""
        return self

    def same_as(self, other: Self) -> bool:
        """See Resource."""
        return self.ref == other.ref

    def describe_change(self, _after: Self) -> tuple[Action, tuple[str, ...]]:
        """See Resource."""
        return Action.DETECTED, ()
