"""The records in order -> what pipeseal would have found and done at each, had it been there; pure.

What it would have put right counts as put right from then on, so that who undoes it again is seen, as is the war that
this would have become.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pipeseal.backtest.history import Known, learned, unseen
from pipeseal.cloudtrail import HEARD, cause, touched
from pipeseal.controls import controls_for
from pipeseal.decide import decide
from pipeseal.model import Action, Cause, Finding, Kind, Plan, Ref
from pipeseal.model.key import Key
from pipeseal.settings import SPELL, Scope, Settings

_ENDS = (Kind.BUCKET, Kind.KEY, Kind.TRAIL)
"""What rests on nothing else."""

_MOST_PLANNED, _MOST_PLANS = 1_000, 2
"""How many resources' plans are kept, and how many of each."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A control would have found something wrong with a resource, after one record."""

    ref: Ref
    finding: Finding
    action: Action
    """What would have been done for this control; ESCALATED where pipeseal would have given up."""
    cause: Cause
    basis: str
    """"state" where the records tell all of the resource, "request" where its former state is unknown."""
    begins_war: bool = False


class Replay:
    """The account as the records up to now leave it, pipeseal's own work included."""

    def __init__(self, settings: Settings) -> None:
        """Begin with an account of which nothing is known."""
        self._settings = settings
        self._known: dict[str, Known] = {}
        self._uses: dict[str, Mapping[str, str]] = {}
        self._users: dict[str, dict[str, str]] = {}
        self._told: dict[str, frozenset[tuple[str, str]]] = {}
        self._righted: dict[tuple[str, str], tuple[datetime, ...]] = {}
        self._wars: dict[tuple[str, str], datetime] = {}
        self._plans: dict[str, list[tuple[Any, list[str], Plan]]] = {}

    def violations(self, event: Mapping[str, Any]) -> Iterator[Violation]:
        """Take in one *event*, in EventBridge's envelope, and yield what would have been found.

        Raises Malformed where it does not say what it must.
        """
        record = event["detail"]
        why = cause(event)
        for ref in touched(event):
            known = learned(self._known.get(ref.arn), ref, record, why.time)
            if known is None:
                self._forget(ref)
                continue
            self._known[ref.arn] = known
            if (record["eventSource"], record["eventName"]) in HEARD:
                yield from self._looked_at(ref, why)

    def _forget(self, ref: Ref) -> None:
        self._known.pop(ref.arn, None)
        self._told.pop(ref.arn, None)
        self._link(ref.arn, {})

    def _looked_at(self, ref: Ref, why: Cause) -> Iterator[Violation]:
        """Judge *ref*, then what it rests on, as far as anything is known of that."""
        uses = {} if ref.kind in _ENDS else dict(self._resource(self._known[ref.arn], why).uses())
        self._link(ref.arn, {used.arn: key for used, key in uses.items()})
        yield from self._settled(ref, why, own=True)
        for used in uses:
            if used.arn in self._known:
                yield from self._settled(used, why, own=False)

    def _link(self, user: str, uses: Mapping[str, str]) -> None:
        """Note what *user* uses now, and of what it used before no longer that it does."""
        for arn in self._uses.pop(user, {}):
            self._users[arn].pop(user, None)
        for arn, key in uses.items():
            self._users.setdefault(arn, {})[user] = key
        if uses:
            self._uses[user] = uses

    def _resource(self, known: Known, why: Cause) -> Any:
        """Return the snapshot as pipeseal would have read it."""
        resource = known.resource
        users = dict(self._users.get(resource.ref.arn, {}))
        match resource.ref.kind:
            case Kind.BUCKET:
                encrypt = bool(users) or self._settings.encryption_scope is Scope.ALL
                return replace(resource, users=users, encrypt=encrypt)
            case Kind.KEY:
                return replace(resource, users=users, age=why.time - known.born if known.born else None)
            case Kind.PIPELINE:
                return replace(resource, keys=dict(self._keys(resource, why)))
        return resource

    def _keys(self, pipeline: Any, why: Cause) -> Iterator[tuple[tuple[str, str], Key]]:
        """Yield the keys that the stores and the operator name; of an alias nobody knows which key it means."""
        for store in pipeline.stores:
            for name in (store.key, self._settings.artifact_keys.get(store.region, "")):
                if ref := _key_ref(pipeline.ref, store.region, name):
                    yield (store.region, name), self._resource(self._known.get(ref.arn) or unseen(ref), why)

    def _settled(self, ref: Ref, why: Cause, *, own: bool) -> Iterator[Violation]:
        """Do with *ref* what pipeseal would have done, and say what that is.

        *own* says that the record is of *ref* itself, and not of something that uses it.
        """
        known = self._known[ref.arn]
        resource = self._resource(known, why)
        if ref.kind is Kind.TRAIL:
            self._known[ref.arn] = _remembering(known)
        plan = self._decided(resource, self._resting(ref, resource, why.time))
        for finding in plan.rested:
            self._wars[ref.arn, finding.control.id] = why.time
            if own:
                yield self._violation(finding, Action.ESCALATED, plan, why)
        war = [each for each in plan.findings if each.writes and self._undone_too_often(ref, each, why.time)]
        for finding in war:
            self._wars[ref.arn, finding.control.id] = why.time
            self._righted.pop((ref.arn, finding.control.id), None)
            yield replace(self._violation(finding, Action.ESCALATED, plan, why), begins_war=True)
        if war:
            plan = self._decided(resource, self._resting(ref, resource, why.time))
        yield from self._carried_out(plan, why)

    def _decided(self, resource: Any, resting: list[str]) -> Plan:
        """Decide once: of most resources the same is written again and again, by a pipeline or in a war."""
        arn = resource.ref.arn
        plans = self._plans.setdefault(arn, [])
        for before, rested, plan in plans:
            if before == resource and rested == resting:
                return plan
        plan = decide(resource, self._settings, resting=resting)
        self._plans = self._plans if len(self._plans) < _MOST_PLANNED else {}
        self._plans[arn] = [(resource, resting, plan), *plans][:_MOST_PLANS]
        return plan

    def _carried_out(self, plan: Plan, why: Cause) -> Iterator[Violation]:
        """Write what would have been written; what was told and is as bad as it was is no news."""
        ref, found = plan.before.ref, _reasons(plan)
        if plan.after == plan.before and self._told.get(ref.arn) == found:
            return
        if not found:
            self._told.pop(ref.arn, None)
            return
        action, _ = plan.before.changed(plan.after)
        lifted = _lifted(plan, self._settings)
        for finding in plan.findings:
            if finding.writes:
                self._righted[ref.arn, finding.control.id] = (*self._of_late(ref, finding, why.time), why.time)
            done = action if finding.writes else Action.DETECTED
            if finding.control.id not in lifted:
                yield self._violation(finding, Action.FAILED if finding.refusal else done, plan, why)
        if plan.after != plan.before:
            self._known[ref.arn] = self._known[ref.arn].put_right(plan.after)
        left = self._left(plan, why)
        self._told[ref.arn] = left if left <= found else frozenset()

    def _left(self, plan: Plan, why: Cause) -> frozenset[tuple[str, str]]:
        """Return what is wrong still: nothing where every control put right what it found."""
        if all(finding.writes and not finding.refusal for finding in plan.findings):
            return frozenset()
        return _reasons(self._decided(plan.after, self._resting(plan.before.ref, plan.after, why.time)))

    def _violation(self, finding: Finding, action: Action, plan: Plan, why: Cause) -> Violation:
        known = self._known[plan.before.ref.arn]
        whole = not known.unknown and self._keys_known(plan.before)
        return Violation(plan.before.ref, finding, action, why, "state" if whole else "request")

    def _keys_known(self, resource: Any) -> bool:
        if resource.ref.kind is not Kind.PIPELINE:
            return True
        named = (_key_ref(resource.ref, store.region, store.key) for store in resource.stores if store.key)
        return all(ref and ref.arn in self._known for ref in named)

    # ------------------------------------------------------------------------ wars

    def _of_late(self, ref: Ref, finding: Finding, now: datetime) -> tuple[datetime, ...]:
        return tuple(time for time in self._righted.get((ref.arn, finding.control.id), ()) if now - time < SPELL)

    def _undone_too_often(self, ref: Ref, finding: Finding, now: datetime) -> bool:
        return len(self._of_late(ref, finding, now)) >= self._settings.war_limit

    def _resting(self, ref: Ref, resource: Any, now: datetime) -> list[str]:
        """Return the controls that have given up on *ref* and see no quiet hour yet."""
        if not self._wars:
            return []
        ids = (control.id for control in controls_for(resource))
        return [each for each in ids if (last := self._wars.get((ref.arn, each))) and now - last < SPELL]


