"""A scan report as the rows of a table, for spreadsheets; pure."""

from __future__ import annotations

from collections.abc import Iterator

from pipeseal.scan.report import ScanReport, ScanViolation, UnreadResource

HEADER = (
    "account",
    "region",
    "resource",
    "kind",
    "control",
    "title",
    "severity",
    "status",
    "reasons",
    "fix",
    "advice",
    "source",
    "exemption",
)


def rows(report: ScanReport) -> Iterator[tuple[str, ...]]:
    """Yield one row for each violation, then one for everything that could not be read (status "unreadable")."""
    unread = (_unread_cells(each, report.region) for each in report.unreadable)
    for cells in (*map(_violation_cells, report.violations), *unread):
        yield report.account, *(cells.get(column, "") for column in HEADER[1:])


def _violation_cells(violation: ScanViolation) -> dict[str, str]:
    return {
        "region": violation.ref.region,
        "resource": violation.ref.arn,
        "kind": str(violation.ref.kind),
        "control": violation.control.id,
        "title": violation.control.title,
        "severity": violation.control.severity.name.lower(),
        "status": str(violation.status),
        "reasons": violation.description,
        "fix": " ".join(violation.proposed_steps),
        "advice": violation.control.advice,
        "source": violation.control.source,
        "exemption": violation.exemption.id if violation.exemption else "",
    }


def _unread_cells(unread: UnreadResource, home_region: str) -> dict[str, str]:
    return {
        "region": unread.ref.region if unread.ref else home_region,
        "resource": unread.resource,
        "kind": str(unread.kind),
        "status": "unreadable",
        "reasons": unread.error,
        "advice": unread.remediation,
    }
