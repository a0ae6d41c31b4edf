"""Handle what an event or a sweep names: detect, plan, and remediate what violates a control, then its dependencies.

Deliveries come at least once, late, in any order and concurrently; any invocation may be killed at any point. These
rules hold anyway: an invocation writes only under a lease, which is granted only if no other invocation completed one
since the resource was read; one that finds the lease taken asks its owner to read the resource again; an entry that an
invocation left open is completed by the next one.

Most resources are compliant: the modules that only a violation needs are imported when there is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeseal.kinds.facts import LedgerFacts, PastWrite
from pipeseal.kinds.unreadable import Unreadable
from pipeseal.model import Action, Outcome
from pipeseal.remediation.planning import make_plan
from pipeseal.remediation.steps import Detection, Proceed, Step, proceed

if TYPE_CHECKING:
    from pipeseal.ledger.entries import LedgerEntry
    from pipeseal.ledger.records import ResourceRecord
    from pipeseal.model import Cause, Ref
    from pipeseal.runtime import Runtime

_ATTEMPTS = 10
"""How often a resource is read again because another invocation worked on it in the meantime."""
_PAUSE = 0.5
"""Seconds between two attempts."""
_PAST_WRITES = 10
"""Entries that are searched for a concurrent write."""


class Contested(Exception):
    """Other invocations worked on the resource without a pause; the text names it."""


def reconcile(ref: Ref, cause: Cause, runtime: Runtime, record: ResourceRecord | None = None) -> Iterator[Outcome]:
    """Handle the resource *ref*, then its dependencies; yield the outcome of each.

    *record* is what the ledger knows of *ref*, where the caller has read it already.
    Raises Contested, OutOfTime or what AWS returned where a later retry may succeed.
    """
    pending = [(ref, cause)]
    while pending:
        ref, cause = pending.pop(0)
        handled = _handle(ref, cause, runtime, record)
        record = None
        yield handled.outcome
        dependencies = ((dependency, cause) for dependency in handled.dependencies)
        follow_ups = ((ref, follow_up) for follow_up in handled.follow_ups)
        pending = [*dependencies, *follow_ups, *pending]


def _handle(ref: Ref, cause: Cause, runtime: Runtime, record: ResourceRecord | None) -> Proceed:
    """Attempt the resource until no other invocation interferes."""
    follow_ups: tuple[Cause, ...] = ()
    for attempt in range(_ATTEMPTS):
        if attempt > 1:
            runtime.clock.wait(_PAUSE)
        step = _attempt(ref, cause, runtime, record)
        record = None
        if isinstance(step, Proceed):
            return step.after(follow_ups)
        follow_ups += step.follow_ups
    raise Contested(f"{ref.arn} is in constant use by other invocations; Lambda retries the event")


def _attempt(ref: Ref, cause: Cause, runtime: Runtime, record: ResourceRecord | None) -> Step:
    """Detect, settle the lease, plan, remediate."""
    if cause.name in ref.kind.spec.created_without_history and _is_compliant_when_new(ref, runtime):
        return Proceed(Outcome(ref, Action.COMPLIANT))
    detection = detect(ref, cause, runtime, record)
    if not detection.record.lease_owner:
        return _settle(detection, runtime)
    from pipeseal.remediation.lease import hand_over, resolve_lease  # noqa: PLC0415 - concurrent work is rare

    if retry := resolve_lease(detection, runtime):
        return retry
    return hand_over(_settle(detection, runtime), detection, runtime)


def _is_compliant_when_new(ref: Ref, runtime: Runtime) -> bool:
    """Return whether a resource that was just created is compliant: the ledger, which cannot know it, is not read."""
    resource = runtime.resources.read(ref, LedgerFacts())
    if resource is None or isinstance(resource, Unreadable) or not resource.in_initial_state:
        return False
    return not make_plan(resource, runtime.settings).findings


def detect(ref: Ref, cause: Cause, runtime: Runtime, record: ResourceRecord | None = None) -> Detection:
    """Read the resource as it is now, with what the ledger knows of it and what the event adds."""
    ledger = runtime.ledger
    record = (record or ledger.records.get(ref.arn))._replace(read_at=runtime.clock.now())
    resource = runtime.resources.read(ref, LedgerFacts(record.dependents, record.baseline))
    if resource is not None and not isinstance(resource, Unreadable):
        resource = runtime.resources.with_event(
            resource, cause, lambda: tuple(map(_past_write, ledger.entries.latest(ref.arn, _PAST_WRITES)))
        )
    return Detection(ref, cause, resource, record)


def _past_write(entry: LedgerEntry) -> PastWrite:
    return PastWrite(
        cause_id=entry.cause.id,
        before=entry.before,
        changed_parts=entry.changed_parts,
        read_at=entry.read_at or entry.opened,
        opened=entry.opened,
        closed=entry.closed,
        is_undo=bool(entry.undoes),
        took_effect=entry.outcome not in ("", Action.ABANDONED),
    )


def _settle(detection: Detection, runtime: Runtime) -> Step:
    """Record what was detected; return what became of the resource."""
    ref, record, resource = detection.ref, detection.record, detection.resource
    records = runtime.ledger.records
    if resource is None:
        records.set_dependencies(ref.arn, record.dependencies, {})
        if record.alerted:
            records.clear_violations(ref.arn)  # the next resource of that name is another one
        return Proceed(Outcome(ref, Action.ABSENT))
    if not isinstance(resource, Unreadable):
        records.set_dependencies(ref.arn, record.dependencies, {used.arn: key for used, key in resource.dependencies()})
        if (baseline := resource.new_baseline()) is not None and baseline != record.baseline:
            records.set_baseline(ref.arn, baseline)
    plan = make_plan(resource, runtime.settings)
    if plan.findings:
        from pipeseal.remediation.remediate import remediate  # noqa: PLC0415 - most resources are compliant

        return remediate(detection._replace(resource=resource), plan, runtime)
    if record.alerted or record.exempted:
        records.clear_violations(ref.arn)
    return proceed(resource, Action.COMPLIANT, plan)
