"""An S3 bucket as a value; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self, TypedDict

from pipeseal.aws.documents import Document
from pipeseal.model import Action, Ref, Refused, Resource
from pipeseal.policy import MAX_POLICY_BYTES, Deny, Policy, PolicyTooLarge

if TYPE_CHECKING:
    from pipeseal.policy.lost_update import LostUpdate

SSE_KMS = "aws:kms"
KMS_ALGORITHMS = (SSE_KMS, "aws:kms:dsse")
"""The values of SSEAlgorithm and of the header x-amz-server-side-encryption that mean encryption under AWS KMS."""


class BucketState(TypedDict):
    """What pipeseal may write of a bucket."""

    policy: Document | None
    """The policy document; None where there is no policy."""
    encryption: Document
    """ServerSideEncryptionConfiguration; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Bucket(Resource):
    """An S3 bucket: what pipeseal may write (policy, default encryption), and what that depends on."""

    ref: Ref
    policy: Policy
    encryption: Document = field(default_factory=dict)
    """ServerSideEncryptionConfiguration as GetBucketEncryption returns it; empty where there is none."""
    dependents: Mapping[str, str] = field(default_factory=dict)
    """ARN of each pipeline, project or application that keeps artifacts here -> ARN of the key it names, or ""."""
    requires_kms: bool = False
    """Whether objects must be encrypted under KMS: the bucket holds artifacts, or EncryptionScope is `all`."""
    website: bool | None = None
    """Whether static website hosting is enabled; None where that was not read."""
    lost_update: LostUpdate | None = None
    """What a write by pipeseal removed from a policy that another writer put, where an event has shown that."""

    @property
    def arn(self) -> str:
        """The bucket's ARN."""
        return self.ref.arn

    @property
    def default_algorithm(self) -> str:
        """The SSEAlgorithm that S3 applies to an upload that names none; "" where there is none."""
        defaults = (rule.get("ApplyServerSideEncryptionByDefault") or {} for rule in self.encryption.get("Rules", ()))
        return next(filter(None, (str(default.get("SSEAlgorithm", "")) for default in defaults)), "")

    def with_deny(self, deny: Deny) -> Self:
        """Return this bucket with *deny* in its policy; itself where the policy denies those requests already.

        Raises Refused where the policy would exceed the size that S3 accepts.
        """
        try:
            policy = self.policy.require(deny)
        except PolicyTooLarge as excess:
            raise Refused(str(excess)) from excess
        return self.with_policy(policy)

    def with_policy(self, policy: Policy) -> Self:
        """Return this bucket with *policy*; itself where it has that policy already.

        Raises Refused where *policy* exceeds the size that S3 accepts.
        """
        if policy == self.policy:
            return self
        if policy.size > MAX_POLICY_BYTES:
            raise Refused(
                f"With all its statements the policy of {self.ref.name} has {policy.size} bytes; "
                f"S3 accepts {MAX_POLICY_BYTES}. Shorten the policy."
            )
        return replace(self, policy=policy)

    def state(self) -> BucketState:
        """Return the policy document and the encryption configuration."""
        return {"policy": self.policy.document, "encryption": dict(self.encryption)}

    def with_state(self, state: BucketState) -> Self:
        """See Resource."""
        return replace(self, policy=Policy.parse(state["policy"]), encryption=state["encryption"])

    def same_as(self, other: Self) -> bool:
        """See Resource; policies are compared under S3's canonicalization."""
        return self.policy.same_as(other.policy) and self.encryption == other.encryption

    def describe_change(self, after: Self) -> tuple[Action, tuple[str, ...]]:
        """See Resource."""
        steps = []
        if after.policy != self.policy:
            steps.append(f"bucket policy: {_describe_policy_change(self.policy, after.policy)}")
        if after.encryption != self.encryption:
            steps.append(f"default encryption: {_describe_encryption(after)}")
        return (Action.REMEDIATED if steps else Action.DETECTED), tuple(steps)


def _describe_policy_change(before: Policy, after: Policy) -> str:
    """Name the statements that were added and removed; those in both policies are not named."""
    if after.document is None:
        return "deleted, as there was none before"
    added, removed = after.sids_not_in(before), before.sids_not_in(after)
    parts = [
        f"{' and '.join(sid or 'a statement without Sid' for sid in sids)} {change}"
        for sids, change in ((added, "added"), ([sid for sid in removed if sid not in added], "removed"))
        if sids
    ]
    return ", ".join([*parts, "all else kept"])


def _describe_encryption(after: Bucket) -> str:
    if not after.encryption:
        return "deleted, as there was none before"
    algorithm = after.default_algorithm or "no algorithm"
    return f"set to {'AWS KMS' if algorithm == SSE_KMS else algorithm}, all else in it kept"
