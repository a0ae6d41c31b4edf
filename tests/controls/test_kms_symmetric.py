"""KMS.SYMMETRIC by cases."""

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
    """The list of key specs grows; a new name is taken for asymmetric until somebody has looked."""
    assert symmetric(spec) is expected


def test_a_new_asymmetric_key_is_disabled_and_scheduled() -> None:
    """By default it goes after the longest window that KMS has, so that there is time to object."""
    fixed = CONTROL.fix(key("RSA_2048", "SIGN_VERIFY"), Settings())
    assert (fixed.status, fixed.window) == ("PendingDeletion", 30)


def test_a_new_asymmetric_key_is_only_disabled_where_so_configured() -> None:
    """KeyRejection=disable never asks for a deletion."""
    fixed = CONTROL.fix(key("RSA_2048", "SIGN_VERIFY"), DISABLE)
    assert (fixed.status, fixed.window) == ("Disabled", 0)


@pytest.mark.parametrize("age", [timedelta(days=1), timedelta(days=700), None])
def test_an_older_key_is_only_told_of(age: timedelta | None) -> None:
    """A key that may be in use is never taken away."""
    old = key("RSA_2048", "SIGN_VERIFY", age=age)
    assert CONTROL.fix(old, Settings()) is old
    assert CONTROL.reasons(old, Settings())


@pytest.mark.parametrize("spec", ["SYMMETRIC_DEFAULT", "HMAC_256"])
def test_symmetric_keys_are_let_be(spec: str) -> None:
    """Keys to encrypt with and HMAC keys are what they should be."""
    assert CONTROL.reasons(key(spec), Settings()) == ()


def test_an_aws_managed_key_is_let_be() -> None:
    """What AWS manages nobody else can change."""
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
def test_a_rejected_key_is_done_with(status: str, settings: Settings, rejected: bool) -> None:  # noqa: FBT001
    """A key on its way out is not told of again; one that is only disabled is still to be scheduled."""
    assert (CONTROL.reasons(key("RSA_2048", status=status), settings) == ()) is rejected


def test_a_key_that_cannot_be_disabled_yet_is_only_told_of() -> None:
    """KMS disables no key that waits for its material; its owner hears of it."""
    waiting = key("RSA_2048", status="PendingImport")
    assert CONTROL.fix(waiting, DISABLE) is waiting
