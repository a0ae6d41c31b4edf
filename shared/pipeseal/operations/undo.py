"""Revert what was done to a resource and exempt it, with the operator's own permissions.

Some of the calls that this needs (DeleteBucketPolicy, CancelKeyDeletion, DisableKeyRotation...) are never granted to
the functions' roles: only a person may weaken the protection of a resource.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeseal.exemptions import grant
from pipeseal.model import Action
from pipeseal.operations.amendment import (
    Amendment,
    Declined,
    find_entry,
    read_live,
    require_writable,
    unfinished_amendment,
)
from pipeseal.remediation.lease import with_parts

if TYPE_CHECKING:
    from pipeseal.exemptions import Grounds
    from pipeseal.ledger.entries import LedgerEntry
    from pipeseal.runtime import Runtime


def plan_undo(identity: str, grounds: Grounds, runtime: Runtime, *, force: bool = False) -> Amendment:
    """Return what reverting the entry *identity* would write; nothing is written yet.

    Where an earlier undo of the entry did not finish, that one is finished, with its own exemptions.
    Raises Declined, also where the resource was changed since then unless *force*; ExemptionError on bad *grounds*.
    """
    entry = find_entry(identity, runtime)
    _require_undoable(entry)
    now = runtime.clock.now()
    exemptions = tuple(grant(control, entry.ref.arn, grounds, now) for control in entry.written_controls)
    live = read_live(entry, runtime)
    if unfinished := unfinished_amendment(entry, live, runtime):
        return unfinished
    written, original = (with_parts(live, state, entry.changed_parts) for state in (entry.after, entry.before))
    if not (force or live.same_as(written) or live.same_as(original)):
        raise Declined(
            f"{entry.ref.arn} was changed after {entry.id}, and undo would revert that change too. Check the resource, "
            "then change it by hand or use --force; --force --dry-run shows what --force would do"
        )
    require_writable(live, original)
    # KMS does not return the waiting period of a deletion, without which the rejection of a key cannot be restored.
    before = written if live.same_as(written) else live
    return Amendment(entry, Action.UNDONE, before, original, exemptions=exemptions)


def _require_undoable(entry: LedgerEntry) -> None:
    """Raise Declined where there is nothing to revert."""
    if entry.intent == Action.UNDONE:
        raise Declined(
            f"{entry.id} is an undo itself. To have the resource remediated again, end its exemptions "
            "(pipeseal exempt list, then pipeseal exempt end ID)"
        )
    if entry.undone_by:
        raise Declined(f"{entry.id} was already undone by {entry.undone_by}")
    if not entry.changed_parts:
        raise Declined(
            f"{entry.id} wrote nothing ({entry.outcome or entry.intent}), so there is nothing to undo. To exempt the "
            f"resource: pipeseal exempt add --control {entry.controls[0]} --resource '{entry.ref.arn}'"
        )
