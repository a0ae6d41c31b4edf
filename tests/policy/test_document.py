"""What is a bucket policy, what is none and where, and when two are the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.policy.strategies import ARN, HEADER, ROLE, TLS

from pipeseal.policy import Policy, PolicyError, faults

GOOD = TLS.statement


def without(name: str) -> dict[str, Any]:
    """Return a good statement that lacks one element."""
    return {key: value for key, value in GOOD.items() if key != name}


STATEMENTS = [
    (7, "statement 1 is a number, not an object"),
    ("x", "statement 1 is a string, not an object"),
    (without("Effect"), "statement 1: Effect is missing"),
    (GOOD | {"Effect": "deny"}, "statement 1: Effect is 'deny', not Allow or Deny"),
    (GOOD | {"Effect": ["Deny"]}, "statement 1: Effect is a list, not Allow or Deny"),
    (GOOD | {"Sid": None}, "statement 1: Sid is null, not a string"),
    (without("Principal"), "statement 1 has neither of Principal and NotPrincipal"),
    (GOOD | {"NotPrincipal": "*"}, "statement 1 has both of Principal and NotPrincipal"),
    (GOOD | {"Principal": ROLE}, "statement 1: Principal is neither '*' nor an object that names somebody"),
    (GOOD | {"Principal": {}}, "statement 1: Principal is neither '*' nor an object that names somebody"),
    (
        GOOD | {"Principal": {"AWS": 1}},
        "statement 1: Principal AWS is neither a string nor a list of one or more strings",
    ),
    (without("Action"), "statement 1 has neither of Action and NotAction"),
    (GOOD | {"NotAction": "s3:GetObject"}, "statement 1 has both of Action and NotAction"),
    (GOOD | {"Action": []}, "statement 1: Action is neither a string nor a list of one or more strings"),
    (GOOD | {"Action": [["s3:*"]]}, "statement 1: Action is neither a string nor a list of one or more strings"),
    (without("Resource"), "statement 1 has neither of Resource and NotResource"),
    (GOOD | {"Resource": {"a": 1}}, "statement 1: Resource is neither a string nor a list of one or more strings"),
    (GOOD | {"Condition": []}, "statement 1: Condition is a list, not an object"),
    (GOOD | {"Condition": None}, "statement 1: Condition is null, not an object"),
    (GOOD | {"Condition": {"Bool": "x"}}, "statement 1: Condition Bool is a string, not an object"),
    (GOOD | {"Condition": {"Bool": {"k:k": None}}}, "statement 1: Condition Bool k:k has null for a value"),
    (GOOD | {"Condition": {"Bool": {"k:k": [["x"]]}}}, "statement 1: Condition Bool k:k has a list for a value"),
]
DOCUMENTS = [
    ("", "the policy is not JSON"),
    ("{", "the policy is not JSON"),
    ("[]", "the policy is a list, not an object"),
    ("null", "the policy is null, not an object"),
    ('"x"', "the policy is a string, not an object"),
    ("[" * 100_000, "nested too deeply"),
    ('{"Statement": [], "Statement": []}', "names 'Statement' twice in one object"),
    ('{"Statement": NaN}', "NaN is no JSON number"),
    ('{"Id": "\\ud800"}', "lone surrogate"),
    ({}, "the policy has no Statement"),
    ({"Statement": []}, "Statement is empty"),
    ({"Statement": "x"}, "Statement is a string, not a list of objects"),
    ({"Statement": GOOD, "Version": "2012-10-18"}, "Version is '2012-10-18', not 2012-10-17 or 2008-10-17"),
    ({"Statement": GOOD, "Version": None}, "Version is null"),
    ({"Statement": GOOD, "Id": 3}, "Id is a number, not a string"),
    ({"Statement": [GOOD, GOOD | {"Effect": "DENY"}]}, "statement 2: Effect is 'DENY'"),
    ({"Statement": GOOD, "Odd": float("inf")}, "the policy is not JSON"),
    ({"Statement": GOOD, "Odd": {1, 2}}, "the policy is not JSON"),
]


@pytest.mark.parametrize(("statement", "message"), STATEMENTS)
def test_a_statement_that_is_none(statement: Any, message: str) -> None:
    """The error says in which statement, and what is wrong there."""
    with pytest.raises(PolicyError) as caught:
        Policy.parse({"Statement": [statement]})
    assert str(caught.value) == message


@pytest.mark.parametrize(("raw", "message"), DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_a_document_that_is_none(raw: Any, message: str) -> None:
    """The error says what the document is instead."""
    with pytest.raises(PolicyError) as caught:
        Policy.parse(raw)
    assert message in str(caught.value)


@pytest.mark.parametrize("raw", [7, b"{}", ["x"], True])
def test_what_is_neither_text_nor_object(raw: Any) -> None:
    """Any other type is no policy either."""
    with pytest.raises(PolicyError):
        Policy.parse(raw)


def test_the_document_is_kept() -> None:
    """The document is the one parsed, its text compact, its size in bytes."""
    document = {"Id": "ü", "Statement": GOOD, "Unknown": None}
    policy = Policy.parse(json.dumps(document, indent=4))
    assert policy.document == document
    assert json.loads(policy.text) == document
    assert (
        policy.size
        == len(policy.text.encode())
        == len(json.dumps(document, separators=(",", ":"), ensure_ascii=False)) + 1
    )


def test_the_callers_object_is_not_shared() -> None:
    """A change to the object parsed does not reach the policy."""
    mine = {"Statement": [dict(GOOD)]}
    policy = Policy.parse(mine)
    mine["Statement"].clear()
    assert policy.document == {"Statement": [GOOD]}


def test_equality_is_that_of_json() -> None:
    """Order of names is nothing, order of lists is something, and true is not 1."""
    policy = Policy.parse({"Statement": GOOD, "X": [1, 2, True]})
    assert policy == Policy.parse({"X": [1, 2, True], "Statement": dict(reversed(GOOD.items()))})
    assert hash(policy) == hash(Policy.parse({"X": [1, 2, True], "Statement": GOOD}))
    assert policy != Policy.parse({"Statement": GOOD, "X": [2, 1, True]})
    assert policy != Policy.parse({"Statement": GOOD, "X": [1, 2, 1]})
    assert policy != Policy.parse(None)
    assert Policy.parse(None) == Policy.parse(None)
    assert policy != policy.document


@pytest.mark.parametrize(
    "stored",
    [
        {"Statement": [GOOD]},
        {"Statement": GOOD | {"Principal": {"AWS": "*"}}},
        {"Statement": GOOD | {"Principal": {"AWS": ["*"]}}},
        {"Statement": GOOD | {"Action": ["s3:*"]}},
        {"Statement": GOOD | {"Resource": GOOD["Resource"][::-1]}},
        {"Statement": GOOD | {"Condition": {"Bool": {"aws:SecureTransport": [False]}}}},
        {"Statement": GOOD, "Version": "2008-10-17"},
    ],
)
def test_the_same_in_another_spelling(stored: dict[str, Any]) -> None:
    """What S3 may hand out for a policy means the same."""
    assert Policy.parse({"Statement": GOOD}).same_as(Policy.parse(stored))


@pytest.mark.parametrize(
    "other",
    [
        {"Statement": GOOD, "Version": "2012-10-17"},
        {"Statement": GOOD | {"Sid": "Other"}},
        {"Statement": GOOD | {"Effect": "Allow"}},
        {"Statement": GOOD | {"Resource": [ARN]}},
        {"Statement": [GOOD, GOOD]},
        {"Statement": GOOD | {"Condition": {"Bool": {"aws:SecureTransport": ["true", "false"]}}}},
        {"Statement": GOOD, "Id": "x"},
    ],
)
def test_not_the_same(other: dict[str, Any]) -> None:
    """What another writer changed is told apart."""
    assert not Policy.parse({"Statement": GOOD}).same_as(Policy.parse(other))
    assert not Policy.parse(None).same_as(Policy.parse(other))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, None),
        ({"Resource": "*"}, None),
        ({"Resource": ["arn:aws:s3:::another", f"{ARN}/x"]}, None),
        ({"Resource": "arn:aws:s3:::law-*"}, None),
        ({"Resource": f"{ARN}/${{aws:username}}"}, None),
        (
            {"Resource": "arn:aws:s3:::another/*"},
            f"statement 1 ({TLS.sid}): Resource names neither {ARN} nor an object in it",
        ),
        ({"Resource": f"{ARN}s/*"}, f"statement 1 ({TLS.sid}): Resource names neither {ARN} nor an object in it"),
        ({"Action": "nots3:*"}, f"statement 1 ({TLS.sid}): Action names no action of S3"),
        ({"Action": ["ec2:*", "S3:GetObject"]}, None),
        ({"Action": "*"}, None),
        (
            {"Condition": {"StringEquals": {"x-amz-acl": "private"}}},
            (
                f"statement 1 ({TLS.sid}): Condition StringEquals x-amz-acl is no condition key, "
                "it lacks the service's prefix"
            ),
        ),
        ({"Condition": {"StringEquals": {HEADER: "AES256"}}}, None),
    ],
)
def test_faults(change: dict[str, Any], fault: str | None) -> None:
    """What can be read but would be refused by S3 is named."""
    assert faults(Policy.parse({"Statement": GOOD | change}), ARN) == ((fault,) if fault else ())
