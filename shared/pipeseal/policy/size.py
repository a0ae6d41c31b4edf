"""Refuse a policy that S3 would find too large, and say what could be shortened."""

from collections.abc import Iterator, Sequence
from typing import Any

from pipeseal.policy.canonical import canonical_statement
from pipeseal.policy.deny import Deny
from pipeseal.policy.document import PolicyError, Statement, dump
from pipeseal.policy.globs import Globs, has_variable, is_wild, tidy
from pipeseal.policy.verdict import subsumed

LIMIT = 20480
"""Bytes that S3 allows a bucket policy."""

_LONG_SID = 40


class PolicyTooLarge(PolicyError):
    """The policy with the statement added passes the 20 KB that S3 allows a bucket policy."""

    def __init__(self, size: int, proposals: tuple[str, ...]) -> None:
        """Keep *size* in bytes, and *proposals* for a person who has to shorten the policy."""
        self.size = size
        self.limit = LIMIT
        self.excess = size - LIMIT
        self.proposals = proposals
        what = "; ".join(proposals) if proposals else "nothing in it is evidently superfluous"
        super().__init__(f"the policy would have {size} bytes, {self.excess} more than the {LIMIT} of S3: {what}")


def proposals(raws: Sequence[dict[str, Any]], statements: Sequence[Statement], deny: Deny) -> tuple[str, ...]:
    """Return what could be shortened in a policy of *statements*, which includes that of *deny*."""
    return (*_twins(raws, statements), *_covered(statements), *_ours(statements, deny), *_sids(statements))


def _twins(raws: Sequence[dict[str, Any]], statements: Sequence[Statement]) -> Iterator[str]:
    seen: dict[str, Statement] = {}
    for raw, statement in zip(raws, statements, strict=True):
        first = seen.setdefault(dump(canonical_statement(raw | {"Sid": ""})), statement)
        if first is not statement:
            yield f"{statement.name} says the same as {first.name}"


def _covered(statements: Sequence[Statement]) -> Iterator[str]:
    for statement in statements:
        for element, values in (("Action", statement.actions), ("Resource", statement.resources)):
            plain = [each for each in values if not has_variable(each)]
            wild = [each for each in plain if is_wild(each)][:_LONG_SID]
            globs = [(each, Globs((tidy(each),))) for each in wild]
            spare = [each for each in plain if any(each != wide and glob.contain(tidy(each)) for wide, glob in globs)]
            if spare:
                yield f"{statement.name}: {element} {spare[0]}{_more(spare)} is covered by a wildcard of the same list"


def _ours(statements: Sequence[Statement], deny: Deny) -> Iterator[str]:
    ours = statements[-1]
    for statement in statements:
        if statement is not ours and statement.sid != deny.sid and subsumed(statement, deny):
            yield f"{statement.name} denies nothing that {deny.sid} does not"


def _sids(statements: Sequence[Statement]) -> Iterator[str]:
    for statement in sorted(statements, key=lambda each: -len(each.sid))[:3]:
        if len(statement.sid) > _LONG_SID:
            yield f"statement {statement.number} has a Sid of {len(statement.sid)} letters"


def _more(names: Sequence[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""
