"""Cut the requests that a Deny refuses into cells, and say which statements reach each of them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache, reduce
from operator import or_

from pipeseal.policy import actions
from pipeseal.policy.deny import Deny
from pipeseal.policy.document import Statement
from pipeseal.policy.globs import Globs, has_variable, is_wild, shown, tails, tidy, unescaped

# Question marks at the end of a pattern ask for keys of a certain length, and each length is a cell.
_LONGEST = 63
# Cells are spent on such lengths only up to this many.
_MOST = 500
_END = re.compile(r"[*?]*$")


class Kind(StrEnum):
    """What a request is made to: S3 evaluates an action against the one ARN or the other."""

    BUCKET = "bucket"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Area:
    """The requests of a class that go to the bucket, or to its objects: every action on every resource.

    ``by_action`` and ``by_resource`` hold, for each cell, a bit for each statement that reaches all of it. A request
    is reached by the statements that its action and its resource have in common.
    """

    kind: Kind
    actions: tuple[str, ...]
    by_action: tuple[int, ...]
    resources: tuple[str, ...]
    by_resource: tuple[int, ...]
    touched: int
    """The statements that may reach something here, conditions and principals aside."""

    def missed_actions(self, bit: int) -> list[str]:
        """Return the actions that the statement of *bit* does not reach."""
        return [name for name, mask in zip(self.actions, self.by_action, strict=True) if not mask & bit]

    def missed_resources(self, bit: int) -> list[str]:
        """Return the resources that the statement of *bit* does not reach wholly."""
        return [name for name, mask in zip(self.resources, self.by_resource, strict=True) if not mask & bit]


def bits(mask: int) -> Iterator[int]:
    """Yield the indices of the bits set in *mask*, upwards."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def areas(deny: Deny, statements: Sequence[Statement]) -> tuple[Area, ...]:
    """Cut the class of *deny*, objects first; bit *i* stands for ``statements[i]``."""
    return tuple(area for kind in (Kind.OBJECT, Kind.BUCKET) if (area := _area(kind, deny, statements)))


def _area(kind: Kind, deny: Deny, statements: Sequence[Statement]) -> Area | None:
    names = _names(kind, deny.actions)
    resources = [tidy(each) for each in deny.resources if _kind(each) is kind]
    if not names or not resources:
        return None
    fresh, symbolic = _cells(resources, [each for each in statements if each.everyone])
    by_action = _by_action(names, tuple((statement.actions, statement.not_action) for statement in statements))
    return Area(
        kind=kind,
        actions=names,
        by_action=by_action,
        resources=tuple(shown(cell) for cell in fresh + symbolic),
        by_resource=_by_resource(fresh, symbolic, statements),
        touched=reduce(or_, by_action) & _touched(resources, statements),
    )


def _kind(arn: str) -> Kind:
    return Kind.OBJECT if "/" in arn else Kind.BUCKET


