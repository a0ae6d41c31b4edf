"""Who works on a resource: one invocation at a time, recorded together with its intent and its outcome."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pipeseal.aws.documents import MutableDocument
from pipeseal.aws.transient import RetryBudget, budget_of_invocation
from pipeseal.exemptions import Exemption
from pipeseal.ledger.entries import Intent, LedgerEntry, changeable_attributes, item_of
from pipeseal.ledger.exemption_store import EXEMPTIONS, attributes_of
from pipeseal.ledger.records import Times, alerted_text, remediations_text, suspended_text
from pipeseal.ledger.table import RECORD, Table, Value, key, number, text
from pipeseal.model import Cause, Outcome, Plan, Resource

LEASE = timedelta(seconds=60)
"""The functions' timeout: an invocation that was killed blocks its resource for no longer."""

OPERATOR_LEASE = timedelta(minutes=2)
"""An operator's command retries what fails for a minute. Lambda's last retry of an event comes after three minutes."""

_OPERATOR = "operator_lease"
"""The attribute of a record whose lease an operator's command holds."""
_RELEASE_ATTEMPTS = 10
_FOLLOW_UPS_KEPT = 5
"""A follow-up may hold a policy of 20 KB, and an item 400 KB."""


class LeaseLost(Exception):
    """Another invocation took the resource over because the lease expired; the text names the resource."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What is stored with an outcome."""

    outcome: Outcome
    plan: Plan[Resource] | None = None
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
    grants: tuple[Exemption, ...] = ()
    """The exemptions that become active."""


