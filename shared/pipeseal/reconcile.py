"""Put one resource right: read, decide, and where something is wrong record, write, read back, tell.

Deliveries come at least once, late, in any order and several at a time; any of them may be killed at any point. What
holds all the same: whoever writes holds the resource by a lease in the ledger, taken only if nobody has been at work on
it since it was read; whoever finds it held leaves a mark, and the holder looks once more; what a dead holder left open
is finished by whoever comes next.

Most of what is looked at is sound: what only the other cases need is loaded when there is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipeseal.decide import decide
from pipeseal.model import Action, Look, Outcome, Ref
from pipeseal.model.unreadable import Unreadable

if TYPE_CHECKING:
    from pipeseal.aws.memory import Memory
    from pipeseal.aws.world import World
    from pipeseal.model import Cause

_LOOKS = 10
"""How often a look is begun anew because somebody else was at work on the resource meanwhile."""
_PAUSE = 0.5
"""Seconds between two looks."""


class Contested(Exception):
    """Others kept working on the resource; the text names it."""


def reconcile(ref: Ref, cause: Cause, world: World) -> Iterator[Outcome]:
    """Put right what *ref* names and what it leads on to; yield an outcome for each resource, as it comes.

    Raises Contested, or what AWS answered, where trying again later may help.
    """
    marks: list[Cause] = []
    found = next(filter(None, _looks(ref, cause, world, marks)), None)
    if found is None:
        raise Contested(f"{ref.arn} is worked on by others without a pause; the event will be tried again")
    yield found.outcome
    for used, _ in found.uses:
        yield from reconcile(used, cause, world)
    for again in (*marks, *found.again):
        yield from reconcile(ref, again, world)


def _looks(ref: Ref, cause: Cause, world: World, marks: list[Cause]) -> Iterator[Look | None]:
    """Look again and again, and leave others time to be done."""
    for number in range(_LOOKS):
        if number > 1:
            world.pause(_PAUSE)
        yield _look(ref, cause, world, marks)


def _look(ref: Ref, cause: Cause, world: World, marks: list[Cause]) -> Look | None:
    """Look at the resource as it is now and put it right; None where somebody else was at work on it meanwhile.

    Why else to look, which a dead holder was asked to, is added to *marks*.
    """
    if cause.name == "CreateKey" and _untouched(new := world.glance(ref)) and not decide(new, world.settings).findings:
        return Look(Outcome(ref, Action.COMPLIANT))  # the ledger, which knows nothing of it, is not asked: one call
    resource, memory = world.read(ref, cause)
    if not memory.holder:
        return _seen_to(ref, resource, memory, cause, world)
    from pipeseal.custody import left_word, waited_for  # noqa: PLC0415 - hardly ever is anybody at work

    if waited_for(ref, resource, memory, cause, world, marks):
        return None
    look = _seen_to(ref, resource, memory, cause, world)
    return look if left_word(look, memory, cause, world) else None


def _seen_to(ref: Ref, resource: Any, memory: Memory, cause: Cause, world: World) -> Look | None:
    """Do what is to be done about the *resource*; None where somebody else was at work on it meanwhile."""
    if resource is None:
        world.remember(ref, memory, ())
        if memory.told:
            world.ledger.forget(ref.arn)  # the next resource of that name is another one
        return Look(Outcome(ref, Action.ABSENT))
    if not isinstance(resource, Unreadable):
        world.remember(ref, memory, resource.uses())
        world.learn(resource, memory)
    plan = decide(resource, world.settings)
    if plan.findings:
        from pipeseal.violation import case_of, settle  # noqa: PLC0415 - most are sound

        return settle(case_of(resource, plan, memory, cause, world))
    if memory.told or memory.spared:
        world.ledger.forget(ref.arn)
    return Look(Outcome(ref, Action.COMPLIANT, plan), tuple(resource.uses()))


def _untouched(key: Any) -> bool:
    """Say whether *key* is as KMS made it; one that was rejected may have an entry that nobody lived to close."""
    return getattr(key, "status", "") == "Enabled"
