"""The text output of `pipeseal scan`: violations by severity, exempt ones, unread resources, advice, totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeseal.cli._terminal import Terminal
from pipeseal.model import Ref, Severity, kind_and_name
from pipeseal.scan.report import AdviceAnswer, ScanReport, ScanViolation
from pipeseal.text import conjoin, printable

_STYLES = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "blue",
}
_ANSWERS = {
    AdviceAnswer.YES: ("✓", "green"),
    AdviceAnswer.NO: ("✗", "yellow"),
    AdviceAnswer.UNKNOWN: ("?", "magenta"),
}
_MAX_WIDTH = 120


def show(console: Terminal, report: ScanReport) -> None:
    """Print *report* on *console*."""
    console.width = min(console.width, _MAX_WIDTH)
    for part in _parts(report):
        console.print(part)


def _parts(report: ScanReport) -> Iterator[RenderableType]:
    for severity in sorted(Severity, reverse=True):
        if found := [each for each in report.open if each.control.severity is severity]:
            yield _heading(f"{severity.name} · {_count(len(found), 'violation')}", _STYLES[severity])
            yield _violation_table(found, report.region, _STYLES[severity])
    if report.exempted:
        yield _heading(f"EXEMPT · {_count(len(report.exempted), 'violation')}", "dim")
        yield _exempt_table(report.exempted, report.region)
    if report.unreadable:
        yield _heading(f"NOT READ · {len(report.unreadable)} (compliance unknown)", "magenta")
        yield _unread_table(report)
    yield _heading("ACCOUNT · recommendations", "cyan")
    yield _advice_table(report)
    yield _heading(f"{report.account} in {report.region} · {report.time:%Y-%m-%d %H:%M %Z}", "bold")
    yield _totals_table(report)
    for note in report.notes:
        yield Text.assemble(("note  ", "cyan"), _safe(note))
    yield _verdict(report)


def _heading(text: str, style: str) -> Text:
    return Text(f"\n{text}", style)


def _table(*columns: tuple[str, int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True, padding=(0, 1))
    for name, ratio in columns:
        table.add_column(name, ratio=ratio, overflow="fold")
    return table


def _violation_table(violations: Iterable[ScanViolation], home_region: str, style: str) -> Table:
    """Return a table of *violations*, which are in the order of their controls: a section for each control."""
    table = _table(("Resource", 3), ("Finding", 7))
    control = ""
    for each in violations:
        if each.control.id != control:
            control = each.control.id
            table.add_section()
            title, advice = Text(each.control.title, "bold"), Text(each.control.advice, "dim")
            table.add_row(Text(control, style), Group(title, advice))
        table.add_row(_name(each.ref, home_region), _finding(each))
    return table


def _finding(violation: ScanViolation) -> RenderableType:
    lines = [Text(_safe(reason)) for reason in violation.reasons]
    if violation.dependents:
        names = [" ".join(kind_and_name(arn) or (arn,)) for arn in violation.dependents]
        lines.append(Text(f"used by {_safe(conjoin(names))}", "dim"))
    if violation.refusal:
        lines.append(Text.assemble(("cannot be remediated: ", "yellow"), _safe(violation.refusal)))
    lines += [Text.assemble(("remediation: ", "green"), _safe(step)) for step in violation.proposed_steps]
    if not violation.proposed_steps and not violation.refusal:
        lines.append(Text("needs manual action by the resource owner", "cyan"))
    return Group(*lines)


def _exempt_table(violations: Iterable[ScanViolation], home_region: str) -> Table:
    table = _table(("Resource", 3), ("Control", 2), ("Exemption", 5))
    for each in violations:
        if exemption := each.exemption:
            grounds = (
                f"{exemption.owner} until {exemption.until:%Y-%m-%d %H:%M %Z}: {exemption.reason} ({exemption.id})"
            )
            table.add_row(_name(each.ref, home_region), each.control.id, Text(_safe(grounds)))
    return table


def _unread_table(report: ScanReport) -> Table:
    table = _table(("Resource", 3), ("Error", 7))
    for each in report.unreadable:
        lines = [Text(_safe(each.error))]
        if each.permission:
            lines.append(Text.assemble(("missing permission: ", "cyan"), (_safe(each.permission), "bold")))
        table.add_row(_name(each.ref, report.region) if each.ref else f"all {each.kind}s", Group(*lines))
    return table


def _advice_table(report: ScanReport) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(width=1)
    table.add_column(overflow="fold")
    for each in report.advice:
        mark, style = _ANSWERS[each.answer]
        lines = [Text.assemble((each.title, "bold"), f"  {_safe(each.reason)}")]
        if each.answer is AdviceAnswer.NO:
            lines.append(Text(each.advice, "dim"))
        table.add_row(Text(mark, style), Group(*lines))
    return table


def _totals_table(report: ScanReport) -> Table:
    """Return the numbers of resources, a row for each kind."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    table.add_column("Kind")
    for name in ("checked", "compliant", "violated", "exempt", "not read"):
        table.add_column(name, justify="right")
    violated = Counter(ref.kind for ref in {each.ref for each in report.open})
    with_violations = Counter(ref.kind for ref in {each.ref for each in report.violations})
    unread = Counter(each.kind for each in report.unreadable)
    for kind in dict.fromkeys((*report.scanned, *unread)):
        checked = report.scanned.get(kind, 0)
        numbers = (
            (checked, ""),
            (checked - with_violations[kind], "green"),
            (violated[kind], "red"),
            (with_violations[kind] - violated[kind], "dim"),
            (unread[kind], "magenta"),
        )
        table.add_row(f"{kind}s", *(Text(str(number), style if number else "dim") for number, style in numbers))
    return table


def _verdict(report: ScanReport) -> Text:
    if not report.open and not report.unreadable:
        exempt = " that are not exempt" if report.exempted else ""
        checked = _count(sum(report.scanned.values()), "resource")
        return Text.assemble(("✓ ", "green"), f"No violations{exempt} in {checked}.")
    by_severity = Counter(each.control.severity for each in report.open)
    parts = [f"{by_severity[severity]} {severity.name.lower()}" for severity in sorted(by_severity, reverse=True)]
    text = Text.assemble(("✗ ", "red"), f"{_count(report.violated, 'resource')} in violation")
    if parts:
        text.append(f" ({', '.join(parts)})")
    text.append(f", {report.compliant} compliant")
    if report.unreadable:
        text.append(f", {len(report.unreadable)} not read", "magenta")
    return text.append(".")


def _name(ref: Ref, home_region: str) -> Text:
    """Return the kind and name of a resource, and its Region where that is not *home_region*."""
    region = f" in {ref.region}" if ref.region != home_region else ""
    return Text.assemble((f"{ref.kind} ", "dim"), (_safe(ref.name), "bold"), (region, "dim"))


def _safe(text: object) -> str:
    """Return *text* without characters that a terminal interprets."""
    return printable(text, replacement="?")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
