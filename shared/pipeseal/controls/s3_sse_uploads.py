"""S3.SSE_UPLOADS: a bucket of artifacts refuses every upload that does not ask for AWS KMS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeseal.model import Control, Kind, Severity
from pipeseal.model.bucket import Bucket
from pipeseal.policy import Deny

if TYPE_CHECKING:
    from pipeseal.settings import Settings


def deny_unencrypted(bucket_arn: str) -> Deny:
    """Build the statement that the bucket must carry; a missing header counts as not equal, so it is denied too."""
    return Deny(
        sid="DenyUnEncryptedObjectUploads",
        actions=("s3:PutObject",),
        resources=(f"{bucket_arn}/*",),
        condition={"StringNotEquals": {"s3:x-amz-server-side-encryption": ["aws:kms", "aws:kms:dsse"]}},
    )


def reasons(bucket: Bucket, _settings: Settings) -> tuple[str, ...]:
    """Say which uploads without KMS the bucket lets through."""
    if not bucket.encrypt:
        return ()
    verdict = bucket.policy.verdict(deny_unencrypted(bucket.arn))
    if verdict.full:
        return ()
    return ("The bucket policy lets uploads in that do not ask for AWS KMS: " + "; ".join(verdict.reasons) + ".",)


def fix(bucket: Bucket, _settings: Settings) -> Bucket:
    """Return *bucket* with uploads outside KMS denied; unchanged where they already are or may be."""
    return bucket.requiring(deny_unencrypted(bucket.arn)) if bucket.encrypt else bucket


CONTROL = Control(
    id="S3.SSE_UPLOADS",
    title="Artifact bucket denies uploads that do not ask for AWS KMS",
    severity=Severity.HIGH,
    kinds=(Kind.BUCKET,),
    reasons=reasons,
    fix=fix,
    advice="Give the bucket policy a Deny on s3:PutObject unless s3:x-amz-server-side-encryption is aws:kms or "
    "aws:kms:dsse.",
    source="https://docs.aws.amazon.com/codepipeline/latest/userguide/S3-artifact-encryption.html",
    permissions=("s3:GetBucketPolicy", "s3:PutBucketPolicy"),
)
