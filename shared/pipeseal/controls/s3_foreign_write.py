"""S3.FOREIGN_WRITE: the policy of an artifact bucket gives external principals no write access; notify only.

Whether a grant is intended is unknown to pipeseal, so it removes no statement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeseal.controls._notify_only import unchanged
from pipeseal.kinds.bucket.value import Bucket
from pipeseal.model import Control, Kind, Severity, Standard
from pipeseal.text import conjoin, printable

if TYPE_CHECKING:
    from pipeseal.policy.external_access import ExternalAccess
    from pipeseal.settings import Settings

# What each action allows a principal to do. ACLs grant write access as a policy does, and a lifecycle rule can delete
# every object. Not listed: BypassGovernanceRetention, which has an effect only with permission to delete, and
# DeleteBucket, which S3 denies while the bucket contains objects.
_EFFECTS = {
    "s3:PutObject": "write objects",
    "s3:ReplicateObject": "write objects",
    "s3:DeleteObject": "delete objects",
    "s3:DeleteObjectVersion": "delete objects",
    "s3:ReplicateDelete": "delete objects",
    "s3:PutLifecycleConfiguration": "delete objects",
    "s3:PutBucketPolicy": "change the bucket policy",
    "s3:DeleteBucketPolicy": "change the bucket policy",
    "s3:PutBucketAcl": "change ACLs",
    "s3:PutObjectAcl": "change ACLs",
    "s3:PutObjectVersionAcl": "change ACLs",
}
_MAX_NAMES = 4


def reasons(bucket: Bucket, settings: Settings) -> tuple[str, ...]:
    """Return a sentence for each grant of write access to external principals; empty unless it holds artifacts."""
    if not bucket.dependents:
        return ()
    from pipeseal.policy.external_principals import ZoneOfTrust  # noqa: PLC0415 - only artifact buckets need it

    zone = ZoneOfTrust(bucket.ref.account, settings.organization_id)
    return tuple(_sentence(access) for access in bucket.policy.external_access(bucket.arn, zone, _EFFECTS))


def _sentence(access: ExternalAccess) -> str:
    label, allows = access.statement.label, "allows" if access.decided else "may allow"
    effects = conjoin(list(dict.fromkeys(_EFFECTS[action] for action in access.actions)))
    actions = conjoin(access.actions_as_written, _MAX_NAMES)
    principals = conjoin(access.principals, _MAX_NAMES)
    sentence = f"{label[0].upper()}{label[1:]} {allows} {principals} to {effects} ({actions})"
    if access.condition_keys:
        sentence += f", restricted only by {conjoin(access.condition_keys, _MAX_NAMES)}"
    return printable(sentence + ("." if access.decided else "; the policy is too complex to evaluate."))


CONTROL: Control[Bucket] = Control(
    id="S3.FOREIGN_WRITE",
    title="Artifact bucket should not allow external principals to write",
    severity=Severity.HIGH,
    kinds=(Kind.BUCKET,),
    reasons=reasons,
    fix=unchanged,
    description="Checks that the policy of each artifact bucket does not allow external principals to write or delete "
    "objects, or to change the policy or ACLs. Principals outside the account are external, except members of the "
    "organization in OrganizationId. AWS services are not external. ACLs and Block Public Access are not considered.",
    reports="A finding states which statement allows which principals to do what, with its actions and the condition "
    "keys that restrict it.",
    risk="An external principal can replace an artifact between build and deployment, delete artifacts, or grant "
    "access to other principals.",
    remediation="None: pipeseal only notifies, because it cannot know which grants are intended.",
    advice="In the bucket policy, allow only principals of your account to write, or require aws:PrincipalOrgID of "
    "your organization.",
    false_positives="Cross-account deployments that write artifacts are reported. Set OrganizationId if the accounts "
    "are in your organization and the statement requires it, or exempt the bucket.",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
    permissions=("s3:GetBucketPolicy",),
    parameters=("OrganizationId",),
    requirements={
        Standard.SECURITY_HUB: ("S3.6",),
        Standard.CONFIG_RULE: ("s3-bucket-blacklisted-actions-prohibited",),
        Standard.CIS_AWS_7: ("2.21",),
        Standard.NIST_800_53: ("CA-9(1)", "CM-2"),
        Standard.NIST_800_171: ("3.13.4",),
    },
    inferred_requirements={
        Standard.NIST_800_53: ("AC-3", "AC-6", "CM-6"),
        Standard.PCI_DSS: ("7.2.1",),
        Standard.ISO_27001: ("A.5.15", "A.8.3"),
        Standard.OWASP_CICD: ("CICD-SEC-9",),
    },
)
