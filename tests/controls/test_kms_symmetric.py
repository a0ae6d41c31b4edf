"""KMS.SYMMETRIC."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.resources import key

from pipeseal.controls.kms_symmetric import CONTROL, symmetric
from pipeseal.settings import Rejection, Settings

DISABLE = Settings(key_rejection=Rejection.DISABLE)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("SYMMETRIC_DEFAULT", True),
        ("HMAC_224", True),
        ("HMAC_512", True),
        ("RSA_4096", False),
        ("ECC_NIST_EDWARDS25519", False),
        ("ECC_SECG_P256K1", False),
        ("SM2", False),
        ("ML_KEM_768", False),
        ("SYMMETRIC_TOMORROW", False),
        ("unknown", False),
        ("", False),
    ],
)
def test_only_specs_known_to_be_symmetric_are(spec: str, expected: bool) -> None:  # noqa: FBT001
    """KMS adds key specs, so an unknown one is not considered symmetric."""
    assert symmetric(spec) is expected


@pytest.mark.parametrize(
    ("spec", "fact"),
    [("RSA_2048", "is asymmetric"), ("ML_KEM_768", "is not known to be symmetric"), ("SM2", "is asymmetric")],
)
def test_the_finding_states_the_key_spec(spec: str, fact: str) -> None:
    """An unknown key spec is not called asymmetric."""
    reason = f"The key spec {spec} {fact}; CodePipeline supports symmetric keys only."
    assert CONTROL.reasons(key(spec), Settings()) == (reason,)


def test_deletion_of_a_new_asymmetric_key_is_scheduled() -> None:
    """By default the waiting period is the longest that KMS supports, so that the deletion can be cancelled."""
    fixed = CONTROL.fix(key("RSA_2048", "SIGN_VERIFY"), Settings())
    assert (fixed.status, fixed.window) == ("PendingDeletion", 30)


def test_a_new_asymmetric_key_is_only_disabled_if_the_operator_chooses() -> None:
    """KeyRejection=disable never schedules a deletion."""
    fixed = CONTROL.fix(key("RSA_2048", "SIGN_VERIFY"), DISABLE)
    assert (fixed.status, fixed.window) == ("Disabled", 0)


@pytest.mark.parametrize("age", [timedelta(days=1), timedelta(days=700), None])
def test_an_older_key_is_reported_and_not_changed(age: timedelta | None) -> None:
    """A key that may be in use is never disabled."""
    old = key("RSA_2048", "SIGN_VERIFY", age=age)
    assert CONTROL.fix(old, Settings()) is old
    assert CONTROL.reasons(old, Settings())


@pytest.mark.parametrize("spec", ["SYMMETRIC_DEFAULT", "HMAC_256"])
def test_symmetric_keys_are_compliant(spec: str) -> None:
    """Keys for encryption and HMAC keys are symmetric."""
    assert CONTROL.reasons(key(spec), Settings()) == ()


def test_an_aws_managed_key_is_not_checked() -> None:
    """Only AWS can change an AWS managed key."""
    assert CONTROL.reasons(key("RSA_2048", manager="AWS"), Settings()) == ()


@pytest.mark.parametrize(
    ("status", "settings", "rejected"),
    [
        ("PendingDeletion", Settings(), True),
        ("PendingReplicaDeletion", Settings(), True),
        ("Disabled", DISABLE, True),
        ("Disabled", Settings(), False),
        ("Enabled", DISABLE, False),
    ],
)
def test_a_rejected_key_is_not_reported_again(status: str, settings: Settings, rejected: bool) -> None:  # noqa: FBT001
    """Pending deletion is final; a disabled key is still reported if KeyRejection asks for a deletion."""
    assert (CONTROL.reasons(key("RSA_2048", status=status), settings) == ()) is rejected


def test_a_key_that_kms_cannot_disable_is_reported_and_not_changed() -> None:
    """DisableKey fails for a key that waits for imported key material."""
    waiting = key("RSA_2048", status="PendingImport")
    assert CONTROL.fix(waiting, DISABLE) is waiting
    assert CONTROL.reasons(waiting, DISABLE)
