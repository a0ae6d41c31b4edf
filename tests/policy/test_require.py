"""`require` writes one statement and keeps everything else as written."""

from __future__ import annotations

from typing import Any

import pytest
from tests.policy.strategies import ARN, HEADER, ROLE, SSE, TLS

from pipeseal.policy import Deny, Policy, PolicyError, PolicyTooLarge

OTHER = {
    "Sid": "Other",
    "Effect": "Allow",
    "Principal": {"AWS": ROLE},
    "Action": "s3:GetObject",
    "Resource": f"{ARN}/*",
}
NARROW = {**TLS.statement["Condition"], "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}


def required(*statements: dict[str, Any], deny: Deny = TLS) -> list[dict[str, Any]]:
    """Return the statements after `require` on a policy of *statements*."""
    document = Policy.parse({"Version": "2012-10-17", "Statement": list(statements)}).require(deny).document
    assert document is not None
    found: list[dict[str, Any]] = document["Statement"]
    return found


def test_a_bucket_without_a_policy_gets_one() -> None:
    """The new policy has the current Version and the statement in the form of the AWS examples."""
    assert Policy.parse(None).require(SSE).document == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "DenyUnEncryptedObjectUploads",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:PutObject",
                "Resource": f"{ARN}/*",
                "Condition": {"StringNotEquals": {HEADER: ["aws:kms", "aws:kms:dsse"]}},
            }
        ],
    }


def test_the_statement_is_appended() -> None:
    """The statement is added after the existing ones."""
    assert required(OTHER) == [OTHER, TLS.statement]


def test_a_policy_with_full_coverage_is_unchanged() -> None:
    """A policy that denies the requests under another Sid is returned as the same object."""
    policy = Policy.parse({"Statement": [OTHER, TLS.statement | {"Sid": "Equivalent", "Action": "*"}]})
    assert policy.require(TLS) is policy


def test_other_fields_are_kept() -> None:
    """Unknown fields are kept, a missing Version is not added, and a single statement becomes a list."""
    before = {"Id": "x", "Unknown": [1, {"a": None}], "Statement": OTHER}
    assert Policy.parse(before).require(TLS).document == {**before, "Statement": [OTHER, TLS.statement]}


@pytest.mark.parametrize(
    "damage",
    [
        {"Action": "s3:GetObject"},
        {"Resource": f"{ARN}/*"},
        {"Resource": ARN},
        {"Resource": ["arn:aws:s3:::another", "arn:aws:s3:::another/*"]},
        {"Principal": {"AWS": ROLE}},
        {"Condition": NARROW},
        {"Condition": {"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "true"}}},
    ],
)
def test_a_narrower_statement_of_the_same_sid_is_replaced(damage: dict[str, Any]) -> None:
    """A statement with the Sid that denies only requests of the class is replaced at its position."""
    assert required(TLS.statement | damage, OTHER) == [TLS.statement, OTHER]


@pytest.mark.parametrize(
    "other",
    [
        {"Effect": "Allow"},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Condition": {"bool": {"aws:SecureTransport": "false"}}},
        {"Action": "s3:DeleteObject", "Condition": {}},
        {"Resource": [f"{ARN}/*"], "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
    ],
)
def test_a_different_statement_of_the_same_sid_is_kept(other: dict[str, Any]) -> None:
    """A statement with the Sid that denies or allows other requests is kept; the new one gets a free Sid."""
    existing = TLS.statement | other
    assert required(existing, OTHER) == [existing, OTHER, TLS.statement | {"Sid": f"{TLS.sid}2"}]


def test_the_next_free_sid() -> None:
    """Sids are numbered from 2; a narrower statement under a numbered Sid is replaced."""
    allow = TLS.statement | {"Effect": "Allow"}
    second = allow | {"Sid": f"{TLS.sid}2"}
    assert required(allow, second)[2]["Sid"] == f"{TLS.sid}3"
    damaged = TLS.statement | {"Sid": f"{TLS.sid}2", "Action": "s3:GetObject"}
    assert required(allow, damaged) == [allow, TLS.statement | {"Sid": f"{TLS.sid}2"}]


def test_a_deny_of_other_actions_is_kept() -> None:
    """A Deny with the Sid for uploads on another action is kept."""
    existing = SSE.statement | {"Action": "s3:PutObjectAcl"}
    assert required(existing, deny=SSE) == [existing, SSE.statement | {"Sid": f"{SSE.sid}2"}]


def test_the_lenient_form_becomes_the_strict_form() -> None:
    """The form of the Deny that allows uploads without the header is replaced by the strict form."""
    lenient = SSE.statement | {"Condition": {**SSE.condition, "Null": {HEADER: "false"}}}
    assert required(lenient, deny=SSE) == [SSE.statement]


def big(*statements: dict[str, Any], size: int = 20_400) -> Policy:
    """Return a policy of about *size* bytes."""
    resources = [f"{ARN}/000000"]
    filler = OTHER | {"Sid": "Filler", "Resource": resources}
    document = {"Version": "2012-10-17", "Statement": [*statements, filler]}
    while Policy.parse(document).size < size:
        resources.append(f"{ARN}/{len(resources):06}")
    return Policy.parse(document)


def test_a_policy_over_the_limit() -> None:
    """A result of more than 20 KB raises PolicyTooLarge with the excess in bytes."""
    with pytest.raises(PolicyTooLarge) as caught:
        big().require(TLS)
    error = caught.value
    assert isinstance(error, PolicyError)
    assert (error.limit, error.excess) == (20480, error.size - 20480)
    assert error.excess > 0
    assert f"{error.excess} more than the S3 limit of 20480" in str(error)


def test_a_policy_at_the_limit() -> None:
    """A policy of exactly 20480 bytes is accepted, one more byte is not."""
    policy = Policy.parse({"Statement": [OTHER | {"Sid": ""}]})
    room = 20480 - policy.require(TLS).size
    assert Policy.parse({"Statement": [OTHER | {"Sid": "s" * room}]}).require(TLS).size == 20480
    with pytest.raises(PolicyTooLarge):
        Policy.parse({"Statement": [OTHER | {"Sid": "s" * (room + 1)}]}).require(TLS)


@pytest.mark.parametrize(
    ("statements", "suggestion"),
    [
        (
            [OTHER, OTHER | {"Sid": "Twin", "Action": ["s3:getobject"]}],
            "statement 2 (Twin) is equivalent to statement 1 (Other)",
        ),
        (
            [OTHER | {"Action": ["s3:Get*", "s3:GetObject", "s3:GetObjectAcl"]}],
            "statement 1 (Other): Action s3:GetObject (and 1 more) is covered by a wildcard in the same element",
        ),
        (
            [TLS.statement | {"Sid": "Old", "Action": "s3:Get*"}],
            f"statement 1 (Old) denies only requests that {TLS.sid} denies",
        ),
        ([OTHER | {"Sid": "L" * 90}], "statement 1 has a Sid of 90 characters"),
    ],
)
def test_suggestions(statements: list[dict[str, Any]], suggestion: str) -> None:
    """PolicyTooLarge names elements that can be shortened without a change of meaning."""
    with pytest.raises(PolicyTooLarge) as caught:
        big(*statements).require(TLS)
    assert suggestion in caught.value.suggestions
    assert suggestion in str(caught.value)
