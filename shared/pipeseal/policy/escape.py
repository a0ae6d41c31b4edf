"""Look for a request that meets one condition and none of others."""

from collections.abc import Iterable, Sequence
from itertools import chain

from pipeseal.policy.conditions import Condition, Family, Test, Value, Variable, World, possible, states, weigh


class UndecidedError(Exception):
    """The conditions are too intricate to be settled within the fuel; not covered is the safe reading."""


class Fuel:
    """How much weighing may be done: what keeps a hostile policy from taking seconds."""

    __slots__ = ("_left",)

    def __init__(self, amount: int) -> None:
        """Allow *amount* comparisons of a key with a value, roughly."""
        self._left = amount

    def burn(self, amount: int) -> None:
        """Use *amount* up; raise UndecidedError where it is not left."""
        self._left -= amount
        if self._left < 0:
            raise UndecidedError


def escape(goal: Condition, covers: Sequence[Condition], fuel: Fuel) -> World | None:
    """Return a world where *goal* holds, as far as can be known, and surely none of *covers*; None where there is none.

    The keys that the policy leaves free are decided exactly, by cases: each case assigns one key, or the truth of
    one comparison that no other decides. Raises UndecidedError.
    """
    domains = _Domains(chain(goal, *covers))
    return _search(goal, covers, {}, domains, fuel)


# Each level of the search is a frame of Python's stack.
_DEEPEST = 200


class _Domains:
    """The values that each variable may take."""

    __slots__ = ("_states", "_tests")

    def __init__(self, tests: Iterable[Test]) -> None:
        self._tests: dict[str, list[Test]] = {}
        for test in tests:
            self._tests.setdefault(test.key, []).append(test)
        self._states: dict[str, tuple[Value, ...]] = {}

    def values(self, variable: Variable) -> tuple[Value, ...]:
        if variable.family is not None:
            return (True, False)
        key = variable.key
        if key not in self._states:
            self._states[key] = states(key, self._tests[key])
        return self._states[key]


def _search(goal: Condition, covers: Sequence[Condition], world: World, domains: _Domains, fuel: Fuel) -> World | None:
    variable = _weigh(goal, world, fuel, doubt=True)
    if variable is False:
        return None
    open_covers = []
    for cover in covers:
        weight = _weigh(cover, world, fuel, doubt=False)
        if weight is True:
            return None
        if weight is not False:
            open_covers.append(cover)
            variable = weight if variable is True else variable
    if variable is True:
        return world
    if len(world) > _DEEPEST:
        raise UndecidedError
    for value in domains.values(variable):
        tried = {**world, variable: value}
        if possible(tried):
            found = _search(goal, open_covers, tried, domains, fuel)
            if found is not None:
                return found
    return None


def _weigh(condition: Condition, world: World, fuel: Fuel, *, doubt: bool) -> bool | Variable:
    fuel.burn(sum(_cost(test) for test in condition) + 1)
    return weigh(condition, world, doubt=doubt)


def _cost(test: Test) -> int:
    # Exact values are found by hash, however many there are.
    return 1 if test.family is Family.EQUALS else len(test.values)
