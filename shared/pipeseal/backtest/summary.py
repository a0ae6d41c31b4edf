"""The result of a backtest: violations by control and by actor, the resources, the remediation loops, the errors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from pipeseal.aws.documents import Document, MutableDocument
from pipeseal.backtest.document import (
    CountsDocument,
    ErrorDocument,
    LoopDocument,
    SummaryDocument,
    ViolatedResourceDocument,
)
from pipeseal.backtest.ordering import RecordSorter
from pipeseal.backtest.reading import Portion
from pipeseal.backtest.replay import Replay, ReplayedViolation
from pipeseal.backtest.sources import Source
from pipeseal.kinds.cloudtrail import Malformed, parse_time, trigger_calls
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
"""Actors that are listed for one resource or loop."""


@dataclass(slots=True)
class _ViolationCount:
    """The violations of one control or of one actor."""

    actions: Counter[str] = field(default_factory=Counter)
    resources: set[str] = field(default_factory=set)
    controls: set[str] = field(default_factory=set)
    loops: int = 0

    def add(self, violation: ReplayedViolation) -> None:
        self.actions[violation.action] += 1
        self.resources.add(violation.ref.arn)
        self.controls.add(violation.finding.control.id)
        self.loops += violation.begins_loop

    def as_dict(self) -> CountsDocument:
        return {
            "violations": self.actions.total(),
            "resources": len(self.resources),
            "remediated": self.actions[Action.REMEDIATED],
            "rejected": self.actions[Action.REJECTED],
            "quarantined": self.actions[Action.QUARANTINED],
            "detected": self.actions[Action.DETECTED],
            "failed": self.actions[Action.FAILED],
            "escalated": self.actions[Action.ESCALATED],
            "wars": self.loops,
        }


@dataclass(slots=True)
class _ViolatedResource:
    """The violations of one resource."""

    first: datetime
    last: datetime
    reasons: dict[str, str] = field(default_factory=dict)
    """Control -> the reasons of its latest violation."""
    actions: Counter[str] = field(default_factory=Counter)
    actors: dict[str, None] = field(default_factory=dict)
    basis: str = "state"

    def add(self, violation: ReplayedViolation) -> None:
        self.last = violation.cause.time
        self.reasons[violation.finding.control.id] = " ".join(violation.finding.reasons)
        self.actions[violation.action] += 1
        if len(self.actors) < _MOST_ACTORS:
            self.actors[violation.cause.actor.name] = None
        if violation.basis != "state":
            self.basis = violation.basis

    def as_dict(self, arn: str) -> ViolatedResourceDocument:
        return {
            "resource": arn,
            "controls": sorted(self.reasons),
            "violations": self.actions.total(),
            "actions": {action: self.actions[action] for action in COUNTED if self.actions[action]},
            "actors": list(self.actors),
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "basis": self.basis,
            "reasons": dict(sorted(self.reasons.items())),
        }


@dataclass(slots=True)
class _RemediationLoop:
    """The violations of one control on one resource that would have suspended it, and those after that."""

    first: datetime
    last: datetime
    actors: dict[str, None] = field(default_factory=dict)
    suspensions: int = 0
    violations: int = 0

    def add(self, violation: ReplayedViolation) -> None:
        self.last = violation.cause.time
        self.suspensions += violation.begins_loop
        self.violations += 1
        actor = violation.cause.actor
        if len(self.actors) < _MOST_ACTORS:
            self.actors[f"{actor.name} via {actor.via}" if actor.via else actor.name] = None

    def as_dict(self, arn: str, control: str) -> LoopDocument:
        return {
            "resource": arn,
            "control": control,
            "actors": list(self.actors),
            "wars": self.suspensions,
            "broken": self.violations,
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
        }


class Summary:
    """Collects records, replays them, and counts the violations."""

    def __init__(self, sources: list[Source], settings: Settings) -> None:
        """Start with none of *sources* read."""
        self._sources = sources
        self._settings = settings
        self._sorter = RecordSorter()
        self.records = 0
        self.relevant = 0
        self.errors: list[ErrorDocument] = []
        self._malformed: dict[int, tuple[int, str]] = {}
        self._controls: dict[str, _ViolationCount] = {}
        self._severities: dict[str, Severity] = {}
        self._actors: dict[tuple[str, str, str], _ViolationCount] = {}
        self._resources: dict[str, _ViolatedResource] = {}
        self._loops: dict[tuple[str, str], _RemediationLoop] = {}
        self._period: tuple[datetime, datetime] | None = None

    def add(self, portion: Portion) -> None:
        """Add the records of a part of a file."""
        self.records += portion.size
        for position, text in portion.changes:
            try:
                self._sorter.add(portion.file, position, text)
            except Malformed as error:
                self._add_malformed(portion.file, str(error))
        if portion.error:
            self.add_error(self._sources[portion.file].name, portion.error)

    def add_error(self, name: str, error: str) -> None:
        """Add a file or folder that could not be read."""
        self.errors.append({"file": name, "error": error})

    def _add_malformed(self, file: int, error: str) -> None:
        """Count a record of *file* that is left out; the first error of each file is kept."""
        count, first = self._malformed.get(file, (0, error))
        self._malformed[file] = (count + 1, first)

    def replay(self) -> None:
        """Replay the records that were added, in the order of their calls."""
        replay = Replay(self._settings)
        for file, text in self._sorter:
            event = _event(text, self._sources[file])
            record = event["detail"]
            if record.get("errorCode"):
                continue
            try:
                for violation in replay.violations(event):
                    self._count(violation)
            except Malformed as error:
                self._add_malformed(file, str(error))
                continue
            except Exception as error:  # noqa: BLE001 - any field may have any type; one record must not end the replay
                self._add_malformed(file, f"record {record.get('eventID')!r:.60} cannot be evaluated: {error!r:.200}")
                continue
            if (record["eventSource"], record["eventName"]) in trigger_calls():
                self._count_relevant(parse_time(record["eventTime"]))
        for file, (count, first) in sorted(self._malformed.items()):
            error_text = first if count == 1 else f"{first} ({count} records)"
            self.add_error(self._sources[file].name, f"left out: {error_text}")
        self._sorter.close()

    def _count_relevant(self, time: datetime) -> None:
        self.relevant += 1
        self._period = (self._period[0] if self._period else time, time)

    def _count(self, violation: ReplayedViolation) -> None:
        control, actor, time = violation.finding.control, violation.cause.actor, violation.cause.time
        arn = violation.ref.arn
        self._severities[control.id] = control.severity
        self._controls.setdefault(control.id, _ViolationCount()).add(violation)
        self._actors.setdefault((actor.name, actor.kind, actor.via), _ViolationCount()).add(violation)
        self._resources.setdefault(arn, _ViolatedResource(time, time)).add(violation)
        in_loop = violation.action is Action.ESCALATED and (arn, control.id) in self._loops
        if violation.begins_loop or in_loop:
            self._loops.setdefault((arn, control.id), _RemediationLoop(time, time)).add(violation)

    @property
    def violated(self) -> bool:
        """Whether any resource would have been in violation."""
        return bool(self._resources)

    def as_dict(self) -> SummaryDocument:
        """Return the document that `pipeseal backtest --format json` prints."""
        first, last = self._period or (None, None)
        actors = sorted(self._actors.items(), key=lambda each: (-each[1].actions.total(), each[0]))
        return {
            "records": self.records,
            "files": len(self._sources),
            "relevant": self.relevant,
            "period": {"first": first.isoformat() if first else None, "last": last.isoformat() if last else None},
            "resources_in_violation": len(self._resources),
            "by_control": {
                name: {"severity": self._severities[name].name.lower(), **count.as_dict()}
                for name, count in sorted(self._controls.items())
            },
            "by_actor": [
                {"actor": name, "type": kind, "via": via, "controls": sorted(count.controls), **count.as_dict()}
                for (name, kind, via), count in actors
            ],
            "wars": [loop.as_dict(arn, control) for (arn, control), loop in self._loops.items()],
            "resources": [resource.as_dict(arn) for arn, resource in sorted(self._resources.items())],
            "errors": self.errors,
        }


def backtest(
    sources: list[Source],
    portions: Iterable[Portion],
    settings: Settings,
    on_portion: Callable[[Portion], None] = lambda _: None,
) -> Summary:
    """Replay the records in *portions* of *sources*; *on_portion* is called after each portion."""
    summary = Summary(sources, settings)
    for portion in portions:
        summary.add(portion)
        on_portion(portion)
    summary.replay()
    return summary


def _event(text: bytes, source: Source) -> Document:
    """Return the record as an EventBridge event; account and Region of an old record are those in the file's path."""
    record: Document = msgspec.json.decode(text)
    if record.get("recipientAccountId") and record.get("awsRegion"):
        return {"detail": record}
    account, region = source.account_and_region
    identity = record.get("userIdentity")
    own = identity.get("accountId") if isinstance(identity, Mapping) else None
    event: MutableDocument = {"detail": record}
    if not record.get("recipientAccountId"):
        event["account"] = account or own
    return event if record.get("awsRegion") else {**event, "region": region}
