"""Parse the Condition element into tests: one condition operator applied to one condition key.

Operators and keys follow the IAM User Guide: "IAM JSON policy elements: Condition operators", "Set operators for
multivalued context keys" and "AWS global condition context keys".
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, TypeAlias

from pipeseal.policy.globs import has_policy_variable, literal, normalize, resolve_escapes

# Condition keys are compared without regard to case; these and all keys of a ConditionTest are in lower case.
SECURE_TRANSPORT = "aws:securetransport"
TLS_VERSION = "s3:tlsversion"
ENCRYPTION = "s3:x-amz-server-side-encryption"
ENCRYPTION_KEY_ID = "s3:x-amz-server-side-encryption-aws-kms-key-id"

KMS_ALGORITHMS = ("aws:kms", "aws:kms:dsse")
"""The values of the encryption header that request SSE-KMS or DSSE-KMS; S3 accepts no other spelling."""

# S3 sets these keys to at most one value, so a set operator on them equals the plain operator.
_SINGLE_VALUED_KEYS = frozenset({SECURE_TRANSPORT, TLS_VERSION, ENCRYPTION, ENCRYPTION_KEY_ID})

MULTIVALUED_KEYS = frozenset(
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
"""Keys that can have several values in one request: two equality tests on such a key can both be true."""


class Comparison(Enum):
    """How a condition operator compares; an operator and its negation share one comparison."""

    STRING = "string"
    STRING_IGNORE_CASE = "string, ignoring case"
    LIKE = "string with wildcards"
    ARN = "ARN"
    BOOL = "Boolean"
    BINARY = "binary"
    IP_ADDRESS = "IP address"
    NUMERIC_EQUALS = "number"
    NUMERIC_LESS = "number less than"
    NUMERIC_LESS_EQUALS = "number less than or equal"
    DATE_EQUALS = "date"
    DATE_LESS = "date before"
    DATE_LESS_EQUALS = "date not after"
    NULL = "key is absent"


NUMERIC_COMPARISONS = frozenset({Comparison.NUMERIC_EQUALS, Comparison.NUMERIC_LESS, Comparison.NUMERIC_LESS_EQUALS})
PATTERN_COMPARISONS = frozenset({Comparison.LIKE, Comparison.ARN})
_STRING_COMPARISONS = PATTERN_COMPARISONS | {Comparison.STRING, Comparison.STRING_IGNORE_CASE}


class _Operator(NamedTuple):
    comparison: Comparison
    negated: bool = False
    """Whether the result for the list of values is negated; such an operator is true if the key is absent."""
    complemented: bool = False
    """Whether the result for each value is negated: "greater than" is the complement of "less than or equal"."""


_OPERATORS = {
    "StringEquals": _Operator(Comparison.STRING),
    "StringNotEquals": _Operator(Comparison.STRING, negated=True),
    "StringEqualsIgnoreCase": _Operator(Comparison.STRING_IGNORE_CASE),
    "StringNotEqualsIgnoreCase": _Operator(Comparison.STRING_IGNORE_CASE, negated=True),
    "StringLike": _Operator(Comparison.LIKE),
    "StringNotLike": _Operator(Comparison.LIKE, negated=True),
    "ArnEquals": _Operator(Comparison.ARN),
    "ArnLike": _Operator(Comparison.ARN),
    "ArnNotEquals": _Operator(Comparison.ARN, negated=True),
    "ArnNotLike": _Operator(Comparison.ARN, negated=True),
    "Bool": _Operator(Comparison.BOOL),
    "BinaryEquals": _Operator(Comparison.BINARY),
    "IpAddress": _Operator(Comparison.IP_ADDRESS),
    "NotIpAddress": _Operator(Comparison.IP_ADDRESS, negated=True),
    "NumericEquals": _Operator(Comparison.NUMERIC_EQUALS),
    "NumericNotEquals": _Operator(Comparison.NUMERIC_EQUALS, negated=True),
    "NumericLessThan": _Operator(Comparison.NUMERIC_LESS),
    "NumericLessThanEquals": _Operator(Comparison.NUMERIC_LESS_EQUALS),
    "NumericGreaterThan": _Operator(Comparison.NUMERIC_LESS_EQUALS, complemented=True),
    "NumericGreaterThanEquals": _Operator(Comparison.NUMERIC_LESS, complemented=True),
    "DateEquals": _Operator(Comparison.DATE_EQUALS),
    "DateNotEquals": _Operator(Comparison.DATE_EQUALS, negated=True),
    "DateLessThan": _Operator(Comparison.DATE_LESS),
    "DateLessThanEquals": _Operator(Comparison.DATE_LESS_EQUALS),
    "DateGreaterThan": _Operator(Comparison.DATE_LESS_EQUALS, complemented=True),
    "DateGreaterThanEquals": _Operator(Comparison.DATE_LESS, complemented=True),
    "Null": _Operator(Comparison.NULL),
}
_OPERATOR_NAME = re.compile(r"(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?")
NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,15})?")
"""The numbers that the numeric operators are evaluated for."""


@dataclass(frozen=True, slots=True)
class ConditionTest:
    """One condition operator applied to one condition key; true if the comparison holds for one of the *values*."""

    operator: str
    """The operator as written."""
    key_as_written: str
    key: str
    """The condition key in lower case."""
    comparison: Comparison
    values: tuple[str, ...]
    """The values as patterns: a literal asterisk is not a wildcard here."""
    negated: bool
    complemented: bool
    if_absent: bool | None
    """The result if the request has no such key; None if it is undefined."""
    set_operator: str
    """Set operator and operator name; empty without a set operator and for a key with at most one value."""
    indeterminate: bool
    """Whether the result is unknown for every request: an unknown operator, a malformed value, a policy variable."""


Condition: TypeAlias = tuple[ConditionTest, ...]
"""The conjunction of its tests; the empty condition is true."""


def parse_condition(tests: Iterable[tuple[str, str, tuple[str, ...]]], *, has_variables: bool) -> Condition:
    """Return the tests of a Condition given as condition operator, condition key and values.

    *has_variables* is whether ``${...}`` in a value is a policy variable.
    """
    return tuple(_parse_test(operator, key, values, has_variables=has_variables) for operator, key, values in tests)


def _parse_test(operator: str, key: str, values: tuple[str, ...], *, has_variables: bool) -> ConditionTest:
    match = _OPERATOR_NAME.fullmatch(operator)
    set_operator, name, if_exists = match.groups() if match else (None, "", None)
    known = _OPERATORS.get(name)
    comparison, negated, complemented = known or _Operator(Comparison.NULL)
    lower_key = key.lower()
    if_absent: bool | None = bool(negated or if_exists)
    if set_operator == "ForAllValues":
        if_absent = True
    elif set_operator == "ForAnyValue":
        # The documentation does not define what ForAnyValue with IfExists returns for an absent key.
        if_absent = None if if_exists else False
    if comparison is Comparison.NULL:
        if_absent = "true" in values
    return ConditionTest(
        operator=operator,
        key_as_written=key,
        key=lower_key,
        comparison=comparison,
        values=_patterns(comparison, values, has_variables=has_variables),
        negated=negated,
        complemented=complemented,
        if_absent=if_absent,
        set_operator=f"{set_operator}:{name}" if set_operator and lower_key not in _SINGLE_VALUED_KEYS else "",
        indeterminate=known is None
        or not values
        or (comparison is Comparison.NULL and bool(set_operator or if_exists))
        or _has_indeterminate_value(comparison, lower_key, values, has_variables=has_variables),
    )


def _has_indeterminate_value(comparison: Comparison, key: str, values: tuple[str, ...], *, has_variables: bool) -> bool:
    if key == SECURE_TRANSPORT and comparison not in (Comparison.BOOL, Comparison.NULL):
        return True
    if comparison in (Comparison.BOOL, Comparison.NULL):
        return not all(value in ("true", "false") for value in values)
    if comparison in NUMERIC_COMPARISONS:
        return key == ENCRYPTION or not all(NUMBER.fullmatch(value) for value in values)
    return has_variables and any(has_policy_variable(value) for value in values)


def _patterns(comparison: Comparison, values: tuple[str, ...], *, has_variables: bool) -> tuple[str, ...]:
    wildcards = comparison in PATTERN_COMPARISONS
    if has_variables and comparison in _STRING_COMPARISONS:
        values = tuple(resolve_escapes(value, wildcards=wildcards) for value in values)
    elif not wildcards:
        values = tuple(literal(value) for value in values)
    if comparison is Comparison.STRING_IGNORE_CASE:
        values = tuple(value.lower() for value in values)
    return tuple(dict.fromkeys(normalize(value) if wildcards else value for value in values))
