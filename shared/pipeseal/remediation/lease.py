"""Concurrent work on one resource: wait, ask the owner of the lease for a follow-up, or complete what it left open."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from pipeseal.aws.documents import Document
from pipeseal.aws.errors import ServiceError, refusal
from pipeseal.kinds.unreadable import Unreadable
from pipeseal.ledger.entries import entry_id_for
from pipeseal.ledger.leases import Completion
from pipeseal.model import Action, Outcome, Resource, State
from pipeseal.notify.alert import compose
from pipeseal.remediation.escalation import fingerprints, fingerprints_of, with_remediations
from pipeseal.remediation.planning import make_plan
from pipeseal.remediation.remediate import record_left_states, releasing, violation_of, write
from pipeseal.remediation.steps import Detection, Proceed, Retry, Step

if TYPE_CHECKING:
    from pipeseal.ledger.entries import LedgerEntry
    from pipeseal.ledger.records import ResourceRecord
    from pipeseal.model import Cause, Ref
    from pipeseal.notify.alert import Alert
    from pipeseal.runtime import Runtime

_POLL_INTERVAL = 0.5
"""Seconds between two reads of the lease of an earlier delivery."""


def resolve_lease(detection: Detection, runtime: Runtime) -> Retry | None:
    """Handle the lease that *detection* found; return None where the resource can be handled now.

    An earlier delivery of the same event is awaited: if it was killed, no other event would ever handle the resource.
    What an owner whose lease expired left open is completed.
    """
    ref, record = detection.ref, detection.record
    if record.lease_expires >= runtime.clock.now():
        own = (
            entry_id_for(ref, detection.cause),
            entry_id_for(ref, detection.cause, Action.ESCALATED),
        )
        if record.lease_owner not in own:
            return None
        _wait_for(record, own, ref, runtime)
        return Retry()  # what was read is outdated
    if isinstance(detection.resource, Unreadable):
        return None
    follow_ups = complete_abandoned(ref, detection.resource, record, runtime)
    return None if follow_ups is None else Retry(follow_ups)


def _wait_for(record: ResourceRecord, owners: tuple[str, ...], ref: Ref, runtime: Runtime) -> None:
    """Wait until none of *owners* holds the lease any more."""
    while record.lease_owner in owners and record.lease_expires >= runtime.clock.now():
        runtime.clock.wait(_POLL_INTERVAL)
        record = runtime.ledger.records.get(ref.arn)


def hand_over(step: Step, detection: Detection, runtime: Runtime) -> Step:
    """Return *step*, or a Retry where it wrote nothing and the owner of the lease has finished by now.

    The owner may not have read yet what the call of *detection* put, and be about to overwrite it: so it is asked to
    read the resource again.
    """
    cause = detection.cause
    leased = detection.record.lease_expires >= runtime.clock.now()
    handled = isinstance(step, Proceed) and not step.outcome.entry and step.outcome.action is not Action.BUSY
    if not leased or cause.put is None or not handled:
        return step
    own = entry_id_for(detection.ref, cause)
    return step if runtime.ledger.leases.request_follow_up(detection.ref.arn, own, cause) else Retry()


def complete_abandoned(
    ref: Ref, live: Resource | None, record: ResourceRecord, runtime: Runtime
) -> tuple[Cause, ...] | None:
    """Complete the entry of an owner whose lease expired, and send the alert that it may not have sent.

    Returns the follow-ups that were requested from it; None where the lease left no entry.
    """
    entry = runtime.ledger.entries.get(ref.arn, record.lease_owner)
    if entry is None:
        return None
    if not runtime.ledger.leases.take_over(ref.arn, record.lease_owner):
        return ()  # another invocation was faster
    with releasing(ref, entry.id, runtime):
        if entry.by_operator:
            return runtime.ledger.leases.complete(_completion_of_operation(entry, record, runtime))
        if live is None or _wrote_nothing(entry, live):
            action = Action.ABSENT if live is None else Action.ABANDONED
            completion = Completion(Outcome(ref, action, entry=entry.id), alerted=record.alerted)
        else:
            completion = _catch_up(entry, live, record, runtime)
        return runtime.ledger.leases.complete(completion)


def _completion_of_operation(entry: LedgerEntry, record: ResourceRecord, runtime: Runtime) -> Completion:
    """Return what to record of the operator's *entry*: an undo's exemptions become active only where it was written.

    The resource is read in full, because an undo may have written parts that the functions need not read.
    """
    ref, parts, ledger = entry.ref, entry.changed_parts, runtime.ledger
    live = runtime.resources.read_full(ref)
    if live is None:
        return Completion(Outcome(ref, Action.ABSENT, entry=entry.id), alerted=record.alerted)
    before, after = (with_parts(live, state, parts) for state in (entry.before, entry.after))
    if live.same_as(after):
        steps = before.describe_change(after)[1]
        exemptions = tuple(grant.id for grant in entry.grants)
        return Completion(
            Outcome(ref, Action(entry.intent), None, steps, entry.id, exemptions),
            undone=ledger.entries.get(ref.arn, entry.undoes) if entry.undoes else None,
            applied=ledger.entries.get(ref.arn, entry.applies) if entry.applies else None,
            grants=entry.grants,
        )
    if live.same_as(before):
        return Completion(Outcome(ref, Action.ABANDONED, entry=entry.id), alerted=record.alerted)
    if is_partly_written(live, entry.before, entry.after):
        _take_back(live, before, runtime)
    return Completion(Outcome(ref, Action.FAILED, entry=entry.id), alerted=record.alerted)


def _take_back(live: Resource, before: Resource, runtime: Runtime) -> None:
    """Restore what an operation has partly changed; what AWS refuses is left to the controls."""
    try:
        runtime.resources.write(live, before)
    except ServiceError as error:
        if not refusal(error):
            raise


def _wrote_nothing(entry: LedgerEntry, live: Resource) -> bool:
    changed = entry.changed_parts
    return bool(changed) and live.same_as(with_parts(live, entry.before, changed))


def _catch_up(entry: LedgerEntry, live: Resource, record: ResourceRecord, runtime: Runtime) -> Completion:
    """Write what is missing of the intent of *entry* and send its alert; return what to record."""
    live = runtime.resources.load_details(live)
    violation = violation_of(live, make_plan(live, runtime.settings), record, entry.cause, runtime)
    record_left_states(violation, runtime)
    unresolved, alert = violation.plan(live, runtime), entry.alert
    outcome = Outcome(live.ref, Action(entry.intent), None, tuple(alert.get("done", ())), entry.id)
    missing = {finding.control.id for finding in unresolved.findings if finding.writes}
    if missing and missing <= set(entry.written_controls):
        done, unresolved = write(unresolved, violation, runtime)
        if done.refused:
            outcome = replace(outcome, action=Action.FAILED, steps=done.before.describe_change(done.after)[1])
            alert = compose(outcome, done, entry.cause)
    if alert and not (alert is entry.alert and record.alert_sent == entry.id):
        runtime.notifier.send_alert(cast("Alert", alert))
    alerted = fingerprints_of((each["control"], reason) for each in entry.findings for reason in each["reasons"])
    now, written = runtime.clock.now(), entry.written_controls
    escalated = outcome.action is Action.ESCALATED
    return Completion(
        outcome,
        alerted=alerted & fingerprints(unresolved),
        remediations=with_remediations(record.remediations, written, now) if written else None,
        suspended={**record.suspended, **dict.fromkeys(entry.controls, now)} if escalated else None,
    )


def with_parts(live: Any, state: Document, parts: Collection[str]) -> Any:
    """Return the resource *live* with *parts* of its state as *state* has them; the rest may have changed since."""
    return live.with_state({**live.state(), **{part: state[part] for part in parts}})


def is_partly_written(live: Resource, before: State, after: State) -> bool:
    """Return whether a write from *before* to *after*, which was interrupted, can have left *live*."""
    states = (before, after, *live.states_between(before, after))
    changed = (part for part, value in before.items() if after[part] != value)
    return all(any(live.same_as(with_parts(live, state, [part])) for state in states) for part in changed)
