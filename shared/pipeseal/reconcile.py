"""Put one resource right: read, decide, record, write, read back, tell.

Deliveries come at least once, late, in any order and several at a time; any of them may be killed at any point. What
holds all the same: whoever writes holds the resource by a lease in the ledger, taken only if nobody has been at work on
it since it was read; whoever finds it held leaves a mark, and the holder looks once more; what a dead holder left open
is finished by whoever comes next.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from pipeseal.alert import compose
from pipeseal.aws.clients import Refusal, conflicts, refusal
from pipeseal.aws.entries import entry_id
from pipeseal.controls import controls_for
from pipeseal.decide import decide
from pipeseal.exemptions import Circumstances, excused
from pipeseal.model import Action, Finding, Outcome, Plan, Ref
from pipeseal.model.key import Key
from pipeseal.model.unreadable import Unreadable

if TYPE_CHECKING:
    from pipeseal.aws.entries import Entry
    from pipeseal.aws.memory import Memory
    from pipeseal.aws.world import World
    from pipeseal.model import Cause

_LOOKS = 10
"""How often a look is begun anew because somebody else was at work on the resource meanwhile."""
_GLANCE = 0.5
"""Seconds between two glances at whether an earlier delivery is done."""
_ROUNDS = 3
"""How often a write is tried while somebody else is writing too."""
SPELL = timedelta(hours=1)
"""The time within which being undone WarLimit times is a war, and the quiet after which it is over."""


class Contested(Exception):
    """Somebody else kept writing to the resource, or holding it; the text names it."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look came to."""

    outcome: Outcome
    uses: tuple[tuple[Ref, str], ...] = ()
    again: tuple[Cause, ...] = ()
    """Why to look once more."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One resource that is not as it should be, and all that bears on it."""

    resource: Any
    memory: Memory
    cause: Cause
    world: World
    excuses: Mapping[str, str]
    """Control -> id of the exemption under which it does not apply."""
    resting: dict[str, datetime]
    """Control that gave up on this resource -> when it was last seen broken."""

    def decide(self, resource: Any) -> Plan:
        """Return what is wrong with *resource*, which is this one at some time."""
        return decide(resource, self.world.settings, self.excuses, self.resting)

    def used(self, plan: Plan) -> tuple[str, ...]:
        """Return the ids of the exemptions that spared the resource something."""
        return tuple(dict.fromkeys(self.excuses[finding.control.id] for finding in plan.spared))

    def look(self, action: Action, plan: Plan, **known: Any) -> _Look:
        """Return a look that came to *action*; *known* are further fields of its outcome."""
        ref = self.resource.ref
        return _Look(Outcome(ref, action, plan, exemptions=self.used(plan), **known), tuple(self.resource.uses()))


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


def _looks(ref: Ref, cause: Cause, world: World, marks: list[Cause]) -> Iterator[_Look | None]:
    """Look again and again, and leave others time to be done."""
    for number in range(_LOOKS):
        if number > 1:
            world.pause(_GLANCE)
        yield _look(ref, cause, world, marks)


def _look(ref: Ref, cause: Cause, world: World, marks: list[Cause]) -> _Look | None:
    """Look at the resource as it is now and put it right; None where somebody else was at work on it meanwhile.

    Why else to look, which a dead holder was asked to, is added to *marks*.
    """
    if cause.name == "CreateKey" and _untouched(new := world.glance(ref)) and not decide(new, world.settings).findings:
        return _Look(Outcome(ref, Action.COMPLIANT))  # the ledger, which knows nothing of it, is not asked: one call
    resource, memory = world.read(ref, cause)
    if memory.holder and _waited_for(ref, resource, memory, cause, world, marks):
        return None
    look = _seen_to(ref, resource, memory, cause, world)
    at_work = memory.holder and memory.held_until >= world.clock()
    if at_work and cause.put is not None and look and not look.outcome.entry and look.outcome.action is not Action.BUSY:
        # Whoever is at work may not have seen yet what was put here, and be about to write over it.
        return look if world.ledger.mark(ref.arn, _own(ref, cause), cause) else None
    return look


