"""The current posture of each resource, as far as the ledger shows."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from fnmatch import fnmatchcase

from pipeseal.cli._report.data import ReportData, kind_of
from pipeseal.cli._report.periods import PeriodState, ViolationPeriod


class Posture(StrEnum):
    """Whether a resource complies; the values are words on the page."""

    COMPLIANT = "compliant"
    VIOLATED = "violated"
    QUARANTINED = "quarantined"
    EXEMPT = "exempt"


_OF_STATE = {
    PeriodState.EXEMPT: Posture.EXEMPT,
    PeriodState.QUARANTINED: Posture.QUARANTINED,
    PeriodState.OPEN: Posture.VIOLATED,
}
"""The posture by the state of the latest period of a control; of several controls, the last row here decides."""


def postures(data: ReportData, periods: Iterable[ViolationPeriod]) -> dict[str, Posture]:
    """Return the posture of each resource in the ledger, by ARN; *periods* are in the order of their start."""
    known = (*data.records, *(entry.ref.arn for entry in data.entries))
    dependencies = (resource for record in data.records.values() for resource in record.dependencies)
    found = dict.fromkeys((*known, *dependencies), Posture.COMPLIANT)
    found |= {resource: Posture.EXEMPT for resource in found if _is_exempt(resource, data)}
    latest = {(period.resource, period.control): period.state for period in periods}
    for state, posture in _OF_STATE.items():
        found |= {resource: posture for (resource, _), each in latest.items() if each is state}
    return {resource: posture for resource, posture in found.items() if kind_of(resource)}


def _is_exempt(resource: str, data: ReportData) -> bool:
    """Return whether an active exemption was used for the resource.

    Of an exemption for several resources, the ledger records the latest use only.
    """
    return any(
        exemption.is_active(data.now)
        and (use := data.exemption_uses.get(exemption.id))
        and (resource in (use.resource, exemption.resource))
        and fnmatchcase(resource, exemption.resource)
        for exemption in data.exemptions
    )
