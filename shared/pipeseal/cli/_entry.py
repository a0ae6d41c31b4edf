"""A ledger entry as commands show it: lines for people, a document for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from pipeseal.cli._actions import ACTIONS, INCOMPLETE, ActionText
from pipeseal.cli._diff import difference
from pipeseal.exemptions import GROUNDS
from pipeseal.model import Action, ActorDocument, State, kind_and_name

if TYPE_CHECKING:
    from pipeseal.ledger.entries import FindingRecord, LedgerEntry

_PARTS = {
    "policy": "bucket policy",
    "encryption": "default encryption",
    "status": "key state",
    "window": "waiting period before deletion, in days",
    "rotates": "automatic rotation",
    "keys": "key of each Region's artifacts",
    "transition": "transition into the second stage",
    "logging": "logging",
    "selectors": "event selectors",
}


class Change(NamedTuple):
    """A part of a resource before and after."""

    part: str
    """The name of the part for people."""
    lines: tuple[tuple[str, str], ...]
    """Each line as (mark, text): "-" is removed, "+" is added, " " is unchanged; the text is ASCII."""


class EventDocument(TypedDict):
    """The CloudTrail event, or the command, that caused an entry."""

    id: str
    name: str


class EntrySummary(TypedDict):
    """A ledger entry as `history --format json` prints it."""

    id: str
    time: str
    resource: str
    action: str
    controls: list[str]
    actor: ActorDocument
    event: EventDocument
    undoes: str
    undone_by: str
    applies: str
    applied_by: str


class EntryDocument(EntrySummary):
    """A ledger entry as `show --format json` prints it."""

    kind: str
    account: str
    region: str
    intent: str
    opened: str
    closed: str | None
    findings: list[FindingRecord]
    steps: list[str]
    proposed: list[str]
    before: State
    after: State
    wanted: State
    exemptions: list[str]
    undo: str
    apply: str


def matches(pattern: str, arn: str) -> bool:
    """Return whether *pattern* (an ARN, a name, or a glob of either) matches the resource with that ARN."""
    return any(fnmatchcase(each, pattern) for each in (arn, name_of(arn)))


def name_of(arn: str) -> str:
    """Return the name of the resource with that ARN, slashes included; the ARN itself for an unknown kind."""
    found = kind_and_name(arn)
    return found[1] if found else arn


def describe_outcome(entry: LedgerEntry) -> ActionText:
    """Return how the outcome of *entry* is shown, with what operators did since."""
    text = ACTIONS.get(entry.outcome, INCOMPLETE)
    parts = (
        text.words,
        " by an operator" if entry.applies else "",
        "; undone by an operator" if entry.undone_by else "",
        "; applied by an operator" if entry.applied_by else "",
    )
    return text._replace(words="".join(parts))


def describe_cause(entry: LedgerEntry) -> str:
    """Return who made the call that caused *entry*, and the call."""
    actor = entry.cause.actor
    via = f" through {actor.via}" if actor.via else ""
    return f"{actor.name}{via}, {entry.cause.name}"


def undo_command(entry: LedgerEntry, options: str = "") -> str:
    """Return the command that undoes *entry*, with *options* appended; "" where there is nothing to undo."""
    if entry.undone_by or not entry.changed_parts or entry.intent == Action.UNDONE:
        return ""
    return f"pipeseal undo {entry.id} {GROUNDS}{options}"


def apply_command(entry: LedgerEntry, options: str = "") -> str:
    """Return the command that applies what *entry* proposes, with *options* appended; "" where it proposes nothing."""
    return f"pipeseal apply {entry.id}{options}" if entry.proposed_parts and not entry.applied_by else ""


def changes(before: State, after: State, width: int) -> Iterator[Change]:
    """Yield each part that differs between *before* and *after*, in lines of about *width* columns."""
    for part, old in before.items():
        new = after[part]
        if old == new:
            continue
        is_document = all(isinstance(each, dict | list | None) for each in (old, new))
        values = (("-", json.dumps(old)), ("+", json.dumps(new)))
        yield Change(_PARTS.get(part, part), tuple(difference(old, new, width)) if is_document else values)


def summary(entry: LedgerEntry) -> EntrySummary:
    """Return what `history --format json` prints of *entry*."""
    return {
        "id": entry.id,
        "time": entry.cause.time.isoformat(),
        "resource": entry.ref.arn,
        "action": entry.outcome,
        "controls": list(entry.controls),
        "actor": entry.cause.actor.as_dict(),
        "event": {"id": entry.cause.id, "name": entry.cause.name},
        "undoes": entry.undoes,
        "undone_by": entry.undone_by,
        "applies": entry.applies,
        "applied_by": entry.applied_by,
    }


def document(entry: LedgerEntry, options: str = "") -> EntryDocument:
    """Return what `show --format json` prints of *entry*; its commands end with *options*."""
    ref = entry.ref
    return {
        **summary(entry),
        "kind": str(ref.kind),
        "account": ref.account,
        "region": ref.region,
        "intent": entry.intent,
        "opened": entry.opened.isoformat(),
        "closed": entry.closed.isoformat() if entry.closed else None,
        "findings": list(entry.findings),
        "steps": list(entry.steps),
        "proposed": list(entry.alert.get("proposed", ())),
        "before": dict(entry.before),
        "after": dict(entry.after),
        "wanted": dict(entry.proposed),
        "exemptions": list(entry.exemptions),
        "undo": undo_command(entry, options),
        "apply": apply_command(entry, options),
    }
