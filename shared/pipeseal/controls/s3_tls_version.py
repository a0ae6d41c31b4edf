"""S3.TLS_VERSION: a bucket refuses TLS older than the operator wants; on request only.

It is no substitute for S3.TLS: a request in clear has no TLS version, and so is not older than any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeseal.model import Control, Kind, Severity
from pipeseal.model.bucket import Bucket
from pipeseal.policy import Deny

if TYPE_CHECKING:
    from pipeseal.settings import Settings


def deny_outdated(bucket_arn: str, version: str) -> Deny:
    """Build the statement that the bucket must carry; *version* is the oldest that is taken, such as 1.2."""
    return Deny(
        sid="DenyOutdatedTls",
        actions=("s3:*",),
        resources=(bucket_arn, f"{bucket_arn}/*"),
        condition={"NumericLessThan": {"s3:TlsVersion": version}},
    )


def reasons(bucket: Bucket, settings: Settings) -> tuple[str, ...]:
    """Say which requests over older TLS the bucket lets through."""
    version = settings.minimum_tls_version
    if not version:
        return ()
    verdict = bucket.policy.verdict(deny_outdated(bucket.arn, version))
    if verdict.full:
        return ()
    return (f"The bucket policy does not deny every request under TLS {version}: " + "; ".join(verdict.reasons) + ".",)


def fix(bucket: Bucket, settings: Settings) -> Bucket:
    """Return *bucket* with requests over older TLS denied; unchanged where nobody asks for that."""
    version = settings.minimum_tls_version
    return bucket.requiring(deny_outdated(bucket.arn, version)) if version else bucket


CONTROL = Control(
    id="S3.TLS_VERSION",
    title="Bucket denies TLS older than the operator wants",
    severity=Severity.MEDIUM,
    kinds=(Kind.BUCKET,),
    reasons=reasons,
    fix=fix,
    advice="Give the bucket policy a Deny on s3:* for the bucket and its objects where s3:TlsVersion is less than 1.2.",
    source="https://docs.aws.amazon.com/codepipeline/latest/userguide/data-protection.html",
    permissions=("s3:GetBucketPolicy", "s3:PutBucketPolicy"),
)
