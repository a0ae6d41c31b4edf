"""S3.DEFAULT_ENCRYPTION: what arrives in a bucket of artifacts without a header is encrypted under AWS KMS."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeseal.model import Control, Kind, Severity
from pipeseal.model.bucket import Bucket

if TYPE_CHECKING:
    from pipeseal.settings import Settings

_UNDER_KMS = {"aws:kms", "aws:kms:dsse"}


def reasons(bucket: Bucket, _settings: Settings) -> tuple[str, ...]:
    """Say what the bucket encrypts under instead of KMS."""
    algorithm = bucket.default_algorithm
    if not bucket.encrypt or algorithm in _UNDER_KMS:
        return ()
    return (f"Default encryption is {algorithm or 'not set'}, not AWS KMS.",)


def _key(bucket: Bucket, settings: Settings) -> str:
    """Choose the pipelines' own key where they agree on one, else the operator's, else "": the AWS managed key."""
    named = set(filter(None, bucket.users.values()))
    return named.pop() if len(named) == 1 else settings.artifact_keys.get(bucket.ref.region, "")


def fix(bucket: Bucket, settings: Settings) -> Bucket:
    """Return *bucket* with KMS as its default and the bucket key on; whatever else its rule says is kept."""
    if not reasons(bucket, settings):
        return bucket
    key = _key(bucket, settings)
    default = {"SSEAlgorithm": "aws:kms"} | ({"KMSMasterKeyID": key} if key else {})
    first, *others = bucket.encryption.get("Rules") or [{}]
    rule = {**first, "ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    return replace(bucket, encryption={**bucket.encryption, "Rules": [rule, *others]})


CONTROL = Control(
    id="S3.DEFAULT_ENCRYPTION",
    title="Artifact bucket encrypts under AWS KMS by default",
    severity=Severity.MEDIUM,
    kinds=(Kind.BUCKET,),
    reasons=reasons,
    fix=fix,
    advice="Set the bucket's default encryption to aws:kms with the pipeline's key and the bucket key on.",
    source="https://docs.aws.amazon.com/codepipeline/latest/userguide/S3-artifact-encryption.html",
    permissions=("s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration"),
)
