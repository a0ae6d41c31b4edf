"""KMS.SYMMETRIC: an asymmetric key is rejected as soon as it is made; CodePipeline supports symmetric keys only."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeseal.model import Control, Kind, Severity
from pipeseal.model.key import Key
from pipeseal.settings import Rejection

if TYPE_CHECKING:
    from pipeseal.settings import Settings

_YOUNG = timedelta(days=1)


def symmetric(spec: str) -> bool:
    """Tell whether a key spec is symmetric. AWS adds specs, so what is not known to be is not."""
    return spec == "SYMMETRIC_DEFAULT" or spec.startswith("HMAC_")


def reasons(key: Key, settings: Settings) -> tuple[str, ...]:
    """Say that the key is asymmetric, unless it has been rejected as far as it will be."""
    if symmetric(key.spec) or key.manager != "CUSTOMER" or _rejected(key, settings):
        return ()
    found = f"The key spec {key.spec} is asymmetric or unknown; CodePipeline supports symmetric keys only."
    if _young(key):
        return (found,)
    return (found, "The key is older than a day and may be in use, so it was left as it is.")


def _young(key: Key) -> bool:
    return key.age is not None and key.age < _YOUNG


def _rejected(key: Key, settings: Settings) -> bool:
    """A key on its way out is rejected; a disabled one too, unless a young one is to be deleted."""
    if key.dying:
        return True
    return key.status == "Disabled" and not (_young(key) and settings.key_rejection is Rejection.SCHEDULE_DELETION)


def fix(key: Key, settings: Settings) -> Key:
    """Return a young asymmetric key disabled and, where so configured, scheduled for deletion."""
    if not reasons(key, settings) or not _young(key):
        return key
    if settings.key_rejection is Rejection.DISABLE:
        # KMS disables no other: a key without material, say, whose owner hears of it all the same.
        return replace(key, status="Disabled") if key.status in ("Enabled", "Creating") else key
    return replace(key, status="PendingDeletion", window=settings.deletion_window_days)


CONTROL = Control(
    id="KMS.SYMMETRIC",
    title="New KMS keys are symmetric",
    severity=Severity.HIGH,
    kinds=(Kind.KEY,),
    reasons=reasons,
    fix=fix,
    advice="Create the key with key spec SYMMETRIC_DEFAULT, or keep signing keys in an account without pipelines.",
    source="https://docs.aws.amazon.com/codepipeline/latest/userguide/data-protection.html",
    permissions=("kms:DescribeKey", "kms:DisableKey", "kms:ScheduleKeyDeletion"),
)
