"""KMS.SYMMETRIC: a customer managed key is symmetric; CodePipeline supports symmetric keys only."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeseal.kinds.key.value import Key
from pipeseal.model import Control, Kind, Severity, Standard
from pipeseal.settings import Rejection
from pipeseal.text import printable

if TYPE_CHECKING:
    from pipeseal.settings import Settings

_MAX_AGE = timedelta(days=1)
_ASYMMETRIC = ("RSA_", "ECC_", "ML_DSA_", "SM2")


def symmetric(spec: str) -> bool:
    """Return whether the key spec is known to be symmetric; KMS adds key specs, so an unknown one is not."""
    return spec == "SYMMETRIC_DEFAULT" or spec.startswith("HMAC_")


def reasons(key: Key, settings: Settings) -> tuple[str, ...]:
    """Return that the key is asymmetric; empty if it is rejected already as far as KeyRejection says."""
    if symmetric(key.spec) or key.manager != "CUSTOMER" or _is_rejected(key, settings):
        return ()
    fact = "is asymmetric" if key.spec.startswith(_ASYMMETRIC) else "is not known to be symmetric"
    found = f"The key spec {printable(key.spec)} {fact}; CodePipeline supports symmetric keys only."
    if _young(key):
        return (found,)
    return (found, "The key is older than one day and may be in use: pipeseal does not change it.")


def _young(key: Key) -> bool:
    return key.age is not None and key.age < _MAX_AGE


def _is_rejected(key: Key, settings: Settings) -> bool:
    """Return whether nothing is left to do: deletion is scheduled, or the key is disabled and need not be deleted."""
    if key.pending_deletion:
        return True
    return key.status == "Disabled" and not (_young(key) and settings.key_rejection is Rejection.SCHEDULE_DELETION)


def fix(key: Key, settings: Settings) -> Key:
    """Return an asymmetric key that is new as KeyRejection says: disabled, or pending deletion; else *key* itself."""
    if not reasons(key, settings) or not _young(key):
        return key
    if settings.key_rejection is Rejection.DISABLE:
        # DisableKey fails in any other key state, such as PendingImport; the violation is only reported then.
        return replace(key, status="Disabled") if key.status in ("Enabled", "Creating") else key
    return replace(key, status="PendingDeletion", window=settings.deletion_window_days)


CONTROL: Control[Key] = Control(
    id="KMS.SYMMETRIC",
    title="KMS key should be symmetric",
    severity=Severity.HIGH,
    kinds=(Kind.KEY,),
    reasons=reasons,
    fix=fix,
    description="Checks that each customer managed key has a symmetric key spec: SYMMETRIC_DEFAULT or HMAC. A key spec "
    "that pipeseal does not know is reported as well. A key that is disabled or pending deletion is not reported once "
    "KeyRejection is satisfied.",
    reports="A finding states the key spec and whether the key is too old to be rejected.",
    risk="A pipeline whose artifact store names an asymmetric key cannot encrypt its artifacts, so its executions "
    "fail.",
    remediation="Disables a key that is less than one day old and, if KeyRejection is schedule-deletion, schedules its "
    "deletion; you can cancel the deletion until DeletionWindowDays have passed. Does not change an older key, which "
    "may be in use.",
    advice="Create the key with the key spec SYMMETRIC_DEFAULT, or keep signing keys in an account without pipelines.",
    false_positives="Keys for signing, key agreement or asymmetric encryption outside pipelines are reported. Exempt "
    "them, or set the control to detect or off in ControlModes.",
    source="https://docs.aws.amazon.com/codepipeline/latest/userguide/data-protection.html",
    permissions=("kms:DescribeKey", "kms:DisableKey", "kms:ScheduleKeyDeletion"),
    parameters=("DeletionWindowDays", "KeyRejection"),
    requirements={},
    inferred_requirements={
        Standard.NIST_800_53: ("SC-12", "SC-13"),
        Standard.PCI_DSS: ("3.6.1",),
        Standard.ISO_27001: ("A.8.24",),
    },
)
