"""Find the entries of the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeseal.ledger.entries import LedgerEntry, entry_of, is_entry_id
from pipeseal.ledger.table import RECORD, Item, Table, key, text

_OF_RESOURCE = "#resource = :resource AND id > :record"


@dataclass(frozen=True, slots=True)
class EntryStore:
    """The entries of all resources."""

    table: Table

    def find(self, identity: str) -> LedgerEntry | None:
        """Return the entry with that ID, None where there is none: one call, on the index `by-id`."""
        if not is_entry_id(identity):
            return None
        found = self.table.query(
            IndexName="by-id",
            KeyConditionExpression="id = :id",
            ExpressionAttributeValues={":id": text(identity)},
        )
        return next(map(entry_of, found), None)

    def get(self, resource: str, identity: str) -> LedgerEntry | None:
        """Return the entry of *resource* (an ARN) with that ID by a consistent read, None where there is none."""
        return next(map(entry_of, self.table.get_many(key(resource, identity))), None)

    def latest(self, resource: str, limit: int) -> tuple[LedgerEntry, ...]:
        """Return the entries of *resource*, the newest first, *limit* at most: one consistent read."""
        found = self.table.query(**_of_resource(resource), ScanIndexForward=False, ConsistentRead=True, Limit=limit)
        return tuple(map(entry_of, found))

    def of_resource(self, resource: str) -> Iterator[LedgerEntry]:
        """Yield all entries of *resource*, the newest first."""
        yield from map(entry_of, self.table.query_all(**_of_resource(resource), ScanIndexForward=False))

    def all(self) -> Iterator[LedgerEntry]:
        """Yield all entries in no particular order."""
        yield from map(entry_of, self.table.scan(FilterExpression="attribute_exists(intent)"))


def _of_resource(resource: str) -> dict[str, str | dict[str, str] | Item]:
    return {
        "KeyConditionExpression": _OF_RESOURCE,
        "ExpressionAttributeNames": {"#resource": "resource"},
        "ExpressionAttributeValues": {":resource": {"S": resource}, ":record": {"S": RECORD}},
    }
