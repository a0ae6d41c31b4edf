"""The ledger: a DynamoDB table that holds every intent before its write, and what is known of each resource.

One partition a resource (its ARN). The item "#memory" is what is known: what uses it and what it uses, how it was when
it was sound, what was last told, and who is at work on it. All other items are entries, their ids sorted by time. The
partition "#exemptions" holds one item with all exemptions, so that they come with the memory in one call.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from pipeseal.aws.clients import code
from pipeseal.exemptions import Exemption
from pipeseal.model import Action, Cause, Kind, Outcome, Plan, Ref

_MEMORY = "#memory"
_USED_BY = "used-by:"
_USES = "uses:"
_EXEMPTIONS = {"resource": {"S": "#exemptions"}, "id": {"S": "#all"}}
_EXEMPTION = "exemption:"
_ENTRY = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{10}")
_ATTEMPTS = 5

LEASE = timedelta(seconds=60)
"""The functions' time-out: one that is killed keeps nobody from its resource for longer."""


class Throttled(Exception):
    """DynamoDB left keys unread, again and again; the text names the table."""


def entry_id(at: datetime, *of: str) -> str:
    """Return the id of the entry for what happened then; ids sort by time, and the same parts give the same id."""
    digest = hashlib.sha256("\0".join(of).encode("utf-8", "replace")).hexdigest()
    return f"{at:%Y%m%dT%H%M%SZ}-{digest[:10]}"


@dataclass(frozen=True, slots=True)
class Entry:
    """What was done, or only proposed, to one resource."""

    id: str
    ref: Ref
    intent: str
    """The action that was begun."""
    outcome: str
    """What came of it; "" where nobody lived to say."""
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    controls: tuple[str, ...]
    """Ids of the controls that found something."""
    wrote: tuple[str, ...]
    """Ids of those that changed the resource."""
    undone_by: str = ""
    """Id of the entry that took it back."""

    @property
    def changed(self) -> tuple[str, ...]:
        """Return the parts of the state that are not after as they were before."""
        return tuple(part for part, value in self.before.items() if self.after[part] != value)


