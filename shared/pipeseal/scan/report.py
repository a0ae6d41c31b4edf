"""The result of a scan, as values; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypedDict

from pipeseal.exemptions import Exemption
from pipeseal.model import AnyControl, Kind, Ref, Severity


class ViolationStatus(StrEnum):
    """Whether a violation counts; the values are those of `status` in the JSON output."""

    VIOLATED = "violated"
    EXEMPT = "exempt"


class ScanViolationDocument(TypedDict):
    """An element of `findings` in the output of `scan --format json`."""

    resource: str
    kind: str
    region: str
    control: str
    title: str
    severity: str
    status: str
    reasons: list[str]
    fix: list[str]
    refusal: str
    advice: str
    source: str
    used_by: list[str]
    exemption: dict[str, str] | None


class UnreadResourceDocument(TypedDict):
    """An element of `unreadable` in the output of `scan --format json`."""

    resource: str
    kind: str
    error: str
    permission: str


class AdviceDocument(TypedDict):
    """An element of `advice` in the output of `scan --format json`."""

    id: str
    title: str
    answer: str
    reason: str
    advice: str
    source: str


class ScanReportDocument(TypedDict):
    """The output of `scan --format json`."""

    account: str
    region: str
    time: str
    scanned: dict[str, int]
    compliant: int
    violated: int
    findings: list[ScanViolationDocument]
    unreadable: list[UnreadResourceDocument]
    advice: list[AdviceDocument]
    notes: list[str]
    exit: int


@dataclass(frozen=True, slots=True)
class ScanViolation:
    """A violation of one control by one resource."""

    ref: Ref
    control: AnyControl
    reasons: tuple[str, ...]
    proposed_steps: tuple[str, ...]
    """What pipeseal would write, in sentences; () where it would write nothing."""
    refusal: str = ""
    """Why pipeseal cannot remediate it; "" where it can."""
    dependents: tuple[str, ...] = ()
    """ARNs of the resources that keep data in this one, or encrypt data under it."""
    exemption: Exemption | None = None

    @property
    def status(self) -> ViolationStatus:
        """Whether the violation counts."""
        return ViolationStatus.EXEMPT if self.exemption else ViolationStatus.VIOLATED

    @property
    def description(self) -> str:
        """The reasons and the refusal, as one text."""
        return " ".join((*self.reasons, *filter(None, [self.refusal])))

    def as_dict(self) -> ScanViolationDocument:
        """Return the violation as `scan --format json` prints it."""
        return {
            "resource": self.ref.arn,
            "kind": str(self.ref.kind),
            "region": self.ref.region,
            "control": self.control.id,
            "title": self.control.title,
            "severity": self.control.severity.name.lower(),
            "status": str(self.status),
            "reasons": [str(reason) for reason in self.reasons],
            "fix": list(self.proposed_steps),
            "refusal": self.refusal,
            "advice": self.control.advice,
            "source": self.control.source,
            "used_by": list(self.dependents),
            "exemption": self.exemption.as_dict() if self.exemption else None,
        }


@dataclass(frozen=True, slots=True)
class UnreadResource:
    """A resource that could not be read, or a kind whose resources could not be listed: its compliance is unknown."""

    kind: Kind
    ref: Ref | None
    """None where the kind could not be listed."""
    error: str
    """What AWS returned, and to which operation."""
    permission: str = ""
    """The IAM action that the caller does not have; "" where the error has another cause."""

    @property
    def resource(self) -> str:
        """The ARN of the resource; "*" where the kind could not be listed."""
        return self.ref.arn if self.ref else "*"

    @property
    def id(self) -> str:
        """The ARN of the resource, or an identifier of all resources of the kind."""
        return self.ref.arn if self.ref else f"every-{self.kind}"

    @property
    def title(self) -> str:
        """What could not be read."""
        if self.ref:
            return f"The {self.kind} {self.ref.name} could not be read"
        return f"The {self.kind}s of the account could not be listed"

    @property
    def description(self) -> str:
        """What could not be read, and the error."""
        return f"{self.title}, so compliance is unknown: {self.error}"

    @property
    def remediation(self) -> str:
        """What to do to have it read by the next scan."""
        return f"Grant {self.permission} to the identity that runs the scan." if self.permission else "Scan again."

    def as_dict(self) -> UnreadResourceDocument:
        """Return it as `scan --format json` prints it."""
        return {
            "resource": self.resource,
            "kind": str(self.kind),
            "error": self.error,
            "permission": self.permission,
        }


class AdviceAnswer(StrEnum):
    """Whether the account follows a piece of advice."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Advice:
    """A recommendation for the account as a whole, which no control covers."""

    id: str
    title: str
    answer: AdviceAnswer
    reason: str
    advice: str
    source: str

    def as_dict(self) -> AdviceDocument:
        """Return the advice as `scan --format json` prints it."""
        return {
            "id": self.id,
            "title": self.title,
            "answer": str(self.answer),
            "reason": self.reason,
            "advice": self.advice,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class ScanReport:
    """An account and Region at one point in time."""

    account: str
    region: str
    time: datetime
    scanned: Mapping[Kind, int]
    """How many resources of each kind were read and checked."""
    violations: tuple[ScanViolation, ...]
    """By severity, highest first; exempt violations included."""
    unreadable: tuple[UnreadResource, ...]
    advice: tuple[Advice, ...]
    notes: tuple[str, ...] = ()
    """Limits of this scan, in sentences."""

    @property
    def open(self) -> tuple[ScanViolation, ...]:
        """The violations that count."""
        return tuple(each for each in self.violations if each.status is ViolationStatus.VIOLATED)

    @property
    def exempted(self) -> tuple[ScanViolation, ...]:
        """The violations that an exemption covers."""
        return tuple(each for each in self.violations if each.status is ViolationStatus.EXEMPT)

    @property
    def violated(self) -> int:
        """The number of resources with a violation that counts."""
        return len({each.ref for each in self.open})

    @property
    def compliant(self) -> int:
        """The number of resources without any violation, exempt violations included."""
        return sum(self.scanned.values()) - len({each.ref for each in self.violations})

    def fails(self, threshold: Severity | None) -> bool:
        """Return whether a violation counts at *threshold* or above, or something could not be read.

        Without a threshold, violations do not fail a scan.
        """
        too_severe = threshold is not None and any(each.control.severity >= threshold for each in self.open)
        return too_severe or bool(self.unreadable)

    def as_dict(self, status: int) -> ScanReportDocument:
        """Return the report as `scan --format json` prints it; *status* is the exit status."""
        return {
            "account": self.account,
            "region": self.region,
            "time": self.time.isoformat(),
            "scanned": {str(kind): number for kind, number in self.scanned.items()},
            "compliant": self.compliant,
            "violated": self.violated,
            "findings": [each.as_dict() for each in self.violations],
            "unreadable": [each.as_dict() for each in self.unreadable],
            "advice": [each.as_dict() for each in self.advice],
            "notes": list(self.notes),
            "exit": status,
        }
