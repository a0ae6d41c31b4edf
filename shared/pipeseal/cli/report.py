"""`pipeseal report`: the ledger as one HTML page."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeseal.cli._account import AwsTarget, BadInput, output, with_target
from pipeseal.cli._duration import Duration
from pipeseal.cli._extra import optional_imports
from pipeseal.cli._terminal import Terminal
from pipeseal.model import Action

if TYPE_CHECKING:
    from pipeseal.ledger.entries import LedgerEntry
    from pipeseal.runtime import Runtime

_FINAL = (Action.REMEDIATED, Action.REJECTED, Action.UNDONE, Action.ABANDONED)


@click.command(short_help="Write the ledger as one HTML page.")
@click.option(
    "--output",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE.html",
    help="The file to write; an existing file is replaced.",
)
@click.option(
    "--since", type=Duration(), default="30d", show_default=True, metavar="DURATION", help="How far back: 12h, 30d, 4w."
)
@click.option("--open", "opening", is_flag=True, help="Open the page in your browser.")
@output
@with_target
def report(*, target: AwsTarget, file: Path, since: timedelta, opening: bool, form: str) -> None:
    """Write the ledger as one HTML page, for managers and engineers.

    The page shows each control over time, how long each violation was open, the dependencies between resources, every
    ledger entry with its policy diff, and the exemptions. It makes no network requests, can be printed, and can be read
    without JavaScript. It contains resource names and policies: share it as you would share the ledger.

    --format json prints {"file", "bytes", "since": start of the reported time} when the page is written.

    Requires dynamodb:Scan and dynamodb:GetItem on the ledger, kms:Decrypt on its key, and sts:GetCallerIdentity.

    Exit status: 0 done, 2 invalid input, 3 AWS refused.
    """
    with Terminal(stderr=True).status("Reading the ledger ..."):
        runtime = target.runtime()
        page = page_of(runtime, target.stack, since)
    write(file, page, "--output")
    size = len(page.encode())
    if form == "json":
        start = (runtime.clock.now() - since).isoformat(timespec="seconds")
        click.echo(json.dumps({"file": str(file), "bytes": size, "since": start}, indent=2))
    else:
        click.echo(f"Wrote {file}: {size // 1024 or 1} kB.")
    if opening:
        click.launch(str(file))


def page_of(runtime: Runtime, stack: str, since: timedelta) -> str:
    """Return the page, of the ledger of *stack*."""
    with optional_imports("The report"):
        from pipeseal.cli._report.data import ReportData  # noqa: PLC0415 - jinja2 is slow to load
        from pipeseal.cli._report.page import render  # noqa: PLC0415 - as above
    now, ledger = runtime.clock.now(), runtime.ledger
    data = ReportData(
        account=runtime.account,
        region=runtime.region,
        stack=stack,
        start=now - since,
        now=now,
        entries=tuple(_without_documents(entry, now - since) for entry in ledger.entries.all()),
        records=dict(ledger.records.all()),
        exemptions=ledger.exemptions.all(),
        exemption_uses=ledger.exemptions.uses(),
    )
    return render(data)


def _without_documents(entry: LedgerEntry, start: datetime) -> LedgerEntry:
    """Return *entry* without its documents where the page does not show them: a ledger may hold years of policies."""
    if entry.cause.time >= start or entry.outcome not in _FINAL:
        return entry
    return entry._replace(before={}, after={}, proposed={}, alert={})


def write(file: Path, page: str, option: str) -> None:
    """Write *page* to *file*; raise BadInput with the name of the *option* where the file cannot be written."""
    try:
        file.write_text(page, "utf-8")
    except OSError as error:
        raise BadInput(f"{option} {file}: cannot be written: {error.strerror}") from error
