"""Put one resource right: read, decide, record, write, read back, tell."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pipeseal.alert import compose
from pipeseal.aws.ledger import entry_id
from pipeseal.controls import controls_of
from pipeseal.decide import decide
from pipeseal.exemptions import excused
from pipeseal.model import Action, Outcome

if TYPE_CHECKING:
    from pipeseal.aws.ledger import Memory
    from pipeseal.aws.world import World
    from pipeseal.model import Cause, Finding, Plan, Ref

_ROUNDS = 3
"""How often a write is tried while somebody else is writing too."""


class Contested(Exception):
    """Somebody else kept writing to the resource; the text names it."""


def reconcile(ref: Ref, cause: Cause, world: World) -> Iterator[Outcome]:
    """Put right what *ref* names and what it leads on to; yield an outcome for each resource, as it comes."""
    resource, memory = world.read(ref, cause)
    if resource is None:
        world.remember(ref, memory, ())
        if memory and memory.told:
            world.ledger.forget(ref.arn)  # the next resource of that name is another one
        yield Outcome(ref, Action.ABSENT)
        return
    world.remember(ref, memory, resource.uses())
    world.learn(resource, memory)
    yield _settle(resource, memory, cause, world)
    for used, _ in resource.uses():
        yield from reconcile(used, cause, world)


def _settle(resource: Any, memory: Memory | None, cause: Cause, world: World) -> Outcome:
    """Put *resource* right and tell of it once."""
    ref = resource.ref
    plan, excuses = decide(resource, world.settings), {}
    if plan.findings:
        memory = memory or world.ledger.memory(ref.arn)
        excuses = _excuses(ref, memory, world)
        plan = decide(resource, world.settings, excuses)
    if plan.findings:
        plan = decide(world.complete(resource), world.settings, excuses)
    if plan.findings and memory:
        return _carry_out(plan, memory, excuses, cause, world)
    if memory and memory.told:
        world.ledger.forget(ref.arn)
    return Outcome(ref, Action.EXEMPT if plan.spared else Action.COMPLIANT, plan, exemptions=_used(plan, excuses))


def _excuses(ref: Ref, memory: Memory, world: World) -> dict[str, str]:
    """Return the controls that do not apply to *ref* now, each with the id of the exemption that says so."""
    now = world.clock()
    found = ((control.id, excused(memory.exemptions, control.id, ref.arn, now)) for control in controls_of(ref.kind))
    return {control: exemption.id for control, exemption in found if exemption}


def _used(plan: Plan, excuses: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(excuses[finding.control.id] for finding in plan.spared))


def _carry_out(plan: Plan, memory: Memory, excuses: Mapping[str, str], cause: Cause, world: World) -> Outcome:
    """Record the intent, write, record the outcome, tell."""
    ref, used = plan.before.ref, _used(plan, excuses)
    found = _digest(plan.findings)
    if plan.after == plan.before and memory.told == found:
        return Outcome(ref, Action.KNOWN, plan, exemptions=used)
    entry = entry_id(cause.time, cause.id, ref.arn)
    if not world.ledger.open(entry, plan, cause):
        return Outcome(ref, Action.BUSY, plan, exemptions=used)
    try:
        live = _write(plan, excuses, world)
    except BaseException:
        world.ledger.release(ref.arn)
        raise
    action, steps = plan.before.changed(plan.after)
    outcome = Outcome(ref, Action.FAILED if plan.refused else action, plan, steps, entry, used)
    world.ledger.close(outcome, told=_told(plan, decide(live, world.settings, excuses)))
    world.alert(compose(outcome, plan, cause))
    return outcome


def _write(plan: Plan, excuses: Mapping[str, str], world: World) -> Any:
    """Write until what is read back needs no more, and return it; what others write meanwhile is merged with.

    Raises Contested where they do not stop.
    """
    before, after = plan.before, plan.after
    for _ in range(_ROUNDS):
        if after == before:
            return before
        before = world.write(before, after)
        after = decide(before, world.settings, excuses).after
    if after != before:
        raise Contested(f"{before.ref.arn} was written by somebody else {_ROUNDS} times in a row; it is tried again")
    return before


def _told(plan: Plan, left: Plan) -> str:
    """Return what the alert of *plan* told of all that is *left*; "" where nothing is, or where it is news."""
    told = {(finding.control.id, reason) for finding in plan.findings for reason in finding.reasons}
    still = {(finding.control.id, reason) for finding in left.findings for reason in finding.reasons}
    return _digest(left.findings) if still and still <= told else ""


def _digest(findings: tuple[Finding, ...]) -> str:
    parts = (part for finding in findings for part in (finding.control.id, *finding.reasons))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
