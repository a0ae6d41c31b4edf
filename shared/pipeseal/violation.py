"""What is done about a resource that is not as it should be: excuse it, or record, write, read back and tell."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from pipeseal.alert import compose
from pipeseal.aws.clients import Refusal, conflicts, refusal
from pipeseal.aws.entries import entry_id
from pipeseal.controls import controls_for
from pipeseal.decide import decide
from pipeseal.exemptions import Circumstances, excused
from pipeseal.model import Action, Finding, Look, Outcome, Plan, Ref
from pipeseal.settings import SPELL

if TYPE_CHECKING:
    from pipeseal.aws.memory import Memory
    from pipeseal.aws.world import World
    from pipeseal.model import Cause

_ROUNDS = 3
"""How often a write is tried while somebody else is writing too."""
_DIGITS = 16
"""Of a digest, enough that no two sentences about one resource share them."""
_PAUSE = 0.5
"""Seconds after the first of them; twice as many after the next."""


class Overwritten(Exception):
    """Somebody else kept writing to the resource; the text names it."""


@dataclass(frozen=True, slots=True)
class Case:
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

    def look(self, action: Action, plan: Plan, **known: Any) -> Look:
        """Return a look that came to *action*; *known* are further fields of its outcome."""
        ref = self.resource.ref
        return Look(Outcome(ref, action, plan, exemptions=self.used(plan), **known), tuple(self.resource.uses()))


def case_of(resource: Any, plan: Plan, memory: Memory, cause: Cause, world: World) -> Case:
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
    return Case(resource, memory, cause, world, excuses, memory.at_war(now, SPELL))


def settle(case: Case) -> Look | None:
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
        world.ledger.tell(ref.arn, "")
    return case.look(Action.KNOWN if plan.rested else Action.EXEMPT if plan.spared else Action.COMPLIANT, plan)


def own_entry(ref: Ref, cause: Cause, *more: str) -> str:
    """Return the id of the entry that *cause* makes for the resource: the same at each delivery."""
    return entry_id(cause.time, cause.id, ref.arn, *more)


# ---------------------------------------------------------------------- at work


def _carry_out(plan: Plan, case: Case) -> Look | None:
    """Record the intent, write, tell, record the outcome."""
    world, cause, ref = case.world, case.cause, plan.before.ref
    found, told = _digests(said(plan)), case.memory.told
    known = found <= set(told.split())
    if known and plan.after == plan.before:
        if found != set(told.split()):
            world.ledger.tell(ref.arn, " ".join(sorted(found)))  # what is over is news when it comes back
        return case.look(Action.KNOWN, plan)
    action, steps = plan.before.changed(plan.after)
    entry = own_entry(ref, cause)
    look = case.look(Action.FAILED if plan.refused else action, plan, steps=steps, entry=entry)
    alert, memory = compose(look.outcome, plan, cause), case.memory
    world.spare()
    if not world.ledger.open(entry, plan, cause, alert, turn=memory.turn, looked=memory.looked):
        return case.look(Action.BUSY, plan) if world.ledger.mark(ref.arn, entry, cause) else None
    with giving_up(ref, entry, world):
        done, left = write(plan, case)
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
            still_told(said(plan), left),
            righted=counted(case.memory, wrote, world.clock()) if wrote else None,
        )
    return look._replace(again=again)


@contextmanager
def giving_up(ref: Ref, entry: str, world: World) -> Iterator[None]:
    """Let whoever comes next begin at once where this one fails."""
    try:
        yield
    except BaseException:
        with suppress(BotoCoreError, ClientError):  # then they wait for the lease to end
            world.ledger.give_up(ref.arn, entry)
        raise


def write(plan: Plan, case: Case) -> tuple[Plan, Plan]:
    """Write until what is read back needs no more; what others write meanwhile is merged with.

    Return what was done in the end and what is left wrong. Raises Overwritten where they do not stop.
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
            world.pause(_PAUSE * 2**attempt)
            live = world.reread(done.after)
        left = case.decide(live)
        if left.after == left.before:
            return done, left
        done = replace(left, findings=plan.findings)
    raise Overwritten(f"{plan.before.ref.arn} was written by somebody else {_ROUNDS} times in a row; try again later")


def _refused(plan: Plan, refused: Refusal, case: Case) -> tuple[Plan, Plan]:
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


def _undone_too_often(plan: Plan, case: Case) -> tuple[Finding, ...]:
    """Return the findings of controls that somebody has undone so often that going on is no use."""
    late = case.memory.of_late(case.world.clock(), SPELL)
    limit = case.world.settings.war_limit
    return tuple(each for each in plan.findings if each.writes and len(late.get(each.control.id, ())) >= limit)


def _escalate(plan: Plan, war: tuple[Finding, ...], case: Case) -> Look | None:
    """Stop writing for the controls of *war*, tell people once, and look again for what else there is."""
    world, cause, ref, memory = case.world, case.cause, plan.before.ref, case.memory
    others = {each.id for each in controls_for(plan.before)} - {each.control.id for each in war}
    wanted = decide(plan.before, world.settings, others).after
    peace = Plan(plan.before, plan.before, wanted, tuple(replace(each, writes=False) for each in war))
    entry = own_entry(ref, cause, Action.ESCALATED)
    outcome = Outcome(ref, Action.ESCALATED, peace, (), entry)
    late = memory.of_late(world.clock(), SPELL)
    alert = compose(outcome, peace, cause, undone=min(len(late.get(each.control.id, ())) for each in war))
    world.spare()
    if not world.ledger.open(entry, peace, cause, alert, turn=memory.turn):
        return case.look(Action.BUSY, plan) if world.ledger.mark(ref.arn, entry, cause) else None
    gave_up = {finding.control.id: world.clock() for finding in war}
    with giving_up(ref, entry, world):
        world.alert(alert)
        again = world.ledger.close(
            outcome,
            peace,
            memory.told,
            righted={control: times for control, times in late.items() if control not in gave_up},
            wars={**case.resting, **gave_up},
        )
    return Look(outcome, again=again or (cause,))


def counted(memory: Memory, wrote: Iterable[str], now: datetime) -> dict[str, tuple[datetime, ...]]:
    """Return when controls put the resource right of late, this time included."""
    late = dict(memory.of_late(now, SPELL))
    return late | {control: (*late.get(control, ()), now) for control in wrote}


# --------------------------------------------------------------------- what was told


def said(plan: Plan) -> set[tuple[str, str]]:
    """Return what is wrong by *plan*: each control with each of its reasons."""
    return {(finding.control.id, reason) for finding in plan.findings for reason in finding.reasons}


def still_told(told: Collection[tuple[str, str]], left: Plan) -> str:
    """Return the digests of what is *left* wrong and was *told*; the rest is news."""
    return " ".join(sorted(_digests(said(left) & set(told))))


def _digests(said: Iterable[tuple[str, str]]) -> set[str]:
    return {_hash(*each)[:_DIGITS] for each in said}


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
