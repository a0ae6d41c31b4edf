"""S3.SSE_UPLOADS: the policy of an artifact bucket denies uploads without SSE-KMS.

CodePipeline requests SSE-KMS in every upload, so its buckets can require the header. Uploads for CodeDeploy and
CodeBuild come from tools such as `aws deploy push` that send no encryption header: there S3 applies the default
encryption, which S3.DEFAULT_ENCRYPTION controls, and only uploads that request another encryption are denied.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeseal.controls._bucket_policy import allowed_requests
from pipeseal.kinds.bucket.value import KMS_ALGORITHMS, Bucket
from pipeseal.model import Control, Kind, Severity, Standard, kind_and_name
from pipeseal.policy import Deny
from pipeseal.settings import Scope

if TYPE_CHECKING:
    from pipeseal.settings import Settings

_HEADER = "s3:x-amz-server-side-encryption"
_KINDS_WITHOUT_HEADER = {Kind.APPLICATION, Kind.PROJECT}


def deny_unencrypted(bucket_arn: str) -> Deny:
    """Return the strict statement: StringNotEquals also matches a missing header, so the header is required."""
    return Deny(
        sid="DenyUnEncryptedObjectUploads",
        actions=("s3:PutObject",),
        resources=(f"{bucket_arn}/*",),
        condition={"StringNotEquals": {_HEADER: list(KMS_ALGORITHMS)}},
        requests="uploads without SSE-KMS",
    )


def deny_other_encryption(bucket_arn: str) -> Deny:
    """Return the lenient statement: it denies other encryption and allows uploads without the header."""
    strict = deny_unencrypted(bucket_arn)
    return replace(
        strict,
        condition={**strict.condition, "Null": {_HEADER: "false"}},
        requests="uploads that request encryption other than SSE-KMS",
    )


def _requires_header(bucket: Bucket, settings: Settings) -> bool:
    """Return whether uploads must have the header: unless only CodeDeploy and CodeBuild use the bucket."""
    if settings.strict_uploads or settings.encryption_scope is Scope.ALL:
        return True
    kinds = {found[0] if (found := kind_and_name(arn)) else None for arn in bucket.dependents}
    return not kinds or not kinds <= _KINDS_WITHOUT_HEADER


def _required(bucket: Bucket, settings: Settings) -> Deny:
    return deny_unencrypted(bucket.arn) if _requires_header(bucket, settings) else deny_other_encryption(bucket.arn)


def reasons(bucket: Bucket, settings: Settings) -> tuple[str, ...]:
    """Return why the bucket policy allows uploads without SSE-KMS; empty if it denies them or need not."""
    if not bucket.requires_kms:
        return ()
    return allowed_requests(bucket, _required(bucket, settings))


def fix(bucket: Bucket, settings: Settings) -> Bucket:
    """Return *bucket* with such uploads denied; unchanged if the bucket need not deny them.

    Raises Refused if the policy would exceed the size limit of S3.
    """
    return bucket.with_deny(_required(bucket, settings)) if bucket.requires_kms else bucket


CONTROL: Control[Bucket] = Control(
    id="S3.SSE_UPLOADS",
    title="Artifact bucket should deny uploads without SSE-KMS",
    severity=Severity.HIGH,
    kinds=(Kind.BUCKET,),
    reasons=reasons,
    fix=fix,
    description="Checks that the policy of each artifact bucket denies uploads that do not request SSE-KMS or "
    "DSSE-KMS. In a bucket that only CodeDeploy or CodeBuild use, uploads without an encryption header are compliant, "
    "unless StrictUploads is true. If EncryptionScope is all, checks every bucket and requires the header.",
    reports="A finding states which uploads the bucket policy allows, and why.",
    risk="An upload can select SSE-S3. Such an artifact can be read without permission for a KMS key, and CloudTrail "
    "does not record key use.",
    remediation="Adds the statement DenyUnEncryptedObjectUploads to the bucket policy, or replaces one with this Sid "
    "that denies less. Keeps all other statements. Does not write a policy that exceeds the S3 limit of 20 KB.",
    advice="In the bucket policy, deny s3:PutObject unless s3:x-amz-server-side-encryption is aws:kms or aws:kms:dsse. "
    "Where tools upload without that header, add a Null condition on it with the value false.",
    false_positives="A tool that does not send the x-amz-server-side-encryption header fails after the remediation. "
    "Configure it to request aws:kms, or exempt the bucket.",
    source="https://docs.aws.amazon.com/codepipeline/latest/userguide/S3-artifact-encryption.html",
    permissions=("s3:GetBucketPolicy", "s3:PutBucketPolicy"),
    parameters=("EncryptionScope", "StrictUploads"),
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
