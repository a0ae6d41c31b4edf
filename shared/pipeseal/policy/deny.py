"""The statement that a bucket must carry, and with it the class of requests that must be refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Deny:
    """A Deny for everyone; the class of requests asked about is what it refuses.

    *resources* are ARNs, each either literal or ending in ``*``; *condition* is the element ``Condition``.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, Any]]

    @property
    def statement(self) -> dict[str, Any]:
        """Return the statement as AWS's own examples write it: a single value stands alone."""
        return {
            "Sid": self.sid,
            "Effect": "Deny",
            "Principal": "*",
            "Action": _alone(self.actions),
            "Resource": _alone(self.resources),
            "Condition": {operator: dict(block) for operator, block in self.condition.items()},
        }


def _alone(values: tuple[str, ...]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)