def _seen_to(ref: Ref, resource: Any, memory: Memory, cause: Cause, world: World) -> _Look | None:
    """Do what is to be done about the *resource*; None where somebody else was at work on it meanwhile."""
    if resource is None:
        world.remember(ref, memory, ())
        if memory.told:
            world.ledger.forget(ref.arn)  # the next resource of that name is another one
        return _Look(Outcome(ref, Action.ABSENT))
    if not isinstance(resource, Unreadable):
        world.remember(ref, memory, resource.uses())
        world.learn(resource, memory)
    plan = decide(resource, world.settings)
    if plan.findings:
        return _settle(_case(resource, plan, memory, cause, world))
    if memory.told or memory.spared:
        world.ledger.forget(ref.arn)
    return _Look(Outcome(ref, Action.COMPLIANT, plan), tuple(resource.uses()))


def _untouched(key: Key | Unreadable | None) -> bool:
    """Say whether *key* is as KMS made it; one that was rejected may have an entry that nobody lived to close."""
    return isinstance(key, Key) and key.status == "Enabled"


def _case(resource: Any, plan: Plan, memory: Memory, cause: Cause, world: World) -> _Case:
    """Gather what bears on a violation: who excused it, and which controls have given up on it."""
    ref, now, excuses, spared = resource.ref, world.clock(), {}, {}
    tags, left = cache(lambda: world.tags(resource)), _hash(json.dumps(resource.state(), sort_keys=True))
    for control in (finding.control.id for finding in plan.findings):
        circumstances = Circumstances(cause.actor, tags, stays=memory.spared.get(control) == left)
        exemption = excused(memory.exemptions, control, ref.arn, now, circumstances)
        if exemption:
            excuses[control] = exemption.id
        if exemption and exemption.actor:
            spared[control] = left
    if spared != memory.spared:
        world.ledger.spare(ref.arn, spared)
    return _Case(resource, memory, cause, world, excuses, memory.at_war(now, SPELL))


def _settle(case: _Case) -> _Look | None:
    """Do with a violation what is to be done: put it right, tell of it, or neither."""
    world, ref, memory = case.world, case.resource.ref, case.memory
    plan = case.decide(case.resource)
    if plan.findings:
        plan = case.decide(world.complete(case.resource))
    if plan.spared:
        world.ledger.use(case.used(plan), ref.arn)
    if plan.rested:
        world.ledger.wage(
            ref.arn, case.resting | dict.fromkeys((each.control.id for each in plan.rested), world.clock())
        )
    if plan.findings:
        war = _undone_too_often(plan, case)
        return _escalate(plan, war, case) if war else _carry_out(plan, case)
    if memory.told:
        world.ledger.forget(ref.arn)
    return case.look(Action.KNOWN if plan.rested else Action.EXEMPT if plan.spared else Action.COMPLIANT, plan)


# ------------------------------------------------------------------- who holds it


def _waited_for(  # noqa: PLR0913, PLR0917 - what a look knows
    ref: Ref, resource: Any, memory: Memory, cause: Cause, world: World, marks: list[Cause]
) -> bool:
    """See to somebody who holds the resource as far as this look must; True where it is to begin anew.

    The same delivery once more waits: if the first one died, nobody else will ever look again. What one that is surely
    dead left open is finished.
    """
    own = (_own(ref, cause), _own(ref, cause, Action.ESCALATED))
    if memory.holder in own and memory.held_until >= world.clock():
        while memory.holder in own and memory.held_until >= world.clock():
            world.pause(_GLANCE)
            memory = world.ledger.memory(ref.arn)
        return True  # and what was read is old
    dead = memory.held_until < world.clock() and not isinstance(resource, Unreadable)
    return dead and finished(ref, resource, memory, world, marks)


def _own(ref: Ref, cause: Cause, *more: str) -> str:
    """Return the id of the entry that *cause* makes for the resource: the same at each delivery."""
    return entry_id(cause.time, cause.id, ref.arn, *more)


