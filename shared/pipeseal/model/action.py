"""What became of a resource; docs/glossary.md lists the actions."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """What became of a resource. The first six are alerted; the values are a contract."""

    REMEDIATED = "remediated"
    REJECTED = "rejected"
    QUARANTINED = "quarantined"
    DETECTED = "detected"
    FAILED = "failed"
    ESCALATED = "escalated"
    """A remediation was reversed too often, so pipeseal suspended the control for this resource."""
    COMPLIANT = "compliant"
    ABSENT = "absent"
    """The resource no longer exists, or belongs to another account."""
    KNOWN = "known"
    """Unchanged since the last alert about it."""
    BUSY = "busy"
    """Another invocation holds the lease and will read the resource again."""
    EXEMPT = "exempt"
    """Every violation is exempted; nothing is written or alerted."""
    UNDONE = "undone"
    """An operator reverted a remediation."""
    ABANDONED = "abandoned"
    """The invocation ended before its first write; the next one started over."""
