"""S3.TLS: the bucket policy denies every request over plain HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeseal.controls._bucket_policy import allowed_requests
from pipeseal.kinds.bucket.value import Bucket
from pipeseal.model import Control, Kind, Severity, Standard
from pipeseal.policy import Deny

if TYPE_CHECKING:
    from pipeseal.settings import Settings


def deny_insecure(bucket_arn: str) -> Deny:
    """Return the statement that the bucket policy must contain."""
    return Deny(
        sid="DenyInsecureConnections",
        actions=("s3:*",),
        resources=(bucket_arn, f"{bucket_arn}/*"),
        condition={"Bool": {"aws:SecureTransport": "false"}},
        requests="plain HTTP requests",
    )


def reasons(bucket: Bucket, settings: Settings) -> tuple[str, ...]:
    """Return why the bucket policy allows plain HTTP; empty if it denies all of it."""
    found = allowed_requests(bucket, deny_insecure(bucket.arn))
    if found and bucket.website and not settings.seal_websites:
        return (
            *found,
            "The bucket hosts a static website, which supports plain HTTP only: pipeseal does not change it.",
        )
    return found


def fix(bucket: Bucket, settings: Settings) -> Bucket:
    """Return *bucket* with plain HTTP denied; unchanged if it hosts a website that SealWebsites does not include.

    Raises Refused if the policy would exceed the size limit of S3.
    """
    if bucket.website and not settings.seal_websites:
        return bucket
    return bucket.with_deny(deny_insecure(bucket.arn))


CONTROL: Control[Bucket] = Control(
    id="S3.TLS",
    title="Bucket should require TLS",
    severity=Severity.HIGH,
    kinds=(Kind.BUCKET,),
    reasons=reasons,
    fix=fix,
    description="Checks that the policy of each bucket denies every plain HTTP request to the bucket and to its "
    "objects. Any Deny statements that together cover these requests are compliant.",
    reports="A finding states why the bucket policy allows plain HTTP requests and, for a bucket with static website "
    "hosting, that pipeseal does not change it.",
    risk="Over plain HTTP, anyone on the network path can read and modify objects and reuse presigned URLs.",
    remediation="Adds the statement DenyInsecureConnections to the bucket policy and keeps all other statements. Does "
    "not change a bucket with static website hosting unless SealWebsites is true, and does not write a policy that "
    "exceeds the S3 limit of 20 KB.",
    advice="In the bucket policy, deny s3:* on the bucket and its objects where aws:SecureTransport is false.",
    false_positives="A bucket with static website hosting must accept plain HTTP. Serve the site through CloudFront, "
    "or exempt the bucket.",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
    permissions=("s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:GetBucketWebsite"),
    parameters=("SealWebsites",),
    requirements={
        Standard.SECURITY_HUB: ("S3.5",),
        Standard.CONFIG_RULE: ("s3-bucket-ssl-requests-only",),
        Standard.CIS_AWS_3_TO_5: ("2.1.1",),
        Standard.CIS_AWS_6_AND_7: ("3.1.1",),
        Standard.NIST_800_53: (
            *("AC-4", "AC-17(2)", "IA-5(1)", "SC-7(4)", "SC-8", "SC-8(1)", "SC-8(2)", "SC-12(3)", "SC-13"),
            *("SC-23", "SC-23(3)", "SI-7(6)"),
        ),
        Standard.NIST_800_171: ("3.13.8", "3.13.15"),
        Standard.PCI_DSS: ("4.2.1",),
    },
    inferred_requirements={Standard.ISO_27001: ("A.5.14", "A.8.24")},
)
