"""Remediate a resource that violates a control: record the intent, write, read back, alert, record the outcome."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from pipeseal.aws.errors import AWS_ERRORS, Refusal, ServiceError, is_conflict, refusal
from pipeseal.controls import controls_for
from pipeseal.exemptions import Circumstances, exemption_for
from pipeseal.ledger.entries import Intent, entry_id_for
from pipeseal.ledger.leases import Completion
from pipeseal.model import Action, Finding, Outcome, Plan, Resource
from pipeseal.notify.alert import compose
from pipeseal.remediation.escalation import (
    active_suspensions,
    digest_of_state,
    fingerprints,
    is_already_alerted,
    recent_remediations,
    reversed_too_often,
    with_remediations,
)
from pipeseal.remediation.planning import make_plan
from pipeseal.remediation.steps import Detection, Proceed, Retry, Step, proceed

if TYPE_CHECKING:
    from pipeseal.ledger.records import ResourceRecord
    from pipeseal.model import Cause, Ref
    from pipeseal.runtime import Runtime

_ROUNDS = 3
"""How often a write is attempted while another writer changes the resource."""
_PAUSE = 0.5
"""Seconds after the first of them; twice as many after each further one."""


class Overwritten(Exception):
    """Another writer kept changing the resource; the text names it."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A resource in violation, and everything that decides how it is remediated."""

    resource: Resource
    record: ResourceRecord
    cause: Cause
    exempted: Mapping[str, str]
    """Control -> ID of the exemption that applies."""
    left_states: Mapping[str, str]
    """See ResourceRecord.exempted, as it must be from now on."""
    suspended: Mapping[str, datetime]
    """Suspended control -> when it was last seen violated."""

    @property
    def ref(self) -> Ref:
        """Return the reference of the resource."""
        return self.resource.ref

    def plan(self, resource: Resource, runtime: Runtime) -> Plan[Resource]:
        """Return the plan for *resource*, which is this one at any time."""
        return make_plan(resource, runtime.settings, self.exempted, self.suspended)

    def applied_exemptions(self, plan: Plan[Resource]) -> tuple[str, ...]:
        """Return the IDs of the exemptions that *plan* made use of."""
        return tuple(dict.fromkeys(self.exempted[finding.control.id] for finding in plan.exempted))

    def proceed(self, action: Action, plan: Plan[Resource], **known: Any) -> Proceed:
        """Return that the resource was handled with *action*; *known* are further fields of the outcome."""
        return proceed(self.resource, action, plan, exemptions=self.applied_exemptions(plan), **known)


def remediate(detection: Detection, plan: Plan[Resource], runtime: Runtime) -> Step:
    """Remediate what *plan* found, alert it, or leave it where it is exempted, suspended or known."""
    assert detection.resource is not None, "only a resource that exists has a plan"  # noqa: S101 - the caller's fault
    violation = violation_of(detection.resource, plan, detection.record, detection.cause, runtime)
    resource = detection.resource
    if any(each.control.id not in {*violation.exempted, *violation.suspended} for each in plan.findings):
        resource = runtime.resources.load_details(resource)
    plan = violation.plan(resource, runtime)
    record_left_states(violation, runtime)
    _record_use(violation, plan, runtime)
    if not plan.findings:
        if detection.record.alerted:
            runtime.ledger.records.set_alerted(violation.ref.arn, ())
        exempted = Action.EXEMPT if plan.exempted else Action.COMPLIANT
        return violation.proceed(Action.KNOWN if plan.suspended else exempted, plan)
    now, limit = runtime.clock.now(), runtime.settings.war_limit
    if looping := reversed_too_often(plan, detection.record.remediations, limit, now):
        return _suspend(looping, plan, violation, runtime)
    return _carry_out(plan, violation, runtime)


def violation_of(
    resource: Resource, plan: Plan[Resource], record: ResourceRecord, cause: Cause, runtime: Runtime
) -> Violation:
    """Return which of the findings in *plan* are exempted or suspended; reads the resource's tags where they matter."""
    now = runtime.clock.now()
    tags = cache(lambda: runtime.resources.tags(resource))
    state = digest_of_state(json.dumps(resource.state(), sort_keys=True))
    exempted, left_states = {}, {}
    for control in (finding.control.id for finding in plan.findings):
        circumstances = Circumstances(cause.actor, tags, unchanged=record.exempted.get(control) == state)
        exemption = exemption_for(record.exemptions, control, resource.ref.arn, now, circumstances)
        if exemption:
            exempted[control] = exemption.id
            if exemption.actor:
                left_states[control] = state
    suspended = active_suspensions(record.suspended, now)
    return Violation(resource, record, cause, exempted, left_states, suspended)


