"""Who is at work on a resource: waiting for oneself, leaving word for somebody else, finishing what a dead one left."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeseal.alert import compose
from pipeseal.decide import decide
from pipeseal.model import Action, Outcome, Ref
from pipeseal.model.unreadable import Unreadable
from pipeseal.violation import case_of, counted, giving_up, own_entry, still_told, write

if TYPE_CHECKING:
    from pipeseal.aws.entries import Entry
    from pipeseal.aws.memory import Memory
    from pipeseal.aws.world import World
    from pipeseal.model import Cause, Look

_GLANCE = 0.5
"""Seconds between two glances at whether an earlier delivery is done."""


def waited_for(  # noqa: PLR0913, PLR0917 - what a look knows
    ref: Ref, resource: Any, memory: Memory, cause: Cause, world: World, marks: list[Cause]
) -> bool:
    """See to somebody who holds the resource as far as this look must; True where it is to begin anew.

    The same delivery once more waits: if the first one died, nobody else will ever look again. What one that is surely
    dead left open is finished.
    """
    own = (own_entry(ref, cause), own_entry(ref, cause, Action.ESCALATED))
    if memory.holder in own and memory.held_until >= world.clock():
        while memory.holder in own and memory.held_until >= world.clock():
            world.pause(_GLANCE)
            memory = world.ledger.memory(ref.arn)
        return True  # and what was read is old
    dead = memory.held_until < world.clock() and not isinstance(resource, Unreadable)
    return dead and finished(ref, resource, memory, world, marks)


def left_word(look: Look | None, memory: Memory, cause: Cause, world: World) -> bool:
    """Say whether a *look* that wrote nothing while somebody is at work may stand; False where they are done by now.

    They may not have seen yet what the *cause* put, and be about to write over it: so they are asked to look again.
    """
    busy = memory.held_until >= world.clock()
    if not busy or cause.put is None or look is None or look.outcome.entry or look.outcome.action is Action.BUSY:
        return True
    return world.ledger.mark(look.outcome.ref.arn, own_entry(look.outcome.ref, cause), cause)


def finished(ref: Ref, live: Any, memory: Memory, world: World, marks: list[Cause]) -> bool:
    """Close the entry that a dead holder left open, and tell what nobody was told; False if there is none.

    Why the holder was asked to look once more is added to *marks*.
    """
    entry = world.ledger.begun(ref.arn, memory.holder)
    if entry is None or not world.ledger.inherit(ref.arn, memory.holder):
        return entry is not None  # somebody else was faster, or the lease was all that there was
    with giving_up(ref, entry.id, world):
        if live is None or (entry.changed and live.same_as(as_of(live, entry.before, entry.changed))):
            gone = Action.ABSENT if live is None else Action.ABANDONED
            marks += world.ledger.close(Outcome(ref, gone, entry=entry.id), None, memory.told)
        else:
            marks += _caught_up(entry, live, memory, world)
    return True


def _caught_up(entry: Entry, live: Any, memory: Memory, world: World) -> tuple[Cause, ...]:
    """Do what is missing of what *entry* set out to do, tell, record; return why else to look."""
    live = world.complete(live)
    case = case_of(live, decide(live, world.settings), memory, entry.cause, world)
    left, alert = case.decide(live), entry.alert
    outcome = Outcome(live.ref, Action(entry.intent), None, tuple(alert.get("done", ())), entry.id)
    missing = {finding.control.id for finding in left.findings if finding.writes}
    if missing and missing <= set(entry.wrote):
        done, left = write(left, case)
        if done.refused:
            outcome = replace(outcome, action=Action.FAILED, steps=done.before.changed(done.after)[1])
            alert = compose(outcome, done, entry.cause)
    if alert:
        world.alert(alert)
    told = {(finding["control"], reason) for finding in entry.findings for reason in finding["reasons"]}
    now, wrote = world.clock(), entry.wrote
    wars = {**memory.wars, **dict.fromkeys(entry.controls, now)}
    return world.ledger.close(
        outcome,
        None,
        still_told(told, left) if entry.findings else "",
        righted=counted(memory, wrote, now) if wrote else None,
        wars=wars if outcome.action is Action.ESCALATED else None,
    )


def as_of(live: Any, state: Mapping[str, Any], parts: Collection[str]) -> Any:
    """Return *live* with *parts* of its state as *state* has them; all else may have changed since."""
    return live.with_state({**live.state(), **{part: state[part] for part in parts}})
