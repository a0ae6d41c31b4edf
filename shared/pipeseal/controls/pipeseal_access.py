"""PIPESEAL.ACCESS: pipeseal can read every resource that it checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeseal.kinds.unreadable import Unreadable
from pipeseal.model import Control, Refused, Severity

if TYPE_CHECKING:
    from pipeseal.settings import Settings


def reasons(resource: Unreadable, _settings: Settings) -> tuple[str, ...]:
    """Return which permission AWS denied."""
    return (f"pipeseal cannot read this resource (AWS denied {resource.permission}), so its compliance is unknown.",)


def fix(resource: Unreadable, _settings: Settings) -> Unreadable:
    """Raise Refused: pipeseal does not grant itself permissions."""
    raise Refused(
        f"AWS denied {resource.permission}: {resource.answer}. Check for a Deny in the policy of the resource, in a "
        "service control policy or in a permissions boundary."
    )


CONTROL: Control[Unreadable] = Control(
    id="PIPESEAL.ACCESS",
    title="pipeseal should be able to read the resource",
    severity=Severity.HIGH,
    kinds=(),
    reasons=reasons,
    fix=fix,
    description="Checks that AWS allows pipeseal to read each resource that it checks. An unreadable resource is never "
    "considered compliant.",
    reports="A finding states the permission that AWS denied.",
    risk="Violations of the resource stay undetected.",
    remediation="None: pipeseal only notifies, because it does not grant itself permissions.",
    advice="Exempt pipeseal's roles from the denying policy, or grant the permission.",
    false_positives="A resource may be unreadable to pipeseal intentionally. Exempt it.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html",
    permissions=(),
    parameters=(),
    requirements={},
    inferred_requirements={},
)
