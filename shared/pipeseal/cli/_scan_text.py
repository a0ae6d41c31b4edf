"""How `pipeseal scan` shows a report to people: the worst first, then the excused, the unread, advice, the sum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeseal.cli._plain import plain
from pipeseal.cli._terminal import Terminal
from pipeseal.model import Ref, Severity
from pipeseal.scan.report import Answer, Report, Violation, noun

_STYLES = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "blue",
}
_ANSWERS = {Answer.YES: ("✓", "green"), Answer.NO: ("✗", "yellow"), Answer.UNKNOWN: ("?", "magenta")}
_WIDEST = 120


def show(console: Terminal, report: Report) -> None:
    """Print *report* on *console*."""
    console.width = min(console.width, _WIDEST)
    for part in _parts(report):
        console.print(part)


def _parts(report: Report) -> Iterator[RenderableType]:
    for severity in sorted(Severity, reverse=True):
        if found := [each for each in report.open if each.control.severity is severity]:
            yield _heading(f"{severity.name} · {_count(len(found), 'violation')}", _STYLES[severity])
            yield _violations(found, report.region, _STYLES[severity])
    if report.excused:
        yield _heading(f"EXCUSED · {_count(len(report.excused), 'violation')}", "dim")
        yield _excused(report.excused, report.region)
    if report.unreadable:
        yield _heading(f"NOT READ · {len(report.unreadable)}: nobody knows whether these are fine", "magenta")
        yield _unread(report)
    yield _heading("THE ACCOUNT · advice, no violations", "cyan")
    yield _advice(report)
    yield _heading(f"{report.account} in {report.region} · {report.time:%Y-%m-%d %H:%M %Z}", "bold")
    yield _sum(report)
    for note in report.notes:
        yield Text.assemble(("note  ", "cyan"), plain(note))
    yield _verdict(report)


def _heading(text: str, style: str) -> Text:
    return Text(f"\n{text}", style)


def _table(*columns: tuple[str, int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True, padding=(0, 1))
    for name, ratio in columns:
        table.add_column(name, ratio=ratio, overflow="fold")
    return table


def _violations(violations: Iterable[Violation], home: str, style: str) -> Table:
    """Make a table of what is wrong and what would be done; what one control finds stands together."""
    table = _table(("Resource", 3), ("What is wrong", 7))
    control = ""
    for each in violations:
        if each.control.id != control:
            control = each.control.id
            table.add_section()
            title, advice = Text(each.control.title, "bold"), Text(each.control.advice, "dim")
            table.add_row(Text(control, style), Group(title, advice))
        table.add_row(_named(each.ref, home), _wrong(each))
    return table


def _wrong(violation: Violation) -> RenderableType:
    lines = [Text(plain(reason)) for reason in violation.reasons]
    if violation.users:
        kept = sorted({name.rpartition(":")[2] for name in violation.users})
        lines.append(Text(f"used by {plain(', '.join(kept))}", "dim"))
    if violation.refusal:
        lines.append(Text.assemble(("pipeseal refuses: ", "yellow"), plain(violation.refusal)))
    lines += [Text.assemble(("pipeseal would: ", "green"), plain(step)) for step in violation.remedy]
    if not violation.remedy and not violation.refusal:
        lines.append(Text("only its owner can put this right", "cyan"))
    return Group(*lines)


def _excused(violations: Iterable[Violation], home: str) -> Table:
    table = _table(("Resource", 3), ("Control", 2), ("By", 5))
    for each in violations:
        if by := each.exemption:
            said = f"{by.owner} until {by.until:%Y-%m-%d %H:%M %Z}: {by.reason} ({by.id})"
            table.add_row(_named(each.ref, home), each.control.id, Text(plain(said)))
    return table


def _unread(report: Report) -> Table:
    table = _table(("Resource", 3), ("What AWS said", 7))
    for each in report.unreadable:
        said = [Text(plain(each.error))]
        if each.permission:
            said.append(Text.assemble(("you lack ", "cyan"), (each.permission, "bold")))
        table.add_row(_named(each.ref, report.region) if each.ref else f"every {noun(each.kind)}", Group(*said))
    return table


def _advice(report: Report) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(width=1)
    table.add_column(overflow="fold")
    for each in report.advice:
        mark, style = _ANSWERS[each.answer]
        lines = [Text.assemble((each.title, "bold"), f"  {plain(each.reason)}")]
        if each.answer is Answer.NO:
            lines.append(Text(each.advice, "dim"))
        table.add_row(Text(mark, style), Group(*lines))
    return table


def _sum(report: Report) -> Table:
    """Count by kind."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    table.add_column("Kind")
    for name in ("looked at", "fine", "violated", "excused", "not read"):
        table.add_column(name, justify="right")
    violated = Counter(ref.kind for ref in {each.ref for each in report.open})
    touched = Counter(ref.kind for ref in {each.ref for each in report.violations})
    unread = Counter(each.kind for each in report.unreadable)
    for kind in dict.fromkeys((*report.scanned, *unread)):
        looked = report.scanned.get(kind, 0)
        numbers = (
            (looked, ""),
            (looked - touched[kind], "green"),
            (violated[kind], "red"),
            (touched[kind] - violated[kind], "dim"),
            (unread[kind], "magenta"),
        )
        table.add_row(f"{noun(kind)}s", *(Text(str(number), style if number else "dim") for number, style in numbers))
    return table


def _verdict(report: Report) -> Text:
    if not report.open and not report.unreadable:
        return Text.assemble(("✓ ", "green"), f"All {sum(report.scanned.values())} resources are as they should be.")
    worst = Counter(each.control.severity for each in report.open)
    parts = [f"{worst[severity]} {severity.name.lower()}" for severity in sorted(worst, reverse=True)]
    text = Text.assemble(("✗ ", "red"), f"{_count(report.violated, 'resource')} in violation")
    if parts:
        text.append(f" ({', '.join(parts)})")
    text.append(f", {report.compliant} fine")
    if report.unreadable:
        text.append(f", {len(report.unreadable)} not read", "magenta")
    return text.append(".")


def _named(ref: Ref, home: str) -> Text:
    """Name a resource, with its Region where that is not *home*."""
    away = f" in {ref.region}" if ref.region != home else ""
    return Text.assemble((f"{noun(ref.kind)} ", "dim"), (plain(ref.name), "bold"), (away, "dim"))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
