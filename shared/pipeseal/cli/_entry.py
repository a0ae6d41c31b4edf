"""An entry of the ledger as the tool tells of it: to people in lines, to programs as a document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeseal.cli._diff import difference
from pipeseal.cli._screen import DONE
from pipeseal.model import Action

if TYPE_CHECKING:
    from pipeseal.aws.entries import Entry

_UNKNOWN = ("?", "begun; nobody lived to say what came of it", "red")
_PARTS = {
    "policy": "bucket policy",
    "encryption": "default encryption",
    "status": "state of the key",
    "window": "days until the key is deleted",
    "rotates": "automatic rotation",
    "keys": "key of each Region's artifacts",
    "transition": "transition into the second stage",
    "logging": "logging",
    "selectors": "event selectors",
}


class Change(NamedTuple):
    """A part of a resource before and after."""

    part: str
    """What people call it."""
    lines: tuple[tuple[str, str], ...]
    """Each as (mark, text): "-" is gone, "+" is new, " " is around them; the text is ASCII."""


def about(pattern: str, arn: str) -> bool:
    """Say whether *pattern*, an ARN, a name or a glob of either, means the resource with that ARN."""
    return any(fnmatchcase(each, pattern) for each in (arn, name_of(arn)))


def name_of(arn: str) -> str:
    """Return the last part of an ARN: a key's id, and everything else's name."""
    return arn.rpartition(":")[2].rpartition("/")[2]


def came_of(entry: Entry) -> tuple[str, str, str]:
    """Return a mark, words and a style for what came of it."""
    mark, words, style = DONE.get(entry.outcome, _UNKNOWN)
    if entry.undone_by:
        words += ", then taken back"
    if entry.applies:
        words += " on an operator's word"
    if entry.applied_by:
        words += ", then put right on an operator's word"
    return mark, words, style


def actor_of(entry: Entry) -> str:
    """Name who did what pipeseal looked at, and by which call."""
    actor = entry.cause.actor
    via = f" through {actor.via}" if actor.via else ""
    return f"{actor.name}{via}, {entry.cause.name}"


def way_back(entry: Entry) -> str:
    """Return the command that takes the entry back; "" where there is none."""
    if entry.undone_by or not entry.changed or entry.intent == Action.UNDONE:
        return ""
    return f"pipeseal undo {entry.id} --owner WHO --reason WHY --until 30d"


def way_on(entry: Entry) -> str:
    """Return the command that carries out what it proposes; "" where there is none."""
    return f"pipeseal apply {entry.id}" if entry.proposed and not entry.applied_by else ""


def changes(before: Mapping[str, Any], after: Mapping[str, Any], width: int) -> Iterator[Change]:
    """Yield what is not after as it was before, in lines of about *width* columns."""
    for part, old in before.items():
        new = after[part]
        if old == new:
            continue
        whole = all(isinstance(each, dict | list | None) for each in (old, new))
        plain = (("-", json.dumps(old)), ("+", json.dumps(new)))
        yield Change(_PARTS.get(part, part), tuple(difference(old, new, width)) if whole else plain)


def summary(entry: Entry) -> dict[str, Any]:
    """Return what `history --format json` prints of an entry."""
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


def document(entry: Entry) -> dict[str, Any]:
    """Return what `show --format json` prints."""
    ref = entry.ref
    return {
        **summary(entry),
        "kind": ref.kind.name.lower(),
        "account": ref.account,
        "region": ref.region,
        "intent": entry.intent,
        "opened": entry.opened.isoformat(),
        "closed": entry.closed.isoformat() if entry.closed else None,
        "findings": [dict(finding) for finding in entry.findings],
        "steps": list(entry.steps),
        "proposed": list(entry.alert.get("proposed", ())),
        "before": dict(entry.before),
        "after": dict(entry.after),
        "wanted": dict(entry.wanted),
        "exemptions": list(entry.exemptions),
        "undo": way_back(entry),
        "apply": way_on(entry),
    }
