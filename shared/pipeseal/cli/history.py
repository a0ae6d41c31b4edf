"""`pipeseal history`: what was done, and to what, out of the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from heapq import nlargest
from itertools import count
from typing import TYPE_CHECKING

import click
from rich.text import Text

from pipeseal.cli._account import on_account, output
from pipeseal.cli._entry import about, actor_of, came_of, name_of, summary
from pipeseal.cli._plain import plain
from pipeseal.cli._span import Span
from pipeseal.cli._terminal import Terminal
from pipeseal.scan.report import noun

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from pipeseal.aws.entries import Entry
    from pipeseal.aws.world import World


@click.command(short_help="List what pipeseal did, the newest first.")
@click.argument("resource", required=False)
@click.option("--since", type=Span(), metavar="SPAN", help="Only what happened within: 12h, 7d, 4w.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, metavar="N", help="List so many at most."
)
@output
@on_account
def history(*, world: World, resource: str | None, since: timedelta | None, limit: int, form: str) -> None:
    """List what the ledger says was found and done, the newest first: all of it, or that of RESOURCE.

    RESOURCE is an ARN, a name, or a pattern of either with * and ?. An ARN is quick; anything else reads the whole
    ledger.

    \b
    --format json prints one object:
      entries   [{"id", "time": of the call that pipeseal looked at, "resource": ARN, "action": remediated|rejected|
                quarantined|detected|failed|escalated|undone|abandoned, or "" where nobody lived to say, "controls",
                "actor": {"name", "type", "mfa", "via", "arn"}, "event": {"id", "name"}, "undoes", "undone_by",
                "applies", "applied_by": ids or ""}], the newest first
      total     how many there are that match; more than entries has where --limit cuts

    Needs dynamodb:Query and Scan on the ledger, and kms:Decrypt on its key.

    Exit status: 0 done, 2 bad input, 3 AWS refused.
    """  # noqa: D301 - the mark by which click keeps the lines as they are
    with Terminal(stderr=True).status("Reading the ledger ..."):
        numbers = count()
        numbered = zip(_matching(world, resource, since), numbers, strict=False)
        # The ledger may hold more than fits here: only what is shown is kept.
        shown = [entry for entry, _ in nlargest(limit, numbered, key=_when)]
        total = next(numbers)
    if form == "json":
        click.echo(json.dumps({"entries": [summary(entry) for entry in shown], "total": total}, indent=2))
        return
    console = Terminal()
    for entry in shown:
        for line in _lines(entry):
            console.print(line)
    if not shown:
        console.print("The ledger has no such entry." if resource or since else "The ledger has no entries yet.")
    elif total > len(shown):
        console.print(f"{total - len(shown)} older ones: --limit {total} lists them too")


def _when(numbered: tuple[Entry, int]) -> tuple[datetime, datetime]:
    """Return when it happened, and of what happened within the same second when pipeseal saw it."""
    entry, _ = numbered
    return entry.cause.time, entry.opened


def _matching(world: World, resource: str | None, since: timedelta | None) -> Iterator[Entry]:
    start = world.clock() - since if since else None
    for entry in _entries(world, resource or ""):
        if start is None or entry.cause.time >= start:
            yield entry


def _entries(world: World, resource: str) -> Iterable[Entry]:
    if resource.startswith("arn:") and not set("*?[") & set(resource):
        return world.ledger.entries_of(resource)
    return (entry for entry in world.ledger.history() if not resource or about(resource, entry.ref.arn))


def _lines(entry: Entry) -> Iterator[Text]:
    mark, words, style = came_of(entry)
    name = f"{noun(entry.ref.kind)} {plain(name_of(entry.ref.arn))}"
    when = f"{entry.cause.time:%Y-%m-%d %H:%M}"
    yield Text.assemble((f"{mark} ", style), (f"{when}  ", "dim"), (name, "bold"), (f"  {words}", style))
    parts = (entry.id, " ".join(entry.controls), f"by {plain(actor_of(entry))}")
    yield Text(f"  {'  '.join(filter(None, parts))}")