def finished(ref: Ref, live: Any, memory: Memory, world: World, marks: list[Cause]) -> bool:
    """Close the entry that a dead holder left open, and tell what nobody was told; False if there is none.

    Why the holder was asked to look once more is added to *marks*.
    """
    entry = world.ledger.begun(ref.arn, memory.holder)
    if entry is None or not world.ledger.inherit(ref.arn, memory.holder):
        return entry is not None  # somebody else was faster, or the lease was all that there was
    with _giving_up(ref, entry.id, world):
        if live is None or (entry.changed and live.same_as(_as(live, entry.before, entry.changed))):
            gone = Action.ABSENT if live is None else Action.ABANDONED
            marks += world.ledger.close(Outcome(ref, gone, entry=entry.id), None, memory.told)
        else:
            marks += _caught_up(entry, live, memory, world)
    return True


def _caught_up(entry: Entry, live: Any, memory: Memory, world: World) -> tuple[Cause, ...]:
    """Do what is missing of what *entry* set out to do, tell, record; return why else to look."""
    live = world.complete(live)
    case = _case(live, decide(live, world.settings), memory, entry.cause, world)
    left, alert = case.decide(live), entry.alert
    outcome = Outcome(live.ref, Action(entry.intent), None, tuple(alert.get("done", ())), entry.id)
    missing = {finding.control.id for finding in left.findings if finding.writes}
    if missing and missing <= set(entry.wrote):
        done, left = _write(left, case)
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
        _still(told, left) if entry.findings else "",
        righted=_counted(memory, wrote, now) if wrote else None,
        wars=wars if outcome.action is Action.ESCALATED else None,
    )


def _as(live: Any, state: Mapping[str, Any], parts: Collection[str]) -> Any:
    return live.with_state({**live.state(), **{part: state[part] for part in parts}})


# ---------------------------------------------------------------------- at work


def _carry_out(plan: Plan, case: _Case) -> _Look | None:
    """Record the intent, write, tell, record the outcome."""
    world, cause, ref, told = case.world, case.cause, plan.before.ref, case.memory.told
    known = told == _digest(plan.findings)
    if known and plan.after == plan.before:
        return case.look(Action.KNOWN, plan)
    action, steps = plan.before.changed(plan.after)
    entry = _own(ref, cause)
    look = case.look(Action.FAILED if plan.refused else action, plan, steps=steps, entry=entry)
    alert, memory = compose(look.outcome, plan, cause), case.memory
    world.spare()
    if not world.ledger.open(entry, plan, cause, alert, turn=memory.turn, looked=memory.looked):
        return case.look(Action.BUSY, plan) if world.ledger.mark(ref.arn, entry, cause) else None
    with _giving_up(ref, entry, world):
        done, left = _write(plan, case)
        if done is not plan:
            action, steps = done.before.changed(done.after)
            look = case.look(Action.FAILED if done.refused else action, done, steps=steps, entry=entry)
        if look.outcome.action is Action.FAILED and known:
            look = case.look(Action.KNOWN, done, steps=steps, entry=entry)
        else:
            world.alert(compose(look.outcome, done, cause))
        wrote = [finding.control.id for finding in done.findings if finding.writes and not finding.refusal]
        again = world.ledger.close(
            look.outcome,
            done,
            _still({(each.control.id, reason) for each in plan.findings for reason in each.reasons}, left),
            righted=_counted(case.memory, wrote, world.clock()) if wrote else None,
        )
    return replace(look, again=again)


@contextmanager
def _giving_up(ref: Ref, entry: str, world: World) -> Iterator[None]:
    """Let whoever comes next begin at once where this one fails."""
    try:
        yield
    except BaseException:
        with suppress(BotoCoreError, ClientError):  # then they wait for the lease to end
            world.ledger.give_up(ref.arn, entry)
        raise


