"""S3.SSE_UPLOADS by cases."""

from __future__ import annotations

import pytest
from tests.resources import bucket

from pipeseal.controls.s3_sse_uploads import CONTROL, deny_unencrypted
from pipeseal.settings import Settings

DENY = deny_unencrypted("arn:aws:s3:::harbor").statement


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
