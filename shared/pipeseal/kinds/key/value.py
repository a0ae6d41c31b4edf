"""A KMS key as a value; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Self, TypedDict

from pipeseal.model import Action, Ref, Resource, State


class KeyState(TypedDict):
    """What pipeseal may write of a key."""

    status: str
    """KeyState."""
    window: int
    """PendingWindowInDays of a deletion that pipeseal schedules; else 0."""
    rotates: bool | None
    """KeyRotationEnabled; None where it was not read or KMS cannot rotate the key."""


@dataclass(frozen=True, slots=True)
class Key(Resource):
    """A KMS key in the terms of DescribeKey's KeyMetadata."""

    ref: Ref
    spec: str
    """KeySpec."""
    usage: str
    """KeyUsage."""
    status: str
    """KeyState: Enabled, Disabled, PendingDeletion, Creating..."""
    manager: str = "CUSTOMER"
    """KeyManager: CUSTOMER or AWS."""
    multi_region: str = ""
    """MultiRegionKeyType: PRIMARY or REPLICA; "" for a single-Region key."""
    origin: str = "AWS_KMS"
    """Origin of the key material: AWS_KMS, EXTERNAL (imported), AWS_CLOUDHSM, EXTERNAL_KEY_STORE."""
    age: timedelta | None = None
    """Time between its creation and the read; None where the creation date is unknown."""
    dependents: Mapping[str, str] = field(default_factory=dict)
    """ARN of each pipeline that encrypts artifacts under it -> ""."""
    window: int = 0
    """PendingWindowInDays, where its deletion is to be scheduled; else 0. KMS does not return it."""
    rotates: bool | None = None
    """Whether automatic rotation is enabled; None where KMS does not support it, or it was not read."""

    @property
    def can_encrypt(self) -> bool:
        """Whether CodePipeline can encrypt artifacts under this key."""
        return (self.spec, self.usage, self.status) == ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "Enabled")

    @property
    def rotatable(self) -> bool:
        """Whether rotation can be enabled: customer managed, with KMS key material; a replica follows its primary."""
        kms_material = (self.manager, self.origin) == ("CUSTOMER", "AWS_KMS")
        return kms_material and self.can_encrypt and self.multi_region != "REPLICA"

    @property
    def pending_deletion(self) -> bool:
        """Whether its deletion is scheduled; the deletion of a primary starts after that of its replicas."""
        return self.status in ("PendingDeletion", "PendingReplicaDeletion")

    @property
    def in_initial_state(self) -> bool:
        """Whether the key is enabled: for any other the ledger may have an unfinished rejection."""
        return self.status == "Enabled"

    def state(self) -> KeyState:
        """Return the key's status, the days to its deletion and its rotation."""
        return {"status": self.status, "window": self.window, "rotates": self.rotates}

    def with_state(self, state: KeyState) -> Self:
        """See Resource."""
        return replace(self, status=state["status"], window=state["window"], rotates=state["rotates"])

    def same_as(self, other: Self) -> bool:
        """See Resource; the window is not compared, because KMS does not return it."""
        same_status = self.status == other.status or (self.pending_deletion and other.pending_deletion)
        return same_status and self.rotates == other.rotates

    def states_between(self, before: State, after: State) -> tuple[State, ...]:
        """Return the disabled key where its deletion is scheduled or canceled: KMS has no direct way."""
        disabled = "PendingDeletion" in (before["status"], after["status"])
        return ({**before, "status": "Disabled"},) if disabled else ()

    def describe_change(self, after: Self) -> tuple[Action, tuple[str, ...]]:
        """See Resource."""
        steps = []
        if after.status != self.status:
            if self.status == "Enabled":
                steps.append("key disabled: nothing can encrypt or sign with it")
            if after.window:
                steps.append(
                    f"key scheduled for deletion in {after.window} days; until then you can cancel the deletion"
                )
            if self.pending_deletion and not after.pending_deletion:
                steps.append("deletion of the key canceled")
            if after.status == "Enabled":
                steps.append("key enabled")
        action = Action.REJECTED if steps else Action.DETECTED
        if after.rotates != self.rotates:
            action = Action.REJECTED if steps else Action.REMEDIATED
            steps.append(f"automatic rotation of the key turned {'on' if after.rotates else 'off'}")
        return action, tuple(steps)


@dataclass(frozen=True, slots=True)
class UnreadableKey:
    """A key that a pipeline names and that could not be read."""

    problem: str
    """The end of a sentence about the key, such as "does not exist"."""
    missing: bool
    """Whether the key does not exist in this account; False where KMS denies access or the account is another."""
