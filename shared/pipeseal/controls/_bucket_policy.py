"""The finding that a bucket policy does not contain a required Deny statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeseal.kinds.bucket.value import Bucket
    from pipeseal.policy import Deny


def allowed_requests(bucket: Bucket, deny: Deny) -> tuple[str, ...]:
    """Return the reason why the bucket policy does not deny everything that *deny* denies; empty if it does."""
    verdict = bucket.policy.verdict(deny)
    return () if verdict.full else (f"The bucket policy allows {deny.requests}: {'; '.join(verdict.reasons)}.",)