def record_left_states(violation: Violation, runtime: Runtime) -> None:
    """Record the states that actors with an exemption left, where they differ from the recorded ones."""
    if violation.left_states != violation.record.exempted:
        runtime.ledger.records.set_exempted(violation.ref.arn, violation.left_states)


def _record_use(violation: Violation, plan: Plan[Resource], runtime: Runtime) -> None:
    """Record the use of exemptions, and that suspended controls are still violated."""
    arn, ledger = violation.ref.arn, runtime.ledger
    if plan.exempted:
        ledger.exemptions.count_use(violation.applied_exemptions(plan), arn)
    if plan.suspended:
        seen = dict.fromkeys((each.control.id for each in plan.suspended), runtime.clock.now())
        ledger.records.set_suspended(arn, {**violation.suspended, **seen})


# ----------------------------------------------------------------------- writing


def _carry_out(plan: Plan[Resource], violation: Violation, runtime: Runtime) -> Step:
    """Record the intent, write, alert, record the outcome."""
    record, cause, ref = violation.record, violation.cause, violation.ref
    if is_already_alerted(plan, record.alerted):
        if fingerprints(plan) != record.alerted:
            # What was remediated since is alerted again when it returns.
            runtime.ledger.records.set_alerted(ref.arn, fingerprints(plan))
        return violation.proceed(Action.KNOWN, plan)
    entry = entry_id_for(ref, cause)
    step = _result(plan, violation, entry)
    intent = Intent(entry, plan, cause, compose(step.outcome, plan, cause), record.read_at)
    if blocked := _begin(intent, plan, violation, runtime):
        return blocked
    with releasing(ref, entry, runtime):
        done, unresolved = write(plan, violation, runtime)
        step = step if done is plan else _result(done, violation, entry)
        known = step.outcome.action is Action.FAILED and fingerprints(plan) <= record.alerted
        if known:
            step = violation.proceed(Action.KNOWN, done, steps=step.outcome.steps, entry=entry)
        else:
            runtime.notifier.send_alert(compose(step.outcome, done, cause))
        written = [each.control.id for each in done.findings if each.writes and not each.refusal]
        completion = Completion(
            step.outcome,
            done,
            alerted=fingerprints(plan) & fingerprints(unresolved),
            remediations=_with_remediations(record, written, runtime) if written else None,
        )
        return replace(step, follow_ups=_complete(completion, runtime, alert_sent=not known))


def _result(plan: Plan[Resource], violation: Violation, entry: str) -> Proceed:
    action, steps = plan.before.describe_change(plan.after)
    return violation.proceed(Action.FAILED if plan.refused else action, plan, steps=steps, entry=entry)


def _begin(intent: Intent, plan: Plan[Resource], violation: Violation, runtime: Runtime) -> Step | None:
    """Record *intent* and take the lease; return what to do instead where another invocation has it."""
    runtime.clock.require()
    leases, record = runtime.ledger.leases, violation.record
    # A lease that had expired when the record was read is still there because `resolve_lease` could not complete it.
    incomplete = record.lease_owner if record.lease_expires < record.read_at else ""
    if leases.acquire(intent, record.version, incomplete):
        return None
    if leases.request_follow_up(violation.ref.arn, intent.id, violation.cause):
        return violation.proceed(Action.BUSY, plan)
    return Retry()


def _with_remediations(
    record: ResourceRecord, controls: list[str], runtime: Runtime
) -> dict[str, tuple[datetime, ...]]:
    return with_remediations(record.remediations, controls, runtime.clock.now())


