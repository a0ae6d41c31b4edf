"""Find and restore the changes of another writer that a policy write by pipeseal replaced; pure.

PutBucketPolicy has no conditional form: of two concurrent writers the last one wins, and S3 reports no conflict.
"""

from __future__ import annotations

from typing import NamedTuple

from pipeseal.aws.documents import Document, MutableDocument
from pipeseal.policy.canonical import canonical_statement
from pipeseal.policy.document import raw_statements


class LostUpdate(NamedTuple):
    """The difference between the policy that another writer put and the live policy, as raw statements."""

    missing: tuple[Document, ...] = ()
    """Statements that the other writer added and that the live policy lacks."""
    resurrected: tuple[Document, ...] = ()
    """Statements that the other writer removed and that the live policy contains."""


def lost_update(
    live: Document | None, put: Document | None, read: Document | None, *, put_after_read: bool
) -> LostUpdate:
    """Return the changes from *read* to *put* that *live* lacks.

    *read* is the document from which pipeseal computed its write and *put* is the document of the other writer.
    If *put_after_read* is false, their order is unknown. Then only additions are returned, and only if *put* contains
    every statement of *read*.
    """
    before, now, intended = _by_meaning(read), _by_meaning(live), _by_meaning(put)
    added = [raw for meaning, raw in intended.items() if meaning not in before and meaning not in now]
    removed = [raw for meaning, raw in now.items() if meaning in before and meaning not in intended]
    if not put_after_read:
        if any(meaning not in intended for meaning in before):
            return LostUpdate()
        removed = []
    # A statement of *live* that stays keeps its Sid: a later writer may have reused it.
    taken = {raw["Sid"] for raw in raw_statements(live) if raw.get("Sid")} - {raw.get("Sid") for raw in removed}
    return LostUpdate(tuple(raw for raw in added if raw.get("Sid") not in taken), tuple(removed))


def restored(live: Document | None, lost: LostUpdate) -> MutableDocument | None:
    """Return *live* without the resurrected and with the missing statements of *lost*; None if no statement remains."""
    resurrected = {_meaning(raw) for raw in lost.resurrected}
    kept = [raw for raw in raw_statements(live) if _meaning(raw) not in resurrected]
    present = {_meaning(raw) for raw in kept}
    statements = [*kept, *(raw for raw in lost.missing if _meaning(raw) not in present)]
    return {**(live or {"Version": "2012-10-17"}), "Statement": statements} if statements else None


def _by_meaning(document: Document | None) -> dict[str, Document]:
    return {_meaning(raw): raw for raw in raw_statements(document)}


def _meaning(raw: Document) -> str:
    return repr(canonical_statement(raw))
