"""Laws of verdict and merge over generated policies, held against the judge of single requests."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.policy.reference import KMS, TRANSPORT, Request, denied, requests
from tests.policy.strategies import ARN, HEADER, SSE, TLS, documents, statements

from pipeseal.policy import Deny, Level, Policy

_DENIES = st.sampled_from([TLS, SSE])
_LAW = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
_LONG_LAW = settings(_LAW, max_examples=12)


def violates(deny: Deny, request: Request) -> bool:
    """Say whether *request* is one that *deny* is there to refuse."""
    if deny is TLS:
        return request.context[TRANSPORT] == "false"
    return request.action == "s3:PutObject" and request.context.get(HEADER) not in KMS


@_LAW
@given(documents(), _DENIES)
def test_full_means_that_every_violating_request_is_denied(document: dict[str, Any], deny: Deny) -> None:
    """The verdict is full if and only if the judge denies the whole battery of violating requests."""
    violating = (each for each in requests(ARN, document) if violates(deny, each))
    leak = next((each for each in violating if not denied(document, each)), None)
    verdict = Policy.parse(document).verdict(deny)
    assert verdict.full == (leak is None), (verdict, leak)


@_LAW
@given(documents(), _DENIES)
def test_none_means_that_no_violating_request_is_denied(document: dict[str, Any], deny: Deny) -> None:
    """Where the verdict is none, the judge denies not one violating request."""
    if Policy.parse(document).verdict(deny).level is Level.NONE:
        assert not any(denied(document, each) for each in requests(ARN, document) if violates(deny, each))


@_LONG_LAW
@given(documents(), _DENIES)
def test_sealing_denies_what_violates_and_decides_the_rest_as_before(document: dict[str, Any], deny: Deny) -> None:
    """After require a request is denied if it was before or violates, and not otherwise."""
    after = Policy.parse(document).require(deny).document
    for request in requests(ARN, document, most=30):
        assert denied(after, request) == (denied(document, request) or violates(deny, request)), request


@_LAW
@given(documents(), _DENIES)
def test_sealing_keeps_every_other_statement_and_field(document: dict[str, Any], deny: Deny) -> None:
    """All but our own statement stands where it stood, to the letter; no Version is invented."""
    after = Policy.parse(document).require(deny).document
    assert after is not None
    theirs, ours = _listed(document), _listed(after)
    assert {**after, "Statement": 0} == {**document, "Statement": 0}
    assert len(theirs) <= len(ours) <= len(theirs) + 1
    changed = [index for index, (left, right) in enumerate(zip(theirs, ours, strict=False)) if left != right]
    assert all(theirs[index]["Sid"].startswith(deny.sid) and theirs[index]["Effect"] == "Deny" for index in changed)
    assert len(changed) + len(ours) - len(theirs) <= 1


@_LAW
@given(documents(), _DENIES)
def test_sealing_twice_is_sealing_once(document: dict[str, Any], deny: Deny) -> None:
    """The sealed policy is full, and requiring the same of it returns it itself."""
    once = Policy.parse(document).require(deny)
    assert once.verdict(deny).full
    assert once.require(deny) is once


@_LONG_LAW
@given(documents())
def test_the_order_of_two_seals_does_not_matter(document: dict[str, Any]) -> None:
    """Requiring TLS and encryption in either order refuses the same requests: what violates, and what was refused."""
    policy = Policy.parse(document)
    left, right = policy.require(TLS).require(SSE).document, policy.require(SSE).require(TLS).document
    for request in requests(ARN, document, most=30):
        expected = denied(document, request) or violates(TLS, request) or violates(SSE, request)
        assert denied(left, request) == denied(right, request) == expected, request


@_LAW
@given(documents(), st.randoms(use_true_random=False))
def test_a_sealed_policy_survives_being_stored(document: dict[str, Any], chance: Any) -> None:
    """Read back in S3's own spelling, the sealed policy means the same and is still full."""
    sealed = Policy.parse(document).require(TLS).require(SSE)
    stored = Policy.parse(_stored(json.loads(sealed.text), chance))
    assert stored.same_as(sealed)
    assert stored.require(TLS).require(SSE) is stored


@_LAW
@given(statements(), statements())
def test_what_means_the_same_gets_the_same_verdict(left: dict[str, Any], right: dict[str, Any]) -> None:
    """Policies that S3 may give back for one another are judged alike, in whatever words."""
    one, two = (Policy.parse({"Version": "2012-10-17", "Statement": each}) for each in (left, right))
    if one.same_as(two):
        assert one.verdict(TLS).level == two.verdict(TLS).level
        assert one.verdict(SSE).level == two.verdict(SSE).level


def _listed(document: dict[str, Any]) -> list[dict[str, Any]]:
    found = document["Statement"]
    return found if isinstance(found, list) else [found]


def _stored(document: dict[str, Any], chance: Any) -> dict[str, Any]:
    """Return *document* as S3 may hand it out: lists in any order, one value alone or in a list, Booleans as text."""
    kept = [_restated(each, chance) for each in _listed(document)]
    chance.shuffle(kept)
    return document | {"Statement": kept}


def _restated(statement: dict[str, Any], chance: Any) -> dict[str, Any]:
    kept = {
        name: _respelt(value, chance) if name.endswith(("Action", "Resource")) else value
        for name, value in statement.items()
    }
    if statement.get("Principal") == "*" and chance.random() < 0.5:
        kept["Principal"] = {"AWS": "*"}
    if "Condition" in statement:
        blocks = statement["Condition"].items()
        kept["Condition"] = {
            name: {key: _respelt(value, chance) for key, value in block.items()} for name, block in blocks
        }
    return kept


def _respelt(value: Any, chance: Any) -> Any:
    values = [
        json.dumps(each) if isinstance(each, bool) else each for each in (value if isinstance(value, list) else [value])
    ]
    chance.shuffle(values)
    return values[0] if len(values) == 1 and chance.random() < 0.5 else values
