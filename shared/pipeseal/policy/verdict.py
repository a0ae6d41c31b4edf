"""Say whether every request that a Deny refuses is refused by a policy already, and why not."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache, reduce
from operator import and_, or_

from pipeseal.policy import reasons
from pipeseal.policy.cells import Area, Kind, areas, bits
from pipeseal.policy.conditions import Condition, read
from pipeseal.policy.deny import Deny
from pipeseal.policy.document import Statement, dump, scalar
from pipeseal.policy.escape import Fuel, UndecidedError, escape
from pipeseal.policy.globs import Globs, tidy

_FUEL = 40_000
_FUEL_ALONE = 4_000


class Level(StrEnum):
    """How much of the class is refused."""

    FULL = "full"
    OBJECTS_ONLY = "objects-only"
    PARTIAL = "partial"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How much of the class is refused, and why, in words for a person."""

    level: Level
    reasons: tuple[str, ...]

    @property
    def full(self) -> bool:
        """Say whether every request of the class is refused."""
        return self.level is Level.FULL


def goal_of(deny: Deny) -> Condition:
    """Return the condition of *deny* as tests."""
    blocks = ((operator, key, raw) for operator, block in deny.condition.items() for key, raw in block.items())
    return read(
        ((operator, key, _texts(raw)) for operator, key, raw in blocks),
        variables=False,
    )


def judge(deny: Deny, statements: Sequence[Statement]) -> Verdict:
    """Return the verdict of *statements* on the class of *deny*."""
    return _judged(deny.actions, deny.resources, dump(deny.condition), tuple(statements))


@lru_cache(maxsize=512)
def _judged(
    actions: tuple[str, ...], resources: tuple[str, ...], condition: str, statements: tuple[Statement, ...]
) -> Verdict:
    """Do so once: what finds a fault and what puts it right ask the same, and so does the next event."""
    deny = Deny("", actions, resources, json.loads(condition))
    goal = goal_of(deny)
    denying = [each for each in statements if each.deny]
    cut = areas(deny, denying)
    conditions = [read(each.condition, variables=each.variables) for each in denying]
    able = sum(each.everyone << index for index, each in enumerate(denying))
    doing = _doing(cut, goal, conditions, able)
    if len(doing) == len(cut):
        return Verdict(Level.FULL, reasons.full([denying[index] for index in bits(reduce(or_, doing, 0))]))
    hitting = _hitting(cut, goal, conditions)
    names = [denying[index].name for index in bits(reduce(or_, (area.touched for area in cut)) & ~hitting)]
    if not hitting:
        return Verdict(Level.NONE, reasons.none(names))
    level = Level.OBJECTS_ONLY if doing and cut[0].kind is Kind.OBJECT else Level.PARTIAL
    asked = reasons.Class(deny, goal, cut)
    cases = (reasons.Case(denying[index], conditions[index], 1 << index) for index in bits(hitting))
    return Verdict(level, reasons.limited(reasons.short(case, asked) for case in cases))


def subsumed(statement: Statement, deny: Deny) -> bool:
    """Say whether *statement* is a Deny that refuses nothing on this bucket but what *deny* refuses."""
    if not statement.deny:
        return False
    bucket, _, _ = deny.resources[0].partition("/")
    ours = Globs(tidy(name.lower()) for name in deny.actions)
    whole = Deny("", ("s3:*",), (bucket, f"{bucket}/*"), {})
    for area in areas(whole, [statement]):
        if not area.touched:
            continue
        resource = bucket if area.kind is Kind.BUCKET else f"{bucket}/*"
        acts = [name for name, mask in zip(area.actions, area.by_action, strict=True) if mask]
        if resource not in deny.resources or not all(ours.contain(tidy(name.lower())) for name in acts):
            return False
        if not _holds(read(statement.condition, variables=statement.variables), [goal_of(deny)], Fuel(_FUEL_ALONE)):
            return False
    return True


def _doing(cut: Sequence[Area], goal: Condition, conditions: Sequence[Condition], able: int) -> list[int]:
    """Return for each area, up to the first that leaks, the statements that between them refuse all of it."""
    fuel = Fuel(_FUEL)
    found: list[int] = []
    for area in cut:
        refused = _refused(area, goal, conditions, able, fuel)
        if refused is None:
            break
        found.append(refused)
    return found


def _hitting(cut: Sequence[Area], goal: Condition, conditions: Sequence[Condition]) -> int:
    """Return the statements that may refuse something of the class."""
    fuel = Fuel(_FUEL)
    touched = reduce(or_, (area.touched for area in cut), 0)
    return sum(1 << index for index in bits(touched) if _meets(goal + conditions[index], fuel))


def _meets(condition: Condition, fuel: Fuel) -> bool:
    try:
        return escape(condition, (), fuel) is not None
    except UndecidedError:
        return True


def _texts(raw: object) -> tuple[str, ...]:
    values = raw if isinstance(raw, list | tuple) else [raw]
    return tuple(text for each in values if (text := scalar(each)) is not None)


def _refused(area: Area, goal: Condition, conditions: Sequence[Condition], able: int, fuel: Fuel) -> int | None:
    """Return the statements that between them refuse all of *area*, as bits; None where something gets through."""
    for index in bits(reduce(and_, area.by_action + area.by_resource, able)):
        if _holds(goal, [conditions[index]], Fuel(_FUEL_ALONE)):
            return 1 << index
    together = 0
    try:
        passed: list[int] = []
        for mask in _meetings(area, able):
            fuel.burn(1 + len(passed))
            if any(mask & each == each for each in passed):
                continue
            members = dict.fromkeys(conditions[index] for index in bits(mask))
            if escape(goal, list(members), fuel) is not None:
                return None
            passed.append(mask)
            together |= mask
    except UndecidedError:
        return None
    return together


def _meetings(area: Area, able: int) -> list[int]:
    """Return the sets of statements that some cell meets, the smallest first: a larger one is no harder."""
    rows, columns = set(area.by_action), set(area.by_resource)
    masks = {row & column & able for row in rows for column in columns}
    return sorted(masks, key=lambda mask: (mask.bit_count(), mask))


def _holds(goal: Condition, covers: list[Condition], fuel: Fuel) -> bool:
    try:
        return escape(goal, covers, fuel) is None
    except UndecidedError:
        return False
