"""S3.LOST_UPDATE: what somebody wrote into a policy while pipeseal was writing it too is in the policy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeseal.model import Control, Kind, Severity
from pipeseal.model.bucket import Bucket

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from pipeseal.settings import Settings


def reasons(bucket: Bucket, _settings: Settings) -> tuple[str, ...]:
    """Name the statements that were lost, and those that came back."""
    after = bucket.policy if bucket.lost is None else bucket.policy.restoring(bucket.lost)
    if bucket.lost is None or after == bucket.policy:
        return ()
    missing, undead = (", ".join(map(_named, side)) for side in bucket.lost)
    said = [
        f"{missing} was lost" if missing else "",
        f"{undead}, which they had taken out, was there again" if undead else "",
    ]
    return (
        f"pipeseal wrote this policy in the moment in which somebody else did, and {' and '.join(filter(None, said))}.",
    )


def _named(statement: Mapping[str, Any]) -> str:
    sid = str(statement.get("Sid", ""))
    return f"statement {sid}" if sid.isprintable() and sid else "a statement without Sid"


def fix(bucket: Bucket, _settings: Settings) -> Bucket:
    """Return *bucket* with its policy as they meant it."""
    after = bucket.policy if bucket.lost is None else bucket.fitting(bucket.policy.restoring(bucket.lost))
    return bucket if after == bucket.policy else replace(bucket, policy=after)


CONTROL = Control(
    id="S3.LOST_UPDATE",
    title="No change of a bucket policy is lost to pipeseal's own write",
    severity=Severity.MEDIUM,
    kinds=(Kind.BUCKET,),
    reasons=reasons,
    fix=fix,
    advice="Nothing: S3 knows no conditional write of a policy, and this is how pipeseal makes up for it.",
    source="https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html",
    permissions=("s3:GetBucketPolicy", "s3:PutBucketPolicy"),
)
