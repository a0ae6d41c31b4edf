"""PIPESEAL.ACCESS: pipeseal may look at every resource that it is to keep sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeseal.model import Control, Refused, Severity
from pipeseal.model.unreadable import Unreadable

if TYPE_CHECKING:
    from pipeseal.settings import Settings


def reasons(resource: Unreadable, _settings: Settings) -> tuple[str, ...]:
    """Say what was refused."""
    return (f"pipeseal may not look at it (AWS refused {resource.permission}), so nobody knows whether it is sealed.",)


def fix(resource: Unreadable, _settings: Settings) -> Unreadable:
    """Raise Refused: a permission is a person's to give."""
    raise Refused(
        f"{resource.permission} is missing: {resource.answer}. Look for a Deny in the resource's own policy, a service "
        "control policy or a permissions boundary."
    )


CONTROL = Control(
    id="PIPESEAL.ACCESS",
    title="pipeseal may look at the resource",
    severity=Severity.HIGH,
    kinds=(),  # none of its own: it judges whatever could not be read
    reasons=reasons,
    fix=fix,
    advice="Except pipeseal's roles from what denies them, or give them the permission that is named.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html",
    permissions=(),
)
