"""S3.DEFAULT_ENCRYPTION."""

from __future__ import annotations

from typing import Any

import pytest
from tests.resources import ARTIFACT_KEY, PIPELINE, REGION, bucket

from pipeseal.controls.s3_default_encryption import CONTROL
from pipeseal.settings import Settings

PIPELINE_KEY = "arn:aws:kms:us-east-1:123456789012:key/1c3a5e7f-0b2d-4f68-9ace-13579bdf2468"
WITH_ARTIFACT_KEY = Settings(artifact_keys={REGION: ARTIFACT_KEY})


def rules(**rule: Any) -> dict[str, Any]:
    """Return a configuration with one rule."""
    return {"Rules": [rule]}


def by_default(algorithm: str, key: str = "") -> dict[str, Any]:
    """Return the element ApplyServerSideEncryptionByDefault."""
    return {"SSEAlgorithm": algorithm} | ({"KMSMasterKeyID": key} if key else {})


@pytest.mark.parametrize(
    ("dependents", "settings", "expected"),
    [
        ({PIPELINE: PIPELINE_KEY}, WITH_ARTIFACT_KEY, by_default("aws:kms", PIPELINE_KEY)),
        ({PIPELINE: ""}, WITH_ARTIFACT_KEY, by_default("aws:kms", ARTIFACT_KEY)),
        ({PIPELINE: PIPELINE_KEY, PIPELINE + "2": ARTIFACT_KEY}, Settings(), by_default("aws:kms")),
        ({PIPELINE: ""}, Settings(artifact_keys={"eu-west-1": "elsewhere"}), by_default("aws:kms")),
    ],
    ids=["key of the pipeline", "ArtifactKeyArn", "two keys: AWS managed key", "key of another Region"],
)
def test_the_key_is_selected(dependents: dict[str, str], settings: Settings, expected: dict[str, Any]) -> None:
    """The key that all pipelines name has priority, then ArtifactKeyArn, then the AWS managed key."""
    fixed = CONTROL.fix(bucket(requires_kms=True, dependents=dependents), settings)
    assert fixed.encryption == rules(ApplyServerSideEncryptionByDefault=expected, BucketKeyEnabled=True)


@pytest.mark.parametrize(
    ("encryption", "reason"),
    [
        ({}, "Default encryption is not set; expected AWS KMS."),
        (
            rules(ApplyServerSideEncryptionByDefault=by_default("AES256")),
            "Default encryption is AES256; expected AWS KMS.",
        ),
    ],
)
def test_the_finding_states_the_default_encryption(encryption: dict[str, Any], reason: str) -> None:
    """The reason names the algorithm, or that there is none."""
    assert CONTROL.reasons(bucket(requires_kms=True, encryption=encryption), Settings()) == (reason,)


def test_the_rest_of_the_rule_is_kept() -> None:
    """PutBucketEncryption replaces the whole configuration, so blocked encryption types are written again."""
    blocked = {"EncryptionType": ["SSE-C"]}
    before = rules(ApplyServerSideEncryptionByDefault=by_default("AES256"), BlockedEncryptionTypes=blocked)
    fixed = CONTROL.fix(bucket(requires_kms=True, encryption=before), Settings())
    assert fixed.encryption["Rules"][0]["BlockedEncryptionTypes"] == blocked


@pytest.mark.parametrize("algorithm", ["aws:kms", "aws:kms:dsse"])
@pytest.mark.parametrize("bucket_key", [False, True])
def test_kms_encryption_is_compliant(algorithm: str, bucket_key: bool) -> None:  # noqa: FBT001
    """SSE-KMS and DSSE-KMS are compliant, with and without an S3 Bucket Key."""
    before = rules(ApplyServerSideEncryptionByDefault=by_default(algorithm), BucketKeyEnabled=bucket_key)
    assert CONTROL.reasons(bucket(requires_kms=True, encryption=before), Settings()) == ()


def test_a_bucket_without_artifacts_is_not_checked() -> None:
    """SSE-S3 is compliant for a bucket without artifacts."""
    assert CONTROL.reasons(bucket(), Settings()) == ()
