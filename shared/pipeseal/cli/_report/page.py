"""The HTML page: the report's data, filled into the template. The page loads nothing and runs only its own script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeseal.cli._entry import Change, apply_command, changes, describe_cause, describe_outcome, name_of, undo_command
from pipeseal.cli._report import formatting
from pipeseal.cli._report.data import ReportData, kind_of
from pipeseal.cli._report.graph import NODE_HEIGHT, NODE_WIDTH, graph
from pipeseal.cli._report.periods import PeriodState, ViolationPeriod, violation_periods
from pipeseal.cli._report.posture import Posture, postures
from pipeseal.cli._report.timeline import NAME_WIDTH, timeline
from pipeseal.cli._report.trend import ControlTrend, chart_start, control_trend
from pipeseal.controls import every_control
from pipeseal.model import Action, Kind, Severity
from pipeseal.text import conjoin

if TYPE_CHECKING:
    from pipeseal.exemptions import Exemption
    from pipeseal.ledger.entries import LedgerEntry
    from pipeseal.ledger.exemption_store import ExemptionUse
    from pipeseal.model import AnyControl

_DIFF_COLUMNS = 96
_MAX_ENTRIES = 1000
"""Entries on one page; `pipeseal history` lists them all."""
_ENDS_SOON = timedelta(days=7)
_STATES = {
    Action.REMEDIATED: PeriodState.REMEDIATED,
    Action.REJECTED: PeriodState.REMEDIATED,
    Action.QUARANTINED: PeriodState.QUARANTINED,
    Action.UNDONE: PeriodState.EXEMPT,
}
_WORST_FIRST = (Posture.VIOLATED, Posture.QUARANTINED, Posture.EXEMPT, Posture.COMPLIANT)


@dataclass(frozen=True, slots=True)
class EntryView:
    """A ledger entry as the page shows it."""

    entry: LedgerEntry
    state: PeriodState
    result: str
    actor: str
    open_for: str
    """How long the violations lasted, or have lasted so far; "" where that is unknown."""
    written: tuple[Change, ...]
    proposed: tuple[Change, ...]
    undo: str
    """The command that reverts the entry; "" where it cannot be reverted."""
    apply: str
    """The command that applies what the entry proposes; "" where it proposes nothing."""


@dataclass(frozen=True, slots=True)
class ResourceView:
    """A resource as the table beside the graph shows it."""

    arn: str
    posture: Posture
    dependencies: tuple[str, ...]
    """ARNs."""


@dataclass(frozen=True, slots=True)
class ExemptionView:
    """An exemption as the page shows it."""

    exemption: Exemption
    state: str
    """One of "active", "ends soon" and "ended"."""
    ends: str
    use: ExemptionUse | None


def render(data: ReportData) -> str:
    """Return the page as HTML."""
    periods = violation_periods(data)
    start = chart_start(data, periods)
    current = postures(data, periods)
    entries = _entries(data, periods)
    listed = entries[:_MAX_ENTRIES]
    style, script = _file("page.css"), _file("page.js")
    return (
        _environment()
        .get_template("page.html")
        .render(
            data=data,
            start=start,
            overall=control_trend("All controls", "", "", periods, start, data.now),
            trends=_trends(periods, start, data),
            timeline=timeline(periods, start, data.now),
            graph=graph(data.records, current),
            resources=_resources(data, current),
            dependent_kinds=conjoin([f"{kind}s" for kind in Kind if kind.spec.depends_on]),
            counts={posture: sum(each is posture for each in current.values()) for posture in Posture},
            entries=listed,
            entry_ids={view.entry.id for view in listed},
            omitted_entries=len(entries) - len(listed),
            latest_entry={view.entry.ref.arn: view.entry.id for view in reversed(listed)},
            oldest_open=min((period.start for period in periods if period.state is PeriodState.OPEN), default=None),
            exemptions=[_exemption(each, data) for each in sorted(data.exemptions, key=_active_first(data))],
            node_size=(NODE_WIDTH, NODE_HEIGHT),
            name_width=NAME_WIDTH,
            style=Markup(style),  # noqa: S704 - a file of this package
            script=Markup(script),  # noqa: S704 - a file of this package
            style_hash=_csp_hash(style),
            script_hash=_csp_hash(script),
        )
    )


def _entries(data: ReportData, periods: Iterable[ViolationPeriod]) -> list[EntryView]:
    """Return the entries of the reported time and those with open violations, the latest first."""
    by_entry: dict[str, list[ViolationPeriod]] = {}
    for period in periods:
        by_entry.setdefault(period.entry, []).append(period)
    shown = (entry for entry in data.entries if entry.cause.time >= data.start or _any_open(by_entry.get(entry.id, ())))
    latest_first = sorted(shown, key=lambda entry: (entry.cause.time, entry.opened), reverse=True)
    return [_entry(entry, by_entry.get(entry.id, ()), data) for entry in latest_first]


def _any_open(periods: Iterable[ViolationPeriod]) -> bool:
    return any(period.state is PeriodState.OPEN for period in periods)


def _entry(entry: LedgerEntry, periods: Sequence[ViolationPeriod], data: ReportData) -> EntryView:
    state = PeriodState.OPEN if _any_open(periods) else _state(entry)
    ends = [period.end or data.now for period in periods if period.end or period.state is PeriodState.OPEN]
    _, result, _ = describe_outcome(entry)
    timed = ends and state is not PeriodState.EXEMPT
    return EntryView(
        entry=entry,
        state=state,
        result=f"{result[:1].upper()}{result[1:]}",
        actor=describe_cause(entry),
        open_for=formatting.duration(max(ends) - entry.cause.time) if timed else "",
        written=tuple(changes(entry.before, entry.after, _DIFF_COLUMNS)),
        proposed=tuple(changes(entry.after, entry.proposed, _DIFF_COLUMNS)),
        undo=undo_command(entry),
        apply=apply_command(entry),
    )


def _state(entry: LedgerEntry) -> PeriodState:
    if entry.undone_by:
        return PeriodState.EXEMPT
    return _STATES.get(Action(entry.outcome), PeriodState.RESOLVED) if entry.outcome else PeriodState.OPEN


def _trends(periods: Sequence[ViolationPeriod], start: datetime, data: ReportData) -> list[ControlTrend]:
    """Return the trend of each control with violations: most open ones first, then by severity and number."""
    by_control: dict[str, list[ViolationPeriod]] = {}
    for period in periods:
        by_control.setdefault(period.control, []).append(period)
    trends = [
        control_trend(control, _title(control), _severity(control), of_control, start, data.now)
        for control, of_control in by_control.items()
    ]
    return sorted(trends, key=lambda each: (-each.open, -_rank(each.severity), -each.found, each.control))


@cache
def _controls() -> Mapping[str, AnyControl]:
    return {control.id: control for control in every_control()}


def _title(control: str) -> str:
    """Return the title of a control; "" for one that this version does not have."""
    return _controls()[control].title if control in _controls() else ""


def _severity(control: str) -> str:
    """Return the severity of a control; "" for one that this version does not have."""
    return _controls()[control].severity.name.lower() if control in _controls() else ""


def _rank(severity: str) -> int:
    return Severity[severity.upper()] if severity else 0


def _resources(data: ReportData, current: Mapping[str, Posture]) -> list[ResourceView]:
    """Return all resources with their dependencies, violated ones first."""
    views = (
        ResourceView(arn, posture, tuple(sorted(data.records[arn].dependencies)) if arn in data.records else ())
        for arn, posture in current.items()
    )
    return sorted(views, key=lambda each: (_WORST_FIRST.index(each.posture), each.arn))


def _active_first(data: ReportData) -> Callable[[Exemption], tuple[bool, datetime]]:
    return lambda exemption: (not exemption.is_active(data.now), exemption.until)


def _exemption(exemption: Exemption, data: ReportData) -> ExemptionView:
    left = exemption.until - data.now
    state = "ended" if left <= timedelta(0) else "ends soon" if left <= _ENDS_SOON else "active"
    ends = "ended" if state == "ended" else f"in {formatting.duration(left)}"
    return ExemptionView(exemption, state, ends, data.exemption_uses.get(exemption.id))


# --------------------------------------------------------------------- the template


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pipeseal.cli._report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        safe_text=formatting.safe,
        shorten=formatting.shorten,
        duration=formatting.duration,
        timestamp=formatting.timestamp,
        resource_name=_resource_name,
        resource_kind=_resource_kind,
    )
    return environment


def _resource_name(arn: str) -> str:
    return formatting.safe(name_of(arn))


def _resource_kind(arn: str) -> str:
    return str(kind_of(arn) or "resource")


def _file(name: str) -> str:
    return resources.files("pipeseal.cli._report").joinpath(name).read_text("utf-8").strip()


def _csp_hash(text: str) -> str:
    """Return the source of the Content Security Policy that allows this text and no other."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
