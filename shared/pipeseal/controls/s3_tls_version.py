"""S3.TLS_VERSION: the bucket policy denies requests over TLS versions older than MinimumTlsVersion.

It does not replace S3.TLS: a plain HTTP request has no TLS version, so the condition does not match it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeseal.controls._bucket_policy import allowed_requests
from pipeseal.kinds.bucket.value import Bucket
from pipeseal.model import Control, Kind, Severity, Standard
from pipeseal.policy import Deny

if TYPE_CHECKING:
    from pipeseal.settings import Settings


def deny_outdated(bucket_arn: str, version: str) -> Deny:
    """Return the statement that the bucket policy must contain; *version* is the oldest allowed one, such as 1.2."""
    return Deny(
        sid="DenyOutdatedTls",
        actions=("s3:*",),
        resources=(bucket_arn, f"{bucket_arn}/*"),
        condition={"NumericLessThan": {"s3:TlsVersion": version}},
        requests=f"requests over TLS versions below {version}",
    )


def reasons(bucket: Bucket, settings: Settings) -> tuple[str, ...]:
    """Return why the bucket policy allows older TLS versions; empty if it denies them or no minimum is set."""
    version = settings.minimum_tls_version
    if not version:
        return ()
    return allowed_requests(bucket, deny_outdated(bucket.arn, version))


def fix(bucket: Bucket, settings: Settings) -> Bucket:
    """Return *bucket* with older TLS versions denied; unchanged if no minimum is set.

    Raises Refused if the policy would exceed the size limit of S3.
    """
    version = settings.minimum_tls_version
    return bucket.with_deny(deny_outdated(bucket.arn, version)) if version else bucket


CONTROL: Control[Bucket] = Control(
    id="S3.TLS_VERSION",
    title="Bucket should require the minimum TLS version",
    severity=Severity.MEDIUM,
    kinds=(Kind.BUCKET,),
    reasons=reasons,
    fix=fix,
    description="If MinimumTlsVersion is set, checks that the policy of each bucket denies every request over an older "
    "TLS version. Plain HTTP requests have no TLS version; S3.TLS covers them.",
    reports="A finding states why the bucket policy allows requests over older TLS versions.",
    risk="Clients can connect over a TLS version that your security policy does not permit.",
    remediation="Adds the statement DenyOutdatedTls to the bucket policy, or replaces one with this Sid that denies "
    "less. Keeps all other statements. Does not write a policy that exceeds the S3 limit of 20 KB.",
    advice="In the bucket policy, deny s3:* on the bucket and its objects where s3:TlsVersion is less than the "
    "minimum.",
    false_positives="None are known. Before you set MinimumTlsVersion, verify that all clients support the version.",
    source="https://docs.aws.amazon.com/codepipeline/latest/userguide/data-protection.html",
    permissions=("s3:GetBucketPolicy", "s3:PutBucketPolicy"),
    parameters=("MinimumTlsVersion",),
    requirements={
        Standard.NIST_800_53: (
            *("AC-4", "AC-17(2)", "IA-5(1)", "SC-7(4)", "SC-8", "SC-8(1)", "SC-8(2)", "SC-12(3)", "SC-13"),
            *("SC-23", "SC-23(3)", "SI-7(6)"),
        ),
        Standard.NIST_800_171: ("3.13.8", "3.13.15"),
        Standard.PCI_DSS: ("4.2.1",),
    },
    inferred_requirements={Standard.ISO_27001: ("A.5.14", "A.8.24")},
)
