"""The ledger: a DynamoDB table that holds every intent before its write, and what is known of each resource.

One partition a resource (its ARN). The item "#memory" is what is known: the pipelines that use it, what was last
told, and who is at work on it. All other items are entries, their ids sorted by time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from pipeseal.aws.clients import code
from pipeseal.model import Action, Cause, Outcome, Plan

_MEMORY = "#memory"
_USED_BY = "used-by:"


@dataclass(frozen=True, slots=True)
class Memory:
    """What is known of one resource."""

    pipelines: Mapping[str, str] = field(default_factory=dict)
    """ARN of each pipeline that uses it -> ARN of the key that it names, or ""."""
    told: str = ""
    """Digest of the findings that the last alert told of, while they last."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The table *name*, reached through *client* (dynamodb); *clock* tells the time in UTC."""

    client: Any
    name: str
    clock: Callable[[], datetime]

    def memory(self, resource: str) -> Memory:
        """Return what is known of the resource with that ARN: one call."""
        item = self.client.get_item(TableName=self.name, Key=_key(resource), ConsistentRead=True).get("Item", {})
        return Memory(
            pipelines={name[len(_USED_BY) :]: value["S"] for name, value in item.items() if name.startswith(_USED_BY)},
            told=item.get("told", {}).get("S", ""),
        )

    def remember(self, resource: str, pipeline: str, key: str) -> None:
        """Note that *pipeline* uses *resource*, under *key* (an ARN, or "")."""
        self.client.update_item(
            TableName=self.name,
            Key=_key(resource),
            UpdateExpression="SET #pipeline = :key",
            ExpressionAttributeNames={"#pipeline": _USED_BY + pipeline},
            ExpressionAttributeValues={":key": {"S": key}},
        )

    def open(self, entry: str, plan: Plan, cause: Cause, lease: timedelta) -> bool:
        """Hold the intent before any write, and the resource for *lease*; False where somebody else holds it."""
        now = self.clock()
        resource = plan.before.ref.arn
        hold = {
            "TableName": self.name,
            "Key": _key(resource),
            "UpdateExpression": "SET holder = :entry, held_until = :until",
            "ConditionExpression": "attribute_not_exists(holder) OR held_until < :now",
            "ExpressionAttributeValues": {
                ":entry": {"S": entry},
                ":until": {"N": str((now + lease).timestamp())},
                ":now": {"N": str(now.timestamp())},
            },
        }
        intent = {"TableName": self.name, "Item": _item(entry, plan, cause, now)}
        try:
            self.client.transact_write_items(TransactItems=[{"Update": hold}, {"Put": intent}])
        except ClientError as error:
            if code(error) == "TransactionCanceledException" and _held(error):
                return False
            raise
        return True

    def close(self, outcome: Outcome, told: str) -> None:
        """Write the outcome into its entry and let go of the resource; *told* is "" where nothing is left wrong."""
        resource = outcome.ref.arn
        done = {
            "TableName": self.name,
            "Key": {"resource": {"S": resource}, "id": {"S": outcome.entry}},
            "UpdateExpression": "SET outcome = :outcome, steps = :steps, closed = :now",
            "ExpressionAttributeValues": {
                ":outcome": {"S": str(outcome.action)},
                ":steps": {"S": json.dumps(outcome.steps)},
                ":now": {"S": self.clock().isoformat()},
            },
        }
        self.client.transact_write_items(TransactItems=[{"Update": done}, {"Update": self._released(resource, told)}])

    def release(self, resource: str) -> None:
        """Let go of a resource whose entry stays open because something failed: the next delivery tries again."""
        self.client.update_item(**self._released(resource, ""))

    forget = release

    def _released(self, resource: str, told: str) -> dict[str, Any]:
        if not told:
            return {
                "TableName": self.name,
                "Key": _key(resource),
                "UpdateExpression": "REMOVE holder, held_until, told",
            }
        return {
            "TableName": self.name,
            "Key": _key(resource),
            "UpdateExpression": "SET told = :told REMOVE holder, held_until",
            "ExpressionAttributeValues": {":told": {"S": told}},
        }


def _key(resource: str) -> dict[str, dict[str, str]]:
    return {"resource": {"S": resource}, "id": {"S": _MEMORY}}


def _held(error: ClientError) -> bool:
    reasons: list[dict[str, str]] = error.response.get("CancellationReasons") or [{}]
    return bool(reasons[0].get("Code") == "ConditionalCheckFailed")


def _item(entry: str, plan: Plan, cause: Cause, now: datetime) -> dict[str, dict[str, str]]:
    action, _ = plan.before.changed(plan.after)
    actor = cause.actor
    fields = {
        "resource": plan.before.ref.arn,
        "id": entry,
        "opened": now.isoformat(),
        "intent": str(Action.FAILED if plan.refused else action),
        "event": json.dumps({"id": cause.id, "name": cause.name, "time": cause.time.isoformat()}),
        "actor": json.dumps({"name": actor.name, "type": actor.kind, "mfa": actor.mfa, "via": actor.via}),
        "findings": json.dumps([{"control": f.control.id, "mode": f.mode, "reasons": f.reasons} for f in plan.findings]),
        "before": json.dumps(plan.before.state()),
        "after": json.dumps(plan.after.state()),
        "wanted": json.dumps(plan.wanted.state()),
    }
    return {name: {"S": value} for name, value in fields.items()}
