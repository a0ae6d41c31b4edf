"""Lost updates: pipeseal replaced a policy that another writer put between pipeseal's read and its write; pure.

S3 has no conditional PutBucketPolicy, so the other write is lost without an error. CloudTrail reports it later: the
event contains the policy that was put, the ledger what pipeseal read and wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeseal.policy import Policy, PolicyError
from pipeseal.policy.lost_update import lost_update

if TYPE_CHECKING:
    from pipeseal.kinds.bucket.value import Bucket
    from pipeseal.kinds.facts import PastWrite
    from pipeseal.model import Cause


def with_lost_update(bucket: Bucket, cause: Cause, past_writes: Callable[[], tuple[PastWrite, ...]]) -> Bucket:
    """Return *bucket* with what the latest write of pipeseal removed from the policy that *cause* put.

    *past_writes* is called only where the live policy lacks a statement of the put policy, or has more statements.
    """
    try:
        put = Policy.parse(cause.put or None)
    except PolicyError:
        return bucket  # S3 would have rejected it: the record is not reliable
    if not _may_be_lost(bucket.policy, put):
        return bucket
    writes = past_writes()
    if any(write.cause_id == cause.id and write.took_effect for write in writes):
        return bucket  # this event was handled already
    for write in writes:
        if "policy" in write.changed_parts and not write.is_undo and _may_overlap(write, cause):
            read = Policy.parse(write.before["policy"])
            lost = lost_update(
                bucket.policy.document, put.document, read.document, put_after_read=cause.time > write.opened
            )
            if any(lost) and not put.same_as(read):
                return replace(bucket, lost_update=lost)
    return bucket


def _may_be_lost(live: Policy, put: Policy) -> bool:
    """Return whether *live* may lack a statement of *put* or hold more of them; otherwise nothing was lost."""
    return not put.same_as(live) and bool(put.sids_not_in(live) or len(live.statements) > len(put.statements))


def _may_overlap(write: PastWrite, cause: Cause) -> bool:
    """Return whether *cause* may have happened between the read and the write; CloudTrail's times are whole seconds."""
    earliest = write.read_at.replace(microsecond=0)
    return earliest <= cause.time and (write.closed is None or cause.time <= write.closed)
