"""What an operator writes to a resource in answer to a ledger entry, with the operator's own permissions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeseal.exemptions import Exemption
from pipeseal.ledger.entries import Intent, LedgerEntry, entry_id
from pipeseal.ledger.leases import Completion
from pipeseal.model import Action, Actor, Cause, Finding, Outcome, Plan, Resource
from pipeseal.remediation.lease import complete_abandoned

if TYPE_CHECKING:
    from pipeseal.runtime import Runtime


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


def carry_out(amendment: Amendment, by: Actor, runtime: Runtime) -> Outcome:
    """Record the intent, add the exemptions, write, read back, record the outcome.

    Where a step fails the exemptions are ended again, so that half an undo does not leave the resource exempted.
    Raises Declined where the resource was changed in the meantime, or is being remediated.
    """
    entry, now, ledger = amendment.entry, runtime.clock.now(), runtime.ledger
    ref, undo = entry.ref, amendment.action is Action.UNDONE
    plan = Plan(amendment.before, amendment.after, amendment.after, amendment.findings)
    own = entry_id(now, entry.id, now.isoformat())
    cause = Cause(entry.id, "pipeseal undo" if undo else "pipeseal apply", now, by)
    record = ledger.records.get(ref.arn)
    if record.lease_owner and record.lease_expires < now:
        # The follow-ups are not needed: the event of the write causes the next read.
        complete_abandoned(ref, amendment.before, record, runtime)
        record = ledger.records.get(ref.arn)
    intent = Intent(own, plan, cause, undoes=entry.id if undo else "", applies="" if undo else entry.id)
    if not ledger.leases.acquire(intent, record.version):
        raise Declined(f"{ref.arn} is being remediated at this moment; try again in a minute")
    try:
        _write(amendment, runtime)
    except BaseException:
        for exemption in amendment.exemptions:
            ledger.exemptions.end(exemption.id)
        ledger.leases.complete(Completion(Outcome(ref, Action.FAILED, plan, (), own), plan))
        raise
    exemptions = tuple(exemption.id for exemption in amendment.exemptions)
    outcome = Outcome(ref, amendment.action, plan, amendment.steps, own, exemptions)
    undone, applied = (entry, None) if undo else (None, entry)
    ledger.leases.complete(Completion(outcome, plan, undone=undone, applied=applied))
    return outcome


def _write(amendment: Amendment, runtime: Runtime) -> None:
    """Add the exemptions before the write: the event that the write causes must find them."""
    ref = amendment.entry.ref
    if not amendment.before.same_as(runtime.resources.read_full(ref) or amendment.after):
        raise Declined(f"{ref.arn} was changed a moment ago; nothing was written. Check the resource, then try again")
    for exemption in amendment.exemptions:
        runtime.ledger.exemptions.add(exemption)
    if not runtime.resources.write(amendment.before, amendment.after).same_as(amendment.after):
        raise Declined(f"{ref.arn} was changed by another writer as well. Check the resource, then try again")
