"""Take back what was done to a resource, and excuse it, so that it is not done again; with the operator's own rights.

Some calls that this needs (DeleteBucketPolicy, CancelKeyDeletion, DisableKeyRotation...) the functions' roles never
get: what unseals a resource is a person's to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeseal.aws.entries import Entry, entry_id
from pipeseal.exemptions import Exemption, grant
from pipeseal.model import Action, Actor, Cause, Outcome, Plan
from pipeseal.model.pipeline import Pipeline
from pipeseal.model.project import Project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeseal.aws.world import World
    from pipeseal.exemptions import Grounds


class UndoRefused(Exception):
    """Taking it back would do nothing, or harm; the text says why and what to do instead."""


@dataclass(frozen=True, slots=True)
class Reversal:
    """What taking an entry back comes to."""

    entry: Entry
    before: Any
    """The resource as it is."""
    after: Any
    """The resource as the entry found it, in all that the entry changed."""
    exemptions: tuple[Exemption, ...]
    """One for each control that changed the resource."""

    @property
    def steps(self) -> tuple[str, ...]:
        """Say in sentences what is to be written."""
        steps: tuple[str, ...] = self.before.changed(self.after)[1]
        return steps


def reversal(identity: str, grounds: Grounds, world: World, *, force: bool = False) -> Reversal:
    """Return what taking back the entry *identity* comes to; nothing is written.

    Raises UndoRefused, where the resource was changed since unless *force*; ExemptionError on bad *grounds*.
    """
    entry = _entry(identity, world)
    now = world.clock()
    exemptions = tuple(grant(control, entry.ref.arn, grounds, now) for control in entry.wrote)
    live = world.whole(entry.ref)
    if live is None:
        raise UndoRefused(f"{entry.ref.arn} is gone, or another account's: there is nothing to put back")
    left, found = _as(live, entry, entry.after), _as(live, entry, entry.before)
    if not (force or live.same_as(left) or live.same_as(found)):
        raise UndoRefused(
            f"{entry.ref.arn} was changed after {entry.id}, and undoing would take that back too: "
            f"look at it, then change it by hand or use --force; what --force would do, --force --dry-run shows"
        )
    if isinstance(live, Pipeline | Project) and live.locked and found.document != live.document:
        raise UndoRefused(f"{entry.ref.arn} cannot be written back: {live.locked}; put it back by hand")
    return Reversal(entry, live, found, exemptions)


def carry_out(reversal: Reversal, world: World) -> Outcome:
    """Record the intent, excuse the controls, write, read back, record the outcome.

    Where any of it fails the exemptions are ended again, so that nothing stays unsealed by half an undo.
    """
    entry, now = reversal.entry, world.clock()
    ref, owner = entry.ref, reversal.exemptions[0].owner
    plan = Plan(reversal.before, reversal.after, reversal.after, ())
    own = entry_id(now, entry.id, now.isoformat())
    cause = Cause(entry.id, "pipeseal undo", now, Actor(owner, "operator"))
    turn = world.ledger.memory(ref.arn).turn
    if not world.ledger.open(own, plan, cause, {}, turn=turn, undoes=entry.id):
        raise UndoRefused(f"{ref.arn} is being put right at this moment; try again in a minute")
    try:
        _write(reversal, world)
    except BaseException:
        for exemption in reversal.exemptions:
            world.ledger.end(exemption.id)
        world.ledger.close(Outcome(ref, Action.FAILED, plan, (), own), plan, told="")
        raise
    used = tuple(exemption.id for exemption in reversal.exemptions)
    outcome = Outcome(ref, Action.UNDONE, plan, reversal.steps, own, used)
    # Whoever left a mark meanwhile need not be asked: the event of the write itself brings the next look.
    world.ledger.close(outcome, plan, told="", takes_back=entry)
    return outcome


def _write(reversal: Reversal, world: World) -> None:
    """Excuse first: the event of the write itself must find the exemptions there."""
    arn = reversal.entry.ref.arn
    if not reversal.before.same_as(world.whole(reversal.entry.ref) or reversal.after):
        raise UndoRefused(f"{arn} was changed just now; nothing was written, look at it and try again")
    for exemption in reversal.exemptions:
        world.ledger.excuse(exemption)
    if not world.write(reversal.before, reversal.after).same_as(reversal.after):
        raise UndoRefused(f"{arn} is not as it was before: somebody else wrote to it too, look at it and try again")


def _entry(identity: str, world: World) -> Entry:
    """Return an entry that can be taken back, or raise UndoRefused."""
    entry = world.ledger.entry(identity)
    if entry is None:
        raise UndoRefused(
            f"{identity}: the ledger holds no such entry; an alert names its entry in its last line, "
            "and --stack, --region and --profile say whose ledger it is"
        )
    if entry.intent == Action.UNDONE:
        raise UndoRefused(
            f"{identity} is an undo itself: to have the resource put right again, end its exemptions "
            "(pipeseal exempt list, then pipeseal exempt end ID)"
        )
    if entry.undone_by:
        raise UndoRefused(f"{identity} was taken back already, by {entry.undone_by}")
    if not entry.changed:
        raise UndoRefused(
            f"{identity} wrote nothing ({entry.outcome or entry.intent}), so there is nothing to take back; to excuse "
            f"the resource: pipeseal exempt add --control {entry.controls[0]} --resource '{entry.ref.arn}'"
        )
    return entry


def _as(live: Any, entry: Entry, state: Mapping[str, Any]) -> Any:
    """Return *live* with what the entry changed as *state* has it; all else may have changed since."""
    return live.with_state({**live.state(), **{part: state[part] for part in entry.changed}})
