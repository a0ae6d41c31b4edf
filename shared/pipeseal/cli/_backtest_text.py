"""How `pipeseal backtest` shows a summary to people: controls, actors, wars, resources, errors, the sum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from pipeseal.cli._terminal import Terminal, plain

if TYPE_CHECKING:
    from rich.console import RenderableType

_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "blue"}
_COUNTS = ("remediated", "rejected", "quarantined", "detected", "failed", "escalated")
_HEADINGS = {"detected": "told only", "escalated": "given up"}
_BASES = {"state": "", "request": "from the request"}
_MOST = 25
_WIDEST = 120

Summary = Mapping[str, Any]


def show(console: Terminal, summary: Summary) -> None:
    """Print *summary*, which is what --format json prints, on *console*."""
    console.width = min(console.width, _WIDEST)
    for part in _parts(summary):
        console.print(part)


def _parts(summary: Summary) -> Iterator[RenderableType]:
    if summary["by_control"]:
        yield Text("\nBY CONTROL · what would have been done", "bold")
        yield _counted("Control", (_control(*each) for each in summary["by_control"].items()))
        yield Text("BY ACTOR", "bold")
        yield _counted("Actor", ((_actor(each), each) for each in summary["by_actor"][:_MOST]))
        yield from _more(summary["by_actor"], "actors")
    if summary["wars"]:
        yield Text("WARS · put right again and again, until pipeseal would have stopped and told people", "bold red")
        yield _wars(summary["wars"][:_MOST])
        yield from _more(summary["wars"], "wars")
    if summary["resources"]:
        yield Text("RESOURCES", "bold")
        yield _resources(summary["resources"][:_MOST])
        yield from _more(summary["resources"], "resources")
    if summary["errors"]:
        yield Text(f"NOT READ · {len(summary['errors'])}: nobody knows what is in these", "magenta")
        for error in summary["errors"][:_MOST]:
            yield Text.assemble((f"  {plain(error['file'])}  ", "magenta"), plain(error["error"]))
        yield from _more(summary["errors"], "errors")
    yield _sum(summary)


def _more(listed: list[Any], what: str) -> Iterator[Text]:
    if len(listed) > _MOST:
        yield Text(f"  ... and {len(listed) - _MOST:,} more {what}: --format json lists them all\n", "dim")


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True, padding=(0, 1))
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", ratio=0 if number else 1)
    return table


def _counted(noun: str, rows: Iterable[tuple[Text, Summary]]) -> Table:
    """Make a table of counts; a column that is empty in every row is left out."""
    listed = list(rows)
    shown = [name for name in _COUNTS if any(counts[name] for _, counts in listed)]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    table.add_column(noun, overflow="fold", min_width=24)
    for name in ("violations", "resources", *shown, "wars"):
        table.add_column(_HEADINGS.get(name, name), justify="right")
    for label, counts in listed:
        cells = (counts[each] for each in ("violations", "resources", *shown, "wars"))
        table.add_row(label, *(Text(f"{count:,}" if count else "·", "" if count else "dim") for count in cells))
    return table


def _control(name: str, counts: Summary) -> tuple[Text, Summary]:
    return Text(name, _STYLES[counts["severity"]]), counts


def _actor(counts: Summary) -> Text:
    via = f" via {plain(counts['via'])}" if counts["via"] else ""
    return Text.assemble(plain(counts["actor"]), (via, "dim"))


def _wars(wars: Iterable[Summary]) -> Table:
    table = _table("Resource", "Control", "Broken", "By", "From", "To")
    for war in wars:
        by = ", ".join(map(plain, war["actors"]))
        moments = (_moment(war["first"]), _moment(war["last"]))
        table.add_row(Text(plain(war["resource"])), war["control"], f"{war['broken']:,}", Text(by), *moments)
    return table


def _resources(resources: Iterable[Summary]) -> Table:
    table = _table("Resource", "Controls", "What would have been done", "Last", "")
    for each in resources:
        actions = ", ".join(f"{count:,} {_HEADINGS.get(action, action)}" for action, count in each["actions"].items())
        table.add_row(
            Text(plain(each["resource"])),
            Text("\n".join(each["controls"])),
            actions,
            _moment(each["last"]),
            Text(_BASES[each["basis"]], "dim"),
        )
    return table


def _moment(text: str) -> str:
    return text[:16].replace("T", " ")


def _sum(summary: Summary) -> Text:
    period = summary["period"]
    when = f", {_moment(period['first'])} to {_moment(period['last'])}" if period["first"] else ""
    count = summary["resources_in_violation"]
    verdict = (
        (f"{count:,} resource{'s' if count != 1 else ''} would have been in violation.", "bold red")
        if count
        else ("Nothing would have been in violation.", "bold green")
    )
    return Text.assemble(
        f"\n{summary['records']:,} records in {summary['files']:,} files, {summary['relevant']:,} that pipeseal acts "
        f"upon{when}.\n",
        verdict,
    )
