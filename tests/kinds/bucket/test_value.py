"""A bucket as a value: when two are the same, what is restored, and the largest policy."""

from __future__ import annotations

from typing import Any

import pytest
from tests.resources import ACCOUNT, bucket, policy

from pipeseal.kinds.bucket.value import KMS_ALGORITHMS
from pipeseal.model import Action, Refused
from pipeseal.policy import MAX_POLICY_BYTES, Deny, Policy
from pipeseal.remediation.planning import make_plan
from pipeseal.settings import Settings

ALLOW: dict[str, Any] = {
    "Sid": "A",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": ["s3:GetObject"],
    "Resource": "arn:aws:s3:::harbor/*",
}
DENY = Deny("Deny", ("s3:*",), ("arn:aws:s3:::harbor/*",), {"Bool": {"aws:SecureTransport": "false"}})


def test_policies_are_the_same_as_s3_returns_them() -> None:
    """S3 returns a list of one value as the value alone: the documents differ, the buckets are the same."""
    one, other = bucket(ALLOW), bucket({**ALLOW, "Action": "s3:GetObject"})
    assert one != other
    assert one.same_as(other)


def test_a_bucket_without_a_policy_has_none_after_an_undo() -> None:
    """No policy is restored as no policy, and so deleted rather than written empty."""
    remediated = make_plan(bucket(), Settings()).after
    assert remediated.with_state(bucket().state()).policy == Policy.parse(None)


@pytest.mark.parametrize(
    ("rules", "algorithm"),
    [
        ([], ""),
        ([{}], ""),
        ([{"ApplyServerSideEncryptionByDefault": None}, {"BucketKeyEnabled": True}], ""),
        *(([{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": name}}], name) for name in KMS_ALGORITHMS),
    ],
)
def test_the_default_algorithm_is_that_of_the_rule(rules: list[dict[str, Any]], algorithm: str) -> None:
    """The default algorithm is the rule's SSEAlgorithm, and "" where no rule names one."""
    assert bucket(encryption={"Rules": rules}).default_algorithm == algorithm


def test_a_deny_that_is_there_changes_nothing() -> None:
    """A bucket whose policy denies the requests already is returned itself."""
    sealed = bucket(ALLOW).with_deny(DENY)
    assert sealed.policy.document == policy(ALLOW, DENY.statement).document
    assert sealed.with_deny(DENY) is sealed
    assert sealed.with_policy(sealed.policy) is sealed


def test_a_policy_that_s3_does_not_accept_is_refused() -> None:
    """A policy over the size limit of S3 raises Refused, with its size and the limit."""
    large = policy(*({**ALLOW, "Sid": f"A{number}"} for number in range(200)))
    assert large.size > MAX_POLICY_BYTES
    with pytest.raises(Refused, match=rf"{large.size} bytes.*accepts {MAX_POLICY_BYTES}"):
        bucket().with_policy(large)
    with pytest.raises(Refused, match=str(MAX_POLICY_BYTES)):
        bucket(*large.document["Statement"] if large.document else ()).with_deny(DENY)


@pytest.mark.parametrize(
    ("before", "after", "step"),
    [
        (bucket(ALLOW), bucket(ALLOW, DENY.statement), "bucket policy: Deny added, all else kept"),
        (bucket(ALLOW, DENY.statement), bucket(ALLOW), "bucket policy: Deny removed, all else kept"),
        (bucket(DENY.statement), bucket(), "bucket policy: deleted, as there was none before"),
        (
            bucket(),
            bucket(encryption={"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}),
            "default encryption: set to AWS KMS, all else in it kept",
        ),
        (bucket(encryption={"Rules": [{}]}), bucket(), "default encryption: deleted, as there was none before"),
    ],
)
def test_a_change_is_described_by_its_statements(before: Any, after: Any, step: str) -> None:
    """The step names the statements that were added or removed, or the new default encryption."""
    assert before.describe_change(after) == (Action.REMEDIATED, (step,))
