"""KMS.ROTATION by cases."""

from __future__ import annotations

from typing import Any

import pytest
from tests.resources import PIPELINE, key

from pipeseal.controls.kms_rotation import CONTROL
from pipeseal.model import Action
from pipeseal.model.key import Key
from pipeseal.settings import Settings

USED: dict[str, Any] = {"users": {PIPELINE: ""}, "rotates": False}


def test_a_key_of_artifacts_is_rotated() -> None:
    """Rotation is turned on, the alert says put right, and the way back is said too."""
    used = key(**USED)
    fixed = CONTROL.fix(used, Settings())
    assert fixed.rotates is True
    assert used.changed(fixed) == (Action.REMEDIATED, ("automatic rotation of the key turned on",))
    assert fixed.changed(used)[1] == ("automatic rotation of the key turned off",)
    assert not fixed.same_as(used)


@pytest.mark.parametrize(
    "sound",
    [
        key(rotates=False),
        key(users={PIPELINE: ""}, rotates=True),
        key(**USED, origin="EXTERNAL"),
        key(**USED, origin="AWS_CLOUDHSM"),
        key(**USED, origin="EXTERNAL_KEY_STORE"),
        key(**USED, multi_region="REPLICA"),
        key(**USED, manager="AWS"),
        key("HMAC_256", "GENERATE_VERIFY_MAC", **USED),
        key("RSA_2048", **USED),
        key(status="Disabled", **USED),
    ],
    ids=["no artifacts", "rotated", "imported", "CloudHSM", "external", "replica", "of AWS", "HMAC", "RSA", "disabled"],
)
def test_where_it_need_not_or_cannot_be_it_is_let_be(sound: Key) -> None:
    """KMS would refuse it, or a replica follows its primary."""
    assert CONTROL.reasons(sound, Settings()) == ()
    assert CONTROL.fix(sound, Settings()) is sound