@dataclass(frozen=True, slots=True)
class Leases:
    """The leases on all resources; a resource is named by its ARN."""

    table: Table

    def acquire(self, intent: Intent, version: int, replaces: str = "") -> bool:
        """Store *intent* ahead of any write, and hold the resource for LEASE, an operator's for OPERATOR_LEASE.

        *replaces* is the owner of an expired lease that the caller cannot complete. Any other expired lease must be
        taken over, because it names an entry that is open. Returns False where another owner holds the lease, or
        completed one since the record was read that had that *version*.
        """
        now = self.table.clock.now()
        values: dict[str, Value] = {}
        unchanged, free = "attribute_not_exists(version)", "attribute_not_exists(lease_owner)"
        if version:
            unchanged, values[":version"] = "version = :version", number(version)
        if replaces:
            free = f"({free} OR (lease_owner = :replaced AND lease_expires < :now))"
            values |= {":replaced": text(replaces), ":now": number(now.timestamp())}
        held = {
            "lease_owner": text(intent.id),
            "lease_expires": number((now + (OPERATOR_LEASE if intent.by_operator else LEASE)).timestamp()),
            **({_OPERATOR: text("yes")} if intent.by_operator else {}),
        }
        lease = self.table.update_request(
            key(intent.plan.before.ref.arn),
            held,
            () if intent.by_operator else (_OPERATOR,),
            condition=f"{free} AND {unchanged}",
            values=values,
        )
        entry = {"TableName": self.table.name, "Item": item_of(intent, now)}
        return self.table.transact({"Update": lease}, {"Put": entry})

    def take_over(self, resource: str, owner: str) -> bool:
        """Hold the resource in place of *owner*, whose lease expired; return False where another was faster."""
        now = self.table.clock.now()
        request = self.table.update_request(
            key(resource),
            {"lease_expires": number((now + LEASE).timestamp())},
            (_OPERATOR,),
            condition="lease_owner = :owner AND lease_expires < :now",
            values={":owner": text(owner), ":now": number(now.timestamp())},
        )
        return self.table.update_if(request)

    def release(self, resource: str, owner: str, *, alert_sent: bool = False) -> None:
        """End the lease of an invocation that failed and leave its entry open: the next delivery continues at once.

        With *alert_sent* it does not send the alert of the entry again.
        """
        sets = {"lease_expires": number(0), **({"alert_sent": text(owner)} if alert_sent else {})}
        condition, values = "lease_owner = :owner", {":owner": text(owner)}
        request = self.table.update_request(key(resource), sets, condition=condition, values=values)
        self.table.update_if(request)

    def request_follow_up(self, resource: str, own: str, cause: Cause) -> bool:
        """Ask the owner of the lease to read the resource again because of *cause*.

        Returns False where no other invocation (*own* is the ID of the caller's entry) holds it, or where so many
        follow-ups are stored that this one must wait; a follow-up that adds no policy never has to. Returns False also
        where an operator's command holds it: that cannot remediate, so the event must wait.
        """
        held = (
            "attribute_exists(lease_owner) AND lease_owner <> :own AND lease_expires >= :now "
            f"AND attribute_not_exists({_OPERATOR})"
        )
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

    def complete(self, completion: Completion, budget: RetryBudget | None = None) -> tuple[Cause, ...]:
        """Store the outcome in its entry and end the lease; return the follow-ups that were requested.

        Transient errors are retried within *budget*, by default for as long as the invocation lasts: what was done and
        alerted is otherwise unknown to the next one. Raises LeaseLost where another invocation took the resource over.
        """
        outcome, closed = completion.outcome, self.table.clock.now().isoformat()
        budget = budget or budget_of_invocation(self.table.clock)
        notes = [{"Update": self._outcome(completion, closed)}]
        if completion.undone:
            notes.append({"Update": self._answer(completion.undone, "undone_by", outcome.entry)})
        if completion.applied:
            notes.append({"Update": self._answer(completion.applied, "applied_by", outcome.entry)})
        if completion.grants:
            notes.append({"Update": self.table.update_request(EXEMPTIONS, attributes_of(completion.grants))})
        follow_ups: list[str] = []
        for _ in range(_RELEASE_ATTEMPTS):
            if self.table.transact({"Update": self._end(completion, follow_ups)}, *notes, budget=budget):
                return tuple(map(_cause, follow_ups))
            requested = budget.run(lambda: self._requested_follow_ups(outcome, closed))
            if requested is None:
                return tuple(map(_cause, follow_ups))
            follow_ups = requested
        raise LeaseLost(f"{outcome.ref.arn} received follow-ups without a pause; Lambda retries the event")

    def _end(self, completion: Completion, follow_ups: list[str]) -> MutableDocument:
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
        removes = ["lease_owner", "lease_expires", "alert_sent", _OPERATOR]
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

    def _requested_follow_ups(self, outcome: Outcome, closed: str) -> list[str] | None:
        """Return the stored follow-ups; None where the entry was *closed* by a call whose response was lost."""
        items = self.table.get_many(key(outcome.ref.arn), key(outcome.ref.arn, outcome.entry))
        found = {item["id"]["S"]: item for item in items}
        record, entry = found.get(RECORD, {}), found.get(outcome.entry, {})
        if (entry.get("closed"), entry.get("outcome")) == (text(closed), text(str(outcome.action))):
            return None
        if record.get("lease_owner") != text(outcome.entry):
            raise LeaseLost(f"{outcome.ref.arn}: the lease expired and another invocation took over")
        return sorted(record.get("follow_ups", {}).get("SS", ()))

    def _outcome(self, completion: Completion, closed: str) -> MutableDocument:
        outcome, plan = completion.outcome, completion.plan
        attributes = {
            "outcome": str(outcome.action),
            "steps": json.dumps(outcome.steps),
            "exemptions": json.dumps(outcome.exemptions),
            "closed": closed,
            **(changeable_attributes(plan) if plan else {}),
        }
        sets = {name: text(value) for name, value in attributes.items()}
        return self.table.update_request(key(outcome.ref.arn, outcome.entry), sets)

    def _answer(self, entry: LedgerEntry, attribute: str, by: str) -> MutableDocument:
        return self.table.update_request(key(entry.ref.arn, entry.id), {attribute: text(by)})


def _cause(follow_up: str) -> Cause:
    document = json.loads(follow_up)
    return replace(Cause.parse(document), put=document["put"])
