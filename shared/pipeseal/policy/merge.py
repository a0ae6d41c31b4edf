"""Add to a document the statement that it must carry, and leave the rest to the letter."""

from itertools import count
from typing import Any

from pipeseal.policy.deny import Deny
from pipeseal.policy.document import Statement, statements
from pipeseal.policy.verdict import subsumed


def merged(document: dict[str, Any] | None, deny: Deny) -> dict[str, Any]:
    """Return *document* with the statement of *deny* in it; a new document where there is none."""
    if document is None:
        return {"Version": "2012-10-17", "Statement": [deny.statement]}
    found = document["Statement"]
    listed = list(found) if isinstance(found, list) else [found]
    place, sid = _place(statements(document), deny)
    listed[place : place + 1] = [deny.statement | {"Sid": sid}]
    return document | {"Statement": listed}


def _place(present: tuple[Statement, ...], deny: Deny) -> tuple[int, str]:
    """Return the index to write at and the Sid to write: an earlier version of ours, or the end and a free Sid."""
    for number in count(1):
        sid = deny.sid if number == 1 else f"{deny.sid}{number}"
        taken = [each for each in present if each.sid == sid]
        if not taken:
            break
        ours = [each for each in taken if subsumed(each, deny)]
        if ours:
            return ours[0].number - 1, sid
    return len(present), sid
