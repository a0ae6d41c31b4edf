"""What `require` writes: one statement, in its place, and all else as it was."""

from __future__ import annotations

from typing import Any

import pytest
from tests.policy.strategies import ARN, HEADER, ROLE, SSE, TLS

from pipeseal.policy import Deny, Policy, PolicyError, PolicyTooLarge

THEIRS = {
    "Sid": "Theirs",
    "Effect": "Allow",
    "Principal": {"AWS": ROLE},
    "Action": "s3:GetObject",
    "Resource": f"{ARN}/*",
}
NARROW = {**TLS.statement["Condition"], "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}


def sealed(*statements: dict[str, Any], deny: Deny = TLS) -> list[dict[str, Any]]:
    """Return the statements that require makes of *statements*."""
    document = Policy.parse({"Version": "2012-10-17", "Statement": list(statements)}).require(deny).document
    assert document is not None
    found: list[dict[str, Any]] = document["Statement"]
    return found


def test_a_bucket_without_a_policy_gets_one() -> None:
    """Where there is no policy, the new one has the current Version and our statement as AWS writes it."""
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


def test_ours_comes_last() -> None:
    """Beside statements of others ours is appended."""
    assert sealed(THEIRS) == [THEIRS, TLS.statement]


def test_nothing_changes_where_all_is_denied() -> None:
    """A policy that denies the class under another Sid is returned itself."""
    policy = Policy.parse({"Statement": [THEIRS, TLS.statement | {"Sid": "Other", "Action": "*"}]})
    assert policy.require(TLS) is policy


def test_no_version_is_invented() -> None:
    """A document keeps its fields, the unknown and the missing, and a lone statement becomes a list."""
    before = {"Id": "x", "Unknown": [1, {"a": None}], "Statement": THEIRS}
    assert Policy.parse(before).require(TLS).document == {**before, "Statement": [THEIRS, TLS.statement]}


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
def test_a_damaged_version_of_ours_is_replaced_in_place(damage: dict[str, Any]) -> None:
    """A statement of our Sid that denies nothing but what ours does is put right where it stands."""
    assert sealed(TLS.statement | damage, THEIRS) == [TLS.statement, THEIRS]


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
def test_what_is_not_ours_keeps_its_sid(other: dict[str, Any]) -> None:
    """A statement of our Sid that ours could not stand in for stays, and ours takes a free Sid."""
    theirs = TLS.statement | other
    assert sealed(theirs, THEIRS) == [theirs, THEIRS, TLS.statement | {"Sid": f"{TLS.sid}2"}]


def test_the_next_free_sid() -> None:
    """Sids are counted on from 2, and a damaged one of ours met on the way is put right."""
    allow = TLS.statement | {"Effect": "Allow"}
    second = allow | {"Sid": f"{TLS.sid}2"}
    assert sealed(allow, second)[2]["Sid"] == f"{TLS.sid}3"
    damaged = TLS.statement | {"Sid": f"{TLS.sid}2", "Action": "s3:GetObject"}
    assert sealed(allow, damaged) == [allow, TLS.statement | {"Sid": f"{TLS.sid}2"}]


def test_a_broader_upload_deny_is_not_ours() -> None:
    """A Deny of our upload Sid on other actions is somebody's, and stays."""
    theirs = SSE.statement | {"Action": "s3:PutObjectAcl"}
    assert sealed(theirs, deny=SSE) == [theirs, SSE.statement | {"Sid": f"{SSE.sid}2"}]


def test_a_lenient_version_becomes_the_strict_one() -> None:
    """The form that lets uploads without the header through is an earlier version of ours."""
    lenient = SSE.statement | {"Condition": {**SSE.condition, "Null": {HEADER: "false"}}}
    assert sealed(lenient, deny=SSE) == [SSE.statement]


def big(*statements: dict[str, Any], size: int = 20_400) -> Policy:
    """Return a policy of about *size* bytes."""
    resources = [f"{ARN}/000000"]
    filler = THEIRS | {"Sid": "Filler", "Resource": resources}
    document = {"Version": "2012-10-17", "Statement": [*statements, filler]}
    while Policy.parse(document).size < size:
        resources.append(f"{ARN}/{len(resources):06}")
    return Policy.parse(document)


def test_too_large_is_refused() -> None:
    """Past 20 KB nothing is written, and the error says by how much."""
    with pytest.raises(PolicyTooLarge) as caught:
        big().require(TLS)
    error = caught.value
    assert isinstance(error, PolicyError)
    assert (error.limit, error.excess) == (20480, error.size - 20480)
    assert error.excess > 0
    assert f"{error.excess} more than the 20480" in str(error)


def test_exactly_the_limit_is_taken() -> None:
    """A policy of 20480 bytes is still one that S3 takes."""
    policy = Policy.parse({"Statement": [THEIRS | {"Sid": ""}]})
    room = 20480 - policy.require(TLS).size
    assert Policy.parse({"Statement": [THEIRS | {"Sid": "s" * room}]}).require(TLS).size == 20480
    with pytest.raises(PolicyTooLarge):
        Policy.parse({"Statement": [THEIRS | {"Sid": "s" * (room + 1)}]}).require(TLS)


@pytest.mark.parametrize(
    ("statements", "proposal"),
    [
        (
            [THEIRS, THEIRS | {"Sid": "Twin", "Action": ["s3:getobject"]}],
            "statement 2 (Twin) says the same as statement 1 (Theirs)",
        ),
        (
            [THEIRS | {"Action": ["s3:Get*", "s3:GetObject", "s3:GetObjectAcl"]}],
            "statement 1 (Theirs): Action s3:GetObject (and 1 more) is covered by a wildcard of the same list",
        ),
        (
            [TLS.statement | {"Sid": "Old", "Action": "s3:Get*"}],
            f"statement 1 (Old) denies nothing that {TLS.sid} does not",
        ),
        ([THEIRS | {"Sid": "L" * 90}], "statement 1 has a Sid of 90 letters"),
    ],
)
def test_proposals(statements: list[dict[str, Any]], proposal: str) -> None:
    """The refusal names what could be shortened without a change of meaning."""
    with pytest.raises(PolicyTooLarge) as caught:
        big(*statements).require(TLS)
    assert proposal in caught.value.proposals
    assert proposal in str(caught.value)
