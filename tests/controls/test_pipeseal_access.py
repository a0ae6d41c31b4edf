"""PIPESEAL.ACCESS."""

from __future__ import annotations

import pytest
from tests.resources import bucket

from pipeseal.controls import controls_for
from pipeseal.controls.pipeseal_access import CONTROL
from pipeseal.kinds.unreadable import Unreadable
from pipeseal.model import Refused
from pipeseal.settings import Settings

UNREADABLE = Unreadable(bucket().ref, "s3:GetBucketPolicy", "AccessDenied: explicit deny")


def test_an_unreadable_resource_is_a_violation() -> None:
    """The finding states the permission that AWS denied, and no other control applies."""
    assert controls_for(UNREADABLE) == (CONTROL,)
    assert CONTROL.reasons(UNREADABLE, Settings()) == (
        "pipeseal cannot read this resource (AWS denied s3:GetBucketPolicy), so its compliance is unknown.",
    )


def test_pipeseal_does_not_grant_itself_access() -> None:
    """The remediation is refused, with the answer of AWS and where to look."""
    with pytest.raises(
        Refused, match=r"^AWS denied s3:GetBucketPolicy: AccessDenied: explicit deny\. Check for a Deny"
    ):
        CONTROL.fix(UNREADABLE, Settings())
