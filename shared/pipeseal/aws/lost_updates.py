"""Whether a write of ours overtook somebody else's: what the event shows that they put, against what the ledger holds.

S3 tells nobody, for the policy that is there is the one that was written last. CloudTrail does, a little later.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeseal.model import Action
from pipeseal.policy import Policy, PolicyError
from pipeseal.policy.overtaken import overtaken

if TYPE_CHECKING:
    from pipeseal.aws.entries import Entry
    from pipeseal.aws.ledger import Ledger
    from pipeseal.model import Cause
    from pipeseal.model.bucket import Bucket

_ENTRIES = 10
_UNDONE = ("", Action.ABANDONED)
"""Outcomes of entries under which nothing came of what was to be done."""


def shown(bucket: Bucket, cause: Cause, ledger: Ledger) -> Bucket:
    """Return *bucket* with what our last write took from the policy that *cause* put; one call, if any.

    The write was made from what was read before it. Somebody's call that came after we looked, and before we were done,
    and whose document is not what we read, was overtaken.
    """
    try:
        put = Policy.parse(cause.put or None)
    except PolicyError:
        return bucket  # S3 would not have taken it: the record is not what it should be
    if not _suspicious(bucket.policy, put):
        return bucket
    entries = ledger.latest(bucket.ref.arn, _ENTRIES)
    if any(entry.cause.id == cause.id and entry.outcome not in _UNDONE for entry in entries):
        return bucket  # seen to already
    for entry in entries:
        if "policy" in entry.changed and not entry.undoes and _may_have_overtaken(entry, cause):
            read = Policy.parse(entry.before["policy"])
            lost = overtaken(bucket.policy.document, put.document, read.document, sure=cause.time > entry.opened)
            if any(lost) and not put.same_as(read):
                return replace(bucket, lost=lost)
    return bucket


def _suspicious(live: Policy, put: Policy) -> bool:
    """Say whether *live* may lack something of *put*, or hold what *put* did not: what only adds to it is fine."""
    return not put.same_as(live) and bool(put.sids_beyond(live) or len(live.statements) > len(put.statements))


def _may_have_overtaken(entry: Entry, cause: Cause) -> bool:
    """Say whether *cause* may have come between our look and our write: CloudTrail's times are whole seconds."""
    looked = (entry.looked or entry.opened).replace(microsecond=0)
    return looked <= cause.time and (entry.closed is None or cause.time <= entry.closed)
