"""Every input is evaluated or raises PolicyError, with work in proportion to its size."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.profiles import scaled
from tests.policy.strategies import ARN, JSON, SSE, TLS, damaged
from tests.policy.work import limit_work

from pipeseal.policy import (
    MAX_POLICY_BYTES,
    Coverage,
    Deny,
    Policy,
    PolicyError,
    PolicyTooLarge,
    validation_errors,
)

_LAW = scaled(4)
FULL, PARTIAL, NONE = Coverage.FULL, Coverage.PARTIAL, Coverage.NONE


def exercise(policy: Policy) -> None:
    """Call every operation on *policy*; only PolicyTooLarge may be raised, and is suppressed."""
    assert Policy.parse(policy.text or None) == policy
    assert policy.same_as(policy)
    validation_errors(policy, ARN)
    for deny in (TLS, SSE):
        policy.verdict(deny)
        with suppress(PolicyTooLarge):
            assert policy.require(deny).verdict(deny).full


def exercise_raw(raw: Any) -> None:
    """Parse *raw* and exercise the policy; PolicyError is suppressed."""
    try:
        policy = Policy.parse(raw)
    except PolicyError:
        return
    exercise(policy)


@_LAW
@given(JSON | st.text() | st.binary())
def test_arbitrary_input_raises_only_policy_error(raw: Any) -> None:
    """Arbitrary JSON, text and bytes raise PolicyError and no other error."""
    exercise_raw(raw)


@_LAW
@given(st.text(st.sampled_from('{}[]",:\\ud80Statement01-e.'), max_size=60))
def test_text_that_is_nearly_json_raises_only_policy_error(text: str) -> None:
    """Text of characters that JSON uses raises PolicyError and no other error."""
    exercise_raw(text)


@_LAW
@given(damaged())
def test_a_damaged_policy_raises_only_policy_error(document: dict[str, Any]) -> None:
    """A policy with an arbitrary value for one element is evaluated or raises PolicyError, as object and as text."""
    exercise_raw(document)
    with suppress(ValueError):
        exercise_raw(json.dumps(document, allow_nan=False))


def _deny(**elements: Any) -> dict[str, Any]:
    changed = TLS.statement | {"Sid": ""} | elements
    return {name: value for name, value in changed.items() if value is not None}


HOSTILE_POLICIES: dict[str, list[dict[str, Any]]] = {
    "one pattern of many asterisks": [_deny(Resource="*a" * 9000 + "b")],
    "many patterns": [_deny(Resource=[f"*{number}*" for number in range(2500)])],
    "many excluded keys": [
        _deny(Resource=None, NotResource=[f"{ARN}/*{number}*" for number in range(900)]),
        _deny(Resource=ARN),
    ],
    "many excluded keys, twice": [
        _deny(Resource=None, NotResource=[f"*{number}*{end}" for number in range(1100)]) for end in ("a", "b")
    ],
    "keys of every length": [_deny(Resource=f"{ARN}/{'?' * number}*") for number in range(2, 70)],
    "many actions": [_deny(Action=[f"s3:*{chr(97 + number % 26)}*{number}*" for number in range(1500)])],
    "a condition key for each statement": [
        _deny(Condition={"Bool": {f"aws:k{number}": "true"}}) for number in range(130)
    ],
    "condition keys shared by statements": [
        _deny(Condition={"Bool": {f"aws:k{n}": "true", f"aws:k{n * 7 % 61}": "false", f"aws:k{n * 11 % 61}": "true"}})
        for n in range(110)
    ],
    "many IP addresses": [
        _deny(Condition={operator: {"aws:SourceIp": [f"10.{number}.0.0/16" for number in range(500)]}})
        for operator in ("IpAddress", "NotIpAddress")
    ],
    "many patterns of values": [
        _deny(Condition={operator: {"aws:PrincipalArn": [f"*v{number}*" for number in range(600)]}})
        for operator in ("StringLike", "StringNotLike")
    ],
    "many values": [
        _deny(Condition={operator: {"aws:PrincipalArn": [f"v{number}" for number in range(900)]}})
        for operator in ("StringEquals", "StringNotEquals")
    ],
}
# The coverage of HTTP requests and of uploads without SSE-KMS.
COVERAGE: dict[str, tuple[Coverage, Coverage]] = {
    "one pattern of many asterisks": (PARTIAL, PARTIAL),
    "many patterns": (FULL, PARTIAL),  # "*3*" matches every S3 ARN
    "many excluded keys": (PARTIAL, PARTIAL),
    "many excluded keys, twice": (FULL, PARTIAL),  # no ARN ends with both a and b
    "keys of every length": (PARTIAL, PARTIAL),
    "many actions": (NONE, NONE),
    "a condition key for each statement": (PARTIAL, PARTIAL),
    "condition keys shared by statements": (PARTIAL, PARTIAL),
    # Both statements together deny everything, but the proof exceeds the budget.
    "many IP addresses": (PARTIAL, PARTIAL),
    "many patterns of values": (PARTIAL, PARTIAL),
    # Exact values cost one step, however many there are.
    "many values": (FULL, FULL),
}


@pytest.mark.parametrize("name", HOSTILE_POLICIES)
@pytest.mark.parametrize(("deny", "index"), [(TLS, 0), (SSE, 1)], ids=["tls", "sse"])
def test_a_hostile_policy_has_a_verdict_within_the_work_limit(
    name: str, deny: Deny, index: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A policy of about 20 KB that is expensive to evaluate has its verdict after a limited number of steps."""
    policy = Policy.parse({"Version": "2012-10-17", "Statement": HOSTILE_POLICIES[name]})
    with monkeypatch.context() as context:
        limit_work(context)
        assert policy.verdict(deny).coverage is COVERAGE[name][index]


@pytest.mark.parametrize("statements", HOSTILE_POLICIES.values(), ids=HOSTILE_POLICIES)
def test_a_hostile_policy_is_completed_or_too_large(statements: list[dict[str, Any]]) -> None:
    """`require` completes a hostile policy, and raises PolicyTooLarge exactly if it does not fit into 20 KB."""
    policy = Policy.parse({"Version": "2012-10-17", "Statement": statements})
    exercise(policy)
    added = len(json.dumps(TLS.statement, separators=(",", ":"))) + len(",")
    fits = policy.verdict(TLS).full or policy.size + added <= MAX_POLICY_BYTES
    try:
        completed = policy.require(TLS)
    except PolicyTooLarge:
        assert not fits
    else:
        assert fits
        assert completed.verdict(TLS).full
