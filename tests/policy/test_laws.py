"""Laws of `verdict` and `require` over generated policies, checked against the reference evaluator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.policy.profiles import scaled
from tests.policy.reference import KMS, TRANSPORT, Request, is_denied, requests
from tests.policy.strategies import ARN, HEADER, SSE, TLS, documents, statements

from pipeseal.policy import Coverage, Deny, Policy

_DENIES = st.sampled_from([TLS, SSE])
_LAW = scaled(1.6)
_EXPENSIVE_LAW = scaled(0.4)  # each example evaluates thousands of requests several times
_CONTEXTS = 30


def violates(deny: Deny, request: Request) -> bool:
    """Return whether *deny* must deny *request*."""
    if deny is TLS:
        return request.context[TRANSPORT] == "false"
    return request.action == "s3:PutObject" and request.context.get(HEADER) not in KMS


@_LAW
@given(documents(), _DENIES)
def test_a_verdict_is_full_exactly_if_every_violating_request_is_denied(document: dict[str, Any], deny: Deny) -> None:
    """The verdict is full if and only if the statements for every principal deny every violating request.

    The engine does not combine statements for different principals. So full coverage is certain in every policy, and a
    policy that denies a role with Principal and all others with NotPrincipal counts as partial.
    """
    listed = [each for each in _listed(document) if _is_for_every_principal(each)]
    considered = document | {"Statement": listed} if listed else None
    violating = (each for each in requests(ARN, document) if violates(deny, each))
    allowed = next((each for each in violating if not is_denied(considered, each)), None)
    verdict = Policy.parse(document).verdict(deny)
    assert verdict.full == (allowed is None), (verdict, allowed)


@_LAW
@given(documents(), _DENIES)
def test_a_verdict_of_none_means_that_no_violating_request_is_denied(document: dict[str, Any], deny: Deny) -> None:
    """If the coverage is none, the reference evaluator denies no violating request."""
    if Policy.parse(document).verdict(deny).coverage is Coverage.NONE:
        assert not any(is_denied(document, each) for each in requests(ARN, document) if violates(deny, each))


@_EXPENSIVE_LAW
@given(documents(), _DENIES)
def test_require_denies_violating_requests_and_no_others(document: dict[str, Any], deny: Deny) -> None:
    """After `require` a request is denied if and only if it was denied before or violates."""
    after = Policy.parse(document).require(deny).document
    for request in requests(ARN, document, max_contexts=_CONTEXTS):
        assert is_denied(after, request) == (is_denied(document, request) or violates(deny, request)), request


@_LAW
@given(documents(), _DENIES)
def test_require_keeps_every_other_statement_and_field(document: dict[str, Any], deny: Deny) -> None:
    """`require` adds or replaces one statement of its own Sid, and keeps all else as written; it adds no Version."""
    after = Policy.parse(document).require(deny).document
    assert after is not None
    before, result = _listed(document), _listed(after)
    assert {**after, "Statement": 0} == {**document, "Statement": 0}
    assert len(before) <= len(result) <= len(before) + 1
    changed = [index for index, (left, right) in enumerate(zip(before, result, strict=False)) if left != right]
    assert all(before[index]["Sid"].startswith(deny.sid) and before[index]["Effect"] == "Deny" for index in changed)
    assert len(changed) + len(result) - len(before) <= 1


@_LAW
@given(documents(), _DENIES)
def test_require_is_idempotent(document: dict[str, Any], deny: Deny) -> None:
    """The result of `require` has full coverage, and a second `require` returns the same object."""
    once = Policy.parse(document).require(deny)
    assert once.verdict(deny).full
    assert once.require(deny) is once


@_EXPENSIVE_LAW
@given(documents())
def test_the_order_of_two_requirements_does_not_matter(document: dict[str, Any]) -> None:
    """Requiring TLS and SSE-KMS in either order denies what was denied before and what violates, and no more."""
    policy = Policy.parse(document)
    left, right = policy.require(TLS).require(SSE).document, policy.require(SSE).require(TLS).document
    for request in requests(ARN, document, max_contexts=_CONTEXTS):
        expected = is_denied(document, request) or violates(TLS, request) or violates(SSE, request)
        assert is_denied(left, request) == is_denied(right, request) == expected, request


@_LAW
@given(documents(), st.randoms(use_true_random=False))
def test_the_copy_that_s3_returns_is_equivalent(document: dict[str, Any], random: Random) -> None:
    """A policy with both statements, in a spelling that S3 may return, is the same policy and needs no change."""
    written = Policy.parse(document).require(TLS).require(SSE)
    stored = Policy.parse(_as_stored(json.loads(written.text), random))
    assert stored.same_as(written)
    assert stored.require(TLS).require(SSE) is stored


@_LAW
@given(statements(), statements())
def test_equivalent_policies_have_the_same_verdict(left: dict[str, Any], right: dict[str, Any]) -> None:
    """Policies that are the same for S3 have the same coverage."""
    one, two = (Policy.parse({"Version": "2012-10-17", "Statement": each}) for each in (left, right))
    if one.same_as(two):
        assert one.verdict(TLS).coverage == two.verdict(TLS).coverage
        assert one.verdict(SSE).coverage == two.verdict(SSE).coverage


def _is_for_every_principal(statement: dict[str, Any]) -> bool:
    principal = statement.get("Principal", {})
    return principal == "*" or "*" in principal.get("AWS", [])


def _listed(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = document["Statement"]
    return found if isinstance(found, list) else [found]


def _as_stored(document: dict[str, Any], random: Random) -> dict[str, Any]:
    """Return *document* as S3 may return it: lists in any order, one value alone or in a list, Booleans as strings."""
    listed = [_statement_as_stored(each, random) for each in _listed(document)]
    random.shuffle(listed)
    return document | {"Statement": listed}


def _statement_as_stored(statement: dict[str, Any], random: Random) -> dict[str, Any]:
    stored = {
        name: _values_as_stored(value, random) if name.endswith(("Action", "Resource")) else value
        for name, value in statement.items()
    }
    if statement.get("Principal") == "*" and random.random() < 0.5:
        stored["Principal"] = {"AWS": "*"}
    if "Condition" in statement:
        stored["Condition"] = {
            operator: {key: _values_as_stored(value, random) for key, value in block.items()}
            for operator, block in statement["Condition"].items()
        }
    return stored


def _values_as_stored(value: Any, random: Random) -> Any:
    listed = value if isinstance(value, list) else [value]
    values = [json.dumps(each) if isinstance(each, bool) else each for each in listed]
    random.shuffle(values)
    return values[0] if len(values) == 1 and random.random() < 0.5 else values
