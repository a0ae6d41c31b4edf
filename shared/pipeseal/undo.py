"""Take back what was done to a resource, and excuse it, so that it is not done again; with the operator's own rights.

Some calls that this needs (DeleteBucketPolicy, CancelKeyDeletion, DisableKeyRotation...) the functions' roles never
get: what unseals a resource is a person's to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeseal.amendment import Amendment, Declined, answered, check, live, write
from pipeseal.custody import as_of
from pipeseal.exemptions import grant
from pipeseal.model import Action, Actor, Outcome

if TYPE_CHECKING:
    from pipeseal.aws.entries import Entry
    from pipeseal.aws.world import World
    from pipeseal.exemptions import Grounds


def reversal(identity: str, grounds: Grounds, world: World, *, force: bool = False) -> Amendment:
    """Return what taking back the entry *identity* comes to; nothing is written.

    Raises Declined, where the resource was changed since unless *force*; ExemptionError on bad *grounds*.
    """
    entry = answered(identity, world)
    _check(entry)
    now = world.clock()
    exemptions = tuple(grant(control, entry.ref.arn, grounds, now) for control in entry.wrote)
    before = live(entry, world)
    left, found = (as_of(before, state, entry.changed) for state in (entry.after, entry.before))
    if not (force or before.same_as(left) or before.same_as(found)):
        raise Declined(
            f"{entry.ref.arn} was changed after {entry.id}, and undoing would take that back too: "
            f"look at it, then change it by hand or use --force; what --force would do, --force --dry-run shows"
        )
    check(entry, before, found)
    return Amendment(entry, Action.UNDONE, before, found, exemptions=exemptions)


def carry_out(amendment: Amendment, world: World) -> Outcome:
    """Do what `reversal` came to; raise Declined where that would do harm by now."""
    return write(amendment, Actor(amendment.exemptions[0].owner, "operator"), world)


def _check(entry: Entry) -> None:
    """Raise Declined where there is nothing to take back."""
    if entry.intent == Action.UNDONE:
        raise Declined(
            f"{entry.id} is an undo itself: to have the resource put right again, end its exemptions "
            "(pipeseal exempt list, then pipeseal exempt end ID)"
        )
    if entry.undone_by:
        raise Declined(f"{entry.id} was taken back already, by {entry.undone_by}")
    if not entry.changed:
        raise Declined(
            f"{entry.id} wrote nothing ({entry.outcome or entry.intent}), so there is nothing to take back; to excuse "
            f"the resource: pipeseal exempt add --control {entry.controls[0]} --resource '{entry.ref.arn}'"
        )
