"""The ledger: a DynamoDB table that holds every intent before its write, and what is known of each resource.

One partition a resource (its ARN). The item "#memory" is what is known: what uses it and what it uses, how it was when
it was sound, what was last told, and who is at work on it. All other items are entries, their ids sorted by time. The
partition "#exemptions" holds one item with all exemptions, so that they come with the memory in one call.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from pipeseal.aws import entries, memory
from pipeseal.aws.clients import code
from pipeseal.aws.entries import Entry
from pipeseal.aws.memory import USED_BY, USES, Memory, Times, times_text, wars_text
from pipeseal.exemptions import Exemption
from pipeseal.model import Cause, Outcome, Plan

_MEMORY = "#memory"
_EXEMPTIONS = {"resource": {"S": "#exemptions"}, "id": {"S": "#all"}}
_EXEMPTION = "exemption:"
_NOTES = {"resource": {"S": "#exemptions"}, "id": {"S": "#notes"}}
_REDRIVEN = "#redriven"
_COUNT = "count:"
_LAST = "last:"
_STAGE = "stage:"
_ATTEMPTS = 5
_MARKS = 10
_MARKS_KEPT = 5
"""A mark may hold a policy of 20 KB, and an item 400."""
MOST_AT_ONCE = 99
"""Memories in one call: BatchGetItem takes 100 keys, and the exemptions are one."""

REDRIVES_KEPT = timedelta(days=14)
"""As long as SQS keeps a dead letter at most."""

LEASE = timedelta(seconds=60)
"""The functions' time-out: one that is killed keeps nobody from its resource for longer."""

_FAILED_CONDITION = "ConditionalCheckFailedException"
_CONFLICTS = {"TransactionConflict", "TransactionConflictException"}


@dataclass(frozen=True, slots=True)
class Use:
    """How an exemption was used."""

    count: int
    resource: str
    """ARN of the resource that it spared last."""
    time: str
    """When that was, ISO 8601."""


class Throttled(Exception):
    """DynamoDB left keys unread, again and again; the text names the table."""


