"""A key as a value: when two are the same, which can encrypt, be rotated or are pending deletion."""

from __future__ import annotations

import pytest
from tests.resources import key

from pipeseal.kinds.key.value import Key
from pipeseal.model import Action


def test_a_scheduled_deletion_is_the_same_whatever_its_window() -> None:
    """KMS does not return PendingWindowInDays, and a primary key waits for its replicas first."""
    scheduled = key(status="PendingDeletion", window=30)
    assert scheduled.same_as(key(status="PendingDeletion"))
    assert scheduled.same_as(key(status="PendingReplicaDeletion"))
    assert not scheduled.same_as(key(status="Disabled"))


@pytest.mark.parametrize(
    ("found", "can_encrypt", "rotatable"),
    [
        (key(), True, True),
        (key(manager="AWS"), True, False),
        (key(origin="EXTERNAL"), True, False),
        (key(multi_region="PRIMARY"), True, True),
        (key(multi_region="REPLICA"), True, False),
        (key("RSA_2048"), False, False),
        (key(usage="GENERATE_VERIFY_MAC"), False, False),
        (key(status="Disabled"), False, False),
    ],
)
def test_only_an_enabled_symmetric_key_can_encrypt(found: Key, can_encrypt: bool, rotatable: bool) -> None:  # noqa: FBT001
    """CodePipeline needs an enabled symmetric encryption key; of those KMS rotates its own customer managed ones."""
    assert (found.can_encrypt, found.rotatable) == (can_encrypt, rotatable)


@pytest.mark.parametrize(
    ("before", "after", "action", "steps"),
    [
        (
            key(),
            key(status="PendingDeletion", window=7),
            Action.REJECTED,
            (
                "key disabled: nothing can encrypt or sign with it",
                "key scheduled for deletion in 7 days; until then you can cancel the deletion",
            ),
        ),
        (
            key(status="PendingDeletion", window=7),
            key(),
            Action.REJECTED,
            ("deletion of the key canceled", "key enabled"),
        ),
        (key(rotates=False), key(rotates=True), Action.REMEDIATED, ("automatic rotation of the key turned on",)),
        (key(), key(), Action.DETECTED, ()),
    ],
)
def test_a_change_is_described_step_by_step(before: Key, after: Key, action: Action, steps: tuple[str, ...]) -> None:
    """Each call that a change needs is one step; a rejection counts more than a remediation."""
    assert before.describe_change(after) == (action, steps)