def _write(plan: Plan, case: _Case) -> tuple[Plan, Plan]:
    """Write until what is read back needs no more; what others write meanwhile is merged with.

    Return what was done in the end and what is left wrong. Raises Contested where they do not stop.
    """
    world, done = case.world, plan
    for attempt in range(_ROUNDS):
        if done.after == done.before:
            return done, case.decide(done.before)
        try:
            live = world.write(done.before, done.after)
        except ClientError as error:
            if refused := refusal(error):
                return _refused(done, refused, case)
            if not conflicts(error):
                raise
            world.pause(_GLANCE * 2**attempt)
            live = world.reread(done.after)
        left = case.decide(live)
        if left.after == left.before:
            return done, left
        done = replace(left, findings=plan.findings)
    raise Contested(f"{plan.before.ref.arn} was written by somebody else {_ROUNDS} times in a row; try again later")


def _refused(plan: Plan, refused: Refusal, case: _Case) -> tuple[Plan, Plan]:
    """Return what was done of *plan* before AWS *refused* the rest for good, and what is left wrong."""
    left = case.decide(case.world.reread(plan.after))
    wrong = {finding.control.id for finding in left.findings}
    findings = (
        replace(each, refusal=_told_of(refused)) if each.writes and each.control.id in wrong else each
        for each in plan.findings
    )
    return replace(plan, after=left.before, findings=tuple(findings)), left


def _told_of(refused: Refusal) -> str:
    if refused.denied:
        return (
            f"{refused.permission} is missing: {refused.answer}. Give the function's role that permission, or take "
            "away what denies it: a Deny in the resource's own policy, a service control policy or a boundary."
        )
    return f"AWS does not take it: {refused.answer}."


# ------------------------------------------------------------------------ at war


def _undone_too_often(plan: Plan, case: _Case) -> tuple[Finding, ...]:
    """Return the findings of controls that somebody has undone so often that going on is no use."""
    late = case.memory.of_late(case.world.clock(), SPELL)
    limit = case.world.settings.war_limit
    return tuple(each for each in plan.findings if each.writes and len(late.get(each.control.id, ())) >= limit)


def _escalate(plan: Plan, war: tuple[Finding, ...], case: _Case) -> _Look | None:
    """Stop writing for the controls of *war*, tell people once, and look again for what else there is."""
    world, cause, ref, memory = case.world, case.cause, plan.before.ref, case.memory
    others = {each.id for each in controls_for(plan.before)} - {each.control.id for each in war}
    wanted = decide(plan.before, world.settings, others).after
    peace = Plan(plan.before, plan.before, wanted, tuple(replace(each, writes=False) for each in war))
    entry = _own(ref, cause, Action.ESCALATED)
    outcome = Outcome(ref, Action.ESCALATED, peace, (), entry)
    late = memory.of_late(world.clock(), SPELL)
    alert = compose(outcome, peace, cause, undone=min(len(late.get(each.control.id, ())) for each in war))
    world.spare()
    if not world.ledger.open(entry, peace, cause, alert, turn=memory.turn):
        return case.look(Action.BUSY, plan) if world.ledger.mark(ref.arn, entry, cause) else None
    gave_up = {finding.control.id: world.clock() for finding in war}
    with _giving_up(ref, entry, world):
        world.alert(alert)
        again = world.ledger.close(
            outcome,
            peace,
            memory.told,
            righted={control: times for control, times in late.items() if control not in gave_up},
            wars={**case.resting, **gave_up},
        )
    return _Look(outcome, again=again or (cause,))


def _counted(memory: Memory, wrote: Iterable[str], now: datetime) -> dict[str, tuple[datetime, ...]]:
    """Return when controls put the resource right of late, this time included."""
    late = dict(memory.of_late(now, SPELL))
    return late | {control: (*late.get(control, ()), now) for control in wrote}


# --------------------------------------------------------------------- what was told


def _still(told: Collection[tuple[str, str]], left: Plan) -> str:
    """Return the digest of what is *left* wrong, if all of it was *told*; "" where nothing is, or where it is news."""
    still = {(finding.control.id, reason) for finding in left.findings for reason in finding.reasons}
    return _digest(left.findings) if still and still <= set(told) else ""


def _digest(findings: Iterable[Finding]) -> str:
    return _hash(*(part for finding in findings for part in (finding.control.id, *finding.reasons)))


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
