"""What a backtest comes to: counts by control and by actor, the resources, the wars, what could not be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from pipeseal.backtest.journal import Journal, Misshapen
from pipeseal.backtest.reading import Portion
from pipeseal.backtest.replay import Replay, Violation
from pipeseal.backtest.sources import Source
from pipeseal.cloudtrail import HEARD, Malformed
from pipeseal.model import Action, Severity
from pipeseal.settings import Settings

COUNTED = (
    Action.REMEDIATED,
    Action.REJECTED,
    Action.QUARANTINED,
    Action.DETECTED,
    Action.FAILED,
    Action.ESCALATED,
)
_MOST_ACTORS = 20
"""Actors that are named for one resource."""


@dataclass(slots=True)
class _Count:
    """Violations of one control, by one actor, or of one control on one resource."""

    actions: Counter[str] = field(default_factory=Counter)
    resources: set[str] = field(default_factory=set)
    controls: set[str] = field(default_factory=set)
    wars: int = 0

    def add(self, violation: Violation) -> None:
        self.actions[violation.action] += 1
        self.resources.add(violation.ref.arn)
        self.controls.add(violation.finding.control.id)
        self.wars += violation.begins_war

    def as_dict(self) -> dict[str, Any]:
        return {
            "violations": self.actions.total(),
            "resources": len(self.resources),
            **{str(action): self.actions[action] for action in COUNTED},
            "wars": self.wars,
        }


@dataclass(slots=True)
class _Resource:
    """What was found on one resource."""

    first: datetime
    last: datetime
    controls: dict[str, str] = field(default_factory=dict)
    """Control -> what it found at last."""
    actions: Counter[str] = field(default_factory=Counter)
    actors: dict[str, None] = field(default_factory=dict)
    basis: str = "state"
    violations: int = 0

    def add(self, violation: Violation) -> None:
        self.last = violation.cause.time
        self.controls[violation.finding.control.id] = " ".join(violation.finding.reasons)
        self.actions[violation.action] += 1
        if len(self.actors) < _MOST_ACTORS:
            self.actors[violation.cause.actor.name] = None
        if violation.basis != "state":
            self.basis = violation.basis
        self.violations += 1


class Summary:
    """Collects what is read, replays it, and counts."""

    def __init__(self, sources: list[Source], settings: Settings) -> None:
        """Begin with nothing read of *sources*."""
        self._sources = sources
        self._settings = settings
        self._journal = Journal()
        self.records = 0
        self.relevant = 0
        self.errors: list[dict[str, str]] = []
        self._misshapen: dict[int, tuple[int, str]] = {}
        self._controls: dict[str, _Count] = {}
        self._severities: dict[str, Severity] = {}
        self._actors: dict[tuple[str, str, str], _Count] = {}
        self._resources: dict[str, _Resource] = {}
        self._wars: dict[tuple[str, str], dict[str, Any]] = {}
        self._period: tuple[datetime, datetime] | None = None

    def take(self, portion: Portion) -> None:
        """Take in what was found in a part of a file."""
        self.records += portion.size
        for position, text in portion.telling:
            try:
                self._journal.add(portion.file, position, text)
            except Misshapen as error:
                self._blame(portion.file, str(error))
        if portion.error:
            self.err(self._sources[portion.file].name, portion.error)

    def err(self, name: str, error: str) -> None:
        """Note that something could not be read."""
        self.errors.append({"file": name, "error": error})

    def _blame(self, file: int, error: str) -> None:
        """Count the records of one file that make no sense, and keep what is wrong with the first."""
        count, first = self._misshapen.get(file, (0, error))
        self._misshapen[file] = (count + 1, first)

    def replay(self) -> None:
        """Let pipeseal look at everything that was taken in, in its order."""
        replay = Replay(self._settings)
        for file, text in self._journal:
            event = _event(text, self._sources[file])
            record = event["detail"]
            if record.get("errorCode"):
                continue
            try:
                for violation in replay.violations(event):
                    self._count(violation)
            except Malformed as error:
                self._blame(file, str(error))
                continue
            except Exception as error:  # noqa: BLE001 - a record may hold anything anywhere; one is not the end
                self._blame(file, f"record {record.get('eventID')!r:.60} cannot be judged: {error!r:.200}")
                continue
            if (record["eventSource"], record["eventName"]) in HEARD:
                self._see(datetime.fromisoformat(record["eventTime"]))
        for file, (count, first) in sorted(self._misshapen.items()):
            said = first if count == 1 else f"{first}; so {count} records"
            self.err(self._sources[file].name, f"left out: {said}")
        self._journal.close()

    def _see(self, time: datetime) -> None:
        self.relevant += 1
        self._period = (self._period[0] if self._period else time, time)

    def _count(self, violation: Violation) -> None:
        control, actor, arn = violation.finding.control, violation.cause.actor, violation.ref.arn
        self._severities[control.id] = control.severity
        self._controls.setdefault(control.id, _Count()).add(violation)
        self._actors.setdefault((actor.name, actor.kind, actor.via), _Count()).add(violation)
        resource = self._resources.get(arn) or _Resource(violation.cause.time, violation.cause.time)
        resource.add(violation)
        self._resources[arn] = resource
        if violation.begins_war or (violation.action is Action.ESCALATED and (arn, control.id) in self._wars):
            self._fight(violation)

    def _fight(self, violation: Violation) -> None:
        at = (violation.ref.arn, violation.finding.control.id)
        time, actor = violation.cause.time.isoformat(), violation.cause.actor
        war = self._wars.setdefault(
            at, {"resource": at[0], "control": at[1], "actors": [], "wars": 0, "broken": 0, "first": time, "last": time}
        )
        war["wars"] += violation.begins_war
        war["broken"] += 1
        war["last"] = time
        name = f"{actor.name} via {actor.via}" if actor.via else actor.name
        if name not in war["actors"] and len(war["actors"]) < _MOST_ACTORS:
            war["actors"].append(name)

    @property
    def violated(self) -> bool:
        """Whether anything would have been in violation."""
        return bool(self._resources)

    def as_dict(self) -> dict[str, Any]:
        """Return the document that `pipeseal backtest --format json` prints."""
        first, last = self._period or (None, None)
        return {
            "records": self.records,
            "files": len(self._sources),
            "relevant": self.relevant,
            "period": {"first": first and first.isoformat(), "last": last and last.isoformat()},
            "resources_in_violation": len(self._resources),
            "by_control": {
                name: {"severity": self._severities[name].name.lower(), **count.as_dict()}
                for name, count in sorted(self._controls.items())
            },
            "by_actor": [
                {
                    "actor": name,
                    "type": kind,
                    "via": via,
                    "controls": sorted(count.controls),
                    **count.as_dict(),
                }
                for (name, kind, via), count in sorted(
                    self._actors.items(), key=lambda each: (-each[1].actions.total(), each[0])
                )
            ],
            "wars": list(self._wars.values()),
            "resources": [
                {
                    "resource": arn,
                    "controls": sorted(found.controls),
                    "violations": found.violations,
                    "actions": {action: found.actions[action] for action in COUNTED if found.actions[action]},
                    "actors": list(found.actors),
                    "first": found.first.isoformat(),
                    "last": found.last.isoformat(),
                    "basis": found.basis,
                    "reasons": dict(sorted(found.controls.items())),
                }
                for arn, found in sorted(self._resources.items())
            ],
            "errors": self.errors,
        }


def backtest(
    sources: list[Source],
    portions: Iterable[Portion],
    settings: Settings,
    seen: Callable[[Portion], None] = lambda _: None,
) -> Summary:
    """Read all *portions* of *sources* and replay them; *seen* hears of each portion as it comes."""
    summary = Summary(sources, settings)
    for portion in portions:
        summary.take(portion)
        seen(portion)
    summary.replay()
    return summary


def _event(text: bytes, source: Source) -> dict[str, Any]:
    """Put a record into EventBridge's envelope; the oldest do not say whose they are, and then the path does."""
    record: dict[str, Any] = msgspec.json.decode(text)
    if record.get("recipientAccountId") and record.get("awsRegion"):
        return {"detail": record}
    account, region = source.owner
    identity = record.get("userIdentity")
    own = identity.get("accountId") if isinstance(identity, Mapping) else None
    envelope: dict[str, Any] = {"detail": record}
    if not record.get("recipientAccountId"):
        envelope["account"] = account or own
    return envelope if record.get("awsRegion") else {**envelope, "region": region}
