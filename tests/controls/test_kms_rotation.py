"""KMS.ROTATION."""

from __future__ import annotations

from typing import Any

import pytest
from tests.resources import PIPELINE, key

from pipeseal.controls.kms_rotation import CONTROL
from pipeseal.kinds.key.value import Key
from pipeseal.model import Action
from pipeseal.settings import Settings

NOT_ROTATED: dict[str, Any] = {"dependents": {PIPELINE: ""}, "rotates": False}


def test_rotation_of_an_artifact_key_is_turned_on() -> None:
    """The change is a remediation, and both the change and its undo are described."""
    used = key(**NOT_ROTATED)
    assert CONTROL.reasons(used, Settings()) == (
        "Automatic key rotation is off, and pipelines encrypt artifacts with this key.",
    )
    fixed = CONTROL.fix(used, Settings())
    assert fixed.rotates is True
    assert used.describe_change(fixed) == (Action.REMEDIATED, ("automatic rotation of the key turned on",))
    assert fixed.describe_change(used)[1] == ("automatic rotation of the key turned off",)
    assert not fixed.same_as(used)


@pytest.mark.parametrize(
    "compliant",
    [
        key(rotates=False),
        key(dependents={PIPELINE: ""}, rotates=True),
        key(**NOT_ROTATED, origin="EXTERNAL"),
        key(**NOT_ROTATED, origin="AWS_CLOUDHSM"),
        key(**NOT_ROTATED, origin="EXTERNAL_KEY_STORE"),
        key(**NOT_ROTATED, multi_region="REPLICA"),
        key(**NOT_ROTATED, manager="AWS"),
        key("HMAC_256", "GENERATE_VERIFY_MAC", **NOT_ROTATED),
        key("RSA_2048", **NOT_ROTATED),
        key(status="Disabled", **NOT_ROTATED),
    ],
    ids=["unused", "rotated", "imported", "CloudHSM", "external", "replica", "AWS managed", "HMAC", "RSA", "disabled"],
)
def test_other_keys_are_not_checked(compliant: Key) -> None:
    """KMS cannot rotate these keys, a replica follows its primary key, or no artifacts depend on the key."""
    assert CONTROL.reasons(compliant, Settings()) == ()
    assert CONTROL.fix(compliant, Settings()) is compliant
