"""Explain a verdict in plain English; each reason names the statement that it is about."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from pipeseal.policy.conditions import ENCRYPTION, Condition, ConditionTest
from pipeseal.policy.deny import Deny
from pipeseal.policy.document import Statement
from pipeseal.policy.globs import display
from pipeseal.policy.partitions import Partition
from pipeseal.policy.solver import (
    Assignment,
    Budget,
    BudgetExceededError,
    DecisionVariable,
    ValueState,
    find_counterexample,
)

_MAX_REASONS = 12
_MAX_NAMES = 4
_BUDGET = 2_000


class RequestClass(NamedTuple):
    """The requests that *deny* matches: its condition, and its actions and resources as partitions."""

    deny: Deny
    condition: Condition
    partitions: Sequence[Partition]


class DenyStatement(NamedTuple):
    """A Deny statement of the policy with its parsed condition; *bit* stands for it in the masks of a partition."""

    statement: Statement
    condition: Condition
    bit: int


def full(statements: Sequence[Statement], deny: Deny) -> tuple[str, ...]:
    """Return the reason for full coverage: the *statements* that deny all requests."""
    labels = [_printable(each.label) for each in statements]
    if len(labels) == 1:
        return (f"{labels[0]} denies all {deny.requests}",)
    return (f"{', '.join(labels[:-1])} and {labels[-1]} together deny all {deny.requests}",)


def none(statements: Iterable[Statement], deny: Deny) -> tuple[str, ...]:
    """Return the reasons for no coverage; *statements* are those that only their condition keeps from denying."""
    lines = (f"the condition of {each.label} never holds for {deny.requests}" for each in statements)
    return _limited([f"no statement denies {deny.requests}", *lines])


def partial(statements: Iterable[DenyStatement], asked: RequestClass) -> tuple[str, ...]:
    """Return the reasons why none of *statements*, which deny some of the requests, denies all of them alone."""
    return _limited(f"{each.statement.label} {gap}" for each in statements for gap in _gaps(each, asked))


def _limited(lines: Iterable[str]) -> tuple[str, ...]:
    every = tuple(map(_printable, lines))
    if len(every) <= _MAX_REASONS:
        return every
    return (*every[:_MAX_REASONS], f"and {len(every) - _MAX_REASONS} more reasons")


def _printable(line: str) -> str:
    """Return *line*, which quotes the policy, without characters that control a terminal."""
    return "".join(character if character.isprintable() else "?" for character in line)


def _gaps(denying: DenyStatement, asked: RequestClass) -> Iterator[str]:
    """Yield what the statement does not deny, as predicates."""
    gaps = [*_scope_gaps(denying, asked.partitions), *_condition_gaps(denying.condition, asked)]
    yield from gaps or ["is too complex to evaluate"]


def _scope_gaps(denying: DenyStatement, partitions: Sequence[Partition]) -> Iterator[str]:
    statement, bit = denying.statement, denying.bit
    if not statement.matches_every_principal:
        yield "does not apply to every principal"
    overlapping = (partition for partition in partitions if partition.overlapping & bit)
    missed = [name for partition in overlapping for name in partition.actions_missed_by(bit)]
    if missed and statement.not_action:
        yield f"excludes {_listed(missed)} (NotAction)"
    elif missed:
        yield f"applies only to {_listed(statement.actions)}"
    if any(partition.resources_missed_by(bit) for partition in partitions):
        if statement.not_resource:
            yield f"excludes {_listed(statement.resources)} (NotResource)"
        else:
            yield f"applies only to {_listed(statement.resources)}"


def _condition_gaps(condition: Condition, asked: RequestClass) -> Iterator[str]:
    try:
        counterexample = find_counterexample(asked.condition, [condition], Budget(_BUDGET))
    except BudgetExceededError:
        yield "has a condition that is too complex to evaluate"
        return
    if counterexample is None:
        return
    indeterminate = [f"{test.operator} {test.key_as_written}" for test in condition if test.indeterminate]
    asked_keys = {test.key for test in asked.condition}
    further = [test.key_as_written for test in condition if test.key not in asked_keys and not test.indeterminate]
    if indeterminate:
        yield f"has a condition whose result is unknown: {_listed(indeterminate)}"
    if further:
        yield f"also depends on {_listed(further)}"
    if not indeterminate and not further:
        yield f"does not deny {_describe(counterexample, asked)}"


def _describe(counterexample: Assignment, asked: RequestClass) -> str:
    noun = "an upload" if asked.deny.actions == ("s3:PutObject",) else "a request"
    return " ".join([noun, *dict.fromkeys(_key_value(test, counterexample) for test in asked.condition)])


def _key_value(test: ConditionTest, counterexample: Assignment) -> str:
    state = counterexample.get(DecisionVariable(test.key))
    if state is ValueState.ABSENT or state is None:
        return f"without {test.key_as_written}"
    if not isinstance(state, str):
        return f"with another value of {test.key_as_written}"
    value = display(state)
    return f"that requests {value} encryption" if test.key == ENCRYPTION else f"with {test.key_as_written} {value}"


def _listed(names: Iterable[str]) -> str:
    every = list(dict.fromkeys(names))
    more = len(every) - _MAX_NAMES
    return ", ".join(every[:_MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
