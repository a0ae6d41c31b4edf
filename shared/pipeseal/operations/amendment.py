"""What an operator writes to a resource in answer to a ledger entry, with the operator's own permissions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeseal.aws.errors import AWS_ERRORS
from pipeseal.aws.transient import RetryBudget, describe, is_transient
from pipeseal.ledger.entries import Intent, entry_id
from pipeseal.ledger.leases import OPERATOR_LEASE, Completion, LeaseLost
from pipeseal.model import Action, Actor, Cause, Finding, Outcome, Plan, Resource
from pipeseal.operations.retrying import Progress, Unfinished, budget, no_progress
from pipeseal.remediation.lease import complete_abandoned, is_partly_written, with_parts

if TYPE_CHECKING:
    from pipeseal.exemptions import Exemption
    from pipeseal.ledger.entries import LedgerEntry
    from pipeseal.ledger.records import ResourceRecord
    from pipeseal.runtime import Runtime

_POLL_INTERVAL = 1.0
"""Seconds between two reads of a lease."""

_LATEST = 20
"""Entries of the resource that are searched for an unfinished operation."""


class Declined(Exception):
    """The command would do nothing, or damage; the text says why and what to do instead."""


@dataclass(frozen=True, slots=True)
class Amendment:
    """What a command in answer to an entry would write."""

    entry: LedgerEntry
    action: Action
    """UNDONE, or the action that the entry proposes."""
    before: Resource
    """The resource as it is."""
    after: Resource
    """The resource as it will be."""
    findings: tuple[Finding, ...] = ()
    """The findings that require it; none where the entry is reverted."""
    exemptions: tuple[Exemption, ...] = ()
    """What keeps it from being remediated again; none where the result is compliant."""
    unfinished: LedgerEntry | None = None
    """The entry of an earlier run of the same command that did not finish: it is finished instead of a new one."""

    @property
    def steps(self) -> tuple[str, ...]:
        """Return in sentences what will be written."""
        return self.before.describe_change(self.after)[1]


def find_entry(identity: str, runtime: Runtime) -> LedgerEntry:
    """Return the entry with that ID; raise Declined where there is none."""
    entry = runtime.ledger.entries.find(identity)
    if entry is None:
        raise Declined(
            f"{identity}: the ledger holds no such entry. The last line of an alert names its entry, and pipeseal "
            "history lists all of them; --stack, --region and --profile select the ledger"
        )
    return entry


def read_live(entry: LedgerEntry, runtime: Runtime) -> Resource:
    """Return the resource of *entry* as it is now; raise Declined where it does not exist."""
    found = runtime.resources.read_full(entry.ref)
    if found is None:
        raise Declined(f"{entry.ref.arn} no longer exists or belongs to another account: there is nothing to write to")
    return found


def require_writable(before: Resource, after: Resource) -> None:
    """Raise Declined where writing *before* as *after* would destroy a secret or a field."""
    if refusal := before.write_refusal(after):
        raise Declined(f"{before.ref.arn} cannot be written: {refusal}; change it by hand")


def unfinished_amendment(entry: LedgerEntry, live: Resource, runtime: Runtime) -> Amendment | None:
    """Return what finishes an earlier run of the command on *entry*; None where there is none to finish.

    There is none either where another writer has changed the resource since.
    """
    latest = runtime.ledger.entries.latest(entry.ref.arn, _LATEST)
    for each in latest:
        if entry.id not in (each.undoes, each.applies) or each.outcome:
            continue
        after = with_parts(live, each.after, each.changed_parts)
        if not is_partly_written(live, each.before, each.after):
            return None
        return Amendment(entry, Action(each.intent), live, after, exemptions=each.grants, unfinished=each)
    return None


# ---------------------------------------------------------------------- carrying out


@dataclass(frozen=True, slots=True)
class _Operation:
    """An amendment that is carried out."""

    amendment: Amendment
    intent: Intent
    runtime: Runtime
    budget: RetryBudget
    progress: Progress

    @property
    def arn(self) -> str:
        """The ARN of the resource."""
        return self.amendment.entry.ref.arn

    @property
    def steps(self) -> tuple[str, ...]:
        """Everything that is written, in sentences, by an unfinished earlier run too."""
        steps: tuple[str, ...] = self.intent.plan.before.describe_change(self.intent.plan.after)[1]
        return steps


def carry_out(amendment: Amendment, by: Actor, runtime: Runtime, progress: Progress = no_progress) -> Outcome:
    """Record the intent, write, read back, record the outcome; return the outcome.

    The exemptions of an undo become active with the outcome, in one transaction: until then the lease keeps the
    functions from remediating. Transient errors are retried for a minute.

    Raises Declined where the resource was changed in the meantime, or is being remediated; ClientError, with a note
    that says what was changed, where AWS refused a call; Unfinished where the ledger could not be written any more.
    A KeyboardInterrupt has the same text as a note.
    """
    operation = _Operation(amendment, _intent(amendment, by, runtime), runtime, budget(runtime, progress), progress)
    arn = operation.arn
    with _reporting(operation, f"Nothing was written to {arn}", recorded=False):
        _acquire(operation)
    with _reporting(operation, f"Nothing was written to {arn}"):
        failure: Exception | None = _changed_since(operation)
    if failure is None:
        with _reporting(operation, f"It is unknown whether this was written to {arn}: {'; '.join(operation.steps)}"):
            failure = _write(operation)
    result = "Nothing more is to be written" if failure else f"{arn} is as requested ({'; '.join(operation.steps)})"
    with _reporting(operation, result):
        outcome = _complete(operation, failed=failure is not None)
    if failure is not None:
        raise failure
    return outcome


def _intent(amendment: Amendment, by: Actor, runtime: Runtime) -> Intent:
    entry, former = amendment.entry, amendment.unfinished
    before, now = amendment.before, runtime.clock.now()
    if former:
        before = with_parts(before, former.before, former.changed_parts)
    undo = amendment.action is Action.UNDONE
    return Intent(
        former.id if former else entry_id(now, entry.id, now.isoformat()),
        Plan(before, amendment.after, amendment.after, amendment.findings),
        former.cause if former else Cause(entry.id, "pipeseal undo" if undo else "pipeseal apply", now, by),
        undoes=entry.id if undo else "",
        applies="" if undo else entry.id,
        grants=amendment.exemptions,
    )


@contextmanager
def _reporting(operation: _Operation, done: str, *, recorded: bool = True) -> Iterator[None]:
    """End the lease where the block fails, and report what was *done* and what is open.

    Before the intent is known to be *recorded*, nothing is open after an error that is not transient.
    """
    leases, clock = operation.runtime.ledger.leases, operation.runtime.clock
    try:
        yield
    except Declined:
        raise
    except (*AWS_ERRORS, KeyboardInterrupt) as error:
        if not recorded and isinstance(error, Exception) and not is_transient(error):
            error.add_note(f"{done}.")
            raise
        until = f"until {clock.now() + OPERATOR_LEASE:%H:%M:%S} UTC at the latest"
        with suppress(*AWS_ERRORS):
            leases.release(operation.arn, operation.intent.id)
            until = "which ended now"
        text = f"Stopped ({'interrupted' if isinstance(error, KeyboardInterrupt) else describe(error)}). {done}.\n"
        if grants := operation.intent.grants:
            names = ", ".join(f"{each.id} ({each.control})" for each in grants)
            text += f"Not active: {'exemption' if len(grants) == 1 else 'exemptions'} {names}.\n"
        text += (
            f"{'Open' if recorded else 'Open, where the ledger recorded it'}: entry {operation.intent.id} for "
            f"{operation.arn}, under a lease {until}. The next event on the resource, or the next sweep, finishes the "
            "operation if it was written, and ends it otherwise."
        )
        if isinstance(error, KeyboardInterrupt):
            error.add_note(text)
            raise
        raise Unfinished(text) from error


def _acquire(operation: _Operation) -> None:
    """Record the intent and take the lease; raise Declined where the resource is being remediated."""
    intent, ledger, retry = operation.intent, operation.runtime.ledger, operation.budget
    record = _settle_lease(operation, retry.run(lambda: ledger.records.get(operation.arn)))
    expired = record.lease_owner if record.lease_expires < operation.runtime.clock.now() else ""
    if retry.run(lambda: ledger.leases.acquire(intent, record.version, expired)):
        return
    # The response to an attempt that succeeded may have been lost.
    if retry.run(lambda: ledger.records.get(operation.arn)).lease_owner != intent.id:
        raise Declined(f"{operation.arn} is being remediated at this moment; try again in a minute")


def _settle_lease(operation: _Operation, record: ResourceRecord) -> ResourceRecord:
    """Wait for the end of an earlier run's lease, and complete what another operator's command left open.

    Returns the record as it is then; raises Declined where another process works on the resource, or has finished
    the earlier run.
    """
    arn, runtime, own = operation.arn, operation.runtime, operation.intent.id
    entries, clock = runtime.ledger.entries, runtime.clock
    if record.lease_owner == own and record.lease_expires >= clock.now():
        operation.progress(f"Waiting for the lease of the earlier run, until {record.lease_expires:%H:%M:%S} UTC")
    while record.lease_owner == own and record.lease_expires >= clock.now():
        clock.sleep(_POLL_INTERVAL)
        record = operation.budget.run(lambda: runtime.ledger.records.get(arn))
    if operation.amendment.unfinished:
        found = operation.budget.run(lambda: entries.get(arn, own))
        if found and found.outcome:
            raise Declined(f"{own} was finished by another process: {found.outcome}")
    if record.lease_owner in ("", own):
        return record
    if record.lease_expires >= clock.now():
        raise Declined(f"{arn} is being remediated at this moment; try again in a minute")
    left = operation.budget.run(lambda: entries.get(arn, record.lease_owner))
    if left and not left.by_operator:
        raise Declined(
            f"{arn}: pipeseal stopped before it recorded the result of {left.id}. The next event on the resource, or "
            "the next sweep, finishes that; try again then"
        )
    complete_abandoned(operation.amendment.entry.ref, operation.amendment.before, record, runtime)
    return operation.budget.run(lambda: runtime.ledger.records.get(arn))


def _changed_since(operation: _Operation) -> Exception | None:
    """Return why nothing is written; None where the resource still is as it was shown."""
    amendment, resources = operation.amendment, operation.runtime.resources
    try:
        live = operation.budget.run(lambda: resources.read_full(amendment.entry.ref))
    except AWS_ERRORS as error:
        error.add_note(f"Nothing was changed; the ledger records that {operation.intent.id} failed.")
        return error
    if live is not None and amendment.before.same_as(live):
        return None
    return Declined(
        f"{operation.arn} was changed a moment ago; nothing was written. Check the resource, then try again"
    )


def _write(operation: _Operation) -> Exception | None:
    """Write until the resource is as requested; return why it is not, with a note that says what was changed.

    Where the result of a call is unknown, the resource is read. Raises what AWS returned where that fails too.
    """
    amendment, resources, plan = operation.amendment, operation.runtime.resources, operation.intent.plan
    live, after, attempt = amendment.before, amendment.after, 0
    other = Declined(f"{operation.arn} was changed by another writer as well. Check the resource, then try again")
    while True:
        try:
            return None if resources.write(live, after).same_as(after) else other
        except AWS_ERRORS as error:
            failed = error
        found = operation.budget.run(lambda: resources.read_full(amendment.entry.ref))
        if found is None or not is_partly_written(found, plan.before.state(), plan.after.state()):
            return other
        if found.same_as(after):
            return None
        live = found
        try:
            operation.budget.pause(attempt, failed)
        except AWS_ERRORS:
            failed.add_note(_take_back(operation, live))
            return failed
        attempt += 1


def _take_back(operation: _Operation, live: Resource) -> str:
    """Write the resource as it was before, where a part of the change was written; return what is changed."""
    before, after = operation.intent.plan.before, operation.intent.plan.after
    if live.same_as(before):
        return f"Nothing was changed; the ledger records that {operation.intent.id} failed."
    with suppress(*AWS_ERRORS):
        if operation.runtime.resources.write(live, before).same_as(before):
            return f"What had been written was taken back; the ledger records that {operation.intent.id} failed."
    written, missing = (change[1] for change in (before.describe_change(live), live.describe_change(after)))
    return (
        f"Written: {'; '.join(written)}. Not written: {'; '.join(missing)}. The ledger records that "
        f"{operation.intent.id} failed; the next event on the resource remediates it."
    )


def _complete(operation: _Operation, *, failed: bool) -> Outcome:
    """Record the outcome, end the lease and activate the exemptions, in one transaction."""
    amendment, intent, runtime = operation.amendment, operation.intent, operation.runtime
    ref, plan, entry = amendment.entry.ref, intent.plan, amendment.entry
    if failed:
        completion = Completion(Outcome(ref, Action.FAILED, plan, (), intent.id), plan)
    else:
        exemptions = tuple(each.id for each in intent.grants)
        completion = Completion(
            Outcome(ref, amendment.action, plan, operation.steps, intent.id, exemptions),
            plan,
            undone=entry if intent.undoes else None,
            applied=entry if intent.applies else None,
            grants=intent.grants,
        )
    retry = budget(runtime, operation.progress)  # however much time the write took
    try:
        runtime.ledger.leases.complete(completion, retry)
    except LeaseLost as lost:
        found = retry.run(lambda: runtime.ledger.entries.get(ref.arn, intent.id))
        if not found or found.outcome != completion.outcome.action:
            recorded = (found and found.outcome) or "not finished"
            raise Declined(f"{ref.arn}: the lease expired, and pipeseal recorded {intent.id} as {recorded}") from lost
    return completion.outcome
