"""S3.SSE_UPLOADS: a bucket of artifacts refuses uploads that do not ask for AWS KMS.

A pipeline names KMS in every upload, so its artifact store takes nothing else. To the buckets of CodeDeploy and
CodeBuild people upload with `aws deploy push` and the like, which send no header: there KMS default encryption takes
care of those, and only an upload that asks for something else is refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeseal.model import Control, Kind, Severity
from pipeseal.model.bucket import Bucket
from pipeseal.policy import Deny
from pipeseal.settings import Scope

if TYPE_CHECKING:
    from pipeseal.settings import Settings

_HEADER = "s3:x-amz-server-side-encryption"
_PEOPLE_UPLOAD_TO = {Kind.APPLICATION, Kind.PROJECT}


def deny_unencrypted(bucket_arn: str) -> Deny:
    """Build the statement that the bucket must carry; a missing header counts as not equal, so it is denied too."""
    return Deny(
        sid="DenyUnEncryptedObjectUploads",
        actions=("s3:PutObject",),
        resources=(f"{bucket_arn}/*",),
        condition={"StringNotEquals": {_HEADER: ["aws:kms", "aws:kms:dsse"]}},
    )


def deny_otherwise_encrypted(bucket_arn: str) -> Deny:
    """Build the statement of a bucket that people upload to: as above, but a missing header is let through."""
    strict = deny_unencrypted(bucket_arn)
    return replace(strict, condition={**strict.condition, "Null": {_HEADER: "false"}})


def _strict(bucket: Bucket, settings: Settings) -> bool:
    """Say whether an upload without a header is refused: wherever anything but CodeDeploy or CodeBuild is at work."""
    if settings.strict_uploads or settings.encryption_scope is Scope.ALL:
        return True
    services = {arn.split(":")[2] for arn in bucket.users}
    return not services or not services <= _PEOPLE_UPLOAD_TO


def _required(bucket: Bucket, settings: Settings) -> Deny:
    return deny_unencrypted(bucket.arn) if _strict(bucket, settings) else deny_otherwise_encrypted(bucket.arn)


def reasons(bucket: Bucket, settings: Settings) -> tuple[str, ...]:
    """Say which uploads outside KMS the bucket lets through."""
    if not bucket.encrypt:
        return ()
    verdict = bucket.policy.verdict(_required(bucket, settings))
    if verdict.full:
        return ()
    which = "do not ask for AWS KMS" if _strict(bucket, settings) else "ask for other encryption than AWS KMS"
    return (f"The bucket policy lets uploads in that {which}: " + "; ".join(verdict.reasons) + ".",)


def fix(bucket: Bucket, settings: Settings) -> Bucket:
    """Return *bucket* with uploads outside KMS denied; unchanged where they already are or may be."""
    return bucket.requiring(_required(bucket, settings)) if bucket.encrypt else bucket


CONTROL = Control(
    id="S3.SSE_UPLOADS",
    title="Artifact bucket denies uploads outside AWS KMS",
    severity=Severity.HIGH,
    kinds=(Kind.BUCKET,),
    reasons=reasons,
    fix=fix,
    advice="Give the bucket policy a Deny on s3:PutObject unless s3:x-amz-server-side-encryption is aws:kms or "
    "aws:kms:dsse; where people upload revisions without that header, add a Null condition that lets it be missing.",
    source="https://docs.aws.amazon.com/codepipeline/latest/userguide/S3-artifact-encryption.html",
    permissions=("s3:GetBucketPolicy", "s3:PutBucketPolicy"),
)
