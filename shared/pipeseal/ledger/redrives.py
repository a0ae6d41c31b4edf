"""Count how often each dead letter was redriven."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pipeseal.ledger.table import Table, key, number, numbers_of

RETENTION = timedelta(days=14)
"""The longest retention of an SQS message."""

TTL_ATTRIBUTE = "expires"
"""The attribute that template.yaml names as the table's time to live, in seconds since the epoch."""

_PARTITION = "#redriven"


@dataclass(frozen=True, slots=True)
class Redrives:
    """Counters by event ID; DynamoDB deletes each after RETENTION."""

    table: Table

    def count(self, event: str) -> int:
        """Return how often the event with that ID was redriven within RETENTION."""
        for item in self.table.get_many(key(_PARTITION, event)):
            numbers = numbers_of(item)
            # DynamoDB may keep an expired item for days.
            if float(numbers[TTL_ATTRIBUTE]) > self.table.clock.now().timestamp():
                return int(numbers["times"])
        return 0

    def add(self, event: str, former: int = 0) -> None:
        """Count one more redrive of the event with that ID, which was redriven *former* times; may be repeated."""
        expires = int((self.table.clock.now() + RETENTION).timestamp())
        counters = {"times": number(former + 1), TTL_ATTRIBUTE: number(expires)}
        self.table.put({**key(_PARTITION, event), **counters})
