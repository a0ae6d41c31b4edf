"""Entries of the ledger: what was about to be done to a resource, ahead of the write, and what came of it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from pipeseal.model import Action, Cause, Kind, Plan, Ref

_FORM = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{10}")

NOTHING: Mapping[str, Any] = MappingProxyType({})

Item = dict[str, dict[str, Any]]
"""An item as DynamoDB takes it: attribute -> type -> value."""


def entry_id(at: datetime, *of: str) -> str:
    """Return the id of the entry for what happened then; ids sort by time, and the same parts give the same id."""
    digest = hashlib.sha256("\0".join(of).encode("utf-8", "replace")).hexdigest()
    return f"{at:%Y%m%dT%H%M%SZ}-{digest[:10]}"


def is_entry_id(text: str) -> bool:
    """Say whether *text* has the form that `entry_id` gives."""
    return bool(_FORM.fullmatch(text))


class Entry(NamedTuple):
    """What was done, or only proposed, to one resource."""

    id: str
    ref: Ref
    cause: Cause
    opened: datetime
    intent: str
    """The action that was begun."""
    before: Mapping[str, Any]
    """The resource's state (see Resource) as it was found."""
    after: Mapping[str, Any]
    """Its state as it was, or was to be, written."""
    wanted: Mapping[str, Any]
    """Its state as it would be were every control enforced."""
    findings: tuple[Mapping[str, Any], ...] = ()
    """What each control found: {"control", "mode", "reasons", "refusal", "writes"}."""
    alert: Mapping[str, Any] = NOTHING
    """The alert that tells of it (see pipeseal.alert); empty for an undo, which nobody is told of."""
    outcome: str = ""
    """The action that came of it; "" where nobody lived to say."""
    steps: tuple[str, ...] = ()
    """What was written, in sentences."""
    exemptions: tuple[str, ...] = ()
    """Ids of the exemptions that were used or, by an undo, made."""
    closed: datetime | None = None
    undoes: str = ""
    """Id of the entry that this one took back."""
    undone_by: str = ""
    """Id of the entry that took this one back."""
    applies: str = ""
    """Id of the entry whose proposal this one carried out, on an operator's word."""
    applied_by: str = ""
    """Id of the entry that carried out what this one proposed."""
    looked: datetime | None = None
    """When, at the earliest, the resource was read that *before* is; `opened` is the latest."""

    @property
    def controls(self) -> tuple[str, ...]:
        """Return the ids of the controls that found something."""
        return tuple(finding["control"] for finding in self.findings)

    @property
    def wrote(self) -> tuple[str, ...]:
        """Return the ids of those that changed the resource."""
        return tuple(finding["control"] for finding in self.findings if finding["writes"])

    @property
    def changed(self) -> tuple[str, ...]:
        """Return the parts of the state that are not after as they were before."""
        return tuple(part for part, value in self.before.items() if self.after[part] != value)

    @property
    def proposed(self) -> tuple[str, ...]:
        """Return the parts of the state that would be others were every control enforced."""
        return tuple(part for part, value in self.after.items() if self.wanted[part] != value)


def as_item(entry: str, plan: Plan, cause: Cause, now: datetime, about: Mapping[str, str]) -> Item:
    """Return the item of a new entry; *about* is its alert, or the id of the entry that an operator's own answers."""
    ref = plan.before.ref
    fields = {
        "resource": ref.arn,
        "id": entry,
        "kind": str(ref.kind),
        "account": ref.account,
        "region": ref.region,
        "name": ref.name,
        "opened": now.isoformat(),
        "intent": _intent(plan, about),
        **_told(cause),
        **changeable(plan),
        "wanted": json.dumps(plan.wanted.state()),
        **about,
    }
    return {name: {"S": value} for name, value in fields.items()}


def _intent(plan: Plan, about: Mapping[str, str]) -> str:
    if "alert" in about:
        return str(json.loads(about["alert"])["action"])
    return str(Action.UNDONE if "undoes" in about else plan.before.changed(plan.after)[0])


def changeable(plan: Plan) -> dict[str, str]:
    """Return the attributes that may be others when the entry is closed: somebody may have written meanwhile."""
    findings = [
        {
            "control": finding.control.id,
            "mode": finding.mode,
            "reasons": finding.reasons,
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


def _told(cause: Cause) -> dict[str, str]:
    known = cause.as_dict()
    return {"actor": json.dumps(known.pop("actor")), "event": json.dumps(known)}


def of_item(item: Mapping[str, Any]) -> Entry:
    """Return the entry that *item* is."""
    text = {name: value["S"] for name, value in item.items() if "S" in value}
    return Entry(
        id=text["id"],
        ref=Ref(Kind(text["kind"]), text["account"], text["region"], text["name"]),
        cause=Cause.parse({**json.loads(text["event"]), "actor": json.loads(text["actor"])}),
        looked=datetime.fromisoformat(text["looked"]) if "looked" in text else None,
        opened=datetime.fromisoformat(text["opened"]),
        intent=text["intent"],
        before=json.loads(text["before"]),
        after=json.loads(text["after"]),
        wanted=json.loads(text["wanted"]),
        findings=tuple(json.loads(text["findings"])),
        alert=json.loads(text.get("alert", "{}")),
        outcome=text.get("outcome", ""),
        steps=tuple(json.loads(text.get("steps", "[]"))),
        exemptions=tuple(json.loads(text.get("exemptions", "[]"))),
        closed=datetime.fromisoformat(text["closed"]) if "closed" in text else None,
        undoes=text.get("undoes", ""),
        undone_by=text.get("undone_by", ""),
        applies=text.get("applies", ""),
        applied_by=text.get("applied_by", ""),
    )
