"""What a scan found, as values; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pipeseal.exemptions import Exemption
from pipeseal.model import Control, Kind, Ref, Severity


def noun(kind: Kind) -> str:
    """Return what people call a resource of that kind, in small letters."""
    return kind.name.lower()


class Status(StrEnum):
    """Whether a violation counts."""

    VIOLATED = "violated"
    EXEMPT = "exempt"


@dataclass(frozen=True, slots=True)
class Violation:
    """What one control finds wrong with one resource."""

    ref: Ref
    control: Control
    reasons: tuple[str, ...]
    remedy: tuple[str, ...]
    """What pipeseal would do about it, in sentences; () where only its owner can."""
    refusal: str = ""
    """Why pipeseal could not, where that is so."""
    users: tuple[str, ...] = ()
    """ARNs of what keeps data there, or under it."""
    exemption: Exemption | None = None
    """What excuses it."""

    @property
    def status(self) -> Status:
        """Say whether it counts."""
        return Status.EXEMPT if self.exemption else Status.VIOLATED

    def as_dict(self) -> dict[str, Any]:
        """Return the violation as `scan --format json` prints it."""
        return {
            "resource": self.ref.arn,
            "kind": noun(self.ref.kind),
            "region": self.ref.region,
            "control": self.control.id,
            "title": self.control.title,
            "severity": self.control.severity.name.lower(),
            "status": str(self.status),
            "reasons": [str(reason) for reason in self.reasons],
            "fix": list(self.remedy),
            "refusal": self.refusal,
            "advice": self.control.advice,
            "source": self.control.source,
            "used_by": list(self.users),
            "exemption": self.exemption.as_dict() if self.exemption else None,
        }


@dataclass(frozen=True, slots=True)
class Unseen:
    """What AWS did not show, so that nobody knows whether it is fine."""

    kind: Kind
    ref: Ref | None
    """None where not even a list of them was given."""
    error: str
    """What AWS said, to which call."""
    permission: str = ""
    """The IAM action that is missing, where that is why."""

    @property
    def resource(self) -> str:
        """Return its ARN; "*" where there is no list of them."""
        return self.ref.arn if self.ref else "*"

    @property
    def title(self) -> str:
        """Say what could not be read."""
        kind = noun(self.kind)
        return f"The {kind} {self.ref.name} could not be read" if self.ref else f"The {kind}s could not be listed"

    @property
    def sentence(self) -> str:
        """Say what that means, and what AWS said."""
        return f"{self.title}, so nobody knows whether all is well: {self.error}"

    @property
    def remedy(self) -> str:
        """Say what to do about it."""
        return f"Grant {self.permission} to whoever scans." if self.permission else "Scan again."

    def as_dict(self) -> dict[str, str]:
        """Return it as `scan --format json` prints it."""
        return {
            "resource": self.resource,
            "kind": noun(self.kind),
            "error": self.error,
            "permission": self.permission,
        }


class Answer(StrEnum):
    """Whether the account has what it should have."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Advice:
    """A matter of the whole account that no control can settle."""

    id: str
    title: str
    answer: Answer
    reason: str
    advice: str
    source: str

    def as_dict(self) -> dict[str, str]:
        """Return it as `scan --format json` prints it."""
        return {
            "id": self.id,
            "title": self.title,
            "answer": str(self.answer),
            "reason": self.reason,
            "advice": self.advice,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """An account and Region at one moment."""

    account: str
    region: str
    time: datetime
    scanned: Mapping[Kind, int]
    """How many of each kind were read and judged."""
    violations: tuple[Violation, ...]
    """The worst first; the excused ones are among them."""
    unreadable: tuple[Unseen, ...]
    advice: tuple[Advice, ...]
    notes: tuple[str, ...] = ()
    """What limits what was found, in sentences."""

    @property
    def open(self) -> tuple[Violation, ...]:
        """Return what counts."""
        return tuple(each for each in self.violations if each.status is Status.VIOLATED)

    @property
    def excused(self) -> tuple[Violation, ...]:
        """Return what does not."""
        return tuple(each for each in self.violations if each.status is Status.EXEMPT)

    @property
    def violated(self) -> int:
        """Return how many resources something counts against."""
        return len({each.ref for each in self.open})

    @property
    def compliant(self) -> int:
        """Return how many resources were judged and have nothing wrong, excused or not."""
        return sum(self.scanned.values()) - len({each.ref for each in self.violations})

    def fails(self, bar: Severity | None) -> bool:
        """Say whether a violation at or above *bar* counts, or something could not be read; no bar, no violation."""
        bad = bar is not None and any(each.control.severity >= bar for each in self.open)
        return bad or bool(self.unreadable)

    def as_dict(self, status: int) -> dict[str, Any]:
        """Return the report as `scan --format json` prints it; *status* is the exit status."""
        return {
            "account": self.account,
            "region": self.region,
            "time": self.time.isoformat(),
            "scanned": {noun(kind): number for kind, number in self.scanned.items()},
            "compliant": self.compliant,
            "violated": self.violated,
            "findings": _dicts(self.violations),
            "unreadable": _dicts(self.unreadable),
            "advice": _dicts(self.advice),
            "notes": list(self.notes),
            "exit": status,
        }


def _dicts(values: Iterable[Violation | Unseen | Advice]) -> list[dict[str, Any]]:
    return [each.as_dict() for each in values]
