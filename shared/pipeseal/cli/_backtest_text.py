"""How `pipeseal backtest` shows a summary to people: controls, actors, wars, resources, errors, the sum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from pipeseal.cli._plain import plain
from pipeseal.cli._terminal import Terminal

if TYPE_CHECKING:
    from rich.console import RenderableType

_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "blue"}
_COUNTS = ("remediated", "rejected", "quarantined", "detected", "failed", "escalated")
_WORDS = {"detected": "told only", "escalated": "given up"}
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
        yield Text("\nWARS · pipeseal would have stopped writing there and told people", "bold red")
        yield from map(_war, summary["wars"][:_MOST])
        yield from _more(summary["wars"], "wars")
    if summary["resources"]:
        yield Text("\nRESOURCES", "bold")
        yield from map(_resource, summary["resources"][:_MOST])
        yield from _more(summary["resources"], "resources")
    if summary["errors"]:
        yield Text(f"\nNOT READ · {len(summary['errors'])}: nobody knows what is in these", "magenta")
        for error in summary["errors"][:_MOST]:
            yield Text.assemble((f"  {plain(error['file'])}  ", "magenta"), plain(error["error"]))
        yield from _more(summary["errors"], "errors")
    yield _sum(summary)


def _more(listed: list[Any], what: str) -> Iterator[Text]:
    if len(listed) > _MOST:
        yield Text(f"  ... and {len(listed) - _MOST:,} more {what}: --format json lists them all\n", "dim")


def _counted(noun: str, rows: Iterable[tuple[Text, Summary]]) -> Table:
    """Make a table of counts."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    table.add_column(noun, overflow="fold", min_width=29)
    table.add_column("Violations", justify="right")
    table.add_column("Resources", justify="right")
    table.add_column("Would have been")
    for label, counts in rows:
        wars = [f"{counts['wars']:,} war{'s' if counts['wars'] != 1 else ''}"] if counts["wars"] else []
        done = ", ".join([*_done(counts), *wars])
        table.add_row(label, f"{counts['violations']:,}", f"{counts['resources']:,}", done)
    return table


def _done(counts: Mapping[str, int]) -> list[str]:
    return [f"{counts[name]:,} {_WORDS.get(name, name)}" for name in _COUNTS if counts.get(name)]


def _control(name: str, counts: Summary) -> tuple[Text, Summary]:
    return Text(name, _STYLES[counts["severity"]]), counts


def _actor(counts: Summary) -> Text:
    via = f" via {plain(counts['via'])}" if counts["via"] else ""
    return Text.assemble(plain(counts["actor"]), (via, "dim"))


def _war(war: Summary) -> Text:
    by = " and ".join(map(plain, war["actors"]))
    when = f"{_moment(war['first'])} to {_moment(war['last'])}"
    return Text.assemble(
        (f"  {plain(war['resource'])}", "bold"),
        f"\n    {war['control']}, seen broken {war['broken']:,} times from then on, by {by}, {when}",
    )


def _resource(found: Summary) -> Text:
    basis = ", from the request" if found["basis"] == "request" else ""
    return Text.assemble(
        (f"  {plain(found['resource'])}", "bold"),
        f"\n    {', '.join(found['controls'])}\n    {', '.join(_done(found['actions']))}",
        (f"; last on {_moment(found['last'])}{basis}", "dim"),
    )


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
