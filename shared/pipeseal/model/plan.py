"""A plan: what is wrong with a resource, and the resource as it should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from pipeseal.model.resource import Resource

if TYPE_CHECKING:
    from pipeseal.model.control import Finding, Severity


R_co = TypeVar("R_co", bound=Resource, covariant=True)


@dataclass(frozen=True, slots=True)
class Plan(Generic[R_co]):
    """All controls of a kind folded over one snapshot."""

    before: R_co
    after: R_co
    """What will be written: *before* with every control in enforce mode applied."""
    proposed: R_co
    """What would be written if every control were in enforce mode; detect mode records it."""
    findings: tuple[Finding, ...]
    exempted: tuple[Finding, ...] = ()
    """What exempted controls find: neither remediated nor alerted."""
    suspended: tuple[Finding, ...] = ()
    """What suspended controls find; it was alerted when they were suspended."""

    @property
    def writes(self) -> bool:
        """Whether anything will be written."""
        return self.after != self.before

    @property
    def refused(self) -> bool:
        """Whether something should be remediated and cannot be."""
        return any(finding.refusal for finding in self.findings)

    @property
    def severity(self) -> Severity:
        """Return the highest severity; the plan must have findings."""
        return max(finding.control.severity for finding in self.findings)
