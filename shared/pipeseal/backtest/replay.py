"""Records in order -> what pipeseal would have found and done after each of them; pure.

The replay assumes that pipeseal remediated what it would have remediated, so that later reversals, and the remediation
loops that they would have caused, appear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple, Never

from pipeseal.aws.documents import Document
from pipeseal.kinds.cloudtrail import cause, changed_resources, events_of, trigger_calls
from pipeseal.kinds.events import Reconstruction, SnapshotContext
from pipeseal.model import Action, Cause, Finding, Plan, Ref, Resource
from pipeseal.remediation.escalation import (
    active_suspensions,
    fingerprints,
    is_already_alerted,
    recent_remediations,
    reversed_too_often,
    with_remediations,
)
from pipeseal.remediation.planning import make_plan
from pipeseal.settings import Settings

_PLANNED_RESOURCES_KEPT, _PLANS_KEPT = 1_000, 2
"""Number of resources whose latest plans are cached, and the number of plans of each."""


@dataclass(frozen=True, slots=True)
class ReplayedViolation:
    """A control that would have found a violation after one record."""

    ref: Ref
    finding: Finding
    action: Action
    """What pipeseal would have done for this control; ESCALATED where the control would have been suspended."""
    cause: Cause
    basis: str
    """"state" where the records describe the whole resource, "request" where its earlier state is unknown."""
    begins_loop: bool = False
    """Whether the control would have been suspended because of this violation."""


_NONE: Mapping[str, Never] = MappingProxyType({})


def _none() -> Mapping[str, Never]:
    return _NONE


@dataclass(slots=True)
class _ReplayedRecord:
    """What the ledger would know of a resource; the fields are those of ResourceRecord."""

    dependents: Mapping[str, str] = field(default_factory=_none)
    dependencies: Mapping[str, str] = field(default_factory=_none)
    baseline: Mapping[str, object] = field(default_factory=_none)
    alerted: Callable[[], frozenset[str]] = frozenset
    """Returns the fingerprints; deferred, because most of them are never needed and each costs a plan."""
    remediations: Mapping[str, tuple[datetime, ...]] = field(default_factory=_none)
    suspended: Mapping[str, datetime] = field(default_factory=_none)


class _CachedPlan(NamedTuple):
    resource: Resource
    suspended: frozenset[str]
    plan: Plan[Resource]


class _Found(NamedTuple):
    """What the violations of one resource after one record have in common."""

    ref: Ref
    cause: Cause
    basis: str

    def violation(self, finding: Finding, action: Action, *, begins_loop: bool = False) -> ReplayedViolation:
        return ReplayedViolation(self.ref, finding, action, self.cause, self.basis, begins_loop)


class Replay:
    """The account as the records so far, and pipeseal's own remediations, leave it."""

    def __init__(self, settings: Settings) -> None:
        """Start with an account of which nothing is known."""
        self._settings = settings
        self._known: dict[str, Reconstruction[Resource]] = {}
        self._records: dict[str, _ReplayedRecord] = {}
        self._plans: dict[str, list[_CachedPlan]] = {}

    def violations(self, event: Document) -> Iterator[ReplayedViolation]:
        """Replay one *event*, an EventBridge event of CloudTrail, and yield what pipeseal would have found.

        Raises Malformed where a required field is missing.
        """
        record = event["detail"]
        why = cause(event)
        is_trigger = (record["eventSource"], record["eventName"]) in trigger_calls()
        for ref in changed_resources(event):
            arn = ref.arn
            known = events_of(ref.kind).updated(self._known.get(arn), ref, record, why.time)
            if known is None:
                self._delete(arn)
                continue
            self._known[arn] = known
            if is_trigger:
                yield from self._reconcile(ref, why)

    def _snapshot(self, ref: Ref, now: datetime) -> Reconstruction[Resource] | None:
        """Return the resource as pipeseal would have read it at *now*; None where no record describes it."""
        arn = ref.arn
        if (known := self._known.get(arn)) is None:
            return None
        record = self._record(arn)
        context = SnapshotContext(
            self._settings, now, record.dependents, record.baseline, lambda other: self._snapshot(other, now)
        )
        return events_of(ref.kind).complete(known, context)

    def _record(self, arn: str) -> _ReplayedRecord:
        if (record := self._records.get(arn)) is None:
            record = self._records[arn] = _ReplayedRecord()
        return record

    def _delete(self, arn: str) -> None:
        self._known.pop(arn, None)
        self._record(arn).alerted = frozenset
        self._set_dependencies(arn, {})

    def _set_dependencies(self, arn: str, dependencies: Mapping[str, str]) -> None:
        """Record on both sides that the resource *arn* depends on *dependencies* and on nothing else."""
        record = self._record(arn)
        for former in map(self._record, record.dependencies):
            former.dependents = {each: key_arn for each, key_arn in former.dependents.items() if each != arn}
        for dependency, key_arn in dependencies.items():
            current = self._record(dependency)
            current.dependents = {**current.dependents, arn: key_arn}
        record.dependencies = dependencies

    def _reconcile(self, ref: Ref, why: Cause) -> Iterator[ReplayedViolation]:
        """Handle *ref*, then those of its dependencies that records describe."""
        dependencies: dict[Ref, str] = {}
        if ref.kind.spec.depends_on and (known := self._snapshot(ref, why.time)):
            dependencies = dict(known.resource.dependencies())
            self._set_dependencies(ref.arn, {dependency.arn: key_arn for dependency, key_arn in dependencies.items()})
        yield from self._remediate(ref, why, is_subject=True)
        for dependency in dependencies:
            yield from self._remediate(dependency, why, is_subject=False)

    def _remediate(self, ref: Ref, why: Cause, *, is_subject: bool) -> Iterator[ReplayedViolation]:
        """Do with *ref* what pipeseal would have done, and yield what it would have found.

        *is_subject* is False for a dependency of the resource that the event names.
        """
        known = self._snapshot(ref, why.time)
        if known is None:
            return
        record = self._record(ref.arn)
        resource: Resource = known.resource
        if (baseline := resource.new_baseline()) is not None:
            record.baseline = {part: value for part, value in baseline.items() if part not in known.unknown}
        found = _Found(ref, why, "request" if known.unknown else "state")
        suspended = active_suspensions(record.suspended, why.time)
        plan = self._plan(resource, suspended)
        if plan.suspended:
            suspended |= dict.fromkeys((each.control.id for each in plan.suspended), why.time)
            record.suspended = suspended
            if is_subject:
                yield from (found.violation(each, Action.ESCALATED) for each in plan.suspended)
        if looping := reversed_too_often(plan, record.remediations, self._settings.war_limit, why.time):
            yield from (found.violation(each, Action.ESCALATED, begins_loop=True) for each in looping)
            newly_suspended = dict.fromkeys((each.control.id for each in looping), why.time)
            recent = recent_remediations(record.remediations, why.time)
            record.remediations = {each: times for each, times in recent.items() if each not in newly_suspended}
            record.suspended = suspended = suspended | newly_suspended
            plan = self._plan(resource, suspended)
        if plan.findings:
            yield from self._carry_out(plan, suspended, record, found)
        else:
            record.alerted = frozenset

    def _carry_out(
        self, plan: Plan[Resource], suspended: Mapping[str, datetime], record: _ReplayedRecord, found: _Found
    ) -> Iterator[ReplayedViolation]:
        """Write what pipeseal would have written, and yield what it would have alerted."""
        reasons = fingerprints(plan)
        # A write is always alerted: only a plan without one needs the fingerprints.
        if is_already_alerted(plan, frozenset() if plan.writes else record.alerted()):
            record.alerted = lambda: reasons
            return
        yield from self._alerted(plan, found)
        if written := [each.control.id for each in plan.findings if each.writes and not each.refusal]:
            record.remediations = with_remediations(record.remediations, written, found.cause.time)
        if plan.writes:
            arn = found.ref.arn
            self._known[arn] = self._known[arn].remediated(plan.after)
        after = plan.after
        record.alerted = lambda: reasons & fingerprints(self._plan(after, suspended))

    def _alerted(self, plan: Plan[Resource], found: _Found) -> Iterator[ReplayedViolation]:
        """Yield each finding of *plan* with what would have been done; the end of a quarantine is no violation."""
        action, _ = plan.before.describe_change(plan.after)
        resource = events_of(found.ref.kind).without_quarantine(plan.before)
        for finding in plan.findings:
            if resource is plan.before or finding.control.reasons(resource, self._settings):
                done = action if finding.writes else Action.DETECTED
                yield found.violation(finding, Action.FAILED if finding.refusal else done)

    def _plan(self, resource: Resource, suspended: Mapping[str, datetime]) -> Plan[Resource]:
        """Return the plan for *resource*; cached, because pipelines and remediation loops repeat the same changes."""
        arn, controls = resource.ref.arn, frozenset(suspended)
        cached = self._plans.setdefault(arn, [])
        for each in cached:
            if each.suspended == controls and each.resource == resource:
                return each.plan
        plan = make_plan(resource, self._settings, suspended=controls)
        self._plans = self._plans if len(self._plans) < _PLANNED_RESOURCES_KEPT else {}
        self._plans[arn] = [_CachedPlan(resource, controls, plan), *cached][:_PLANS_KEPT]
        return plan
