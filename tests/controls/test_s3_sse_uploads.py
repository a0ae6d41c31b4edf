"""S3.SSE_UPLOADS."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.controls.bucket_policies import statements
from tests.resources import APPLICATION, PIPELINE, PROJECT, bucket, policy

from pipeseal.controls.s3_sse_uploads import CONTROL, deny_other_encryption, deny_unencrypted
from pipeseal.kinds.bucket.value import Bucket
from pipeseal.settings import Scope, Settings

ARN = "arn:aws:s3:::harbor"
KMS_HEADER = "s3:x-amz-server-side-encryption"
STRICT = deny_unencrypted(ARN).statement
LENIENT = deny_other_encryption(ARN).statement


def used_by(*arns: str, **fields: Any) -> Bucket:
    """Return a bucket in which the resources with these ARNs keep artifacts."""
    return bucket(dependents=dict.fromkeys(arns, ""), requires_kms=True, **fields)


def test_an_artifact_bucket_gets_the_statement() -> None:
    """Uploads must request SSE-KMS or DSSE-KMS."""
    fixed = CONTROL.fix(bucket(requires_kms=True), Settings())
    assert fixed.policy.document == {"Version": "2012-10-17", "Statement": [STRICT]}
    assert STRICT["Condition"] == {"StringNotEquals": {"s3:x-amz-server-side-encryption": ["aws:kms", "aws:kms:dsse"]}}


@pytest.mark.parametrize("encrypt", [False, True])
def test_only_buckets_that_must_use_kms_are_checked(encrypt: bool) -> None:  # noqa: FBT001
    """A bucket without artifacts is compliant with any encryption."""
    assert bool(CONTROL.reasons(bucket(requires_kms=encrypt), Settings())) is encrypt


@pytest.mark.parametrize(
    "condition",
    [
        {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}},
        {"StringNotLike": {"s3:x-amz-server-side-encryption": "aws:kms*"}},
        {"StringNotEqualsIfExists": {"S3:X-AMZ-Server-Side-Encryption": ["aws:kms", "aws:kms:dsse"]}},
    ],
)
def test_an_equivalent_deny_is_compliant(condition: dict[str, dict[str, str]]) -> None:
    """A Deny statement that covers every upload without SSE-KMS counts, in any form."""
    existing = STRICT | {"Sid": "Existing", "Condition": condition}
    assert CONTROL.reasons(bucket(existing, requires_kms=True), Settings()) == ()


@pytest.mark.parametrize(
    "condition",
    [
        {"Null": {"s3:x-amz-server-side-encryption": "true"}},
        {"StringEquals": {"s3:x-amz-server-side-encryption": "AES256"}},
        {"ForAnyValue:StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}},
    ],
)
def test_a_deny_of_some_uploads_is_not_enough(condition: dict[str, dict[str, str]]) -> None:
    """A Deny statement that allows AES256, or an upload without the header, is kept and the statement added."""
    existing = STRICT | {"Sid": "Existing", "Condition": condition}
    fixed = CONTROL.fix(bucket(existing, requires_kms=True), Settings())
    assert statements(fixed) == [existing, STRICT]


# ------------------------------------------------- buckets of CodeDeploy and CodeBuild


@pytest.mark.parametrize("dependents", [(APPLICATION,), (PROJECT,), (APPLICATION, PROJECT)])
def test_buckets_of_codedeploy_and_codebuild_accept_a_missing_header(dependents: tuple[str, ...]) -> None:
    """`aws deploy push` sends no header and continues to work; AES256 is denied under the same Sid."""
    fixed = CONTROL.fix(used_by(*dependents), Settings())
    assert statements(fixed) == [LENIENT]
    assert STRICT | {"Condition": STRICT["Condition"] | {"Null": {KMS_HEADER: "false"}}} == LENIENT
    assert CONTROL.fix(fixed, Settings()) is fixed


@pytest.mark.parametrize(
    ("dependents", "settings"),
    [
        ((APPLICATION, PIPELINE), Settings()),
        ((PIPELINE,), Settings()),
        ((APPLICATION,), Settings(strict_uploads=True)),
        ((PROJECT,), Settings(encryption_scope=Scope.ALL)),
        ((), Settings()),
    ],
    ids=["also a pipeline", "a pipeline", "StrictUploads", "EncryptionScope=all", "no known dependents"],
)
def test_other_buckets_require_the_header(dependents: tuple[str, ...], settings: Settings) -> None:
    """The buckets of pipelines require it, and the operator can require it for all."""
    assert statements(CONTROL.fix(used_by(*dependents), settings)) == [STRICT]


def test_the_lenient_statement_is_replaced_when_a_pipeline_uses_the_bucket() -> None:
    """The strict statement takes the position of the lenient one, and the other statements are kept."""
    existing = {"Sid": "Existing", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket", "Resource": ARN}
    before = replace(used_by(APPLICATION, PIPELINE), policy=policy(LENIENT, existing))
    (reason,) = CONTROL.reasons(before, Settings())
    assert reason.startswith("The bucket policy allows uploads without SSE-KMS: ")
    assert "an upload without s3:x-amz-server-side-encryption" in reason
    assert statements(CONTROL.fix(before, Settings())) == [STRICT, existing]


def test_the_strict_statement_is_kept_when_the_pipeline_is_deleted() -> None:
    """The strict statement denies everything that the lenient one denies."""
    before = replace(used_by(APPLICATION), policy=policy(STRICT))
    assert CONTROL.reasons(before, Settings()) == ()
    assert CONTROL.fix(before, Settings()) is before


@pytest.mark.parametrize("condition", [
    {"StringNotEquals": {KMS_HEADER: "aws:kms"}, "Null": {KMS_HEADER: "false"}},
    {"StringNotEqualsIfExists": {KMS_HEADER: ["aws:kms", "aws:kms:dsse"]}},
    {"ForAnyValue:StringNotEquals": {KMS_HEADER: ["aws:kms", "aws:kms:dsse"]}},
])  # fmt: skip
def test_an_equivalent_lenient_deny_is_compliant(condition: dict[str, Any]) -> None:
    """A Deny statement that covers every other encryption counts, in any form."""
    before = replace(used_by(APPLICATION), policy=policy(STRICT | {"Sid": "Existing", "Condition": condition}))
    assert CONTROL.reasons(before, Settings()) == ()
