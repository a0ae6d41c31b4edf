"""What a write of ours took from another's document that came in between; pure.

S3 has no conditional PutBucketPolicy: whoever writes last wins, and nobody is told.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pipeseal.policy.canonical import canonical_statement
from pipeseal.policy.document import written

Document = dict[str, Any] | None


class Overtaken(NamedTuple):
    """The difference between what somebody meant a policy to be and what it is."""

    missing: tuple[dict[str, Any], ...] = ()
    """Statements that they put and that are not there."""
    undead: tuple[dict[str, Any], ...] = ()
    """Statements that they took out and that are there."""


def overtaken(live: Document, put: Document, read: Document, *, sure: bool) -> Overtaken:
    """Return what the document *put* says otherwise than *read*, which our write was made from, and *live* lacks.

    Without *sure* nobody knows which of the two was there first; then only statements count, and only where *put*
    holds all of *read*, as somebody's does who added to it.
    """
    was, is_, meant = _by_meaning(read), _by_meaning(live), _by_meaning(put)
    sids = {statement["Sid"] for statement in written(live) if statement.get("Sid")}
    added = [statement for meaning, statement in meant.items() if meaning not in was and meaning not in is_]
    removed = [statement for meaning, statement in is_.items() if meaning in was and meaning not in meant]
    if not sure and any(meaning not in meant for meaning in was):
        return Overtaken()
    leaving = {statement.get("Sid") for statement in removed} if sure else set()
    missing = (each for each in added if each.get("Sid") not in sids - leaving)
    return Overtaken(tuple(missing), tuple(removed) if sure else ())


def restored(live: Document, lost: Overtaken) -> Document:
    """Return *live* with what was *lost* put right, or None where no statement is left."""
    gone = {repr(canonical_statement(each)) for each in lost.undead}
    kept = [each for each in written(live) if repr(canonical_statement(each)) not in gone]
    present = set(_by_meaning(live)) - gone
    added = [each for each in lost.missing if repr(canonical_statement(each)) not in present]
    statements = [*kept, *added]
    return {**(live or {"Version": "2012-10-17"}), "Statement": statements} if statements else None


def _by_meaning(policy: Document) -> dict[str, dict[str, Any]]:
    return {repr(canonical_statement(each)): each for each in written(policy)}
