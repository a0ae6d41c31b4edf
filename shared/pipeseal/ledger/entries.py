"""Entries of the ledger, as values: what was about to be done to a resource, and what came of it; pure."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple, TypedDict

from pipeseal.aws.documents import Document
from pipeseal.exemptions import Exemption
from pipeseal.model import Action, Cause, Kind, Plan, Ref, Resource, State

_FORM = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{10}")
_NONE: Document = MappingProxyType({})


class FindingRecord(TypedDict):
    """A finding as the ledger keeps it."""

    control: str
    mode: str
    reasons: list[str]
    refusal: str
    writes: bool
    """Whether the control changed the resource."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What an invocation or an operator is about to do."""

    id: str
    plan: Plan[Resource]
    cause: Cause
    alert: Document = field(default_factory=dict)
    """The alert about it (see pipeseal.notify.alert); empty for an operator's command, which is not alerted."""
    read_at: datetime | None = None
    """When, at the earliest, the resource was read."""
    undoes: str = ""
    """ID of the entry that an operator reverts."""
    applies: str = ""
    """ID of the entry whose proposal an operator applies."""
    grants: tuple[Exemption, ...] = ()
    """The exemptions of an undo; they become active when the entry is completed."""

    @property
    def by_operator(self) -> bool:
        """Return whether an operator's command does it."""
        return bool(self.undoes or self.applies)

    @property
    def action(self) -> str:
        """Return the action that is about to be done."""
        if self.alert:
            return str(self.alert["action"])
        return str(Action.UNDONE if self.undoes else self.plan.before.describe_change(self.plan.after)[0])


class LedgerEntry(NamedTuple):
    """What was done, or only proposed, to one resource."""

    id: str
    ref: Ref
    cause: Cause
    opened: datetime
    intent: str
    """The action that was begun."""
    before: State
    """The resource's state (see Resource.state) as it was read."""
    after: State
    """Its state as it was, or was to be, written."""
    proposed: State
    """Its state if every control were in enforce mode."""
    findings: tuple[FindingRecord, ...] = ()
    alert: Document = _NONE
    """See Intent.alert."""
    outcome: str = ""
    """The action that came of it; "" where the invocation ended before it recorded one."""
    steps: tuple[str, ...] = ()
    """What was written, in sentences."""
    exemptions: tuple[str, ...] = ()
    """IDs of the exemptions that applied or, by an undo, were added."""
    closed: datetime | None = None
    undoes: str = ""
    """ID of the entry that this one reverted."""
    undone_by: str = ""
    """ID of the entry that reverted this one."""
    applies: str = ""
    """ID of the entry whose proposal this one applied."""
    applied_by: str = ""
    """ID of the entry that applied what this one proposed."""
    read_at: datetime | None = None
    """When, at the earliest, *before* was read; `opened` is the latest."""
    grants: tuple[Exemption, ...] = ()
    """See Intent.grants."""

    @property
    def by_operator(self) -> bool:
        """Return whether an operator's command made it."""
        return bool(self.undoes or self.applies)

    @property
    def controls(self) -> tuple[str, ...]:
        """Return the IDs of the controls that found something."""
        return tuple(finding["control"] for finding in self.findings)

    @property
    def written_controls(self) -> tuple[str, ...]:
        """Return the IDs of the controls that changed the resource."""
        return tuple(finding["control"] for finding in self.findings if finding["writes"])

    @property
    def changed_parts(self) -> tuple[str, ...]:
        """Return the parts of the state that differ between *before* and *after*."""
        return tuple(part for part, value in self.before.items() if self.after[part] != value)

    @property
    def proposed_parts(self) -> tuple[str, ...]:
        """Return the parts of the state that would change further if every control were in enforce mode."""
        return tuple(part for part, value in self.after.items() if self.proposed[part] != value)


def entry_id(at: datetime, *parts: str) -> str:
    """Return the ID of the entry for what happened at that time; the same *parts* give the same ID.

    IDs sort by time.
    """
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
    return f"{at:%Y%m%dT%H%M%SZ}-{digest[:10]}"


def entry_id_for(ref: Ref, cause: Cause, *parts: str) -> str:
    """Return the ID of the entry that *cause* makes for the resource: the same at each delivery of the event."""
    return entry_id(cause.time, cause.id, ref.arn, *parts)


def is_entry_id(text: str) -> bool:
    """Return whether *text* has the form of an entry ID."""
    return bool(_FORM.fullmatch(text))


def item_of(intent: Intent, now: datetime) -> dict[str, dict[str, str]]:
    """Return the DynamoDB item of a new entry for *intent*."""
    ref = intent.plan.before.ref
    event = intent.cause.as_dict()
    actor = event.pop("actor")
    attributes = {
        "resource": ref.arn,
        "id": intent.id,
        "kind": str(ref.kind),
        "account": ref.account,
        "region": ref.region,
        "name": ref.name,
        "opened": now.isoformat(),
        "intent": intent.action,
        "actor": json.dumps(actor),
        "event": json.dumps(event),
        **changeable_attributes(intent.plan),
        "proposed": json.dumps(intent.plan.proposed.state()),
        **({"alert": json.dumps(intent.alert)} if intent.alert else {}),
        **({"read_at": intent.read_at.isoformat()} if intent.read_at else {}),
        **({"undoes": intent.undoes} if intent.undoes else {}),
        **({"applies": intent.applies} if intent.applies else {}),
        **({"grants": json.dumps([each.text for each in intent.grants])} if intent.grants else {}),
    }
    return {name: {"S": value} for name, value in attributes.items()}


def changeable_attributes(plan: Plan[Resource]) -> dict[str, str]:
    """Return the attributes that may differ when the entry is closed, because of concurrent writes."""
    findings: list[FindingRecord] = [
        {
            "control": finding.control.id,
            "mode": str(finding.mode),
            "reasons": list(finding.reasons),
            "refusal": finding.refusal,
            "writes": finding.writes,
        }
        for finding in plan.findings
    ]
    return {
        "before": json.dumps(plan.before.state()),
        "after": json.dumps(plan.after.state()),
        "findings": json.dumps(findings),
    }


def entry_of(item: Document) -> LedgerEntry:
    """Return the entry that the DynamoDB *item* holds."""
    texts = {name: value["S"] for name, value in item.items() if "S" in value}
    return LedgerEntry(
        id=texts["id"],
        ref=Ref(Kind(texts["kind"]), texts["account"], texts["region"], texts["name"]),
        cause=Cause.parse({**json.loads(texts["event"]), "actor": json.loads(texts["actor"])}),
        read_at=datetime.fromisoformat(texts["read_at"]) if "read_at" in texts else None,
        opened=datetime.fromisoformat(texts["opened"]),
        intent=texts["intent"],
        before=json.loads(texts["before"]),
        after=json.loads(texts["after"]),
        proposed=json.loads(texts["proposed"]),
        findings=tuple(json.loads(texts["findings"])),
        alert=json.loads(texts.get("alert", "{}")),
        outcome=texts.get("outcome", ""),
        steps=tuple(json.loads(texts.get("steps", "[]"))),
        exemptions=tuple(json.loads(texts.get("exemptions", "[]"))),
        closed=datetime.fromisoformat(texts["closed"]) if "closed" in texts else None,
        undoes=texts.get("undoes", ""),
        undone_by=texts.get("undone_by", ""),
        applies=texts.get("applies", ""),
        applied_by=texts.get("applied_by", ""),
        grants=tuple(map(Exemption.parse, json.loads(texts.get("grants", "[]")))),
    )
