"""Bucket policies in the tests of the bucket controls."""

from __future__ import annotations

from typing import Any

from pipeseal.kinds.bucket.value import Bucket


def statements(bucket: Bucket) -> list[dict[str, Any]]:
    """Return the statements of the bucket policy; none if the bucket has no policy."""
    return list((bucket.policy.document or {"Statement": []})["Statement"])
