"""Decide whether a policy explicitly denies every request that a Deny matches, and give the reasons."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache, reduce
from operator import and_, or_

from pipeseal.policy import reasons
from pipeseal.policy.conditions import Condition, parse_condition
from pipeseal.policy.deny import Deny
from pipeseal.policy.document import Statement, condition_values, dump
from pipeseal.policy.globs import PatternSet, action_pattern
from pipeseal.policy.partitions import Partition, ResourceType, indices, partitions
from pipeseal.policy.reasons import DenyStatement, RequestClass
from pipeseal.policy.solver import Budget, BudgetExceededError, find_counterexample

_BUDGET = 40_000
"""Steps for all statements of a policy together."""
_SINGLE_STATEMENT_BUDGET = 4_000
"""Steps for one statement alone."""


class Coverage(StrEnum):
    """How many of the requests a policy explicitly denies."""

    FULL = "full"
    OBJECTS_ONLY = "objects-only"
    """All requests on objects, but not all on the bucket."""
    PARTIAL = "partial"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many of the requests a policy explicitly denies, with the reasons as clauses without a full stop."""

    coverage: Coverage
    reasons: tuple[str, ...]

    @property
    def full(self) -> bool:
        """Return whether every request is denied."""
        return self.coverage is Coverage.FULL


def evaluate(deny: Deny, statements: Sequence[Statement]) -> Verdict:
    """Return the verdict of *statements* on the requests that *deny* matches.

    Deterministic, and bounded in its work for every policy. Conditions that the solver cannot decide within its budget
    count as not denying.
    """
    return _evaluate(deny.actions, deny.resources, dump(deny.condition), deny.requests, tuple(statements))


@lru_cache(maxsize=512)
def _evaluate(
    actions: tuple[str, ...],
    resources: tuple[str, ...],
    condition: str,
    requests: str,
    statements: tuple[Statement, ...],
) -> Verdict:
    # Cached: a control asks for the same verdict for its finding and for its fix, and the next event asks again.
    deny = Deny("", actions, resources, json.loads(condition), requests)
    denying = [
        DenyStatement(each, parse_condition(each.condition, has_variables=each.has_variables), 1 << index)
        for index, each in enumerate(each for each in statements if each.is_deny)
    ]
    asked = RequestClass(deny, _condition(deny), partitions(deny, [each.statement for each in denying]))
    denied = _fully_denied(asked, denying)
    if len(denied) == len(asked.partitions):
        return Verdict(
            Coverage.FULL, reasons.full([denying[index].statement for index in indices(_union(denied))], deny)
        )
    overlapping = _union(partition.overlapping for partition in asked.partitions)
    effective = _effective(overlapping, asked, denying)
    if not effective:
        return Verdict(Coverage.NONE, reasons.none([denying[index].statement for index in indices(overlapping)], deny))
    objects_denied = bool(denied) and asked.partitions[0].resource_type is ResourceType.OBJECT
    return Verdict(
        Coverage.OBJECTS_ONLY if objects_denied else Coverage.PARTIAL,
        reasons.partial((denying[index] for index in indices(effective)), asked),
    )


def is_subsumed(statement: Statement, deny: Deny) -> bool:
    """Return whether *statement* is a Deny that denies, on the bucket of *deny*, only requests that *deny* matches."""
    if not statement.is_deny:
        return False
    bucket_arn, _, _ = deny.resources[0].partition("/")
    own_actions = PatternSet(map(action_pattern, deny.actions))
    everything = Deny("", ("s3:*",), (bucket_arn, f"{bucket_arn}/*"), {})
    for partition in partitions(everything, [statement]):
        if not partition.overlapping:
            continue
        resource = bucket_arn if partition.resource_type is ResourceType.BUCKET else f"{bucket_arn}/*"
        matched = [name for name, mask in zip(partition.actions, partition.action_masks, strict=True) if mask]
        if resource not in deny.resources or not all(own_actions.covers(action_pattern(name)) for name in matched):
            return False
        condition = parse_condition(statement.condition, has_variables=statement.has_variables)
        if not _implies(condition, _condition(deny)):
            return False
    return True


def _condition(deny: Deny) -> Condition:
    return parse_condition(
        (
            (operator, key, tuple(text for text in condition_values(raw) if text is not None))
            for operator, block in deny.condition.items()
            for key, raw in block.items()
        ),
        has_variables=False,
    )


def _fully_denied(asked: RequestClass, denying: Sequence[DenyStatement]) -> list[int]:
    """Return for each partition the statements that together deny all of it, up to the first that is not denied."""
    budget = Budget(_BUDGET)
    applicable = _union(each.bit for each in denying if each.statement.matches_every_principal)
    found: list[int] = []
    for partition in asked.partitions:
        statements = _denying_together(partition, asked.condition, denying, applicable, budget)
        if statements is None:
            break
        found.append(statements)
    return found


def _denying_together(
    partition: Partition, condition: Condition, denying: Sequence[DenyStatement], applicable: int, budget: Budget
) -> int | None:
    """Return a mask of *applicable* statements that together deny all of *partition*; None if a request is allowed."""
    for index in indices(reduce(and_, partition.action_masks + partition.resource_masks, applicable)):
        if _implies(condition, denying[index].condition):
            return 1 << index
    together = 0
    try:
        sufficient: list[int] = []
        for mask in _request_masks(partition, applicable):
            budget.spend(1 + len(sufficient))
            if any(mask & each == each for each in sufficient):
                continue
            covers = dict.fromkeys(denying[index].condition for index in indices(mask))
            if find_counterexample(condition, list(covers), budget) is not None:
                return None
            sufficient.append(mask)
            together |= mask
    except BudgetExceededError:
        return None
    return together


def _request_masks(partition: Partition, applicable: int) -> list[int]:
    """Return the distinct masks of statements that match a request of *partition*, those with fewest bits first.

    If the statements of a mask deny its requests, so do those of every mask that contains it.
    """
    rows, columns = set(partition.action_masks), set(partition.resource_masks)
    masks = {row & column & applicable for row in rows for column in columns}
    return sorted(masks, key=lambda mask: (mask.bit_count(), mask))


def _effective(overlapping: int, asked: RequestClass, denying: Sequence[DenyStatement]) -> int:
    """Return the *overlapping* statements whose condition can hold for a request that is asked about."""
    budget = Budget(_BUDGET)
    found = (
        1 << index
        for index in indices(overlapping)
        if _is_satisfiable(asked.condition + denying[index].condition, budget)
    )
    return _union(found)


def _is_satisfiable(condition: Condition, budget: Budget) -> bool:
    try:
        return find_counterexample(condition, (), budget) is not None
    except BudgetExceededError:
        return True


def _implies(premise: Condition, conclusion: Condition) -> bool:
    try:
        return find_counterexample(premise, [conclusion], Budget(_SINGLE_STATEMENT_BUDGET)) is None
    except BudgetExceededError:
        return False


def _union(masks: Iterable[int]) -> int:
    return reduce(or_, masks, 0)
