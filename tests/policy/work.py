"""Limit the steps that the policy engine may take in a test: work is counted, time is not measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeseal.policy import partitions, verdict
from pipeseal.policy.globs import PatternSet
from pipeseal.policy.solver import Budget

if TYPE_CHECKING:
    import pytest

# Of a policy of 20 KB; the most that a policy of test_hostile takes is about half of each.
MAX_SOLVER_STEPS = 120_000
MAX_PATTERN_CHARACTERS = 120_000


def limit_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the test as soon as the engine takes more than the maximum of steps from here on.

    Counted are the steps of all solver budgets, and the characters that the pattern automatons read. The caches of the
    engine are cleared, so that an earlier test saves no step.
    """
    for cached in (partitions._action_names, partitions._action_masks, partitions._pattern_set, verdict._evaluate):  # noqa: SLF001 - a cache has no public name
        cached.cache_clear()
    solver_steps = _Counter("solver steps", MAX_SOLVER_STEPS)
    pattern_characters = _Counter("pattern characters", MAX_PATTERN_CHARACTERS)
    spend, covering, overlapping = Budget.spend, PatternSet.advance_covering, PatternSet.advance_overlapping

    def counted_spend(budget: Budget, steps: int) -> None:
        solver_steps.add(steps)
        spend(budget, steps)

    def counted_covering(patterns: PatternSet, subject: str, states: int) -> int:
        pattern_characters.add(len(subject))
        return covering(patterns, subject, states)

    def counted_overlapping(patterns: PatternSet, subject: str, states: int) -> int:
        pattern_characters.add(len(subject))
        return overlapping(patterns, subject, states)

    monkeypatch.setattr(Budget, "spend", counted_spend)
    monkeypatch.setattr(PatternSet, "advance_covering", counted_covering)
    monkeypatch.setattr(PatternSet, "advance_overlapping", counted_overlapping)


class _Counter:
    def __init__(self, unit: str, maximum: int) -> None:
        self.unit = unit
        self.maximum = maximum
        self.total = 0

    def add(self, count: int) -> None:
        self.total += count
        assert self.total <= self.maximum, f"more than {self.maximum} {self.unit}"
