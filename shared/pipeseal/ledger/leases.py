"""Who works on a resource: one invocation at a time, recorded together with its intent and its outcome."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pipeseal.ledger.entries import Intent, LedgerEntry, changeable_attributes, item_of
from pipeseal.ledger.records import Times, alerted_text, remediations_text, suspended_text
from pipeseal.ledger.table import Table, Value, key, number, text
from pipeseal.model import Cause, Outcome, Plan

LEASE = timedelta(seconds=60)
"""The functions' timeout: an invocation that was killed blocks its resource for no longer."""

_RELEASE_ATTEMPTS = 10
_FOLLOW_UPS_KEPT = 5
"""A follow-up may hold a policy of 20 KB, and an item 400 KB."""


class LeaseLost(Exception):
    """Another invocation took the resource over because the lease expired; the text names the resource."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What is stored with an outcome."""

    outcome: Outcome
    plan: Plan[Any] | None = None
    """What was done in the end, where it differs from the intent."""
    alerted: frozenset[str] = frozenset()
    """See ResourceRecord.alerted."""
    remediations: Times | None = None
    """See ResourceRecord.remediations; None leaves them as they are."""
    suspended: Mapping[str, datetime] | None = None
    """See ResourceRecord.suspended; None leaves them as they are."""
    undone: LedgerEntry | None = None
    """The entry that this one reverted."""
    applied: LedgerEntry | None = None
    """The entry whose proposal this one applied."""


