"""A bucket policy as an immutable value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from pipeseal.aws.documents import Document
from pipeseal.policy.canonical import canonical_document
from pipeseal.policy.deny import Deny
from pipeseal.policy.document import Statement, dump, load, parse_statements, raw_statements
from pipeseal.policy.require import with_deny
from pipeseal.policy.size import MAX_POLICY_BYTES, PolicyTooLarge, suggestions
from pipeseal.policy.verdict import Verdict, evaluate

if TYPE_CHECKING:
    from pipeseal.policy.external_access import ExternalAccess
    from pipeseal.policy.external_principals import ZoneOfTrust
    from pipeseal.policy.lost_update import LostUpdate


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """The policy of a bucket, which may have none. Created by `parse`."""

    document: Document | None
    """The document as parsed, None if the bucket has no policy; callers must not change it."""
    statements: tuple[Statement, ...] = field(repr=False)

    @classmethod
    def parse(cls, raw: object) -> Self:
        """Return the policy in *raw*: the text from GetBucketPolicy, a document, or None if the bucket has no policy.

        Raises PolicyError if *raw* is not a bucket policy, and no other error.
        """
        if raw is None:
            return cls(None, ())
        document = load(raw)
        return cls(document, parse_statements(document))

    @property
    def text(self) -> str:
        """Return the compact JSON for PutBucketPolicy; empty if there is no policy."""
        return "" if self.document is None else dump(self.document)

    @property
    def size(self) -> int:
        """Return the size of `text` in bytes as UTF-8; S3 accepts `MAX_POLICY_BYTES`."""
        return len(self.text.encode())

    def __eq__(self, other: object) -> bool:
        """Return whether both documents are the same JSON value; the order of object keys does not count."""
        if not isinstance(other, Policy):
            return NotImplemented
        return _equal_json(self.document, other.document)

    def __hash__(self) -> int:
        """Return the same number for equal policies."""
        return hash(tuple(sorted((each.number, each.sid) for each in self.statements)))

    def same_as(self, other: Policy) -> bool:
        """Return whether both are equivalent for S3, as a policy and its copy from GetBucketPolicy are."""
        return canonical_document(self.document) == canonical_document(other.document)

    def verdict(self, deny: Deny) -> Verdict:
        """Return whether the Deny statements together explicitly deny every request that *deny* matches."""
        return evaluate(deny, self.statements)

    def external_access(self, bucket_arn: str, zone: ZoneOfTrust, actions: Iterable[str]) -> tuple[ExternalAccess, ...]:
        """Return which of *actions* each Allow statement grants to principals outside *zone* and no Deny denies.

        *actions* are action names without wildcards, on the bucket or its objects.
        """
        from pipeseal.policy.external_access import external_access  # noqa: PLC0415 - few buckets need it: cold start

        return external_access(bucket_arn, zone, actions, self.statements)

    def require(self, deny: Deny) -> Self:
        """Return this policy with the statement of *deny*; the policy itself if its verdict is full already.

        Raises PolicyTooLarge if the result exceeds the size limit of S3.
        """
        if self.verdict(deny).full:
            return self
        document = with_deny(self.document, deny)
        result = type(self)(document, parse_statements(document))
        if result.size > MAX_POLICY_BYTES:
            raise PolicyTooLarge(result.size, suggestions(document["Statement"], result.statements, deny))
        return result

    def with_restored(self, lost: LostUpdate) -> Self:
        """Return this policy with the changes in *lost* applied; the policy itself if it contains them already."""
        from pipeseal.policy.lost_update import restored  # noqa: PLC0415 - lost updates are rare: cold start

        document = restored(self.document, lost)
        return self if _equal_json(document, self.document) else type(self).parse(document)

    def statements_not_in(self, other: Policy) -> tuple[Document, ...]:
        """Return the statements, as written, that *other* does not contain in the same form; do not change them."""
        present = raw_statements(other.document)
        return tuple(each for each in raw_statements(self.document) if each not in present)

    def sids_not_in(self, other: Policy) -> tuple[str, ...]:
        """Return the Sids of `statements_not_in`, empty for a statement without Sid."""
        return tuple(str(each.get("Sid", "")) for each in self.statements_not_in(other))


def _equal_json(left: object, right: object) -> bool:
    """Compare as JSON does: in Python True equals 1."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal_json(value, right[name]) for name, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal_json, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)
