"""Parsing, equality, equivalence and validation of bucket policies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.policy.strategies import ARN, HEADER, ROLE, TLS

from pipeseal.policy import Policy, PolicyError, validation_errors

VALID = TLS.statement


def without(name: str) -> dict[str, Any]:
    """Return a valid statement without the element *name*."""
    return {key: value for key, value in VALID.items() if key != name}


INVALID_STATEMENTS = [
    (7, "statement 1 is a number, not an object"),
    ("x", "statement 1 is a string, not an object"),
    (without("Effect"), "statement 1: Effect is missing"),
    (VALID | {"Effect": "deny"}, "statement 1: Effect is 'deny', not Allow or Deny"),
    (VALID | {"Effect": ["Deny"]}, "statement 1: Effect is a list, not Allow or Deny"),
    (VALID | {"Sid": None}, "statement 1: Sid is null, not a string"),
    (without("Principal"), "statement 1 has neither Principal nor NotPrincipal"),
    (VALID | {"NotPrincipal": "*"}, "statement 1 has both Principal and NotPrincipal"),
    (VALID | {"Principal": ROLE}, "statement 1: Principal is neither '*' nor an object of principal types"),
    (VALID | {"Principal": {}}, "statement 1: Principal is neither '*' nor an object of principal types"),
    (
        VALID | {"Principal": {"AWS": 1}},
        "statement 1: Principal AWS is neither a string nor a list of one or more strings",
    ),
    (without("Action"), "statement 1 has neither Action nor NotAction"),
    (VALID | {"NotAction": "s3:GetObject"}, "statement 1 has both Action and NotAction"),
    (VALID | {"Action": []}, "statement 1: Action is neither a string nor a list of one or more strings"),
    (VALID | {"Action": [["s3:*"]]}, "statement 1: Action is neither a string nor a list of one or more strings"),
    (without("Resource"), "statement 1 has neither Resource nor NotResource"),
    (VALID | {"Resource": {"a": 1}}, "statement 1: Resource is neither a string nor a list of one or more strings"),
    (VALID | {"Condition": []}, "statement 1: Condition is a list, not an object"),
    (VALID | {"Condition": None}, "statement 1: Condition is null, not an object"),
    (VALID | {"Condition": {"Bool": "x"}}, "statement 1: Condition Bool is a string, not an object"),
    (
        VALID | {"Condition": {"Bool": {"k:k": None}}},
        "statement 1: Condition Bool k:k has a value that is null, not a string, number or Boolean",
    ),
    (
        VALID | {"Condition": {"Bool": {"k:k": [["x"]]}}},
        "statement 1: Condition Bool k:k has a value that is a list, not a string, number or Boolean",
    ),
]
INVALID_DOCUMENTS = [
    ("", "the policy is not JSON"),
    ("{", "the policy is not JSON"),
    ("[]", "the policy is a list, not an object"),
    ("null", "the policy is null, not an object"),
    ('"x"', "the policy is a string, not an object"),
    ("[" * 100_000, "nested too deeply"),
    ('{"Statement": [], "Statement": []}', "repeats the key 'Statement' in one object"),
    ('{"Statement": NaN}', "NaN is not a JSON number"),
    ('{"Id": "\\ud800"}', "lone surrogate"),
    ({}, "the policy has no Statement"),
    ({"Statement": []}, "Statement is empty"),
    ({"Statement": "x"}, "Statement is a string, not a list of objects"),
    ({"Statement": VALID, "Version": "2012-10-18"}, "Version is '2012-10-18', not 2012-10-17 or 2008-10-17"),
    ({"Statement": VALID, "Version": None}, "Version is null"),
    ({"Statement": VALID, "Id": 3}, "Id is a number, not a string"),
    ({"Statement": [VALID, VALID | {"Effect": "DENY"}]}, "statement 2: Effect is 'DENY'"),
    ({"Statement": VALID, "Odd": float("inf")}, "the policy is not JSON"),
    ({"Statement": VALID, "Odd": {1, 2}}, "the policy is not JSON"),
]


@pytest.mark.parametrize(("statement", "message"), INVALID_STATEMENTS)
def test_an_invalid_statement(statement: Any, message: str) -> None:
    """The error names the statement and the element that is invalid."""
    with pytest.raises(PolicyError) as caught:
        Policy.parse({"Statement": [statement]})
    assert str(caught.value) == message


@pytest.mark.parametrize(("raw", "message"), INVALID_DOCUMENTS, ids=range(len(INVALID_DOCUMENTS)))
def test_an_invalid_document(raw: Any, message: str) -> None:
    """The error names what is invalid in the document."""
    with pytest.raises(PolicyError) as caught:
        Policy.parse(raw)
    assert message in str(caught.value)


@pytest.mark.parametrize("raw", [7, b"{}", ["x"], True])
def test_input_that_is_neither_text_nor_object(raw: Any) -> None:
    """Input of any other type raises PolicyError."""
    with pytest.raises(PolicyError):
        Policy.parse(raw)


def test_document_text_and_size() -> None:
    """`document` is as parsed, `text` is compact JSON and `size` is in bytes."""
    document = {"Id": "ü", "Statement": VALID, "Unknown": None}
    policy = Policy.parse(json.dumps(document, indent=4))
    assert policy.document == document
    assert json.loads(policy.text) == document
    assert (
        policy.size
        == len(policy.text.encode())
        == len(json.dumps(document, separators=(",", ":"), ensure_ascii=False)) + 1
    )


def test_the_policy_has_its_own_copy_of_the_document() -> None:
    """A change to the parsed object does not change the policy."""
    raw = {"Statement": [dict(VALID)]}
    policy = Policy.parse(raw)
    raw["Statement"].clear()
    assert policy.document == {"Statement": [VALID]}


def test_equality_is_equality_of_json() -> None:
    """The order of keys does not count, the order of lists does, and true is not 1."""
    policy = Policy.parse({"Statement": VALID, "X": [1, 2, True]})
    assert policy == Policy.parse({"X": [1, 2, True], "Statement": dict(reversed(VALID.items()))})
    assert hash(policy) == hash(Policy.parse({"X": [1, 2, True], "Statement": VALID}))
    assert policy != Policy.parse({"Statement": VALID, "X": [2, 1, True]})
    assert policy != Policy.parse({"Statement": VALID, "X": [1, 2, 1]})
    assert policy != Policy.parse(None)
    assert Policy.parse(None) == Policy.parse(None)
    assert policy != policy.document


@pytest.mark.parametrize(
    "stored",
    [
        {"Statement": [VALID]},
        {"Statement": VALID | {"Principal": {"AWS": "*"}}},
        {"Statement": VALID | {"Principal": {"AWS": ["*"]}}},
        {"Statement": VALID | {"Action": ["s3:*"]}},
        {"Statement": VALID | {"Resource": VALID["Resource"][::-1]}},
        {"Statement": VALID | {"Condition": {"Bool": {"aws:SecureTransport": [False]}}}},
        {"Statement": VALID, "Version": "2008-10-17"},
    ],
)
def test_equivalent_documents(stored: dict[str, Any]) -> None:
    """A document that S3 may return for a policy is the same policy."""
    assert Policy.parse({"Statement": VALID}).same_as(Policy.parse(stored))


@pytest.mark.parametrize(
    "other",
    [
        {"Statement": VALID, "Version": "2012-10-17"},
        {"Statement": VALID | {"Sid": "Other"}},
        {"Statement": VALID | {"Effect": "Allow"}},
        {"Statement": VALID | {"Resource": [ARN]}},
        {"Statement": [VALID, VALID]},
        {"Statement": VALID | {"Condition": {"Bool": {"aws:SecureTransport": ["true", "false"]}}}},
        {"Statement": VALID, "Id": "x"},
    ],
)
def test_documents_that_are_not_equivalent(other: dict[str, Any]) -> None:
    """A document with another meaning, Sid, Id or Version is not the same policy."""
    assert not Policy.parse({"Statement": VALID}).same_as(Policy.parse(other))
    assert not Policy.parse(None).same_as(Policy.parse(other))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({}, None),
        ({"Resource": "*"}, None),
        ({"Resource": ["arn:aws:s3:::another", f"{ARN}/x"]}, None),
        ({"Resource": "arn:aws:s3:::law-*"}, None),
        ({"Resource": f"{ARN}/${{aws:username}}"}, None),
        (
            {"Resource": "arn:aws:s3:::another/*"},
            f"statement 1 ({TLS.sid}): Resource does not match {ARN} or an object in it",
        ),
        ({"Resource": f"{ARN}s/*"}, f"statement 1 ({TLS.sid}): Resource does not match {ARN} or an object in it"),
        ({"Action": "nots3:*"}, f"statement 1 ({TLS.sid}): Action does not match an S3 action"),
        ({"Action": ["ec2:*", "S3:GetObject"]}, None),
        ({"Action": "*"}, None),
        (
            {"Condition": {"StringEquals": {"x-amz-acl": "private"}}},
            f"statement 1 ({TLS.sid}): Condition StringEquals x-amz-acl: the condition key has no service prefix",
        ),
        ({"Condition": {"StringEquals": {HEADER: "AES256"}}}, None),
    ],
)
def test_validation_errors(change: dict[str, Any], error: str | None) -> None:
    """An element that S3 rejects in a policy of valid structure is named."""
    assert validation_errors(Policy.parse({"Statement": VALID | change}), ARN) == ((error,) if error else ())