def _key_ref(pipeline: Ref, region: str, name: str) -> Ref | None:
    """Return the key that a store in *region* names by its id or ARN; None where that is an alias, or no key's."""
    match name.split(":", 5):
        case ["arn", _, "kms", where, account, resource] if resource.startswith("key/"):
            return Ref(Kind.KEY, account, where, resource.removeprefix("key/"))
        case [identity] if identity and "/" not in identity:
            return Ref(Kind.KEY, pipeline.account, region, identity)
    return None


def _remembering(known: Known) -> Known:
    """Return the trail with what the ledger would remember of it, as far as a record told it."""
    trail = known.resource
    found = {part: value for part, value in trail.remembered().items() if part not in known.unknown}
    return replace(known, resource=replace(trail, sound=found))


def _lifted(plan: Plan, settings: Settings) -> set[str]:
    """Return the controls that find nothing but a quarantine that is over: that is good news."""
    if plan.before.ref.kind is not Kind.PIPELINE:
        return set()
    bare = replace(plan.before, transition=None)
    return {each.control.id for each in plan.findings if not each.control.reasons(bare, settings)}


def _reasons(plan: Plan) -> frozenset[tuple[str, str]]:
    return frozenset((each.control.id, str(reason)) for each in plan.findings for reason in each.reasons)
