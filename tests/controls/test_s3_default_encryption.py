"""S3.DEFAULT_ENCRYPTION by cases."""

from __future__ import annotations

from typing import Any

import pytest
from tests.resources import ARTIFACT_KEY, PIPELINE, REGION, bucket

from pipeseal.controls.s3_default_encryption import CONTROL
from pipeseal.settings import Settings

PIPELINE_KEY = "arn:aws:kms:us-east-1:123456789012:key/1c3a5e7f-0b2d-4f68-9ace-13579bdf2468"
OPERATORS = Settings(artifact_keys={REGION: ARTIFACT_KEY})


def rules(**rule: Any) -> dict[str, Any]:
    """Make a configuration of one rule."""
    return {"Rules": [rule]}


def by_default(algorithm: str, key: str = "") -> dict[str, Any]:
    """Make the element ApplyServerSideEncryptionByDefault."""
    return {"SSEAlgorithm": algorithm} | ({"KMSMasterKeyID": key} if key else {})


@pytest.mark.parametrize(
    ("pipelines", "settings", "expected"),
    [
        ({PIPELINE: PIPELINE_KEY}, OPERATORS, by_default("aws:kms", PIPELINE_KEY)),
        ({PIPELINE: ""}, OPERATORS, by_default("aws:kms", ARTIFACT_KEY)),
        ({PIPELINE: PIPELINE_KEY, PIPELINE + "2": ARTIFACT_KEY}, Settings(), by_default("aws:kms")),
        ({PIPELINE: ""}, Settings(artifact_keys={"eu-west-1": "elsewhere"}), by_default("aws:kms")),
    ],
    ids=["the pipeline's key", "the operator's key", "no agreement: the AWS managed key", "another Region's key"],
)
def test_the_key_is_chosen(pipelines: dict[str, str], settings: Settings, expected: dict[str, Any]) -> None:
    """The pipelines' own key comes first, then the operator's, then the AWS managed key."""
    fixed = CONTROL.fix(bucket(encrypt=True, users=pipelines), settings)
    assert fixed.encryption == rules(ApplyServerSideEncryptionByDefault=expected, BucketKeyEnabled=True)


def test_what_else_the_rule_says_is_kept() -> None:
    """PutBucketEncryption replaces the whole configuration, so blocked encryption types are carried over."""
    blocked = {"EncryptionType": ["SSE-C"]}
    before = rules(ApplyServerSideEncryptionByDefault=by_default("AES256"), BlockedEncryptionTypes=blocked)
    fixed = CONTROL.fix(bucket(encrypt=True, encryption=before), Settings())
    assert fixed.encryption["Rules"][0]["BlockedEncryptionTypes"] == blocked


@pytest.mark.parametrize("algorithm", ["aws:kms", "aws:kms:dsse"])
@pytest.mark.parametrize("bucket_key", [False, True])
def test_kms_in_either_form_is_enough(algorithm: str, bucket_key: bool) -> None:  # noqa: FBT001
    """Whoever encrypts under KMS already, with whichever key, is let be."""
    before = rules(ApplyServerSideEncryptionByDefault=by_default(algorithm), BucketKeyEnabled=bucket_key)
    assert CONTROL.reasons(bucket(encrypt=True, encryption=before), Settings()) == ()


def test_a_bucket_without_artifacts_is_let_be() -> None:
    """SSE-S3 is fine where nobody keeps artifacts."""
    assert CONTROL.reasons(bucket(), Settings()) == ()