class Overrun(Exception):
    """Somebody else took the resource over, for we held it past our lease; the text names it."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The table *name*, reached through *client* (dynamodb); *clock* tells the time in UTC."""

    client: Any
    name: str
    clock: Callable[[], datetime]

    # ------------------------------------------------------------------ reading

    def memory(self, resource: str) -> Memory:
        """Return what is known of the resource with that ARN, and all exemptions: one call."""
        return self.memories([resource])[resource]

    def memories(self, resources: Sequence[str]) -> dict[str, Memory]:
        """Return what is known of each of the resources, MOST_AT_ONCE at most: one call."""
        items = self._items(*map(_key, resources), _EXEMPTIONS)
        found = {item["resource"]["S"]: item for item in items}
        excused = _exemptions(found.get(_EXEMPTIONS["resource"]["S"], {}))
        return {resource: memory.of_items(found.get(resource, {}), excused) for resource in resources}

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
        if not entries.is_entry_id(identity):
            return None
        found = self.client.query(
            TableName=self.name,
            IndexName="by-id",
            KeyConditionExpression="id = :id",
            ExpressionAttributeValues={":id": {"S": identity}},
        )
        return next(map(entries.of_item, found["Items"]), None)

    def latest(self, resource: str, most: int) -> list[Entry]:
        """Return the entries of the resource with that ARN, the newest first, *most* at most: one call."""
        found = self.client.query(
            TableName=self.name,
            KeyConditionExpression="#resource = :resource AND id > :memory",
            ExpressionAttributeNames={"#resource": "resource"},
            ExpressionAttributeValues={":resource": {"S": resource}, ":memory": {"S": _MEMORY}},
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=most,
        )
        return list(map(entries.of_item, found["Items"]))

    def entries_of(self, resource: str) -> Iterator[Entry]:
        """Yield all entries of the resource with that ARN, the newest first, page by page."""
        for page in self.client.get_paginator("query").paginate(
            TableName=self.name,
            KeyConditionExpression="#resource = :resource AND id > :memory",
            ExpressionAttributeNames={"#resource": "resource"},
            ExpressionAttributeValues={":resource": {"S": resource}, ":memory": {"S": _MEMORY}},
            ScanIndexForward=False,
        ):
            yield from map(entries.of_item, page["Items"])

    def history(self) -> Iterator[Entry]:
        """Yield every entry there is, in no order, page by page."""
        for page in self.client.get_paginator("scan").paginate(
            TableName=self.name, FilterExpression="attribute_exists(intent)"
        ):
            yield from map(entries.of_item, page["Items"])

    # --------------------------------------------------------------- exemptions

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
        return self._done_if(
            {
                "TableName": self.name,
                "Key": _EXEMPTIONS,
                "UpdateExpression": "REMOVE #exemption",
                "ConditionExpression": "attribute_exists(#exemption)",
                "ExpressionAttributeNames": {"#exemption": _EXEMPTION + identity},
            }
        )

    def use(self, exemptions: Iterable[str], resource: str) -> None:
        """Count one more use of each of *exemptions*, and note where and when it was."""
        last = json.dumps({"resource": resource, "time": self.clock().isoformat()})
        for exemption in exemptions:
            self.client.update_item(
                TableName=self.name,
                Key=_NOTES,
                UpdateExpression="ADD #count :one SET #last = :last",
                ExpressionAttributeNames={"#count": _COUNT + exemption, "#last": _LAST + exemption},
                ExpressionAttributeValues={":one": _number(1), ":last": _text(last)},
            )

    def reminded(self) -> dict[str, str]:
        """Return the stage of each exemption that people were last reminded of."""
        return {name.removeprefix(_STAGE): value["S"] for name, value in self._notes() if name.startswith(_STAGE)}

    def remind(self, exemption: str, stage: str) -> None:
        """Note that people were reminded of that stage of an exemption."""
        self.client.update_item(
            TableName=self.name,
            Key=_NOTES,
            UpdateExpression="SET #stage = :stage",
            ExpressionAttributeNames={"#stage": _STAGE + exemption},
            ExpressionAttributeValues={":stage": _text(stage)},
        )

    def _notes(self) -> Iterable[tuple[str, Any]]:
        """Return what is noted about exemptions."""
        item = self.client.get_item(TableName=self.name, Key=_NOTES, ConsistentRead=True).get("Item", {})
        return dict(item).items()

    def uses(self) -> dict[str, Use]:
        """Return how each exemption that was ever used was used."""
        found = dict(self._notes())
        return {
            name.removeprefix(_COUNT): Use(int(value["N"]), **json.loads(found[_LAST + name.removeprefix(_COUNT)]["S"]))
            for name, value in found.items()
            if name.startswith(_COUNT)
        }

    # ------------------------------------------------------------ what is known

    def relink(self, user: str, former: Mapping[str, str], uses: Mapping[str, str]) -> None:
        """Note on both sides that *user* uses *uses*, no longer *former* (ARN -> key); no call if all is known."""
        added = {used: key for used, key in uses.items() if former.get(used) != key}
        removed = [used for used in former if used not in uses]
        if not added and not removed:
            return
        own = self._update(user, {USES + used: _text(key) for used, key in added.items()}, [USES + u for u in removed])
        others = [self._update(used, {USED_BY + user: _text(key)}) for used, key in added.items()]
        others += [self._update(used, {}, [USED_BY + user]) for used in removed]
        items = [{"Update": update} for update in (own, *others)]
        _patiently(self.client.transact_write_items, TransactItems=items)

    def learn(self, resource: str, sound: Mapping[str, Any]) -> None:
        """Remember what the resource with that ARN was found sound with."""
        self.client.update_item(**self._update(resource, {"sound": _text(json.dumps(sound, sort_keys=True))}))

    def forget(self, resource: str) -> None:
        """Forget what was told of a resource that is sound, or gone, and what was left to somebody who was excused."""
        self.client.update_item(**self._update(resource, {}, ["told", "spared"]))

    def tell(self, resource: str, told: str) -> None:
        """Remember what of that which is wrong was told (see Memory.told)."""
        self.client.update_item(**self._update(resource, {"told": _text(told)}))

    def spare(self, resource: str, spared: Mapping[str, str]) -> None:
        """Remember what was left as it is because of who did it (see Memory.spared)."""
        self.client.update_item(**self._update(resource, {"spared": _text(json.dumps(spared))}))

    def wage(self, resource: str, wars: Mapping[str, datetime]) -> None:
        """Remember which controls gave up on a resource, and when each was last seen broken."""
        self.client.update_item(**self._update(resource, {"wars": _text(wars_text(wars))}))

    def resume(self, resource: str) -> None:
        """Forget that anybody kept undoing what was put right: the next look puts it right again."""
        self.client.update_item(**self._update(resource, {}, ["wars", "righted", "told"]))

    def resume_one(self, resource: str, control: str) -> None:
        """Do as `resume` for that control alone; what others gave up stays so."""
        known = self.memory(resource)
        wars = {each: last for each, last in known.wars.items() if each != control}
        righted = {each: times for each, times in known.righted.items() if each != control}
        kept = {"wars": _text(wars_text(wars)), "righted": _text(times_text(righted))}
        self.client.update_item(**self._update(resource, kept, ["told"]))

    def wars(self) -> Iterator[tuple[str, Mapping[str, datetime]]]:
        """Return the ARN of each resource that controls gave up on, with Memory.wars of it; the ended ones too."""
        return ((resource, known.wars) for resource, known in self.known() if known.wars)

    def known(self) -> Iterator[tuple[str, Memory]]:
        """Yield the ARN of each resource that anything is known of, and what that is, page by page."""
        for page in self.client.get_paginator("scan").paginate(
            TableName=self.name, FilterExpression="id = :memory", ExpressionAttributeValues={":memory": _text(_MEMORY)}
        ):
            for item in page["Items"]:
                yield item["resource"]["S"], memory.of_items(item, ())

    # ------------------------------------------------------------- dead letters

    def redrives(self, event: str) -> int:
        """Return how often the event with that id was put through again within REDRIVES_KEPT."""
        found = self._items(_key(_REDRIVEN, event))
        number = {name: float(value["N"]) for item in found for name, value in item.items() if "N" in value}
        fresh = number.get("expires", 0) > self.clock().timestamp()  # DynamoDB takes its time to delete
        return int(number["times"]) if fresh else 0

    def redrive(self, event: str) -> None:
        """Count that the event with that id is put through once more."""
        expires = self.clock() + REDRIVES_KEPT
        times = self.redrives(event) + 1
        item = {**_key(_REDRIVEN, event), "times": _number(times), "expires": _number(int(expires.timestamp()))}
        self.client.put_item(TableName=self.name, Item=item)

    # ------------------------------------------------------------------ working

    def open(  # noqa: PLR0913 - what an entry is made of
        self,
        entry: str,
        plan: Plan,
        cause: Cause,
        alert: Mapping[str, Any],
        *,
        turn: int,
        undoes: str = "",
        applies: str = "",
        looked: datetime | None = None,
    ) -> bool:
        """Hold the intent before any write, and the resource for LEASE.

        False where somebody else holds the resource, or has been at work on it since its *turn* was read; it was
        *looked* at no earlier. *undoes* is the id of the entry that is taken back, *applies* of the one whose proposal
        is carried out, where that is the intent and nobody is alerted.
        """
        now = self.clock()
        unturned = "turn = :turn" if turn else "attribute_not_exists(turn)"
        hold = self._update(
            plan.before.ref.arn,
            {"holder": _text(entry), "held_until": _number((now + LEASE).timestamp())},
            condition=f"(attribute_not_exists(holder) OR held_until < :now) AND {unturned}",
            values={":now": _number(now.timestamp()), **({":turn": _number(turn)} if turn else {})},
        )
        asked = {"applies": applies} if applies else {"undoes": undoes}
        about = {"alert": json.dumps(alert)} if alert else asked
        about |= {"looked": looked.isoformat()} if looked else {}
        intent = {"TableName": self.name, "Item": entries.as_item(entry, plan, cause, now, about)}
        return self._transacted({"Update": hold}, {"Put": intent})

    def begun(self, resource: str, entry: str) -> Entry | None:
        """Return an entry of the resource by its id, or None where there is none: one call."""
        return next(map(entries.of_item, self._items(_key(resource, entry))), None)

    def inherit(self, resource: str, holder: str) -> bool:
        """Hold the resource in the place of a *holder* whose lease has ended; False where somebody else was faster."""
        now = self.clock()
        return self._done_if(
            self._update(
                resource,
                {"held_until": _number((now + LEASE).timestamp())},
                condition="holder = :holder AND held_until < :now",
                values={":holder": _text(holder), ":now": _number(now.timestamp())},
            )
        )

    def mark(self, resource: str, own: str, cause: Cause) -> bool:
        """Ask whoever is at work on the resource to look once more because of *cause*.

        False where nobody else is, or where they have been asked so often that *cause* had better wait for them. One
        that says no more than those before it never does.
        """
        held = "attribute_exists(holder) AND holder <> :own AND held_until >= :now"
        values: dict[str, dict[str, Any]] = {":own": _text(own), ":now": _number(self.clock().timestamp())}
        text = json.dumps({**cause.as_dict(), "put": cause.put}, sort_keys=True)
        values[":kept"] = _number(_MARKS_KEPT)
        room = f"{held} AND (attribute_not_exists(again) OR size(again) < :kept)"
        full = f"{held} AND size(again) >= :kept"
        if self._done_if(self._update(resource, adds={"again": {"SS": [text]}}, condition=room, values=values)):
            return True
        return cause.put is None and self._done_if(self._update(resource, condition=full, values=values))

    def close(  # noqa: PLR0913 - what is known when the work is done
        self,
        outcome: Outcome,
        plan: Plan | None,
        told: str,
        *,
        righted: Times | None = None,
        wars: Mapping[str, datetime] | None = None,
        takes_back: Entry | None = None,
        carries_out: Entry | None = None,
    ) -> tuple[Cause, ...]:
        """Write the outcome into its entry and let go of the resource; return why to look once more, if anybody asked.

        *plan* is what was done in the end where that is known; *told* is "" where nothing is left wrong. *takes_back*
        is the entry that was undone, *carries_out* the one whose proposal was. Raises Overrun where the lease has
        passed to somebody else.
        """
        sets: dict[str, dict[str, Any]] = {
            **({"told": _text(told)} if told else {}),
            **({"righted": _text(times_text(righted))} if righted is not None else {}),
            **({"wars": _text(wars_text(wars))} if wars is not None else {}),
        }
        notes = [{"Update": self._outcome(outcome, plan)}]
        if takes_back:
            notes.append({"Update": self._answered(takes_back, "undone_by", outcome.entry)})
        if carries_out:
            notes.append({"Update": self._answered(carries_out, "applied_by", outcome.entry)})
        marks: list[str] = []
        for _ in range(_MARKS):
            if self._transacted({"Update": self._released(outcome, sets, marks)}, *notes):
                return tuple(map(_cause, marks))
            marks = self._marks(outcome)
        raise Overrun(f"{outcome.ref.arn} is asked for without a pause; the event will be tried again")

    def _released(self, outcome: Outcome, sets: Mapping[str, Mapping[str, Any]], marks: list[str]) -> dict[str, Any]:
        """Return the update that lets the resource go, if its marks are *marks*: with them it is they that go."""
        unmarked = "again = :marks" if marks else "attribute_not_exists(again)"
        values: dict[str, dict[str, Any]] = {
            ":entry": _text(outcome.entry),
            **({":marks": {"SS": marks}} if marks else {}),
        }
        return self._update(
            outcome.ref.arn,
            sets,
            ["holder", "held_until", *(["again"] if marks else []), *([] if "told" in sets else ["told"])],
            adds={"turn": _number(1)},
            condition=f"holder = :entry AND {unmarked}",
            values=values,
        )

    def _marks(self, outcome: Outcome) -> list[str]:
        """Return why whoever holds the resource for *outcome* is asked to look again."""
        item = next(iter(self._items(_key(outcome.ref.arn))), {})
        if item.get("holder") != _text(outcome.entry):
            raise Overrun(f"{outcome.ref.arn} was held too long, and is somebody else's to put right now")
        return sorted(item.get("again", {}).get("SS", ()))

    def give_up(self, resource: str, entry: str) -> None:
        """End the lease of one who failed, and leave the entry open: the next delivery sees to it without waiting."""
        self._done_if(
            self._update(
                resource, {"held_until": _number(0)}, condition="holder = :entry", values={":entry": _text(entry)}
            )
        )

    def _outcome(self, outcome: Outcome, plan: Plan | None) -> dict[str, Any]:
        values = {
            "outcome": str(outcome.action),
            "steps": json.dumps(outcome.steps),
            "exemptions": json.dumps(outcome.exemptions),
            "closed": self.clock().isoformat(),
            **(entries.changeable(plan) if plan else {}),
        }
        return self._update(outcome.ref.arn, {name: _text(value) for name, value in values.items()}, at=outcome.entry)

    def _answered(self, entry: Entry, how: str, by: str) -> dict[str, Any]:
        return self._update(entry.ref.arn, {how: _text(by)}, at=entry.id)

    def _update(  # noqa: PLR0913 - the parts of an update
        self,
        resource: str,
        sets: Mapping[str, Mapping[str, Any]] | None = None,
        removes: Iterable[str] = (),
        *,
        at: str = _MEMORY,
        adds: Mapping[str, Mapping[str, Any]] | None = None,
        condition: str = "",
        values: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> dict[str, Any]:
        """Return the parameters of UpdateItem on one item of a resource."""
        sets, removes, adds = sets or {}, tuple(removes), adds or {}
        names = {name: f"#n{number}" for number, name in enumerate((*sets, *removes, *adds))}
        given = {**sets, **adds}
        places = {name: f":v{number}" for number, name in enumerate(given)}
        clauses = [
            "SET " + ", ".join(f"{names[name]} = {places[name]}" for name in sets) if sets else "",
            "REMOVE " + ", ".join(names[name] for name in removes) if removes else "",
            "ADD " + ", ".join(f"{names[name]} {places[name]}" for name in adds) if adds else "",
        ]
        filled = {places[name]: value for name, value in given.items()} | dict(values or {})
        return {
            "TableName": self.name,
            "Key": _key(resource, at),
            **({"UpdateExpression": " ".join(filter(None, clauses))} if names else {}),
            **({"ExpressionAttributeNames": {place: name for name, place in names.items()}} if names else {}),
            **({"ExpressionAttributeValues": filled} if filled else {}),
            **({"ConditionExpression": condition} if condition else {}),
        }

    def _transacted(self, *items: Mapping[str, Any]) -> bool:
        """Write all *items* or none; False where the condition of one does not hold."""
        try:
            _patiently(self.client.transact_write_items, TransactItems=list(items))
        except ClientError as error:
            if "ConditionalCheckFailed" not in _reasons(error):
                raise
            return False
        return True

    def _done_if(self, update: Mapping[str, Any]) -> bool:
        """Update an item; False where its condition does not hold."""
        try:
            _patiently(self.client.update_item, **update)
        except ClientError as error:
            if code(error) != _FAILED_CONDITION:
                raise
            return False
        return True


def _patiently(call: Callable[..., dict[str, Any]], **arguments: Any) -> dict[str, Any]:
    """Make the *call* again where another one on the same item was under way: botocore leaves that to us."""
    for attempt in range(_ATTEMPTS):
        try:
            return call(**arguments)
        except ClientError as error:
            if not _CONFLICTS & {code(error), *_reasons(error)}:
                raise
            time.sleep(0.05 * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 - no secret hangs on it
    return call(**arguments)


def _reasons(error: ClientError) -> tuple[str, ...]:
    """Return why DynamoDB cancelled a transaction, a code an item."""
    reasons: Any = error.response.get("CancellationReasons") or ()
    return tuple(reason.get("Code", "") for reason in reasons)


def _key(resource: str, identity: str = _MEMORY) -> dict[str, dict[str, str]]:
    return {"resource": {"S": resource}, "id": {"S": identity}}


def _cause(mark: str) -> Cause:
    known = json.loads(mark)
    cause = Cause.parse(known)
    return Cause(cause.id, cause.name, cause.time, cause.actor, known["put"])


def _text(value: str) -> dict[str, Any]:
    return {"S": value}


def _number(value: float) -> dict[str, Any]:
    return {"N": str(value)}


def _exemptions(item: Mapping[str, Any]) -> tuple[Exemption, ...]:
    return tuple(Exemption.parse(value["S"]) for name, value in item.items() if name.startswith(_EXEMPTION))
