"""What the ledger holds, and what follows from it: how long each violation was open, and how each resource is now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pipeseal.model import Action, Kind

if TYPE_CHECKING:
    from pipeseal.aws.entries import Entry
    from pipeseal.aws.ledger import Use
    from pipeseal.aws.memory import Memory
    from pipeseal.exemptions import Exemption

_RIGHTING = (Action.REMEDIATED, Action.REJECTED, Action.QUARANTINED)


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read from the ledger of one stack."""

    account: str
    region: str
    stack: str
    start: datetime
    """Where the report begins."""
    now: datetime
    entries: tuple[Entry, ...]
    """All there are, older ones too: what is still open may have begun long ago."""
    known: Mapping[str, Memory]
    """ARN -> what is known of that resource."""
    exemptions: tuple[Exemption, ...]
    uses: Mapping[str, Use]


class State(StrEnum):
    """How a violation ended, if it did."""

    RIGHTED = "righted"
    CONTAINED = "contained"
    """Nothing gets through any more, but its owner has work to do: a stage that is held."""
    SETTLED = "settled"
    """Gone when pipeseal looked again; somebody else put it right."""
    OPEN = "open"
    EXCUSED = "excused"


@dataclass(frozen=True, slots=True)
class Spell:
    """One control violated by one resource, from when to when."""

    resource: str
    control: str
    start: datetime
    end: datetime | None
    """None while it lasts; and where nobody recorded when it was over."""
    state: State
    entry: str
    """Id of the entry that tells of it."""


def spells(facts: Facts) -> tuple[Spell, ...]:
    """Return all violations there were, the first to begin first."""
    by_resource: dict[str, list[Entry]] = {}
    for entry in facts.entries:
        by_resource.setdefault(entry.ref.arn, []).append(entry)
    by_id = {entry.id: entry for entry in facts.entries}
    found = (
        spell
        for resource, entries in by_resource.items()
        # What an entry found is how the resource was when it was opened, however late its event came.
        for spell in _Course(resource, facts, by_id).of(sorted(entries, key=lambda entry: entry.opened))
    )
    return tuple(sorted(found, key=lambda spell: (spell.start, spell.resource, spell.control)))


@dataclass(slots=True)
class _Course:
    """One resource through time."""

    resource: str
    facts: Facts
    by_id: Mapping[str, Entry]
    lasting: dict[str, Spell] = field(default_factory=dict)
    over: list[Spell] = field(default_factory=list)

    def of(self, entries: Iterable[Entry]) -> Iterator[Spell]:
        for entry in entries:
            if entry.intent == Action.UNDONE:
                self._undone(entry)
            elif entry.outcome != Action.ABANDONED:
                self._looked(entry)
        yield from self.over
        yield from map(self._now, self.lasting.values())

    def _looked(self, entry: Entry) -> None:
        found = {finding["control"]: finding for finding in entry.findings}
        if entry.outcome != Action.ESCALATED and not entry.applies:  # those tell of some controls only
            for control in set(self.lasting) - set(found):
                self._end(control, entry.opened, State.SETTLED)
        for control, finding in found.items():
            new = Spell(self.resource, control, entry.cause.time, None, State.OPEN, entry.id)
            former = self.lasting.get(control)
            self.lasting[control] = former if former and former.state is State.OPEN else new
            if finding["writes"] and not finding["refusal"] and entry.closed and entry.outcome in _RIGHTING:
                contained = entry.outcome == Action.QUARANTINED
                self._end(control, entry.closed, State.CONTAINED if contained else State.RIGHTED)

    def _undone(self, entry: Entry) -> None:
        undone = self.by_id.get(entry.undoes)
        if entry.outcome != Action.UNDONE or undone is None:
            return
        for control in undone.wrote:
            start = entry.closed or entry.opened
            self.lasting[control] = Spell(self.resource, control, start, None, State.EXCUSED, entry.id)

    def _end(self, control: str, end: datetime, state: State) -> None:
        spell = self.lasting.pop(control)
        self.over.append(replace(spell, end=end, state=spell.state if spell.state is State.EXCUSED else state))

    def _now(self, spell: Spell) -> Spell:
        """Say of what no entry ended whether it lasts: the ledger forgets what was told once that is over."""
        memory = self.facts.known.get(self.resource)
        if spell.state is State.EXCUSED or memory is None or memory.told or spell.control in memory.wars:
            return spell
        return replace(spell, state=State.SETTLED)


class Posture(StrEnum):
    """How a resource is, as far as the ledger knows."""

    SEALED = "sealed"
    VIOLATED = "violated"
    CONTAINED = "contained"
    EXEMPT = "exempt"


def postures(facts: Facts, every: Iterable[Spell]) -> dict[str, Posture]:
    """Return how each resource that the ledger knows of is."""
    found = dict.fromkeys((*facts.known, *(entry.ref.arn for entry in facts.entries)), Posture.SEALED)
    found |= dict.fromkeys((resource for memory in facts.known.values() for resource in memory.uses), Posture.SEALED)
    found |= {resource: Posture.EXEMPT for resource in found if _spared(resource, facts)}
    last = {(spell.resource, spell.control): spell.state for spell in every}
    worst = {State.EXCUSED: Posture.EXEMPT, State.CONTAINED: Posture.CONTAINED, State.OPEN: Posture.VIOLATED}
    for state, posture in worst.items():
        found |= {resource: posture for (resource, _), each in last.items() if each is state}
    return {resource: posture for resource, posture in found.items() if kind_of(resource)}


def _spared(resource: str, facts: Facts) -> bool:
    """Say whether an exemption that holds has spared the resource; of one for many the last use alone is known."""
    return any(
        exemption.holds(facts.now)
        and (use := facts.uses.get(exemption.id))
        and (resource in (use.resource, exemption.resource))
        and fnmatchcase(resource, exemption.resource)
        for exemption in facts.exemptions
    )


def kind_of(arn: str) -> Kind | None:
    """Return the kind of the resource with that ARN; None for what is none of ours."""
    parts = arn.split(":", 5)
    return Kind(parts[2]) if len(parts) > 5 and parts[2] in set(Kind) else None  # noqa: PLR2004 - of an ARN
