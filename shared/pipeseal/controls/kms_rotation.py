"""KMS.ROTATION: KMS rotates the customer managed keys that artifacts are encrypted under."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeseal.model import Control, Kind, Severity
from pipeseal.model.key import Key

if TYPE_CHECKING:
    from pipeseal.settings import Settings


def reasons(key: Key, _settings: Settings) -> tuple[str, ...]:
    """Say that rotation is off; of keys that artifacts are under and that KMS can rotate only."""
    if not key.users or not key.rotatable or key.rotates is not False:
        return ()
    return ("Artifacts are encrypted under this key, and its automatic rotation is off.",)


def fix(key: Key, settings: Settings) -> Key:
    """Return *key* with automatic rotation on; what is encrypted already stays readable."""
    return replace(key, rotates=True) if reasons(key, settings) else key


CONTROL = Control(
    id="KMS.ROTATION",
    title="Keys of artifacts are rotated automatically",
    severity=Severity.MEDIUM,
    kinds=(Kind.KEY,),
    reasons=reasons,
    fix=fix,
    advice="Turn on automatic rotation where the key is made: EnableKeyRotation in CloudFormation, enable_key_rotation "
    "in Terraform.",
    source="https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html",
    permissions=("kms:DescribeKey", "kms:GetKeyRotationStatus", "kms:EnableKeyRotation"),
)
