"""`pipeseal history`: list what was found and done, from the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from heapq import nlargest
from itertools import count
from typing import TYPE_CHECKING, TypedDict

import click
from rich.text import Text

from pipeseal.cli._account import output, with_runtime
from pipeseal.cli._duration import Duration
from pipeseal.cli._entry import EntrySummary, describe_cause, describe_outcome, matches, summary
from pipeseal.cli._terminal import Terminal
from pipeseal.text import printable

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from pipeseal.ledger.entries import LedgerEntry
    from pipeseal.runtime import Runtime


class HistoryDocument(TypedDict):
    """What `history --format json` prints."""

    entries: list[EntrySummary]
    total: int


@click.command(short_help="List what pipeseal did, newest first.")
@click.argument("resource", required=False)
@click.option(
    "--since", type=Duration(), metavar="DURATION", help="List only entries of this period until now: 12h, 7d, 4w."
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, metavar="N", help="List N entries at most."
)
@output
@with_runtime
def history(*, runtime: Runtime, resource: str | None, since: timedelta | None, limit: int, form: str) -> None:
    """List what the ledger says was found and done, newest first, for all resources or for RESOURCE.

    RESOURCE is an ARN, a name, or a pattern of either with the wildcards * and ?. An ARN needs one query; anything else
    reads the whole ledger.

    \b
    --format json prints one object:
      entries   [{"id", "time": of the call that caused the entry, "resource": ARN, "action": remediated|rejected|
                quarantined|detected|failed|escalated|undone|abandoned, or "" where the function stopped before
                recording a result, "controls", "actor": {"name", "type", "mfa", "via", "arn"}, "event": {"id", "name"},
                "undoes", "undone_by", "applies", "applied_by": entry IDs or ""}], newest first
      total     number of matching entries; --limit can make it more than those listed

    Needs dynamodb:Query and Scan on the ledger, and kms:Decrypt on its key.

    Exit status: 0 success, 2 invalid input, 3 AWS refused a call.
    """  # noqa: D301 - click's mark for "do not wrap" is the character itself
    with Terminal(stderr=True).status("Reading the ledger ..."):
        numbers = count()
        numbered = zip(_matching(runtime, resource, since), numbers, strict=False)
        # The ledger may be larger than memory: keep only what is shown.
        shown = [entry for entry, _ in nlargest(limit, numbered, key=_times)]
        total = next(numbers)
    if form == "json":
        document: HistoryDocument = {"entries": [summary(entry) for entry in shown], "total": total}
        click.echo(json.dumps(document, indent=2))
        return
    console = Terminal()
    for entry in shown:
        for line in _lines(entry):
            console.print(line)
    if not shown:
        console.print("No matching entries in the ledger." if resource or since else "The ledger has no entries.")
    elif older := total - len(shown):
        entries = "1 older entry is" if older == 1 else f"{older} older entries are"
        console.print(f"{entries} not shown; use --limit {total} to list all.")


def _times(numbered: tuple[LedgerEntry, int]) -> tuple[datetime, datetime]:
    """Return the time of the call, which has a resolution of one second, and the time when the entry was opened."""
    entry, _ = numbered
    return entry.cause.time, entry.opened


def _matching(runtime: Runtime, resource: str | None, since: timedelta | None) -> Iterator[LedgerEntry]:
    start = runtime.clock.now() - since if since else None
    for entry in _entries(runtime, resource or ""):
        if start is None or entry.cause.time >= start:
            yield entry


def _entries(runtime: Runtime, resource: str) -> Iterable[LedgerEntry]:
    if resource.startswith("arn:") and not set("*?[") & set(resource):
        return runtime.ledger.entries.of_resource(resource)
    return (entry for entry in runtime.ledger.entries.all() if not resource or matches(resource, entry.ref.arn))


def _lines(entry: LedgerEntry) -> Iterator[Text]:
    mark, words, style = describe_outcome(entry)
    name = f"{entry.ref.kind} {printable(entry.ref.name)}"
    when = f"{entry.cause.time:%Y-%m-%d %H:%M %Z}"
    yield Text.assemble((f"{mark} ", style), (f"{when}  ", "dim"), (name, "bold"), (f"  {words}", style))
    parts = (entry.id, " ".join(entry.controls), f"by {printable(describe_cause(entry))}")
    yield Text(f"  {'  '.join(filter(None, parts))}")
