"""A bucket policy as a value: what it refuses, and itself with a refusal added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from pipeseal.policy.canonical import canonical
from pipeseal.policy.deny import Deny
from pipeseal.policy.document import Statement, dump, load, statements, written
from pipeseal.policy.merge import merged
from pipeseal.policy.size import LIMIT, PolicyTooLarge, proposals
from pipeseal.policy.verdict import Verdict, judge

if TYPE_CHECKING:
    from pipeseal.policy.granting import Grant
    from pipeseal.policy.overtaken import Overtaken
    from pipeseal.policy.strangers import Home


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """The policy of a bucket, or that it has none; made by `parse`."""

    document: dict[str, Any] | None
    """The document exactly as parsed; not to be changed."""
    statements: tuple[Statement, ...] = field(repr=False)

    @classmethod
    def parse(cls, raw: str | Mapping[str, Any] | None) -> Self:
        """Return the policy in *raw*: text as GetBucketPolicy gives it, a document, or None for no policy.

        Raises PolicyError, and nothing else, where *raw* is no bucket policy; the message says where.
        """
        if raw is None:
            return cls(None, ())
        document = load(raw)
        return cls(document, statements(document))

    @property
    def text(self) -> str:
        """Return the compact JSON to write with PutBucketPolicy; empty where there is no policy."""
        return "" if self.document is None else dump(self.document)

    @property
    def size(self) -> int:
        """Return the bytes of `text`, which S3 limits to 20 KB."""
        return len(self.text.encode())

    def __eq__(self, other: object) -> bool:
        """Say whether both hold the same JSON, the order of an object's names aside."""
        if not isinstance(other, Policy):
            return NotImplemented
        return _same(self.document, other.document)

    def __hash__(self) -> int:
        """Return the same number for equal policies."""
        return hash(tuple(sorted((each.number, each.sid) for each in self.statements)))

    def same_as(self, other: Policy) -> bool:
        """Say whether both mean the same under S3's canonicalisation, as when one is the other read back."""
        return canonical(self.document) == canonical(other.document)

    def verdict(self, deny: Deny) -> Verdict:
        """Say whether every request that *deny* would refuse is explicitly denied already, by whatever statements."""
        return judge(deny, self.statements)

    def strangers(self, bucket_arn: str, home: Home, actions: Iterable[str]) -> tuple[Grant, ...]:
        """Return what each Allow lets strangers to *home* do of *actions* on the bucket, where no Deny refuses it."""
        from pipeseal.policy.granting import grants  # noqa: PLC0415 - few buckets are asked, and each would pay

        return grants(bucket_arn, home, actions, tuple(zip(self.statements, written(self.document), strict=True)))

    def require(self, deny: Deny) -> Self:
        """Return this policy with *deny* in it; itself where the verdict is full already.

        Raises PolicyTooLarge where the result would pass the 20 KB that S3 allows.
        """
        if self.verdict(deny).full:
            return self
        document = merged(self.document, deny)
        result = type(self)(document, statements(document))
        if result.size > LIMIT:
            raise PolicyTooLarge(result.size, proposals(document["Statement"], result.statements, deny))
        return result

    def restoring(self, lost: Overtaken) -> Self:
        """Return this policy as somebody meant it whose write ours overtook; itself where it is so already."""
        from pipeseal.policy.overtaken import restored  # noqa: PLC0415 - hardly ever is anything lost

        document = restored(self.document, lost)
        return self if _same(document, self.document) else type(self).parse(document)

    def beyond(self, former: Policy) -> tuple[dict[str, Any], ...]:
        """Return the statements that *former* does not hold to the letter, as written; not to be changed."""
        known = written(former.document)
        return tuple(each for each in written(self.document) if each not in known)

    def sids_beyond(self, former: Policy) -> tuple[str, ...]:
        """Return the Sids of the statements that are `beyond` *former*."""
        return tuple(str(each.get("Sid", "")) for each in self.beyond(former))


def _same(left: object, right: object) -> bool:
    """Compare as JSON does; to Python true is 1."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(value, right[name]) for name, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)
