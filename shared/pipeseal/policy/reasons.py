"""Put a verdict into words that a person understands, naming the statement."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from pipeseal.policy.cells import Area
from pipeseal.policy.conditions import ENCRYPTION, Condition, State, Test, Variable, World
from pipeseal.policy.deny import Deny
from pipeseal.policy.document import Statement
from pipeseal.policy.escape import Fuel, UndecidedError, escape
from pipeseal.policy.globs import shown

# More than a person reads; the rest is counted.
_LINES = 12
_NAMES = 4
_FUEL = 2_000


class Class(NamedTuple):
    """The requests asked about: those that *deny* refuses."""

    deny: Deny
    goal: Condition
    areas: Sequence[Area]


class Case(NamedTuple):
    """A statement that refuses some of them; *bit* is its own in the areas."""

    statement: Statement
    condition: Condition
    bit: int


def full(doing: Sequence[Statement]) -> tuple[str, ...]:
    """Say which statements refuse the class."""
    names = [_printable(each.name) for each in doing]
    if len(names) == 1:
        return (f"{names[0]} denies every one of them",)
    return (f"{', '.join(names[:-1])} and {names[-1]} together deny every one of them",)


def none(missing: Iterable[str]) -> tuple[str, ...]:
    """Say that no statement refuses anything of the class; those *missing* it do so by their condition alone."""
    lines = ([f"the condition never holds for them; {name}"] for name in missing)
    return limited([["no statement denies them"], *lines])


def limited(lines: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Return *lines* as one run of text lines, cut where nobody would read on."""
    every = tuple(_printable(line) for group in lines for line in group)
    if len(every) <= _LINES:
        return every
    return (*every[:_LINES], f"and {len(every) - _LINES} more reasons")


def _printable(line: str) -> str:
    """Return *line*, which quotes the policy, without what would move a terminal's cursor."""
    return "".join(c if c.isprintable() else "?" for c in line)


def short(case: Case, asked: Class) -> Iterator[str]:
    """Yield why the statement of *case* alone does not refuse every request of the class *asked* about."""
    lines = [*_reach(case, asked.areas), *_condition(case.condition, asked)]
    for line in lines or ["too intricate to be settled"]:
        yield f"{line}; {case.statement.name}"


def _reach(case: Case, areas: Sequence[Area]) -> Iterator[str]:
    statement, bit = case.statement, case.bit
    if not statement.everyone:
        yield "the Deny is not for everyone"
    missed = [name for area in areas if area.touched & bit for name in area.missed_actions(bit)]
    if missed and statement.not_action:
        yield f"leaves out {_some(missed)} (NotAction)"
    elif missed:
        yield f"covers only {_some(statement.actions)}"
    if any(area.missed_resources(bit) for area in areas):
        if statement.not_resource:
            yield f"leaves out {_some(statement.resources)} (NotResource)"
        else:
            yield f"the Deny covers only {_some(statement.resources)}"


def _condition(condition: Condition, asked: Class) -> Iterator[str]:
    try:
        world = escape(asked.goal, [condition], Fuel(_FUEL))
    except UndecidedError:
        yield "its condition is too intricate to be settled"
        return
    if world is None:
        return
    unsettled = [test for test in condition if test.unsettled]
    known = {test.key for test in asked.goal}
    further = [test for test in condition if test.key not in known and not test.unsettled]
    if unsettled:
        yield f"{_some(f'{test.operator} {test.written}' for test in unsettled)} has no meaning that can be relied on"
    if further:
        yield f"narrowed by {_some(test.written for test in further)}"
    if not unsettled and not further:
        yield f"{_request(asked, world)} is let through"


def _request(asked: Class, world: World) -> str:
    noun = "an upload" if asked.deny.actions == ("s3:PutObject",) else "a request"
    return " ".join([noun, *dict.fromkeys(_trait(test, world) for test in asked.goal)])


def _trait(test: Test, world: World) -> str:
    state = world.get(Variable(test.key))
    if state is State.ABSENT or state is None:
        return f"without {test.written}"
    value = shown(state) if isinstance(state, str) else "some value"
    return f"that asks for {value}" if test.key == ENCRYPTION else f"with {test.written} {value}"


def _some(names: Iterable[str]) -> str:
    every = list(dict.fromkeys(names))
    rest = len(every) - _NAMES
    return ", ".join(every[:_NAMES]) + (f" and {rest} more" if rest > 0 else "")