def _complete(completion: Completion, runtime: Runtime, *, alert_sent: bool) -> tuple[Cause, ...]:
    """Record the outcome and return the follow-ups.

    Where that fails, the end of the lease records that the alert was sent: the next delivery does not repeat it then.
    """
    leases, outcome = runtime.ledger.leases, completion.outcome
    try:
        return leases.complete(completion)
    except BaseException:
        with suppress(*AWS_ERRORS):
            leases.release(outcome.ref.arn, outcome.entry, alert_sent=alert_sent)
        raise


@contextmanager
def releasing(ref: Ref, entry: str, runtime: Runtime) -> Iterator[None]:
    """End the lease where the work in the block fails, so that the next delivery need not wait for it to expire."""
    try:
        yield
    except BaseException:
        with suppress(*AWS_ERRORS):
            runtime.ledger.leases.release(ref.arn, entry)
        raise


def write(plan: Plan[Resource], violation: Violation, runtime: Runtime) -> tuple[Plan[Resource], Plan[Resource]]:
    """Write until what is read back needs no more; concurrent changes of others are kept.

    Returns what was done in the end, and a plan of what remains unresolved. Raises Overwritten where the changes of
    others do not stop.
    """
    done = plan
    for attempt in range(_ROUNDS):
        if not done.writes:
            return done, violation.plan(done.before, runtime)
        try:
            live = runtime.resources.write(done.before, done.after)
        except ServiceError as error:
            if refused := refusal(error):
                return _refused(done, refused, violation, runtime)
            if not is_conflict(error):
                raise
            runtime.clock.wait(_PAUSE * 2**attempt)
            live = runtime.resources.refresh(done.after)
        unresolved = violation.plan(live, runtime)
        if not unresolved.writes:
            return done, unresolved
        done = replace(unresolved, findings=plan.findings)
    raise Overwritten(f"{violation.ref.arn} was changed by another writer {_ROUNDS} times in a row; try again later")


def _refused(
    plan: Plan[Resource], refused: Refusal, violation: Violation, runtime: Runtime
) -> tuple[Plan[Resource], Plan[Resource]]:
    """Return what was done of *plan* before AWS *refused* the rest for good, and what remains unresolved."""
    unresolved = violation.plan(runtime.resources.refresh(plan.after), runtime)
    violated = {finding.control.id for finding in unresolved.findings}
    findings = (
        replace(each, refusal=_explain_refusal(refused)) if each.writes and each.control.id in violated else each
        for each in plan.findings
    )
    return replace(plan, after=unresolved.before, findings=tuple(findings)), unresolved


def _explain_refusal(refused: Refusal) -> str:
    if refused.denied:
        return (
            f"{refused.permission} is missing: {refused.answer}. Grant it to the function's role, or remove what "
            "denies it: a Deny in the resource's own policy, a service control policy or a permissions boundary."
        )
    return f"AWS rejected the change: {refused.answer}."


# -------------------------------------------------------------------- suspending


def _suspend(looping: tuple[Finding, ...], plan: Plan[Resource], violation: Violation, runtime: Runtime) -> Step:
    """Suspend the controls of the findings *looping* and alert once; the resource is handled again for the others."""
    record, cause, ref = violation.record, violation.cause, violation.ref
    now = runtime.clock.now()
    others = {each.id for each in controls_for(plan.before)} - {each.control.id for each in looping}
    proposed = make_plan(plan.before, runtime.settings, others).after
    unwritten = Plan(plan.before, plan.before, proposed, tuple(replace(each, writes=False) for each in looping))
    entry = entry_id_for(ref, cause, Action.ESCALATED)
    outcome = Outcome(ref, Action.ESCALATED, unwritten, (), entry)
    recent = recent_remediations(record.remediations, now)
    undone = min(len(recent[each.control.id]) for each in looping)
    alert = compose(outcome, unwritten, cause, undone=undone)
    if blocked := _begin(Intent(entry, unwritten, cause, alert), plan, violation, runtime):
        return blocked
    newly_suspended = {finding.control.id: now for finding in looping}
    with releasing(ref, entry, runtime):
        runtime.notifier.send_alert(alert)
        completion = Completion(
            outcome,
            unwritten,
            alerted=record.alerted,
            remediations={control: times for control, times in recent.items() if control not in newly_suspended},
            suspended={**violation.suspended, **newly_suspended},
        )
        follow_ups = _complete(completion, runtime, alert_sent=True)
    return Proceed(outcome, follow_ups=follow_ups or (cause,))
