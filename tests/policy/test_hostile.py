"""No input makes the engine fail in another way than PolicyError, and none makes it hang."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.policy.strategies import ARN, JSON, SSE, TLS, damaged

from pipeseal.policy import Policy, PolicyError, faults

_FUZZ = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


def ask_everything(raw: Any) -> None:
    """Ask all that can be asked of *raw*; only PolicyError is swallowed."""
    with suppress(PolicyError):
        policy = Policy.parse(raw)
        assert Policy.parse(policy.text or None) == policy
        assert policy.same_as(policy)
        faults(policy, ARN)
        for deny in (TLS, SSE):
            policy.verdict(deny)
            assert policy.require(deny).verdict(deny).full


@_FUZZ
@given(JSON | st.text() | st.binary())
def test_arbitrary_input(raw: Any) -> None:
    """Arbitrary JSON, text and bytes are errors of the one kind."""
    ask_everything(raw)


@_FUZZ
@given(st.text(st.sampled_from('{}[]",:\\ud80Statement01-e.'), max_size=60))
def test_almost_json(text: str) -> None:
    """Text that is nearly JSON is an error of the one kind."""
    ask_everything(text)


@_FUZZ
@given(damaged())
def test_damaged_policies(document: dict[str, Any]) -> None:
    """A policy with something arbitrary for one element is read or refused, as an object and as text."""
    ask_everything(document)
    with suppress(ValueError):
        ask_everything(json.dumps(document, allow_nan=False))


def _deny(**elements: Any) -> dict[str, Any]:
    changed = TLS.statement | {"Sid": ""} | elements
    return {name: value for name, value in changed.items() if value is not None}


NASTY = {
    "one pattern of stars": [_deny(Resource="*a" * 9000 + "b")],
    "a list of stars": [_deny(Resource=[f"*{number}*" for number in range(2500)])],
    "keys left out": [
        _deny(Resource=None, NotResource=[f"{ARN}/*{number}*" for number in range(900)]),
        _deny(Resource=ARN),
    ],
    "keys left out twice": [
        _deny(Resource=None, NotResource=[f"*{number}*{end}" for number in range(1100)]) for end in ("a", "b")
    ],
    "question marks": [_deny(Resource=f"{ARN}/{'?' * number}*") for number in range(2, 70)],
    "actions": [_deny(Action=[f"s3:*{chr(97 + number % 26)}*{number}*" for number in range(1500)])],
    "a key for each statement": [_deny(Condition={"Bool": {f"aws:k{number}": "true"}}) for number in range(130)],
    "entangled keys": [
        _deny(Condition={"Bool": {f"aws:k{n}": "true", f"aws:k{n * 7 % 61}": "false", f"aws:k{n * 11 % 61}": "true"}})
        for n in range(110)
    ],
    "addresses": [
        _deny(Condition={name: {"aws:SourceIp": [f"10.{number}.0.0/16" for number in range(500)]}})
        for name in ("IpAddress", "NotIpAddress")
    ],
    "patterns of values": [
        _deny(Condition={name: {"aws:PrincipalArn": [f"*v{number}*" for number in range(600)]}})
        for name in ("StringLike", "StringNotLike")
    ],
    "values": [
        _deny(Condition={name: {"aws:PrincipalArn": [f"v{number}" for number in range(900)]}})
        for name in ("StringEquals", "StringNotEquals")
    ],
}


@pytest.mark.parametrize("statements", NASTY.values(), ids=NASTY)
def test_hostile_policies_are_decided(statements: list[dict[str, Any]]) -> None:
    """Policies of 20 KB made to make a judge hang are decided, and sealed."""
    ask_everything({"Version": "2012-10-17", "Statement": statements})


def test_a_long_list_of_values_is_decided_exactly() -> None:
    """Equality with a thousand values and its negation cover everything, and that is found."""
    document = {"Version": "2012-10-17", "Statement": NASTY["values"]}
    assert Policy.parse(document).verdict(TLS).full
