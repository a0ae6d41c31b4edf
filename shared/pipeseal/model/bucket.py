"""An S3 bucket as a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from pipeseal.model import Action, Ref, Refused
from pipeseal.policy import LIMIT, Deny, Policy, PolicyTooLarge

if TYPE_CHECKING:
    from pipeseal.policy.overtaken import Overtaken


@dataclass(frozen=True, slots=True)
class Bucket:
    """An S3 bucket: what pipeseal may write (policy, default encryption) and what it must know to do so."""

    ref: Ref
    policy: Policy
    encryption: Mapping[str, Any] = field(default_factory=dict)
    """ServerSideEncryptionConfiguration as GetBucketEncryption gives it; empty where there is none."""
    users: Mapping[str, str] = field(default_factory=dict)
    """ARN of each pipeline, project or application that keeps artifacts here -> ARN of the key it names, or ""."""
    encrypt: bool = False
    """Whether the bucket must be encrypted under KMS: it holds artifacts, or all buckets must be."""
    website: bool | None = None
    """Whether website hosting is on; None where nobody asked yet."""
    lost: Overtaken | None = None
    """What a write of pipeseal's took from the policy, where an event has shown it."""

    @property
    def arn(self) -> str:
        """Return the bucket's ARN."""
        return self.ref.arn

    @property
    def default_algorithm(self) -> str:
        """Return the algorithm that S3 applies to an object that names none; "" where there is none."""
        defaults = (rule.get("ApplyServerSideEncryptionByDefault") or {} for rule in self.encryption.get("Rules", ()))
        return next(filter(None, (str(default.get("SSEAlgorithm", "")) for default in defaults)), "")

    def requiring(self, deny: Deny) -> Self:
        """Return this bucket with *deny* in its policy; itself where the policy denies as much already.

        Raises Refused where the policy would grow past what S3 takes.
        """
        try:
            policy = self.policy.require(deny)
        except PolicyTooLarge as excess:
            raise Refused(str(excess)) from excess
        return self if policy == self.policy else replace(self, policy=policy)

    def fitting(self, policy: Policy) -> Policy:
        """Return *policy*, which is to be this bucket's. Raises Refused where S3 would not take so much."""
        if policy.size > LIMIT:
            raise Refused(
                f"With all that was meant to be in it the policy of {self.ref.name} has {policy.size} bytes, "
                f"and S3 takes {LIMIT}: shorten it by hand."
            )
        return policy

    def state(self) -> dict[str, Any]:
        """Return the policy document (None where there is none) and the encryption configuration."""
        return {"policy": self.policy.document, "encryption": dict(self.encryption)}

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """See Resource."""
        return replace(self, policy=Policy.parse(state["policy"]), encryption=state["encryption"])

    def same_as(self, other: Self) -> bool:
        """See Resource; policies are compared by what they mean to S3."""
        return self.policy.same_as(other.policy) and self.encryption == other.encryption

    def changed(self, after: Self) -> tuple[Action, tuple[str, ...]]:
        """See Resource."""
        steps = []
        if after.policy != self.policy:
            steps.append(f"bucket policy: {_rewritten(self.policy, after.policy)}")
        if after.encryption != self.encryption:
            steps.append(f"default encryption: {_reset(after)}")
        return (Action.REMEDIATED if steps else Action.DETECTED), tuple(steps)

    def uses(self) -> Iterator[tuple[Ref, str]]:
        """See Resource; a bucket is the end of the way."""
        yield from ()


def _rewritten(before: Policy, after: Policy) -> str:
    """Say how a policy became another: statements that are there before and after are not named."""
    if after.document is None:
        return "deleted, for there was none"
    added, removed = after.sids_beyond(before), before.sids_beyond(after)
    parts = [
        f"{' and '.join(sid or 'a statement without Sid' for sid in sids)} {what}"
        for sids, what in ((added, "added"), ([sid for sid in removed if sid not in added], "taken out"))
        if sids
    ]
    return ", ".join([*parts, "all else kept"])


def _reset(after: Bucket) -> str:
    if not after.encryption:
        return "deleted, for there was none"
    algorithm = after.default_algorithm or "nothing"
    return f"set to {'AWS KMS' if algorithm == 'aws:kms' else algorithm}, everything else in it kept"
