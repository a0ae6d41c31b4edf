"""The size limit of a bucket policy, and suggestions for shortening a policy that exceeds it."""

from collections.abc import Iterator, Sequence

from pipeseal.aws.documents import Document
from pipeseal.policy.canonical import canonical_statement
from pipeseal.policy.deny import Deny
from pipeseal.policy.document import PolicyError, Statement, dump
from pipeseal.policy.globs import PatternSet, has_policy_variable, has_wildcard, normalize
from pipeseal.policy.verdict import is_subsumed

MAX_POLICY_BYTES = 20480
"""The limit of 20 KB for a bucket policy (Amazon S3 User Guide, "Bucket policies for Amazon S3")."""

_LONG_SID = 40
_MAX_SIDS = 3
_MAX_WILDCARDS = 40


class PolicyTooLarge(PolicyError):
    """The policy with the statement added exceeds the size limit of S3."""

    def __init__(self, size: int, suggestions: tuple[str, ...]) -> None:
        """Take the *size* of the policy in bytes and *suggestions* for shortening it."""
        self.size = size
        self.limit = MAX_POLICY_BYTES
        self.excess = size - MAX_POLICY_BYTES
        self.suggestions = suggestions
        detail = "; ".join(suggestions) if suggestions else "no redundant element was found"
        super().__init__(
            f"the policy would be {size} bytes, {self.excess} more than the S3 limit of {MAX_POLICY_BYTES}: {detail}"
        )


def suggestions(raws: Sequence[Document], statements: Sequence[Statement], deny: Deny) -> tuple[str, ...]:
    """Return what is redundant or long in a policy that contains the statement of *deny*.

    *raws* are its statements as written and *statements* the same as parsed.
    """
    return (
        *_duplicates(raws, statements),
        *_covered_by_wildcard(statements),
        *_subsumed(statements, deny),
        *_long_sids(statements),
    )


def _duplicates(raws: Sequence[Document], statements: Sequence[Statement]) -> Iterator[str]:
    seen: dict[str, Statement] = {}
    for raw, statement in zip(raws, statements, strict=True):
        first = seen.setdefault(dump(canonical_statement({**raw, "Sid": ""})), statement)
        if first is not statement:
            yield f"{statement.label} is equivalent to {first.label}"


def _covered_by_wildcard(statements: Sequence[Statement]) -> Iterator[str]:
    for statement in statements:
        for element, values in (("Action", statement.actions), ("Resource", statement.resources)):
            known = [each for each in values if not has_policy_variable(each)]
            wildcards = [each for each in known if has_wildcard(each)][:_MAX_WILDCARDS]
            patterns = [(each, PatternSet((normalize(each),))) for each in wildcards]
            covered = [
                each
                for each in known
                if any(each != wildcard and pattern.covers(normalize(each)) for wildcard, pattern in patterns)
            ]
            if covered:
                more = f" (and {len(covered) - 1} more)" if len(covered) > 1 else ""
                yield f"{statement.label}: {element} {covered[0]}{more} is covered by a wildcard in the same element"


def _subsumed(statements: Sequence[Statement], deny: Deny) -> Iterator[str]:
    added = statements[-1]
    for statement in statements:
        if statement is not added and statement.sid != deny.sid and is_subsumed(statement, deny):
            yield f"{statement.label} denies only requests that {deny.sid} denies"


def _long_sids(statements: Sequence[Statement]) -> Iterator[str]:
    for statement in sorted(statements, key=lambda each: -len(each.sid))[:_MAX_SIDS]:
        if len(statement.sid) > _LONG_SID:
            yield f"statement {statement.number} has a Sid of {len(statement.sid)} characters"
