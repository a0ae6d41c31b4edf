"""A report as the rows of a table, for spreadsheets; pure."""

from __future__ import annotations

from collections.abc import Iterator

from pipeseal.scan.report import Report, noun

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


def rows(report: Report) -> Iterator[tuple[str, ...]]:
    """Yield a row for each violation, then for what could not be read (its status is unreadable)."""
    for each in report.violations:
        yield (
            report.account,
            each.ref.region,
            each.ref.arn,
            noun(each.ref.kind),
            each.control.id,
            each.control.title,
            each.control.severity.name.lower(),
            str(each.status),
            " ".join((*each.reasons, *filter(None, [each.refusal]))),
            " ".join(each.remedy),
            each.control.advice,
            each.control.source,
            each.exemption.id if each.exemption else "",
        )
    for lost in report.unreadable:
        region = lost.ref.region if lost.ref else report.region
        kind, none = noun(lost.kind), ""
        yield (
            report.account,
            region,
            lost.resource,
            kind,
            *(none,) * 3,
            "unreadable",
            lost.error,
            none,
            lost.remedy,
            *(none,) * 2,
        )
