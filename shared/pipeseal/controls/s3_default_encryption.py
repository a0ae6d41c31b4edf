"""S3.DEFAULT_ENCRYPTION: an artifact bucket encrypts uploads without an encryption header with AWS KMS."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeseal.kinds.bucket.value import KMS_ALGORITHMS, SSE_KMS, Bucket
from pipeseal.model import Control, Kind, Severity, Standard
from pipeseal.text import printable

if TYPE_CHECKING:
    from pipeseal.settings import Settings


def reasons(bucket: Bucket, _settings: Settings) -> tuple[str, ...]:
    """Return the default encryption that the bucket has instead of AWS KMS."""
    algorithm = bucket.default_algorithm
    if not bucket.requires_kms or algorithm in KMS_ALGORITHMS:
        return ()
    return (f"Default encryption is {printable(algorithm) or 'not set'}; expected AWS KMS.",)


def _key(bucket: Bucket, settings: Settings) -> str:
    """Return the one key that the dependents name, else that of ArtifactKeyArn, else "" for the AWS managed key."""
    named = set(filter(None, bucket.dependents.values()))
    return named.pop() if len(named) == 1 else settings.artifact_keys.get(bucket.ref.region, "")


def fix(bucket: Bucket, settings: Settings) -> Bucket:
    """Return *bucket* with SSE-KMS and an S3 Bucket Key as its default; the rest of the configuration is kept."""
    if not reasons(bucket, settings):
        return bucket
    key = _key(bucket, settings)
    default = {"SSEAlgorithm": SSE_KMS} | ({"KMSMasterKeyID": key} if key else {})
    first, *others = bucket.encryption.get("Rules") or [{}]
    rule = {**first, "ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    return replace(bucket, encryption={**bucket.encryption, "Rules": [rule, *others]})


CONTROL: Control[Bucket] = Control(
    id="S3.DEFAULT_ENCRYPTION",
    title="Artifact bucket should use SSE-KMS by default",
    severity=Severity.MEDIUM,
    kinds=(Kind.BUCKET,),
    reasons=reasons,
    fix=fix,
    description="Checks that the default encryption of each artifact bucket is SSE-KMS or DSSE-KMS, with any key. If "
    "EncryptionScope is all, checks every bucket.",
    reports="A finding states the default encryption of the bucket.",
    risk="S3 encrypts an upload without an encryption header with SSE-S3. Such an artifact can be read without "
    "permission for a KMS key, and CloudTrail does not record key use.",
    remediation="Sets default encryption to SSE-KMS with an S3 Bucket Key. Uses the key that the pipelines of the "
    "bucket agree on, else the key in ArtifactKeyArn, else the AWS managed key. Objects in the bucket are not "
    "encrypted again.",
    advice="Set the default encryption of the bucket to aws:kms with the key of the pipeline and an S3 Bucket Key.",
    false_positives="With EncryptionScope set to all, buckets that receive logs from AWS services are reported too, "
    "and some of these services support SSE-S3 only. Exempt such a bucket.",
    source="https://docs.aws.amazon.com/codepipeline/latest/userguide/S3-artifact-encryption.html",
    permissions=("s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration"),
    parameters=("ArtifactKeyArn", "EncryptionScope"),
    requirements={
        Standard.SECURITY_HUB: ("S3.17",),
        Standard.CONFIG_RULE: ("s3-default-encryption-kms",),
        Standard.NIST_800_53: (
            *("AU-9", "CA-9(1)", "CM-3(6)", "SC-7(10)", "SC-12(2)", "SC-13", "SC-28", "SC-28(1)", "SI-7(6)"),
        ),
        Standard.NIST_800_171: ("3.8.9", "3.13.11", "3.13.16"),
        Standard.PCI_DSS: ("3.5.1",),
        Standard.ISO_27001: ("A.8.11", "A.8.24"),
    },
    inferred_requirements={},
)