@dataclass(frozen=True, slots=True)
class Memory:
    """What is known of one resource."""

    users: Mapping[str, str] = field(default_factory=dict)
    """ARN of each resource that uses it -> ARN of the key that it names, or ""."""
    uses: Mapping[str, str] = field(default_factory=dict)
    """The other way round: ARN of each resource that it uses -> the same."""
    sound: Mapping[str, Any] = field(default_factory=dict)
    """What it was last found sound with, of a kind that is measured by what it was."""
    told: str = ""
    """Digest of the findings that the last alert told of, while they last."""
    exemptions: tuple[Exemption, ...] = ()
    """All of the stack's, the ended ones too."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The table *name*, reached through *client* (dynamodb); *clock* tells the time in UTC."""

    client: Any
    name: str
    clock: Callable[[], datetime]

    def memory(self, resource: str) -> Memory:
        """Return what is known of the resource with that ARN, and all exemptions: one call."""
        items = {item["id"]["S"]: item for item in self._items(_key(resource), _EXEMPTIONS)}
        item = items.get(_MEMORY, {})
        return Memory(
            users=_under(_USED_BY, item),
            uses=_under(_USES, item),
            sound=json.loads(item.get("sound", {}).get("S", "{}")),
            told=item.get("told", {}).get("S", ""),
            exemptions=_exemptions(items.get(_EXEMPTIONS["id"]["S"], {})),
        )

    def _items(self, *keys: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the items under *keys* that are there; what DynamoDB leaves unread is asked for again."""
        wanted: Mapping[str, Any] = {self.name: {"Keys": list(keys), "ConsistentRead": True}}
        items: list[dict[str, Any]] = []
        for attempt in range(_ATTEMPTS):
            found = self.client.batch_get_item(RequestItems=wanted)
            items += found["Responses"].get(self.name, [])
            wanted = found.get("UnprocessedKeys") or {}
            if not wanted:
                return items
            time.sleep(0.05 * 2**attempt)
        raise Throttled(f"DynamoDB left keys of {self.name} unread {_ATTEMPTS} times; the event will be tried again")

    def entry(self, identity: str) -> Entry | None:
        """Return the entry with that id, or None where there is none: one call, on the index `by-id`."""
        if not _ENTRY.fullmatch(identity):
            return None
        found = self.client.query(
            TableName=self.name,
            IndexName="by-id",
            KeyConditionExpression="id = :id",
            ExpressionAttributeValues={":id": {"S": identity}},
        )
        return next(map(_entry, found["Items"]), None)

    def exemptions(self) -> tuple[Exemption, ...]:
        """Return all exemptions, the ended ones too, the first to end first."""
        item = self.client.get_item(TableName=self.name, Key=_EXEMPTIONS, ConsistentRead=True).get("Item", {})
        return tuple(sorted(_exemptions(item), key=lambda exemption: (exemption.until, exemption.id)))

    def excuse(self, exemption: Exemption) -> None:
        """Add *exemption*: it holds from the next decision on."""
        self.client.update_item(
            TableName=self.name,
            Key=_EXEMPTIONS,
            UpdateExpression="SET #exemption = :text",
            ExpressionAttributeNames={"#exemption": _EXEMPTION + exemption.id},
            ExpressionAttributeValues={":text": {"S": exemption.text}},
        )

    def end(self, identity: str) -> bool:
        """Take the exemption with that id away; False where there is none."""
        try:
            self.client.update_item(
                TableName=self.name,
                Key=_EXEMPTIONS,
                UpdateExpression="REMOVE #exemption",
                ConditionExpression="attribute_exists(#exemption)",
                ExpressionAttributeNames={"#exemption": _EXEMPTION + identity},
            )
        except ClientError as error:
            if code(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def relink(self, user: str, former: Mapping[str, str], uses: Mapping[str, str]) -> None:
        """Note on both sides that *user* uses *uses*, no longer *former* (ARN -> key); no call if all is known."""
        added = {used: key for used, key in uses.items() if former.get(used) != key}
        removed = [used for used in former if used not in uses]
        if not added and not removed:
            return
        own = self._edges(user, {_USES + used: key for used, key in added.items()}, [_USES + used for used in removed])
        others = [self._edges(used, {_USED_BY + user: key}, []) for used, key in added.items()]
        others += [self._edges(used, {}, [_USED_BY + user]) for used in removed]
        self.client.transact_write_items(TransactItems=[{"Update": update} for update in (own, *others)])

    def learn(self, resource: str, sound: Mapping[str, Any]) -> None:
        """Remember what the resource with that ARN was found sound with."""
        self.client.update_item(
            TableName=self.name,
            Key=_key(resource),
            UpdateExpression="SET sound = :sound",
            ExpressionAttributeValues={":sound": {"S": json.dumps(sound, sort_keys=True)}},
        )

    def _edges(self, resource: str, added: Mapping[str, str], removed: list[str]) -> dict[str, Any]:
        names = {f"#n{number}": name for number, name in enumerate([*added, *removed])}
        values = {f":v{number}": {"S": key} for number, key in enumerate(added.values())}
        sets = ", ".join(f"#n{number} = :v{number}" for number in range(len(added)))
        removes = ", ".join(f"#n{number}" for number in range(len(added), len(names)))
        return {
            "TableName": self.name,
            "Key": _key(resource),
            "UpdateExpression": " ".join(filter(None, (sets and f"SET {sets}", removes and f"REMOVE {removes}"))),
            "ExpressionAttributeNames": names,
            **({"ExpressionAttributeValues": values} if values else {}),
        }

    def open(self, entry: str, plan: Plan, cause: Cause, undoes: str = "") -> bool:
        """Hold the intent before any write, and the resource for LEASE; False where somebody else holds it.

        *undoes* is the id of the entry that is taken back, where that is the intent.
        """
        now = self.clock()
        resource = plan.before.ref.arn
        hold = {
            "TableName": self.name,
            "Key": _key(resource),
            "UpdateExpression": "SET holder = :entry, held_until = :until",
            "ConditionExpression": "attribute_not_exists(holder) OR held_until < :now",
            "ExpressionAttributeValues": {
                ":entry": {"S": entry},
                ":until": {"N": str((now + LEASE).timestamp())},
                ":now": {"N": str(now.timestamp())},
            },
        }
        intent = {"TableName": self.name, "Item": _item(entry, plan, cause, now, undoes)}
        try:
            self.client.transact_write_items(TransactItems=[{"Update": hold}, {"Put": intent}])
        except ClientError as error:
            if code(error) == "TransactionCanceledException" and _held(error):
                return False
            raise
        return True

    def close(self, outcome: Outcome, told: str) -> None:
        """Write the outcome into its entry and let go of the resource; *told* is "" where nothing is left wrong."""
        released = self._released(outcome.ref.arn, told)
        self.client.transact_write_items(TransactItems=[{"Update": self._done(outcome)}, {"Update": released}])

    def undone(self, outcome: Outcome, entry: Entry) -> None:
        """Close the entry of an undo and note in *entry*, which it took back, that it did."""
        note = {
            "TableName": self.name,
            "Key": {"resource": {"S": entry.ref.arn}, "id": {"S": entry.id}},
            "UpdateExpression": "SET undone_by = :by",
            "ExpressionAttributeValues": {":by": {"S": outcome.entry}},
        }
        released = self._released(outcome.ref.arn, "")
        updates = (self._done(outcome), released, note)
        self.client.transact_write_items(TransactItems=[{"Update": update} for update in updates])

    def _done(self, outcome: Outcome) -> dict[str, Any]:
        return {
            "TableName": self.name,
            "Key": {"resource": {"S": outcome.ref.arn}, "id": {"S": outcome.entry}},
            "UpdateExpression": "SET outcome = :outcome, steps = :steps, exemptions = :exemptions, closed = :now",
            "ExpressionAttributeValues": {
                ":outcome": {"S": str(outcome.action)},
                ":steps": {"S": json.dumps(outcome.steps)},
                ":exemptions": {"S": json.dumps(outcome.exemptions)},
                ":now": {"S": self.clock().isoformat()},
            },
        }

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


def _under(prefix: str, item: Mapping[str, Any]) -> dict[str, str]:
    return {name[len(prefix) :]: value["S"] for name, value in item.items() if name.startswith(prefix)}


def _exemptions(item: Mapping[str, Any]) -> tuple[Exemption, ...]:
    return tuple(Exemption.parse(value["S"]) for name, value in item.items() if name.startswith(_EXEMPTION))


def _entry(item: Mapping[str, Any]) -> Entry:
    text = {name: value["S"] for name, value in item.items() if "S" in value}
    findings = json.loads(text["findings"])
    return Entry(
        id=text["id"],
        ref=Ref(Kind(text["kind"]), text["account"], text["region"], text["name"]),
        intent=text["intent"],
        outcome=text.get("outcome", ""),
        before=json.loads(text["before"]),
        after=json.loads(text["after"]),
        controls=tuple(finding["control"] for finding in findings),
        wrote=tuple(finding["control"] for finding in findings if finding["writes"]),
        undone_by=text.get("undone_by", ""),
    )


def _held(error: ClientError) -> bool:
    reasons: Any = error.response.get("CancellationReasons") or [{}]
    return bool(reasons[0].get("Code") == "ConditionalCheckFailed")


def _item(entry: str, plan: Plan, cause: Cause, now: datetime, undoes: str) -> dict[str, dict[str, str]]:
    action, _ = plan.before.changed(plan.after)
    actor, ref = cause.actor, plan.before.ref
    fields = {
        "resource": ref.arn,
        "id": entry,
        "kind": str(ref.kind),
        "account": ref.account,
        "region": ref.region,
        "name": ref.name,
        "opened": now.isoformat(),
        "intent": str(Action.UNDONE if undoes else Action.FAILED if plan.refused else action),
        "event": json.dumps({"id": cause.id, "name": cause.name, "time": cause.time.isoformat()}),
        "actor": json.dumps({"name": actor.name, "type": actor.kind, "mfa": actor.mfa, "via": actor.via}),
        "findings": json.dumps(
            [{"control": f.control.id, "mode": f.mode, "reasons": f.reasons, "writes": f.writes} for f in plan.findings]
        ),
        "before": json.dumps(plan.before.state()),
        "after": json.dumps(plan.after.state()),
        "wanted": json.dumps(plan.wanted.state()),
    }
    return {name: {"S": value} for name, value in (fields | ({"undoes": undoes} if undoes else {})).items()}
