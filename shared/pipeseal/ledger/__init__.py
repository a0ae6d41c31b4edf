"""The ledger: every intent ahead of its write, and what is known of each resource, in one DynamoDB table.

`entries` and `records` are the values, `table` makes the calls to DynamoDB, the other modules are what the ledger
offers.

One partition a resource (its ARN). The item "#record" is what is known of it: its dependents and dependencies,
baseline, alerts, lease. All other items of the partition are entries; their IDs sort by time. The partition
"#exemptions" holds all exemptions in one item, so that they come with a record in one call.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pipeseal.ledger.entry_store import EntryStore
from pipeseal.ledger.exemption_store import ExemptionStore
from pipeseal.ledger.leases import Leases
from pipeseal.ledger.record_store import RecordStore
from pipeseal.ledger.redrives import Redrives
from pipeseal.ledger.table import Table

if TYPE_CHECKING:
    from pipeseal.clock import Clock


@dataclass(frozen=True)
class Ledger:
    """The ledger in the table *name*, reached through *client* (dynamodb)."""

    client: Any
    name: str
    clock: Clock

    @cached_property
    def _table(self) -> Table:
        return Table(self.client, self.name, self.clock)

    @cached_property
    def records(self) -> RecordStore:
        """What is known of each resource."""
        return RecordStore(self._table)

    @cached_property
    def entries(self) -> EntryStore:
        """What was done to each resource."""
        return EntryStore(self._table)

    @cached_property
    def leases(self) -> Leases:
        """Which invocation works on a resource."""
        return Leases(self._table)

    @cached_property
    def exemptions(self) -> ExemptionStore:
        """Exemptions and their use."""
        return ExemptionStore(self._table)

    @cached_property
    def redrives(self) -> Redrives:
        """How often each dead letter was redriven."""
        return Redrives(self._table)
