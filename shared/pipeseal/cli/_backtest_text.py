"""The text output of `pipeseal backtest`: controls, actors, remediation loops, resources, errors, the result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from pipeseal.cli._terminal import Terminal
from pipeseal.text import conjoin, printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pipeseal.backtest.document import (
        ActorCounts,
        ControlCounts,
        CountsDocument,
        LoopDocument,
        SummaryDocument,
        ViolatedResourceDocument,
    )

_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "blue"}
_COUNTS = ("remediated", "rejected", "quarantined", "detected", "failed", "escalated")
_WORDS = {"detected": "detected only", "escalated": "suspended"}
_MOST = 25
_WIDEST = 120


def show(console: Terminal, summary: SummaryDocument) -> None:
    """Print *summary*, which is what --format json prints, on *console*."""
    console.width = min(console.width, _WIDEST)
    for part in _parts(summary):
        console.print(part)


def _parts(summary: SummaryDocument) -> Iterator[RenderableType]:
    if summary["by_control"]:
        yield Text("\nBY CONTROL · what pipeseal would have done", "bold")
        yield _counts("Control", (_control(*each) for each in summary["by_control"].items()))
        yield Text("BY ACTOR", "bold")
        yield _counts("Actor", ((_actor(each), each) for each in summary["by_actor"][:_MOST]))
        yield from _more(summary["by_actor"], "actors")
    if summary["wars"]:
        yield Text("\nREMEDIATION LOOPS · pipeseal would have suspended the control and sent an alert", "bold red")
        yield from map(_loop, summary["wars"][:_MOST])
        yield from _more(summary["wars"], "loops")
    if summary["resources"]:
        yield Text("\nRESOURCES", "bold")
        yield from map(_resource, summary["resources"][:_MOST])
        yield from _more(summary["resources"], "resources")
    if summary["errors"]:
        yield Text(f"\nNOT READ · {len(summary['errors'])}: violations in these are not included", "magenta")
        for error in summary["errors"][:_MOST]:
            yield Text.assemble((f"  {_plain(error['file'])}  ", "magenta"), _plain(error["error"]))
        yield from _more(summary["errors"], "errors")
    yield _result(summary)


def _plain(text: object) -> str:
    return printable(text, replacement="?")


def _more(listed: Sized, what: str) -> Iterator[Text]:
    if len(listed) > _MOST:
        yield Text(f"  ... and {len(listed) - _MOST:,} more {what}; --format json lists all\n", "dim")


def _counts(noun: str, rows: Iterable[tuple[Text, CountsDocument]]) -> Table:
    """Return a table with one row for each control or actor."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    table.add_column(noun, overflow="fold", min_width=29)
    table.add_column("Violations", justify="right")
    table.add_column("Resources", justify="right")
    table.add_column("Actions")
    for label, counts in rows:
        loops = [_count(counts["wars"], "loop")] if counts["wars"] else []
        actions = ", ".join([*_actions(counts), *loops])
        table.add_row(label, f"{counts['violations']:,}", f"{counts['resources']:,}", actions)
    return table


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _actions(counts: Mapping[str, object]) -> list[str]:
    return [f"{counts[name]:,} {_WORDS.get(name, name)}" for name in _COUNTS if counts.get(name)]


def _control(name: str, counts: ControlCounts) -> tuple[Text, ControlCounts]:
    return Text(name, _STYLES[counts["severity"]]), counts


def _actor(counts: ActorCounts) -> Text:
    via = f" via {_plain(counts['via'])}" if counts["via"] else ""
    return Text.assemble(_plain(counts["actor"]), (via, "dim"))


def _loop(loop: LoopDocument) -> Text:
    actors = conjoin([_plain(each) for each in loop["actors"]])
    period = f"{_minute(loop['first'])} to {_minute(loop['last'])}"
    return Text.assemble(
        (f"  {_plain(loop['resource'])}", "bold"),
        f"\n    {loop['control']}: {_count(loop['broken'], 'violation')} since the suspension, by {actors}, {period}",
    )


def _resource(resource: ViolatedResourceDocument) -> Text:
    basis = ", based on the request alone" if resource["basis"] == "request" else ""
    return Text.assemble(
        (f"  {_plain(resource['resource'])}", "bold"),
        f"\n    {', '.join(resource['controls'])}\n    {', '.join(_actions(resource['actions']))}",
        (f"; last on {_minute(resource['last'])}{basis}", "dim"),
    )


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")


def _result(summary: SummaryDocument) -> Text:
    period = summary["period"]
    dates = f", {_minute(period['first'])} to {_minute(period['last'])}" if period["first"] and period["last"] else ""
    count = summary["resources_in_violation"]
    result = (
        (f"{_count(count, 'resource')} would have been in violation.", "bold red")
        if count
        else ("No resource would have been in violation.", "bold green")
    )
    records, files = _count(summary["records"], "record"), _count(summary["files"], "file")
    return Text.assemble(f"\n{records} in {files}; {summary['relevant']:,} trigger pipeseal{dates}.\n", result)
