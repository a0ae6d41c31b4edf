"""Put one resource right: read, decide, record, write, read back, tell."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pipeseal.alert import compose
from pipeseal.decide import decide
from pipeseal.model import Action, Outcome

if TYPE_CHECKING:
    from pipeseal.aws.ledger import Memory
    from pipeseal.aws.world import World
    from pipeseal.model import Cause, Plan, Ref

_ROUNDS = 3
"""How often a write is tried while somebody else is writing too."""

_LEASE = timedelta(seconds=60)
"""The function's time-out: a killed function keeps nobody from the resource for longer."""


class Contested(Exception):
    """Somebody else kept writing to the resource; the text names it."""


def reconcile(ref: Ref, cause: Cause, world: World) -> Iterator[Outcome]:
    """Put right what *ref* names and what it leads on to; yield an outcome for each resource, as it comes."""
    resource, memory = world.read(ref)
    if resource is None:
        yield Outcome(ref, Action.ABSENT)
        return
    world.remember(resource)
    yield _settle(resource, memory, cause, world)
    for further in resource.leads_to():
        yield from reconcile(further, cause, world)


def _settle(resource: Any, memory: Memory | None, cause: Cause, world: World) -> Outcome:
    """Put *resource* right and tell of it once."""
    if decide(resource, world.settings).findings:
        plan = decide(world.complete(resource), world.settings)
        if plan.findings:
            return _carry_out(plan, memory or world.ledger.memory(resource.ref.arn), cause, world)
    if memory and memory.told:
        world.ledger.forget(resource.ref.arn)
    return Outcome(resource.ref, Action.COMPLIANT)


def _carry_out(plan: Plan, memory: Memory, cause: Cause, world: World) -> Outcome:
    """Record the intent, write, record the outcome, tell."""
    ref = plan.before.ref
    found = _digest(*(part for finding in plan.findings for part in (finding.control.id, *finding.reasons)))
    if plan.after == plan.before and memory.told == found:
        return Outcome(ref, Action.KNOWN, plan)
    entry = f"{cause.time:%Y%m%dT%H%M%SZ}-{_digest(cause.id, ref.arn)[:10]}"
    if not world.ledger.open(entry, plan, cause, _LEASE):
        return Outcome(ref, Action.BUSY, plan)
    try:
        live = _write(plan, world)
    except BaseException:
        world.ledger.release(ref.arn)
        raise
    action, steps = plan.before.changed(plan.after)
    outcome = Outcome(ref, Action.FAILED if plan.refused else action, plan, steps, entry)
    world.ledger.close(outcome, told=found if decide(live, world.settings).findings else "")
    world.alert(compose(outcome, plan, cause))
    return outcome


def _write(plan: Plan, world: World) -> Any:
    """Write until what is read back needs no more, and return it; what others write meanwhile is merged with.

    Raises Contested where they do not stop.
    """
    before, after = plan.before, plan.after
    for _ in range(_ROUNDS):
        if after == before:
            return before
        before = world.write(before, after)
        after = decide(before, world.settings).after
    if after != before:
        raise Contested(f"{before.ref.arn} was written by somebody else {_ROUNDS} times in a row; it is tried again")
    return before


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
