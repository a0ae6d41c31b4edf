"""S3.TLS: a bucket refuses every request that is not made over TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeseal.model import Control, Kind, Severity
from pipeseal.model.bucket import Bucket
from pipeseal.policy import Deny

if TYPE_CHECKING:
    from pipeseal.settings import Settings


def deny_insecure(bucket_arn: str) -> Deny:
    """Build the statement that the bucket must carry."""
    return Deny(
        sid="DenyInsecureConnections",
        actions=("s3:*",),
        resources=(bucket_arn, f"{bucket_arn}/*"),
        condition={"Bool": {"aws:SecureTransport": "false"}},
    )


def reasons(bucket: Bucket, settings: Settings) -> tuple[str, ...]:
    """Say which requests in clear the bucket lets through."""
    verdict = bucket.policy.verdict(deny_insecure(bucket.arn))
    if verdict.full:
        return ()
    found = "The bucket policy does not deny every request made in clear: " + "; ".join(verdict.reasons) + "."
    if bucket.website and not settings.seal_websites:
        return (found, "The bucket hosts a website, which is plain HTTP by nature, so it was left open.")
    return (found,)


def fix(bucket: Bucket, settings: Settings) -> Bucket:
    """Return *bucket* with plaintext requests denied; a website is left as it is unless the operator says otherwise."""
    if bucket.website and not settings.seal_websites:
        return bucket
    return bucket.requiring(deny_insecure(bucket.arn))


CONTROL = Control(
    id="S3.TLS",
    title="Bucket denies requests that are not made over TLS",
    severity=Severity.HIGH,
    kinds=(Kind.BUCKET,),
    reasons=reasons,
    fix=fix,
    advice="Give the bucket policy a Deny on s3:* for the bucket and its objects where aws:SecureTransport is false.",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
    permissions=("s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:GetBucketWebsite"),
)
