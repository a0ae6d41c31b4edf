"""`pipeseal report`: what the ledger holds as one page for a browser."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeseal.cli._account import BadInput, Place, at_place, output
from pipeseal.cli._extra import needed
from pipeseal.cli._span import Span
from pipeseal.cli._terminal import Terminal
from pipeseal.model import Action

if TYPE_CHECKING:
    from pipeseal.aws.entries import Entry
    from pipeseal.aws.world import World

_OVER = (Action.REMEDIATED, Action.REJECTED, Action.UNDONE, Action.ABANDONED)


@click.command(short_help="Write what happened as one page for a browser.")
@click.option(
    "--output",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE.html",
    help="Where to write the page; what is there is replaced.",
)
@click.option(
    "--since", type=Span(), default="30d", show_default=True, metavar="SPAN", help="How far back: 12h, 30d, 4w."
)
@click.option("--open", "opening", is_flag=True, help="Open it in your browser.")
@output
@at_place
def report(*, place: Place, file: Path, since: timedelta, opening: bool, form: str) -> None:
    """Write what the ledger holds as one page: for whoever answers for it, and for whoever has to mend it.

    Each control over time, how long each violation was open, who uses what, every entry with its policy diff, and the
    exemptions. The page needs no network and sends nothing anywhere; it can be printed, and read without JavaScript.
    What somebody wrote into a policy or a name is in it: share it as you would share the ledger.

    --format json prints {"file", "bytes", "since": where the report begins} once it is written.

    Needs dynamodb:Scan and GetItem on the ledger, kms:Decrypt on its key, and sts:GetCallerIdentity.

    Exit status: 0 done, 2 bad input, 3 AWS refused.
    """
    with Terminal(stderr=True).status("Reading the ledger ..."):
        world = place.world()
        page = page_of(world, place.stack, since)
    write(file, page, "--output")
    size = len(page.encode())
    if form == "json":
        start = (world.clock() - since).isoformat(timespec="seconds")
        click.echo(json.dumps({"file": str(file), "bytes": size, "since": start}, indent=2))
    else:
        click.echo(f"Wrote {file}: {size // 1024 or 1} kB.")
    if opening:
        click.launch(str(file))


def page_of(world: World, stack: str, since: timedelta) -> str:
    """Return the page of what the ledger holds."""
    with needed("The report"):
        from pipeseal.cli._report.facts import Facts  # noqa: PLC0415 - jinja2 takes its time
        from pipeseal.cli._report.page import render  # noqa: PLC0415
    now, ledger = world.clock(), world.ledger
    facts = Facts(
        account=world.account,
        region=world.region,
        stack=stack,
        start=now - since,
        now=now,
        entries=tuple(_lean(entry, now - since) for entry in ledger.history()),
        known=dict(ledger.known()),
        exemptions=ledger.exemptions(),
        uses=ledger.uses(),
    )
    return render(facts)


def _lean(entry: Entry, start: datetime) -> Entry:
    """Return *entry* without what the page does not show of it: the ledger may hold years of policies."""
    if entry.cause.time >= start or entry.outcome not in _OVER:
        return entry
    return entry._replace(before={}, after={}, wanted={}, alert={})


def write(file: Path, page: str, option: str) -> None:
    """Write *page* to *file*; raise BadInput, which names the *option*, where that cannot be done."""
    try:
        file.write_text(page, "utf-8")
    except OSError as error:
        raise BadInput(f"{option} {file}: cannot be written: {error.strerror}") from error
