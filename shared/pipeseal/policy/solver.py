"""Decide whether every request context that meets one condition meets at least one of others.

The solver searches for a counterexample by cases. A decision variable is either the value of a condition key or the
truth of a comparison that no other variable determines, such as a wildcard pattern against an unnamed value.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from itertools import chain, pairwise
from typing import NamedTuple, TypeAlias

from pipeseal.policy.conditions import (
    ENCRYPTION,
    ENCRYPTION_KEY_ID,
    KMS_ALGORITHMS,
    MULTIVALUED_KEYS,
    NUMBER,
    NUMERIC_COMPARISONS,
    PATTERN_COMPARISONS,
    SECURE_TRANSPORT,
    TLS_VERSION,
    Comparison,
    Condition,
    ConditionTest,
)
from pipeseal.policy.globs import covers as pattern_covers
from pipeseal.policy.globs import has_wildcard

# Each level of the search is a frame on Python's stack.
_MAX_DEPTH = 200
# Comparisons whose values are never candidates for the value of a key: the solver does not interpret them.
_OPAQUE_COMPARISONS = frozenset(
    {
        Comparison.IP_ADDRESS,
        Comparison.BINARY,
        Comparison.DATE_EQUALS,
        Comparison.DATE_LESS,
        Comparison.DATE_LESS_EQUALS,
    }
)


class BudgetExceededError(Exception):
    """The search needs more steps than its budget allows; callers then assume that the request is not denied."""


class Budget:
    """The number of steps that a search may take: the limit on the work that a hostile policy can cause.

    One step is about one comparison of a condition key with one value.
    """

    __slots__ = ("_left",)

    def __init__(self, steps: int) -> None:
        """Allow *steps* steps."""
        self._left = steps

    def spend(self, steps: int) -> None:
        """Use *steps* of the budget; raise BudgetExceededError if fewer are left."""
        self._left -= steps
        if self._left < 0:
            raise BudgetExceededError


class ValueState(Enum):
    """A state of a condition key other than a value that a test names."""

    ABSENT = "absent"
    OTHER = "a value that no test names"


class CaseVariant(NamedTuple):
    """A value that no test names but that equals *lower* if case is ignored."""

    lower: str


Value: TypeAlias = str | ValueState | CaseVariant | bool


class DecisionVariable(NamedTuple):
    """An unknown of the search.

    Without *comparison*: the state of the condition key. With *comparison*, which may be a set operator: whether the
    key compares true with *value*.
    """

    key: str
    comparison: Comparison | str | None = None
    value: str | tuple[str, ...] = ""


Assignment: TypeAlias = Mapping[DecisionVariable, Value]
"""A request context as far as the search has decided it."""
Truth: TypeAlias = bool | DecisionVariable
"""True, false, or the variable that must be assigned first."""


def find_counterexample(premise: Condition, covers: Sequence[Condition], budget: Budget) -> Assignment | None:
    """Return an assignment that meets *premise* and none of *covers*; None if each one that meets it meets a cover.

    An indeterminate test counts as true in *premise* and as false in *covers*, so None is a proof. Raises
    BudgetExceededError.
    """
    return _search(premise, covers, {}, _Domains(chain(premise, *covers)), budget)


class _Domains:
    """The values that each decision variable can take."""

    __slots__ = ("_domains", "_tests")

    def __init__(self, tests: Iterable[ConditionTest]) -> None:
        self._tests: dict[str, list[ConditionTest]] = {}
        for test in tests:
            self._tests.setdefault(test.key, []).append(test)
        self._domains: dict[str, tuple[Value, ...]] = {}

    def values(self, variable: DecisionVariable) -> tuple[Value, ...]:
        if variable.comparison is not None:
            return (True, False)
        key = variable.key
        if key not in self._domains:
            self._domains[key] = _domain(key, self._tests[key])
        return self._domains[key]


def _search(
    premise: Condition, covers: Sequence[Condition], assignment: Assignment, domains: _Domains, budget: Budget
) -> Assignment | None:
    variable = _evaluate(premise, assignment, budget, indeterminate_as=True)
    if variable is False:
        return None
    open_covers = []
    for cover in covers:
        truth = _evaluate(cover, assignment, budget, indeterminate_as=False)
        if truth is True:
            return None
        if truth is not False:
            open_covers.append(cover)
            variable = truth if variable is True else variable
    if variable is True:
        return assignment
    if len(assignment) > _MAX_DEPTH:
        raise BudgetExceededError
    for value in domains.values(variable):
        extended = {**assignment, variable: value}
        if _is_possible(extended):
            found = _search(premise, open_covers, extended, domains, budget)
            if found is not None:
                return found
    return None


def _domain(key: str, tests: Iterable[ConditionTest]) -> tuple[Value, ...]:
    """Return one value for each class of states of *key* that *tests* can distinguish."""
    determinate = [test for test in tests if not test.indeterminate]
    if key == SECURE_TRANSPORT:
        return ("true", "false")
    if ":" not in key:
        # No service sets a key without a prefix.
        return (ValueState.ABSENT,)
    return (ValueState.ABSENT, *_present_values(key, determinate))


def _present_values(key: str, tests: Sequence[ConditionTest]) -> Iterable[Value]:
    comparisons = {test.comparison for test in tests} - {Comparison.NULL}
    named = _named_values(tests)
    if key == ENCRYPTION:
        # S3 rejects a KMS value in another spelling, so only the two exact ones occur.
        others = (value for value in named if value.lower() not in KMS_ALGORITHMS)
        return dict.fromkeys(("AES256", "aws:fsx", *others, "another", *KMS_ALGORITHMS))
    if key == TLS_VERSION:
        return dict.fromkeys(("1.0", "1.1", "1.2", "1.3", *named))
    if comparisons == {Comparison.BOOL}:
        return ("true", "false")
    if comparisons and comparisons <= NUMERIC_COMPARISONS:
        return _numbers_around(named)
    if key in MULTIVALUED_KEYS:
        return (ValueState.OTHER,)
    return (ValueState.OTHER, *_case_variants(tests), *named)


def _named_values(tests: Iterable[ConditionTest]) -> tuple[str, ...]:
    """Return the exact values that *tests* compare with, in order and without duplicates."""
    return tuple(
        dict.fromkeys(
            value
            for test in tests
            if test.comparison is not Comparison.NULL and test.comparison not in _OPAQUE_COMPARISONS
            for value in test.values
            if not (test.comparison in PATTERN_COMPARISONS and has_wildcard(value))
        )
    )


def _case_variants(tests: Iterable[ConditionTest]) -> tuple[CaseVariant, ...]:
    lower = (value for test in tests if test.comparison is Comparison.STRING_IGNORE_CASE for value in test.values)
    return tuple(CaseVariant(value) for value in dict.fromkeys(lower) if value.upper() != value)


def _numbers_around(named: tuple[str, ...]) -> tuple[str, ...]:
    """Return the numbers *named*, and one below, between and above them."""
    numbers = sorted({float(value) for value in named})
    midpoints = [(low + high) / 2 for low, high in pairwise(numbers)]
    return tuple(repr(number) for number in (numbers[0] - 1, *numbers, *midpoints, numbers[-1] + 1))


def _is_possible(assignment: Assignment) -> bool:
    """Return whether S3 can receive such a request: over HTTP there is no TLS version, without KMS no KMS key id."""
    transport = assignment.get(DecisionVariable(SECURE_TRANSPORT))
    tls_version = assignment.get(DecisionVariable(TLS_VERSION), ValueState.ABSENT)
    if transport == "false" and tls_version is not ValueState.ABSENT:
        return False
    encryption = assignment.get(DecisionVariable(ENCRYPTION))
    key_id = assignment.get(DecisionVariable(ENCRYPTION_KEY_ID), ValueState.ABSENT)
    return encryption is None or encryption in KMS_ALGORITHMS or key_id is ValueState.ABSENT


def _evaluate(condition: Condition, assignment: Assignment, budget: Budget, *, indeterminate_as: bool) -> Truth:
    """Return the conjunction of the tests; an indeterminate test counts as *indeterminate_as*."""
    budget.spend(sum(_cost(test) for test in condition) + 1)
    unknown: Truth = True
    for test in condition:
        truth = _evaluate_test(test, assignment, indeterminate_as=indeterminate_as)
        if truth is False:
            return False
        if truth is not True and unknown is True:
            unknown = truth
    return unknown


def _cost(test: ConditionTest) -> int:
    # Exact values are found by hash, however many there are.
    return 1 if test.comparison is Comparison.STRING else len(test.values)


def _evaluate_test(test: ConditionTest, assignment: Assignment, *, indeterminate_as: bool) -> Truth:
    if test.indeterminate:
        return indeterminate_as
    state = assignment.get(DecisionVariable(test.key))
    if state is None:
        return DecisionVariable(test.key)
    if state is ValueState.ABSENT:
        return indeterminate_as if test.if_absent is None else test.if_absent
    if test.comparison is Comparison.NULL:
        return "false" in test.values
    if test.set_operator:
        return _assigned(DecisionVariable(test.key, test.set_operator, test.values), assignment)
    truth = _matches_any_value(test, state, assignment)
    return not truth if test.negated and isinstance(truth, bool) else truth


def _matches_any_value(test: ConditionTest, state: Value, assignment: Assignment) -> Truth:
    unknown: Truth = False
    for value in _candidate_values(test, state):
        truth = _compare(test, value, state, assignment)
        if isinstance(truth, bool):
            truth = truth is not test.complemented
        if truth is True:
            return True
        if truth is not False and unknown is False:
            unknown = truth
    return unknown


def _candidate_values(test: ConditionTest, state: Value) -> tuple[str, ...]:
    """Return the values of *test* that can equal *state*: of exact ones at most one, found by hash."""
    if test.comparison is not Comparison.STRING or test.key in MULTIVALUED_KEYS:
        return test.values
    return (state,) if isinstance(state, str) and state in _as_set(test.values) else ()


@lru_cache(maxsize=64)
def _as_set(values: tuple[str, ...]) -> frozenset[str]:
    return frozenset(values)


def _compare(test: ConditionTest, value: str, state: Value, assignment: Assignment) -> Truth:
    """Return whether a key in *state*, which is not absent, compares true with one *value* of the test."""
    comparison = test.comparison
    if test.key in MULTIVALUED_KEYS:
        return _assigned(DecisionVariable(test.key, comparison, value), assignment)
    if comparison in (Comparison.STRING, Comparison.BOOL) or (
        comparison in PATTERN_COMPARISONS and not has_wildcard(value)
    ):
        return value == state
    if comparison is Comparison.STRING_IGNORE_CASE:
        return value == _lower(state)
    if comparison is Comparison.LIKE and (value == "*" or isinstance(state, str)):
        return value == "*" or pattern_covers(value, str(state))
    if comparison in NUMERIC_COMPARISONS and isinstance(state, str) and NUMBER.fullmatch(state):
        return _compare_numbers(comparison, float(state), float(value))
    return _assigned(DecisionVariable(test.key, comparison, value), assignment)


def _lower(state: Value) -> str | None:
    if isinstance(state, CaseVariant):
        return state.lower
    return state.lower() if isinstance(state, str) else None


def _assigned(variable: DecisionVariable, assignment: Assignment) -> Truth:
    found = assignment.get(variable)
    return found if isinstance(found, bool) else variable


def _compare_numbers(comparison: Comparison, left: float, right: float) -> bool:
    if comparison is Comparison.NUMERIC_EQUALS:
        return left == right
    return left < right or (comparison is Comparison.NUMERIC_LESS_EQUALS and left == right)
