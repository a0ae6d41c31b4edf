"""Read a Condition as tests on keys, and weigh them in a world where some of the keys are known."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from pipeseal.policy.globs import Globs, has_variable, is_wild, literal, tidy, unescaped

TRANSPORT = "aws:securetransport"
TLS_VERSION = "s3:tlsversion"
ENCRYPTION = "s3:x-amz-server-side-encryption"
ENCRYPTION_KEY = "s3:x-amz-server-side-encryption-aws-kms-key-id"

KMS = ("aws:kms", "aws:kms:dsse")
"""The values of the header that ask for KMS; S3 knows them in this spelling only."""

# S3 sets these to one value or none: a set operator asks the same as the plain one.
_SINGLE = frozenset({TRANSPORT, TLS_VERSION, ENCRYPTION, ENCRYPTION_KEY})

# Keys of IAM that may hold several values at a time: two equalities on one of them can both be true.
_MANY = frozenset(
    {
        "aws:calledvia",
        "aws:principalorgpaths",
        "aws:principalservicenameslist",
        "aws:resourceorgpaths",
        "aws:sourceorgpaths",
        "aws:sourcevpcorgpaths",
        "aws:tagkeys",
        "aws:vpceorgpaths",
        "s3:requestobjecttagkeys",
    }
)


class Family(Enum):
    """How a test compares; what differs only in negation shares one."""

    EQUALS = "string"
    FOLDED = "string, ignoring case"
    LIKE = "pattern"
    ARN = "ARN"
    BOOL = "Boolean"
    BINARY = "binary"
    IP = "address"
    NUMBER_EQUALS = "number"
    NUMBER_LESS = "number less than"
    NUMBER_AT_MOST = "number at most"
    DATE_EQUALS = "date"
    DATE_LESS = "date before"
    DATE_AT_MOST = "date no later than"
    NULL = "absent"


_NUMERIC = frozenset({Family.NUMBER_EQUALS, Family.NUMBER_LESS, Family.NUMBER_AT_MOST})
_WILD = frozenset({Family.LIKE, Family.ARN})
_TEXTUAL = _WILD | {Family.EQUALS, Family.FOLDED}
_OPAQUE = frozenset({Family.IP, Family.BINARY, Family.DATE_EQUALS, Family.DATE_LESS, Family.DATE_AT_MOST})


class _Operator(NamedTuple):
    family: Family
    negated: bool = False
    """The negation of its family over the whole list: true where the key is absent."""
    flipped: bool = False
    """Each value is compared the other way round: "greater than" is not "at most"."""


_OPERATORS = {
    "StringEquals": _Operator(Family.EQUALS),
    "StringNotEquals": _Operator(Family.EQUALS, negated=True),
    "StringEqualsIgnoreCase": _Operator(Family.FOLDED),
    "StringNotEqualsIgnoreCase": _Operator(Family.FOLDED, negated=True),
    "StringLike": _Operator(Family.LIKE),
    "StringNotLike": _Operator(Family.LIKE, negated=True),
    "ArnEquals": _Operator(Family.ARN),
    "ArnLike": _Operator(Family.ARN),
    "ArnNotEquals": _Operator(Family.ARN, negated=True),
    "ArnNotLike": _Operator(Family.ARN, negated=True),
    "Bool": _Operator(Family.BOOL),
    "BinaryEquals": _Operator(Family.BINARY),
    "IpAddress": _Operator(Family.IP),
    "NotIpAddress": _Operator(Family.IP, negated=True),
    "NumericEquals": _Operator(Family.NUMBER_EQUALS),
    "NumericNotEquals": _Operator(Family.NUMBER_EQUALS, negated=True),
    "NumericLessThan": _Operator(Family.NUMBER_LESS),
    "NumericLessThanEquals": _Operator(Family.NUMBER_AT_MOST),
    "NumericGreaterThan": _Operator(Family.NUMBER_AT_MOST, flipped=True),
    "NumericGreaterThanEquals": _Operator(Family.NUMBER_LESS, flipped=True),
    "DateEquals": _Operator(Family.DATE_EQUALS),
    "DateNotEquals": _Operator(Family.DATE_EQUALS, negated=True),
    "DateLessThan": _Operator(Family.DATE_LESS),
    "DateLessThanEquals": _Operator(Family.DATE_AT_MOST),
    "DateGreaterThan": _Operator(Family.DATE_AT_MOST, flipped=True),
    "DateGreaterThanEquals": _Operator(Family.DATE_LESS, flipped=True),
    "Null": _Operator(Family.NULL),
}
_SPELLING = re.compile(r"(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?")
_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,15})?")


@dataclass(frozen=True, slots=True)
class Test:
    """One key under one operator; *unsettled* tests have no meaning that can be relied on."""

    operator: str
    written: str
    """The key as the policy spells it."""
    key: str
    family: Family
    values: tuple[str, ...]
    negated: bool
    flipped: bool
    absent: bool | None
    """What the test gives where the key is absent; None where that is unsettled."""
    sets: str
    """The set operator where the key may hold several values, so that the test is a proposition of its own."""
    unsettled: bool


Condition: TypeAlias = tuple[Test, ...]


class State(Enum):
    """What a key can be besides a value that some test names."""

    ABSENT = "absent"
    OTHER = "a value that no test names"


class Variant(NamedTuple):
    """A value that no test names but that equals *folded* when case is ignored."""

    folded: str


Value: TypeAlias = str | State | Variant | bool


class Variable(NamedTuple):
    """What a world assigns: the state of a key, or, under a family, the truth of a comparison that it leaves open."""

    key: str
    family: Family | str | None = None
    value: str | tuple[str, ...] = ""


World: TypeAlias = Mapping[Variable, Value]
Weight: TypeAlias = bool | Variable
"""True, false, or the variable that must be known first."""


def read(tests: Iterable[tuple[str, str, tuple[str, ...]]], *, variables: bool) -> Condition:
    """Return the tests of a Condition, given as operator, key and values."""
    return tuple(_test(operator, key, values, variables=variables) for operator, key, values in tests)


def weigh(condition: Condition, world: World, *, doubt: bool) -> Weight:
    """Return the conjunction of *condition* in *world*; an unsettled test counts as *doubt*."""
    unknown: Weight = True
    for test in condition:
        found = _weigh(test, world, doubt=doubt)
        if found is False:
            return False
        if found is not True and unknown is True:
            unknown = found
    return unknown


def states(key: str, tests: Iterable[Test]) -> tuple[Value, ...]:
    """Return every state of *key* that *tests* can tell apart."""
    settled = [test for test in tests if not test.unsettled]
    if key == TRANSPORT:
        return ("true", "false")
    if ":" not in key:
        # No service sets such a key.
        return (State.ABSENT,)
    return (State.ABSENT, *_present(key, settled, _named(settled)))


def _present(key: str, tests: Sequence[Test], named: tuple[str, ...]) -> Iterable[Value]:
    families = {test.family for test in tests} - {Family.NULL}
    if key == ENCRYPTION:
        asked = (value for value in named if value.lower() not in KMS)
        return dict.fromkeys(("AES256", "aws:fsx", *asked, "another", *KMS))
    if key == TLS_VERSION:
        return dict.fromkeys(("1.0", "1.1", "1.2", "1.3", *named))
    if families == {Family.BOOL}:
        return ("true", "false")
    if families and families <= _NUMERIC:
        return _between(named)
    if key in _MANY:
        return (State.OTHER,)
    return (State.OTHER, *_variants(tests), *named)


def possible(world: World) -> bool:
    """Say whether S3 can see such a request: some keys are tied to others."""
    transport, version = world.get(Variable(TRANSPORT)), world.get(Variable(TLS_VERSION), State.ABSENT)
    if transport == "false" and version is not State.ABSENT:
        return False
    encryption, key = world.get(Variable(ENCRYPTION)), world.get(Variable(ENCRYPTION_KEY), State.ABSENT)
    return encryption is None or encryption in KMS or key is State.ABSENT


def _test(operator: str, key: str, values: tuple[str, ...], *, variables: bool) -> Test:
    spelled = _SPELLING.fullmatch(operator)
    sets, name, exists = spelled.groups() if spelled else (None, "", None)
    known = _OPERATORS.get(name)
    family, negated, flipped = known or _Operator(Family.NULL)
    folded = key.lower()
    absent: bool | None = bool(negated or exists)
    if sets == "ForAllValues":
        absent = True
    elif sets == "ForAnyValue":
        absent = None if exists else False
    if family is Family.NULL:
        absent = "true" in values
    return Test(
        operator=operator,
        written=key,
        key=folded,
        family=family,
        values=_meant(family, values, variables=variables),
        negated=negated,
        flipped=flipped,
        absent=absent,
        sets=f"{sets}:{name}" if sets and folded not in _SINGLE else "",
        unsettled=known is None
        or not values
        or (family is Family.NULL and bool(sets or exists))
        or _unsettled(family, folded, values, variables=variables),
    )


def _unsettled(family: Family, key: str, values: tuple[str, ...], *, variables: bool) -> bool:
    if key == TRANSPORT and family not in (Family.BOOL, Family.NULL):
        return True
    if family in (Family.BOOL, Family.NULL):
        return not all(value in ("true", "false") for value in values)
    if family in _NUMERIC:
        return key == ENCRYPTION or not all(_NUMBER.fullmatch(value) for value in values)
    return variables and any(has_variable(value) for value in values)


def _meant(family: Family, values: tuple[str, ...], *, variables: bool) -> tuple[str, ...]:
    wild = family in _WILD
    if variables and family in _TEXTUAL:
        values = tuple(unescaped(value, wild=wild) for value in values)
    elif not wild:
        values = tuple(literal(value) for value in values)
    if family is Family.FOLDED:
        values = tuple(value.lower() for value in values)
    return tuple(dict.fromkeys(tidy(value) if wild else value for value in values))


def _named(tests: Iterable[Test]) -> tuple[str, ...]:
    """Return the values that *tests* name outright, in order."""
    outright = [test for test in tests if test.family is not Family.NULL]
    return tuple(dict.fromkeys(value for test in outright for value in test.values if not _open(test.family, value)))


def _open(family: Family, value: str) -> bool:
    return family in _OPAQUE or (family in _WILD and is_wild(value))


def _variants(tests: Iterable[Test]) -> tuple[Variant, ...]:
    folded = (value for test in tests if test.family is Family.FOLDED for value in test.values)
    return tuple(Variant(value) for value in dict.fromkeys(folded) if value.upper() != value)


def _between(named: tuple[str, ...]) -> tuple[str, ...]:
    """Return the numbers *named*, and one before, between and after them."""
    numbers = sorted({float(value) for value in named})
    middles = [(low + high) / 2 for low, high in pairwise(numbers)]
    return tuple(repr(number) for number in (numbers[0] - 1, *numbers, *middles, numbers[-1] + 1))


def _weigh(test: Test, world: World, *, doubt: bool) -> Weight:
    if test.unsettled:
        return doubt
    state = world.get(Variable(test.key))
    if state is None:
        return Variable(test.key)
    if state is State.ABSENT:
        return doubt if test.absent is None else test.absent
    if test.family is Family.NULL:
        return "false" in test.values
    if test.sets:
        return _known(Variable(test.key, test.sets, test.values), world)
    found = _any(test, state, world)
    return not found if test.negated and isinstance(found, bool) else found


def _any(test: Test, state: Value, world: World) -> Weight:
    unknown: Weight = False
    for value in _candidates(test, state):
        found = _compare(test, value, state, world)
        if isinstance(found, bool):
            found = found is not test.flipped
        if found is True:
            return True
        if found is not False and unknown is False:
            unknown = found
    return unknown


def _candidates(test: Test, state: Value) -> tuple[str, ...]:
    """Return the values that can equal *state*: of a long list of exact ones at most one, found by hash."""
    if test.family is not Family.EQUALS or test.key in _MANY:
        return test.values
    return (state,) if isinstance(state, str) and state in _held(test.values) else ()


@lru_cache(maxsize=64)
def _held(values: tuple[str, ...]) -> frozenset[str]:
    return frozenset(values)


def _compare(test: Test, value: str, state: Value, world: World) -> Weight:
    """Return whether the comparison with one of the test's values holds in a present *state*."""
    family = test.family
    if test.key in _MANY:
        return _known(Variable(test.key, family, value), world)
    if family in (Family.EQUALS, Family.BOOL) or (family in _WILD and not is_wild(value)):
        return value == state
    if family is Family.FOLDED:
        return value == _folded(state)
    if family is Family.LIKE and (value == "*" or isinstance(state, str)):
        return value == "*" or _like(value, str(state))
    if family in _NUMERIC and isinstance(state, str) and _NUMBER.fullmatch(state):
        return _ordered(family, float(state), float(value))
    return _known(Variable(test.key, family, value), world)


def _folded(state: Value) -> str | None:
    if isinstance(state, Variant):
        return state.folded
    return state.lower() if isinstance(state, str) else None


def _known(variable: Variable, world: World) -> Weight:
    found = world.get(variable)
    return found if isinstance(found, bool) else variable


@lru_cache(maxsize=4096)
def _like(pattern: str, text: str) -> bool:
    return Globs((pattern,)).contain(text)


def _ordered(family: Family, left: float, right: float) -> bool:
    if family is Family.NUMBER_EQUALS:
        return left == right
    return left < right or (family is Family.NUMBER_AT_MOST and left == right)