@dataclass(frozen=True, slots=True)
class Leases:
    """The leases on all resources; a resource is named by its ARN."""

    table: Table

    def acquire(self, intent: Intent, version: int) -> bool:
        """Store *intent* ahead of any write, and hold the resource for LEASE.

        Returns False where another invocation holds the lease, or completed one since the record was read that had
        that *version*.
        """
        now = self.table.clock.now()
        unchanged = "version = :version" if version else "attribute_not_exists(version)"
        lease = self.table.update_request(
            key(intent.plan.before.ref.arn),
            {"lease_owner": text(intent.id), "lease_expires": number((now + LEASE).timestamp())},
            condition=f"(attribute_not_exists(lease_owner) OR lease_expires < :now) AND {unchanged}",
            values={":now": number(now.timestamp()), **({":version": number(version)} if version else {})},
        )
        entry = {"TableName": self.table.name, "Item": item_of(intent, now)}
        return self.table.transact({"Update": lease}, {"Put": entry})

    def take_over(self, resource: str, owner: str) -> bool:
        """Hold the resource in place of *owner*, whose lease expired; return False where another was faster."""
        now = self.table.clock.now()
        request = self.table.update_request(
            key(resource),
            {"lease_expires": number((now + LEASE).timestamp())},
            condition="lease_owner = :owner AND lease_expires < :now",
            values={":owner": text(owner), ":now": number(now.timestamp())},
        )
        return self.table.update_if(request)

    def release(self, resource: str, owner: str) -> None:
        """End the lease of an invocation that failed and leave its entry open: the next delivery continues at once."""
        condition, values = "lease_owner = :owner", {":owner": text(owner)}
        request = self.table.update_request(
            key(resource), {"lease_expires": number(0)}, condition=condition, values=values
        )
        self.table.update_if(request)

    def request_follow_up(self, resource: str, own: str, cause: Cause) -> bool:
        """Ask the owner of the lease to read the resource again because of *cause*.

        Returns False where no other invocation (*own* is the ID of the caller's entry) holds it, or where so many
        follow-ups are stored that this one must wait; a follow-up that adds no policy never has to.
        """
        held = "attribute_exists(lease_owner) AND lease_owner <> :own AND lease_expires >= :now"
        values: dict[str, Value] = {
            ":own": text(own),
            ":now": number(self.table.clock.now().timestamp()),
            ":kept": number(_FOLLOW_UPS_KEPT),
        }
        follow_up = json.dumps({**cause.as_dict(), "put": cause.put}, sort_keys=True)
        room = self.table.update_request(
            key(resource),
            adds={"follow_ups": {"SS": [follow_up]}},
            condition=f"{held} AND (attribute_not_exists(follow_ups) OR size(follow_ups) < :kept)",
            values=values,
        )
        if self.table.update_if(room):
            return True
        full = self.table.update_request(
            key(resource), condition=f"{held} AND size(follow_ups) >= :kept", values=values
        )
        return cause.put is None and self.table.update_if(full)

    def complete(self, completion: Completion) -> tuple[Cause, ...]:
        """Store the outcome in its entry and end the lease; return the follow-ups that were requested.

        Raises LeaseLost where another invocation took the resource over.
        """
        outcome = completion.outcome
        notes = [{"Update": self._outcome(completion)}]
        if completion.undone:
            notes.append({"Update": self._answer(completion.undone, "undone_by", outcome.entry)})
        if completion.applied:
            notes.append({"Update": self._answer(completion.applied, "applied_by", outcome.entry)})
        follow_ups: list[str] = []
        for _ in range(_RELEASE_ATTEMPTS):
            if self.table.transact({"Update": self._end(completion, follow_ups)}, *notes):
                return tuple(map(_cause, follow_ups))
            follow_ups = self._requested_follow_ups(outcome)
        raise LeaseLost(f"{outcome.ref.arn} received follow-ups without a pause; Lambda retries the event")

    def _end(self, completion: Completion, follow_ups: list[str]) -> dict[str, Any]:
        """Return the update that ends the lease on condition that exactly *follow_ups* are stored; it removes them."""
        sets: dict[str, Value] = {
            name: text(value)
            for name, value in (
                ("alerted", alerted_text(completion.alerted) or None),
                (
                    "remediations",
                    None if completion.remediations is None else remediations_text(completion.remediations),
                ),
                ("suspended", None if completion.suspended is None else suspended_text(completion.suspended)),
            )
            if value is not None
        }
        removes = ["lease_owner", "lease_expires"]
        removes += [] if "alerted" in sets else ["alerted"]
        removes += ["follow_ups"] if follow_ups else []
        as_read = "follow_ups = :follow_ups" if follow_ups else "attribute_not_exists(follow_ups)"
        values: dict[str, Value] = {":entry": text(completion.outcome.entry)}
        if follow_ups:
            values[":follow_ups"] = {"SS": follow_ups}
        return self.table.update_request(
            key(completion.outcome.ref.arn),
            sets,
            removes,
            adds={"version": number(1)},
            condition=f"lease_owner = :entry AND {as_read}",
            values=values,
        )

    def _requested_follow_ups(self, outcome: Outcome) -> list[str]:
        item = next(iter(self.table.get_many(key(outcome.ref.arn))), {})
        if item.get("lease_owner") != text(outcome.entry):
            raise LeaseLost(f"{outcome.ref.arn}: the lease expired and another invocation took over")
        return sorted(item.get("follow_ups", {}).get("SS", ()))

    def _outcome(self, completion: Completion) -> dict[str, Any]:
        outcome, plan = completion.outcome, completion.plan
        attributes = {
            "outcome": str(outcome.action),
            "steps": json.dumps(outcome.steps),
            "exemptions": json.dumps(outcome.exemptions),
            "closed": self.table.clock.now().isoformat(),
            **(changeable_attributes(plan) if plan else {}),
        }
        sets = {name: text(value) for name, value in attributes.items()}
        return self.table.update_request(key(outcome.ref.arn, outcome.entry), sets)

    def _answer(self, entry: LedgerEntry, attribute: str, by: str) -> dict[str, Any]:
        return self.table.update_request(key(entry.ref.arn, entry.id), {attribute: text(by)})


def _cause(follow_up: str) -> Cause:
    document = json.loads(follow_up)
    return replace(Cause.parse(document), put=document["put"])
