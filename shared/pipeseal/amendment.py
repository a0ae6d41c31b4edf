"""What an operator has written to a resource in answer to an entry of the ledger; with the operator's own rights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeseal.aws.entries import Entry, entry_id
from pipeseal.custody import finished
from pipeseal.exemptions import Exemption
from pipeseal.model import Action, Actor, Cause, Finding, Outcome, Plan
from pipeseal.model.pipeline import Pipeline
from pipeseal.model.project import Project

if TYPE_CHECKING:
    from pipeseal.aws.world import World


class Declined(Exception):
    """What was asked for would do nothing, or harm; the text says why and what to do instead."""


@dataclass(frozen=True, slots=True)
class Amendment:
    """What answering an entry comes to."""

    entry: Entry
    action: Action
    """What the ledger calls it: UNDONE, or what the entry's proposal is."""
    before: Any
    """The resource as it is."""
    after: Any
    """The resource as it will be."""
    findings: tuple[Finding, ...] = ()
    """What asks for it; none where the entry is taken back."""
    exemptions: tuple[Exemption, ...] = ()
    """What keeps it from being put right again; none where it is as it should be."""

    @property
    def steps(self) -> tuple[str, ...]:
        """Say in sentences what is to be written."""
        steps: tuple[str, ...] = self.before.changed(self.after)[1]
        return steps


def answered(identity: str, world: World) -> Entry:
    """Return the entry with that id, or raise Declined."""
    entry = world.ledger.entry(identity)
    if entry is None:
        raise Declined(
            f"{identity}: the ledger holds no such entry; an alert names its entry in its last line, "
            "pipeseal history lists them, and --stack, --region and --profile say whose ledger it is"
        )
    return entry


def live(entry: Entry, world: World) -> Any:
    """Return the resource that the entry is about as it is now, or raise Declined."""
    found = world.whole(entry.ref)
    if found is None:
        raise Declined(f"{entry.ref.arn} is gone, or another account's: there is nothing to write to")
    return found


def check(entry: Entry, before: Any, after: Any) -> None:
    """Raise Declined where AWS would destroy a secret if *before* was written as *after*."""
    if isinstance(before, Pipeline | Project) and before.locked and after.document != before.document:
        raise Declined(f"{entry.ref.arn} cannot be written back: {before.locked}; do it by hand")


def write(amendment: Amendment, by: Actor, world: World) -> Outcome:
    """Record the intent, excuse what is to be excused, write, read back, record the outcome.

    Where any of it fails the exemptions are ended again, so that nothing stays unsealed by half an undo.
    """
    entry, now = amendment.entry, world.clock()
    ref, undone = entry.ref, amendment.action is Action.UNDONE
    plan = Plan(amendment.before, amendment.after, amendment.after, amendment.findings)
    own = entry_id(now, entry.id, now.isoformat())
    cause = Cause(entry.id, "pipeseal undo" if undone else "pipeseal apply", now, by)
    memory = world.ledger.memory(ref.arn)
    if memory.holder and memory.held_until < now and finished(ref, amendment.before, memory, world, []):
        memory = world.ledger.memory(ref.arn)
    if not world.ledger.open(
        own, plan, cause, {}, turn=memory.turn, undoes=entry.id if undone else "", applies="" if undone else entry.id
    ):
        raise Declined(f"{ref.arn} is being put right at this moment; try again in a minute")
    try:
        _write(amendment, world)
    except BaseException:
        for exemption in amendment.exemptions:
            world.ledger.end(exemption.id)
        world.ledger.close(Outcome(ref, Action.FAILED, plan, (), own), plan, told="")
        raise
    used = tuple(exemption.id for exemption in amendment.exemptions)
    outcome = Outcome(ref, amendment.action, plan, amendment.steps, own, used)
    # Whoever left a mark meanwhile need not be asked: the event of the write itself brings the next look.
    takes_back, carries_out = (entry, None) if undone else (None, entry)
    world.ledger.close(outcome, plan, told="", takes_back=takes_back, carries_out=carries_out)
    return outcome


def _write(amendment: Amendment, world: World) -> None:
    """Excuse first: the event of the write itself must find the exemptions there."""
    arn = amendment.entry.ref.arn
    if not amendment.before.same_as(world.whole(amendment.entry.ref) or amendment.after):
        raise Declined(f"{arn} was changed just now; nothing was written, look at it and try again")
    for exemption in amendment.exemptions:
        world.ledger.excuse(exemption)
    if not world.write(amendment.before, amendment.after).same_as(amendment.after):
        raise Declined(f"{arn} is not as it was to be: somebody else wrote to it too, look at it and try again")