@lru_cache(maxsize=64)
def _names(kind: Kind, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Return the actions of *wanted* on *kind*; of a wildcard also one that S3 has yet to invent."""
    return tuple(dict.fromkeys(_named(kind, wanted)))


def _named(kind: Kind, wanted: Iterable[str]) -> Iterator[str]:
    tables = {Kind.BUCKET: actions.BUCKET, Kind.OBJECT: actions.OBJECT}
    everywhere = {name.lower() for table in tables.values() for name in table}
    for pattern in wanted:
        globs = Globs((tidy(pattern.lower()),))
        yield from (name for name in tables[kind] if globs.contain(name.lower()))
        if is_wild(pattern):
            yield pattern.replace("*", "?" * actions.SHORTEST + "*")
        elif pattern.lower() not in everywhere:
            yield pattern


@lru_cache(maxsize=256)
def _by_action(names: Iterable[str], statements: tuple[tuple[tuple[str, ...], bool], ...]) -> tuple[int, ...]:
    """Return which of *statements*, each its actions and whether they are NotAction, reach each of *names*.

    Most policies of an account name the same few, and all the names make this the most of a verdict.
    """
    lists = [[tidy(text.lower()) for text in named] for named, _ in statements]
    table = _Table(lists)
    excluding = _mask(negated for _, negated in statements)
    return tuple(table.containing(tidy(name.lower())) ^ excluding for name in names)


def _cells(resources: Sequence[str], statements: Sequence[Statement]) -> tuple[list[str], list[str]]:
    """Return the cells of *resources*: those that only wildcards reach, and those that some statement singles out.

    A pattern reaches every key of a length exactly if it reaches a key whose letters no pattern names, which is what a
    question mark stands for here. Past the longest end in question marks all lengths are alike. A key that some
    NotResource excludes lies in the cell of the pattern that excludes it, and has to be reached as that cell.
    """
    fresh, symbolic = [], []
    excluded = {text for statement in statements if statement.not_resource for text in _least(statement)}
    for resource in resources:
        prefix = resource.removesuffix("*")
        if prefix == resource or is_wild(prefix):
            symbolic.append(resource)
            continue
        # An object's key has at least one letter.
        least = 1 if prefix.endswith("/") else 0
        longest = max((end for text in _positive(statements) if (end := _marks(text)) <= _LONGEST), default=0)
        fresh += [prefix + "?" * length for length in range(least, longest + 1)]
        fresh.append(prefix + "?" * (longest + 1))
        ends = {end for text in excluded for end in tails(text, prefix)}
        lengths = longest + 1 if len(ends) * longest <= _MOST else 1
        symbolic += sorted({prefix + each for end in ends for each in _stretched(end, lengths) if each or not least})
    return fresh, symbolic


def _stretched(end: str, lengths: int) -> Iterator[str]:
    """Yield *end* with its first star as so many letters, and as more: what reaches all may do so between several."""
    head, star, rest = end.partition("*")
    if not star:
        yield end
        return
    yield from (head + "?" * length + rest for length in range(lengths))
    yield tidy(head + "?" * lengths + "*" + rest)


def _by_resource(fresh: Sequence[str], symbolic: Sequence[str], statements: Sequence[Statement]) -> tuple[int, ...]:
    lists = [_least(statement) for statement in statements]
    excluding = _mask(statement.not_resource for statement in statements)
    # A variable may exclude anything; a pattern of very many question marks asks for lengths that are no cells.
    hazy = 0
    for index, statement in enumerate(statements):
        if statement.not_resource:
            hazy |= (len(lists[index]) < len(statement.resources)) << index
        else:
            lists[index] = [text for text in lists[index] if _marks(text) <= _LONGEST]
    table = _Table(lists, _shared([*fresh, *symbolic]))
    found = [table.containing(cell) ^ excluding for cell in fresh]
    for cell in symbolic:
        reached, touched = table.containing(cell), table.touching(cell)
        found.append((reached & ~excluding) | (excluding & ~touched))
    return tuple(mask & ~hazy for mask in found)


def _touched(resources: Sequence[str], statements: Sequence[Statement]) -> int:
    """Return the statements that may reach a part of *resources*, a policy variable standing for anything."""
    excluding = _mask(statement.not_resource for statement in statements)
    # What has a variable in it may exclude nothing, so only the others can leave nothing over.
    sure = _Table([_least(statement) for statement in statements])
    able = _Table([_most(statement) for statement in statements])
    found = 0
    for cell in resources:
        found |= (able.touching(cell) & ~excluding) | (excluding & ~sure.containing(cell))
    return found


def _least(statement: Statement) -> list[str]:
    """Return the resources of *statement* that surely mean what they say: those without a policy variable."""
    if not statement.variables:
        return [tidy(text) for text in statement.resources]
    return [tidy(unescaped(text, wild=True)) for text in statement.resources if not has_variable(text)]


def _most(statement: Statement) -> list[str]:
    return [tidy(unescaped(text, wild=True) if statement.variables else text) for text in statement.resources]


def _positive(statements: Iterable[Statement]) -> Iterator[str]:
    return (text for statement in statements if not statement.not_resource for text in _least(statement))


def _marks(pattern: str) -> int:
    end = _END.search(pattern)
    return end[0].count("?") if end else 0


def _mask(flags: Iterable[bool]) -> int:
    return sum(1 << index for index, flag in enumerate(flags) if flag)


def _shared(cells: Sequence[str]) -> str:
    """Return the text that all *cells* begin with, up to the first wildcard."""
    low, high = min(cells), max(cells)
    length = 0
    while length < len(low) and low[length] == high[length] and low[length] not in "*?":
        length += 1
    return low[:length]


@lru_cache(maxsize=16)
def _globs(patterns: tuple[str, ...]) -> Globs:
    """Lay *patterns* out once: most tables of one verdict ask about the same."""
    return Globs(patterns)


class _Table:
    """The patterns of several statements in one automaton, answering with a bit for each statement.

    What all cells asked about begin with is *shared*, and is moved over once.
    """

    __slots__ = ("_globs", "_masks", "_shared", "_start")

    def __init__(self, lists: Sequence[Sequence[str]], shared: str = "") -> None:
        numbers = {text: index for index, text in enumerate(dict.fromkeys(text for each in lists for text in each))}
        self._globs = _globs(tuple(numbers))
        self._shared = len(shared)
        self._start = self._globs.containing(shared, self._globs.start)
        finals = self._globs.finals
        self._masks = [sum(finals[number] for number in {numbers[text] for text in each}) for each in lists]

    def containing(self, cell: str) -> int:
        return self._answer(self._globs.containing(cell[self._shared :], self._start))

    def touching(self, cell: str) -> int:
        return self._answer(self._globs.touching(cell[self._shared :], self._start))

    def _answer(self, states: int) -> int:
        return _mask(bool(states & mask) for mask in self._masks) if states else 0
