"""A KMS key as a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Self

from pipeseal.model import Action, Ref


@dataclass(frozen=True, slots=True)
class Key:
    """A KMS key in the terms of DescribeKey's KeyMetadata."""

    ref: Ref
    spec: str
    usage: str
    status: str
    """KeyState: Enabled, Disabled, PendingDeletion, Creating..."""
    manager: str = "CUSTOMER"
    multi_region: str = ""
    """PRIMARY, REPLICA, or "" for a key of a single Region."""
    origin: str = "AWS_KMS"
    """Where its material comes from: AWS_KMS, EXTERNAL (imported), AWS_CLOUDHSM, EXTERNAL_KEY_STORE."""
    age: timedelta | None = None
    """Time since its creation when it was read; None where KMS does not say."""
    users: Mapping[str, str] = field(default_factory=dict)
    """ARN of each pipeline that encrypts artifacts under it."""
    window: int = 0
    """Days between scheduling and deletion, where a deletion is wanted; else 0."""
    rotates: bool | None = None
    """Whether KMS rotates it by itself; None where it cannot, or nobody asked."""

    @property
    def encrypts(self) -> bool:
        """Whether CodePipeline can encrypt artifacts under this key."""
        return (self.spec, self.usage, self.status) == ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "Enabled")

    @property
    def rotatable(self) -> bool:
        """Whether KMS can rotate this key by itself: one of its own making that encrypts; a replica follows."""
        ours = (self.manager, self.origin) == ("CUSTOMER", "AWS_KMS")
        return ours and self.encrypts and self.multi_region != "REPLICA"

    @property
    def dying(self) -> bool:
        """Whether its deletion is scheduled; a primary waits for its replicas to go first."""
        return self.status in ("PendingDeletion", "PendingReplicaDeletion")

    def state(self) -> dict[str, Any]:
        """Return the key's state, the days to its deletion and whether it is rotated."""
        return {"status": self.status, "window": self.window, "rotates": self.rotates}

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """See Resource."""
        return replace(self, status=state["status"], window=state["window"], rotates=state["rotates"])

    def same_as(self, other: Self) -> bool:
        """See Resource; KMS does not say how many days were asked for."""
        alike = self.status == other.status or (self.dying and other.dying)
        return alike and self.rotates == other.rotates

    def changed(self, after: Self) -> tuple[Action, tuple[str, ...]]:
        """See Resource."""
        steps = []
        if after.status != self.status:
            if self.status == "Enabled":
                steps.append("key disabled: nothing can encrypt or sign with it")
            if after.window:
                steps.append(f"key scheduled for deletion in {after.window} days; until then it can be had back")
            if self.dying and not after.dying:
                steps.append("deletion of the key cancelled")
            if after.status == "Enabled":
                steps.append("key enabled")
        action = Action.REJECTED if steps else Action.DETECTED
        if after.rotates != self.rotates:
            action = Action.REJECTED if steps else Action.REMEDIATED
            steps.append(f"automatic rotation of the key turned {'on' if after.rotates else 'off'}")
        return action, tuple(steps)

    def uses(self) -> Iterator[tuple[Ref, str]]:
        """See Resource; a key is the end of the way."""
        yield from ()


@dataclass(frozen=True, slots=True)
class Unread:
    """A key that a pipeline names and that could not be read."""

    why: str
    missing: bool
    """True where KMS says that there is no such key in this account; False where it refuses to say."""
