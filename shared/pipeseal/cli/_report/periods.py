"""When each resource violated which control, as far as the ledger shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from pipeseal.model import Action

if TYPE_CHECKING:
    from pipeseal.cli._report.data import ReportData
    from pipeseal.ledger.entries import LedgerEntry

_WRITTEN = (Action.REMEDIATED, Action.REJECTED, Action.QUARANTINED)


class PeriodState(StrEnum):
    """How a violation ended, if it did; the values are words on the page."""

    REMEDIATED = "remediated"
    QUARANTINED = "quarantined"
    """pipeseal disabled a stage transition; the resource owner must still change the pipeline."""
    RESOLVED = "resolved"
    """A later read did not find it, and pipeseal wrote nothing."""
    OPEN = "open"
    EXEMPT = "exempt"
    """An operator reverted the remediation, which added an exemption."""


@dataclass(frozen=True, slots=True)
class ViolationPeriod:
    """The time during which one resource violated one control."""

    resource: str
    control: str
    start: datetime
    end: datetime | None
    """None while it lasts, and where the ledger does not record the end."""
    state: PeriodState
    entry: str
    """ID of the ledger entry that recorded the violation."""


def violation_periods(data: ReportData) -> tuple[ViolationPeriod, ...]:
    """Return all periods in the ledger, ordered by their start."""
    by_resource: dict[str, list[LedgerEntry]] = {}
    for entry in data.entries:
        by_resource.setdefault(entry.ref.arn, []).append(entry)
    by_id = {entry.id: entry for entry in data.entries}
    found = (
        period
        for resource, entries in by_resource.items()
        # An entry states what was read when it was opened, even if its event was delivered late.
        for period in _ResourceHistory(resource, data, by_id).periods(sorted(entries, key=lambda entry: entry.opened))
    )
    return tuple(sorted(found, key=lambda period: (period.start, period.resource, period.control)))


@dataclass(slots=True)
class _ResourceHistory:
    """The periods of one resource, while its entries are read in order."""

    resource: str
    data: ReportData
    by_id: Mapping[str, LedgerEntry]
    current: dict[str, ViolationPeriod] = field(default_factory=dict)
    """By the ID of the control."""
    ended: list[ViolationPeriod] = field(default_factory=list)

    def periods(self, entries: Iterable[LedgerEntry]) -> Iterator[ViolationPeriod]:
        for entry in entries:
            if entry.intent == Action.UNDONE:
                self._add_undo(entry)
            elif entry.outcome != Action.ABANDONED:
                self._add_findings(entry)
        yield from self.ended
        yield from map(self._with_current_state, self.current.values())

    def _add_findings(self, entry: LedgerEntry) -> None:
        found = {finding["control"]: finding for finding in entry.findings}
        if entry.outcome != Action.ESCALATED and not entry.applies:  # these entries list some controls only
            for control in set(self.current) - set(found):
                self._end(control, entry.opened, PeriodState.RESOLVED)
        for control, finding in found.items():
            new = ViolationPeriod(self.resource, control, entry.cause.time, None, PeriodState.OPEN, entry.id)
            former = self.current.get(control)
            self.current[control] = former if former and former.state is PeriodState.OPEN else new
            if finding["writes"] and not finding["refusal"] and entry.closed and entry.outcome in _WRITTEN:
                quarantined = entry.outcome == Action.QUARANTINED
                self._end(control, entry.closed, PeriodState.QUARANTINED if quarantined else PeriodState.REMEDIATED)

    def _add_undo(self, entry: LedgerEntry) -> None:
        undone = self.by_id.get(entry.undoes)
        if entry.outcome != Action.UNDONE or undone is None:
            return
        for control in undone.written_controls:
            start = entry.closed or entry.opened
            self.current[control] = ViolationPeriod(self.resource, control, start, None, PeriodState.EXEMPT, entry.id)

    def _end(self, control: str, end: datetime, state: PeriodState) -> None:
        period = self.current.pop(control)
        exempt = period.state is PeriodState.EXEMPT
        self.ended.append(replace(period, end=end, state=period.state if exempt else state))

    def _with_current_state(self, period: ViolationPeriod) -> ViolationPeriod:
        """Return *period*, which no entry ended; RESOLVED where the record of the resource shows that it is over.

        A compliant read makes no entry, but it clears the record's fingerprints and suspensions.
        """
        record = self.data.records.get(self.resource)
        if period.state is PeriodState.EXEMPT or record is None or record.alerted or period.control in record.suspended:
            return period
        return replace(period, state=PeriodState.RESOLVED)
