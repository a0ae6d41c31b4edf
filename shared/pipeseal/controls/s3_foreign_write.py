"""S3.FOREIGN_WRITE: nobody from elsewhere writes or deletes artifacts, or changes who may; alert only.

Which of the statements is a mistake only their owner knows, so none is taken out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeseal.model import Control, Kind, Severity
from pipeseal.model.bucket import Bucket

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeseal.policy.granting import Grant
    from pipeseal.settings import Settings

# What each action lets a stranger do. An ACL can hand out writing as a policy can, and a lifecycle rule deletes every
# object. Not here: BypassGovernanceRetention, which does nothing for who may not delete, and DeleteBucket, which S3
# refuses while there is an object.
_HARM = {
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
_MOST = 4


def reasons(bucket: Bucket, settings: Settings) -> tuple[str, ...]:
    """Say which statements let whom write, delete or change the rules; of buckets that hold artifacts only."""
    if not bucket.users:
        return ()
    from pipeseal.policy.strangers import Home  # noqa: PLC0415 - only an artifact bucket's event pays for it

    home = Home(bucket.ref.account, settings.organization_id)
    return tuple(_sentence(grant) for grant in bucket.policy.strangers(bucket.arn, home, _HARM))


def fix(bucket: Bucket, _settings: Settings) -> Bucket:
    """Return *bucket* as it is: who is meant to be let in, a person must say."""
    return bucket


def _sentence(grant: Grant) -> str:
    name, lets = grant.statement.name, "lets" if grant.settled else "may let"
    harm = _and(list(dict.fromkeys(_HARM[action] for action in grant.actions)))
    sentence = f"{name[0].upper()}{name[1:]} {lets} {_and(grant.who)} {harm} ({_some(grant.written)})"
    if grant.narrowed:
        sentence += f", narrowed only by {_some(grant.narrowed)}"
    return sentence + ("." if grant.settled else "; the policy is too intricate to be settled.")


def _and(names: Sequence[str]) -> str:
    if len(names) > _MOST:
        names = (*names[:_MOST], f"{len(names) - _MOST} more")
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _some(names: Iterable[str]) -> str:
    every = list(names)
    rest = len(every) - _MOST
    return ", ".join(every[:_MOST]) + (f" and {rest} more" if rest > 0 else "")


CONTROL = Control(
    id="S3.FOREIGN_WRITE",
    title="Artifact bucket lets nobody from elsewhere write or delete",
    severity=Severity.HIGH,
    kinds=(Kind.BUCKET,),
    reasons=reasons,
    fix=fix,
    advice="Let only principals of the account, or aws:PrincipalOrgID of the organisation, write to the bucket.",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
    permissions=("s3:GetBucketPolicy",),
)
