"""Add a Deny statement to a policy document and keep everything else as written."""

from itertools import count

from pipeseal.aws.documents import Document, MutableDocument
from pipeseal.policy.deny import Deny
from pipeseal.policy.document import Statement, parse_statements, raw_statements
from pipeseal.policy.verdict import is_subsumed


def with_deny(document: Document | None, deny: Deny) -> MutableDocument:
    """Return a copy of *document* that contains the statement of *deny*; a new document if *document* is None."""
    if document is None:
        return {"Version": "2012-10-17", "Statement": [deny.statement]}
    statements = raw_statements(document)
    index, sid = _position(parse_statements(document), deny)
    statements[index : index + 1] = [deny.statement | {"Sid": sid}]
    return {**document, "Statement": statements}


def _position(present: tuple[Statement, ...], deny: Deny) -> tuple[int, str]:
    """Return the index and the Sid to write: those of an earlier form of the statement, else the end and a free Sid."""
    for number in count(1):
        sid = deny.sid if number == 1 else f"{deny.sid}{number}"
        with_sid = [each for each in present if each.sid == sid]
        if not with_sid:
            break
        replaceable = [each for each in with_sid if is_subsumed(each, deny)]
        if replaceable:
            return replaceable[0].number - 1, sid
    return len(present), sid
