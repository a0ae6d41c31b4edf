"""KMS.ROTATION: KMS rotates the customer managed keys that encrypt artifacts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeseal.kinds.key.value import Key
from pipeseal.model import Control, Kind, Severity, Standard

if TYPE_CHECKING:
    from pipeseal.settings import Settings


def reasons(key: Key, _settings: Settings) -> tuple[str, ...]:
    """Return that automatic rotation is off; empty unless artifacts use the key and KMS can rotate it."""
    if not key.dependents or not key.rotatable or key.rotates is not False:
        return ()
    return ("Automatic key rotation is off, and pipelines encrypt artifacts with this key.",)


def fix(key: Key, settings: Settings) -> Key:
    """Return *key* with automatic rotation on; data that is encrypted with it stays readable."""
    return replace(key, rotates=True) if reasons(key, settings) else key


CONTROL: Control[Key] = Control(
    id="KMS.ROTATION",
    title="Artifact key should rotate automatically",
    severity=Severity.MEDIUM,
    kinds=(Kind.KEY,),
    reasons=reasons,
    fix=fix,
    description="Checks that automatic rotation is on for each customer managed key that encrypts artifacts of a "
    "pipeline. Checks only keys that KMS can rotate: enabled symmetric keys with key material from KMS, and not "
    "replicas of multi-Region keys, which follow their primary key.",
    reports="A finding states that automatic key rotation is off.",
    risk="All artifacts depend on the same key material for as long as the key exists.",
    remediation="Turns on automatic rotation with the default rotation period of KMS. Data that is encrypted with the "
    "key stays readable.",
    advice="Turn on automatic rotation where the key is defined: EnableKeyRotation in CloudFormation, "
    "enable_key_rotation in Terraform.",
    false_positives="A key that you rotate on demand or replace manually is reported. Exempt it.",
    source="https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html",
    permissions=("kms:DescribeKey", "kms:GetKeyRotationStatus", "kms:EnableKeyRotation"),
    parameters=(),
    requirements={
        Standard.SECURITY_HUB: ("KMS.4",),
        Standard.CONFIG_RULE: ("cmk-backing-key-rotation-enabled",),
        Standard.CIS_AWS_3_TO_5: ("3.6",),
        Standard.CIS_AWS_6_AND_7: ("4.6",),
        Standard.NIST_800_53: ("SC-12", "SC-12(2)", "SC-28(3)"),
        Standard.PCI_DSS: ("3.7.4",),
        Standard.ISO_27001: ("A.8.24",),
    },
    inferred_requirements={},
)
