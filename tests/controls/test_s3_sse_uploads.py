"""S3.SSE_UPLOADS by cases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.resources import ACCOUNT, PIPELINE, REGION, bucket, policy

from pipeseal.controls.s3_sse_uploads import CONTROL, deny_otherwise_encrypted, deny_unencrypted
from pipeseal.model.bucket import Bucket
from pipeseal.settings import Scope, Settings

ARN = "arn:aws:s3:::harbor"
KMS_HEADER = "s3:x-amz-server-side-encryption"
DENY = deny_unencrypted(ARN).statement


def test_a_bucket_of_artifacts_gets_the_statement() -> None:
    """Uploads must ask for KMS; both of its forms are let in."""
    fixed = CONTROL.fix(bucket(encrypt=True), Settings())
    assert fixed.policy.document == {"Version": "2012-10-17", "Statement": [DENY]}
    assert DENY["Condition"] == {"StringNotEquals": {"s3:x-amz-server-side-encryption": ["aws:kms", "aws:kms:dsse"]}}


@pytest.mark.parametrize("encrypt", [False, True])
def test_only_buckets_that_must_be_encrypted_are_judged(encrypt: bool) -> None:  # noqa: FBT001
    """A bucket without artifacts keeps its own rules on encryption."""
    assert bool(CONTROL.reasons(bucket(encrypt=encrypt), Settings())) is encrypt


@pytest.mark.parametrize(
    "condition",
    [
        {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}},
        {"StringNotLike": {"s3:x-amz-server-side-encryption": "aws:kms*"}},
        {"StringNotEqualsIfExists": {"S3:X-AMZ-Server-Side-Encryption": ["aws:kms", "aws:kms:dsse"]}},
    ],
)
def test_an_equivalent_deny_counts(condition: dict[str, dict[str, str]]) -> None:
    """Stricter or otherwise written, a Deny that lets no unprotected upload in is enough."""
    theirs = DENY | {"Sid": "Theirs", "Condition": condition}
    assert CONTROL.reasons(bucket(theirs, encrypt=True), Settings()) == ()


@pytest.mark.parametrize(
    "condition",
    [
        {"Null": {"s3:x-amz-server-side-encryption": "true"}},
        {"StringEquals": {"s3:x-amz-server-side-encryption": "AES256"}},
        {"ForAnyValue:StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}},
    ],
)
def test_a_deny_with_a_gap_earns_ours_beside_it(condition: dict[str, dict[str, str]]) -> None:
    """A Deny that lets AES256, or an upload without a header, in does not count."""
    theirs = DENY | {"Sid": "Theirs", "Condition": condition}
    fixed = CONTROL.fix(bucket(theirs, encrypt=True), Settings())
    assert fixed.policy.document["Statement"] == [theirs, DENY]


# ------------------------------------------------- buckets that people upload to

LENIENT = deny_otherwise_encrypted("arn:aws:s3:::harbor").statement
APPLICATION = f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:application:harbor"
PROJECT = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/harbor"


def used_by(*arns: str, **fields: Any) -> Bucket:
    """Make a bucket in which those keep artifacts."""
    return bucket(users=dict.fromkeys(arns, ""), encrypt=True, **fields)


@pytest.mark.parametrize("users", [(APPLICATION,), (PROJECT,), (APPLICATION, PROJECT)])
def test_where_people_upload_a_missing_header_is_let_through(users: tuple[str, ...]) -> None:
    """`aws deploy push` sends no header and goes on working; AES256 is refused under the same Sid."""
    fixed = CONTROL.fix(used_by(*users), Settings())
    assert fixed.policy.document["Statement"] == [LENIENT]
    assert DENY | {"Condition": DENY["Condition"] | {"Null": {KMS_HEADER: "false"}}} == LENIENT
    assert CONTROL.fix(fixed, Settings()) is fixed


@pytest.mark.parametrize(
    ("users", "settings"),
    [
        ((APPLICATION, PIPELINE), Settings()),
        ((PIPELINE,), Settings()),
        ((APPLICATION,), Settings(strict_uploads=True)),
        ((PROJECT,), Settings(encryption_scope=Scope.ALL)),
        ((), Settings()),
    ],
    ids=["a pipeline too", "a pipeline", "StrictUploads", "EncryptionScope=all", "nobody knows"],
)
def test_elsewhere_the_header_must_be_there(users: tuple[str, ...], settings: Settings) -> None:
    """A pipeline's artifact store takes what AWS's own do, and an operator can ask for that everywhere."""
    assert CONTROL.fix(used_by(*users), settings).policy.document["Statement"] == [DENY]


def test_a_bucket_that_a_pipeline_joins_is_made_strict_in_place() -> None:
    """Our lenient statement gives way to the strict one, where it stood; what stands around it is kept."""
    theirs = {"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket", "Resource": ARN}
    before = replace(used_by(APPLICATION, PIPELINE), policy=policy(LENIENT, theirs))
    (reason,) = CONTROL.reasons(before, Settings())
    assert "an upload without s3:x-amz-server-side-encryption is let through" in reason
    assert CONTROL.fix(before, Settings()).policy.document["Statement"] == [DENY, theirs]


def test_a_bucket_that_a_pipeline_leaves_stays_strict() -> None:
    """The strict statement refuses all that the lenient one does, so nothing is wrong."""
    before = replace(used_by(APPLICATION), policy=policy(DENY))
    assert CONTROL.reasons(before, Settings()) == ()
    assert CONTROL.fix(before, Settings()) is before


@pytest.mark.parametrize("condition", [
    {"StringNotEquals": {KMS_HEADER: "aws:kms"}, "Null": {KMS_HEADER: "false"}},
    {"StringNotEqualsIfExists": {KMS_HEADER: ["aws:kms", "aws:kms:dsse"]}},
    {"ForAnyValue:StringNotEquals": {KMS_HEADER: ["aws:kms", "aws:kms:dsse"]}},
])  # fmt: skip
def test_an_equivalent_lenient_deny_counts(condition: dict[str, Any]) -> None:
    """Otherwise written, a Deny that refuses every other encryption is enough where people upload."""
    before = replace(used_by(APPLICATION), policy=policy(DENY | {"Sid": "Theirs", "Condition": condition}))
    assert CONTROL.reasons(before, Settings()) == ()
