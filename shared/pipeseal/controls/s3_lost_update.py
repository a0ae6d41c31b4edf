"""S3.LOST_UPDATE: the bucket policy contains the changes that another writer made while pipeseal was writing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeseal.kinds.bucket.value import Bucket
from pipeseal.model import Control, Kind, Severity
from pipeseal.text import conjoin

if TYPE_CHECKING:
    from pipeseal.settings import Settings


def reasons(bucket: Bucket, _settings: Settings) -> tuple[str, ...]:
    """Return which statements of the other writer are missing, and which ones it removed are present."""
    if bucket.lost_update is None or bucket.policy.with_restored(bucket.lost_update) == bucket.policy:
        return ()
    missing, present = ([_label(statement) for statement in statements] for statements in bucket.lost_update)
    parts = (
        "pipeseal overwrote a concurrent change of the bucket policy",
        f"missing: {conjoin(missing)}" if missing else "",
        f"present although removed: {conjoin(present)}" if present else "",
    )
    return (f"{'; '.join(filter(None, parts))}.",)


def _label(statement: Mapping[str, object]) -> str:
    sid = str(statement.get("Sid", ""))
    return f"statement {sid}" if sid.isprintable() and sid else "a statement without Sid"


def fix(bucket: Bucket, _settings: Settings) -> Bucket:
    """Return *bucket* with the changes of the other writer; raises Refused if the policy would be too large."""
    if bucket.lost_update is None:
        return bucket
    return bucket.with_policy(bucket.policy.with_restored(bucket.lost_update))


CONTROL: Control[Bucket] = Control(
    id="S3.LOST_UPDATE",
    title="Bucket policy should contain concurrent changes by other writers",
    severity=Severity.MEDIUM,
    kinds=(Kind.BUCKET,),
    reasons=reasons,
    fix=fix,
    description="Checks that a write by pipeseal did not overwrite a concurrent change of the bucket policy, when "
    "CloudTrail reports the change. PutBucketPolicy has no conditional form, so S3 reports no conflict.",
    reports="A finding states which statements of the other writer are missing, and which statements it removed are "
    "present again.",
    risk="A change that its author considers complete is not in effect: access that was removed is granted again, or "
    "access that was granted is denied.",
    remediation="Writes the policy again with the change: restores the missing statements and removes the others. Does "
    "not write a policy that exceeds the S3 limit of 20 KB.",
    advice="No change is required: pipeseal detects and corrects its own overwrite.",
    false_positives="If a third writer reverts the change between two events, pipeseal can restore it. Write the "
    "policy again to correct that.",
    source="https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html",
    permissions=("s3:GetBucketPolicy", "s3:PutBucketPolicy"),
    parameters=(),
    requirements={},
    inferred_requirements={},
)
