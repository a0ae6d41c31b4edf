"""The calls to DynamoDB, with the retries that botocore leaves to its caller."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError

from pipeseal.aws.documents import Document, MutableDocument
from pipeseal.aws.errors import code

if TYPE_CHECKING:
    from pipeseal.aws.transient import RetryBudget
    from pipeseal.clock import Clock

Value = Document
"""A value as DynamoDB takes it, such as {"S": "text"}."""

Item = dict[str, MutableDocument]
"""An item as DynamoDB returns it: attribute -> value."""

RECORD = "#record"
"""Sort key of the item that holds what is known of a resource; it sorts before the IDs of entries."""

_ATTEMPTS = 5
_FIRST_PAUSE = 0.05
"""Seconds before the first retry; twice as many before each further one."""
_FAILED_CONDITION = "ConditionalCheckFailedException"
_CONFLICTS = {"TransactionConflict", "TransactionConflictException"}


class Throttled(Exception):
    """DynamoDB left keys unprocessed several times in a row; the text names the table."""


def text(value: str) -> Value:
    """Return *value* as a DynamoDB string."""
    return {"S": value}


def number(value: float) -> Value:
    """Return *value* as a DynamoDB number."""
    return {"N": str(value)}


def texts_of(item: Document) -> dict[str, str]:
    """Return the string attributes of *item*."""
    return {name: value["S"] for name, value in item.items() if "S" in value}


def numbers_of(item: Document) -> dict[str, str]:
    """Return the number attributes of *item*, as text."""
    return {name: value["N"] for name, value in item.items() if "N" in value}


def key(resource: str, identity: str = RECORD) -> Item:
    """Return the key of one item in the partition *resource*."""
    return {"resource": {"S": resource}, "id": {"S": identity}}


@dataclass(frozen=True, slots=True)
class Table:
    """The table *name*, reached through *client* (dynamodb)."""

    client: Any
    name: str
    clock: Clock

    def get(self, item_key: Item) -> Item:
        """Return the item under *item_key*, {} where there is none: one consistent read."""
        found: Item = self.client.get_item(TableName=self.name, Key=item_key, ConsistentRead=True).get("Item", {})
        return found

    def get_many(self, *item_keys: Item) -> list[Item]:
        """Return the items under *item_keys* (100 at most) that exist; raise Throttled where some stay unread."""
        requested: Document = {self.name: {"Keys": list(item_keys), "ConsistentRead": True}}
        items: list[Item] = []
        for attempt in range(_ATTEMPTS):
            found = self.client.batch_get_item(RequestItems=requested)
            items += found["Responses"].get(self.name, [])
            requested = found.get("UnprocessedKeys") or {}
            if not requested:
                return items
            self.clock.sleep(_FIRST_PAUSE * 2**attempt)
        raise Throttled(f"DynamoDB left keys of {self.name} unread {_ATTEMPTS} times; Lambda retries the event")

    def query(self, **parameters: Any) -> list[Item]:
        """Return the items of the first page of a query with those *parameters* (of the Query API)."""
        found: list[Item] = self.client.query(TableName=self.name, **parameters)["Items"]
        return found

    def query_all(self, **parameters: Any) -> Iterator[Item]:
        """Yield the items of all pages of a query."""
        for page in self.client.get_paginator("query").paginate(TableName=self.name, **parameters):
            yield from page["Items"]

    def scan(self, **parameters: Any) -> Iterator[Item]:
        """Yield the items of all pages of a scan."""
        for page in self.client.get_paginator("scan").paginate(TableName=self.name, **parameters):
            yield from page["Items"]

    def put(self, item: Mapping[str, Value]) -> None:
        """Write a whole item."""
        self.client.put_item(TableName=self.name, Item=item)

    def update(self, request: Document) -> None:
        """Make the update that `update_request` returned."""
        self.client.update_item(**request)

    def update_if(self, request: Document) -> bool:
        """Make a conditional update; return False where its condition does not hold."""
        try:
            self._retrying(self.client.update_item, **request)
        except ClientError as error:
            if code(error) != _FAILED_CONDITION:
                raise
            return False
        return True

    def transact(self, *writes: Document, budget: RetryBudget | None = None) -> bool:
        """Make all *writes* or none; return False where the condition of one does not hold.

        With a *budget*, transient errors are retried within it. DynamoDB makes a transaction once whose response was
        lost, because the retry has the same token.
        """
        token = uuid4().hex

        def write(**arguments: Any) -> MutableDocument:
            nonlocal token
            try:
                answer: MutableDocument = self.client.transact_write_items(ClientRequestToken=token, **arguments)
            except ClientError as error:
                if _cancellation_codes(error):
                    token = uuid4().hex  # nothing was written, so the next attempt is another transaction
                raise
            return answer

        try:
            if budget:
                budget.run(lambda: self._retrying(write, TransactItems=list(writes)))
            else:
                self._retrying(write, TransactItems=list(writes))
        except ClientError as error:
            if "ConditionalCheckFailed" not in _cancellation_codes(error):
                raise
            return False
        return True

    def _retrying(self, call: Callable[..., MutableDocument], **arguments: Any) -> None:
        """Make *call*, again where another request on the same item was in progress: botocore does not retry that."""
        for attempt in range(_ATTEMPTS):
            try:
                call(**arguments)
            except ClientError as error:
                if not _CONFLICTS & {code(error), *_cancellation_codes(error)}:
                    raise
                self.clock.sleep(_FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 - only a jitter
            else:
                return
        call(**arguments)

    def update_request(  # noqa: PLR0913 - the parts of UpdateItem
        self,
        item_key: Item,
        sets: Mapping[str, Value] | None = None,
        removes: Iterable[str] = (),
        *,
        adds: Mapping[str, Value] | None = None,
        condition: str = "",
        values: Mapping[str, Value] | None = None,
    ) -> MutableDocument:
        """Return the parameters of UpdateItem for one item; *values* are those that *condition* names."""
        sets, removes, adds = sets or {}, tuple(removes), adds or {}
        names = {name: f"#n{position}" for position, name in enumerate((*sets, *removes, *adds))}
        given = {**sets, **adds}
        places = {name: f":v{position}" for position, name in enumerate(given)}
        clauses = [
            "SET " + ", ".join(f"{names[name]} = {places[name]}" for name in sets) if sets else "",
            "REMOVE " + ", ".join(names[name] for name in removes) if removes else "",
            "ADD " + ", ".join(f"{names[name]} {places[name]}" for name in adds) if adds else "",
        ]
        filled = {places[name]: value for name, value in given.items()} | dict(values or {})
        return {
            "TableName": self.name,
            "Key": item_key,
            **({"UpdateExpression": " ".join(filter(None, clauses))} if names else {}),
            **({"ExpressionAttributeNames": {place: name for name, place in names.items()}} if names else {}),
            **({"ExpressionAttributeValues": filled} if filled else {}),
            **({"ConditionExpression": condition} if condition else {}),
        }


def _cancellation_codes(error: ClientError) -> tuple[str, ...]:
    """Return why DynamoDB cancelled a transaction, one code an item."""
    reasons: Any = error.response.get("CancellationReasons") or ()
    return tuple(reason.get("Code", "") for reason in reasons)
