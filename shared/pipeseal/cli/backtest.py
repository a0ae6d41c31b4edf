"""`pipeseal backtest`: what would have happened, out of CloudTrail's own records."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from pipeseal.cli._account import BadInput, Place, at_place, output
from pipeseal.cli._parameters import settings_of
from pipeseal.cli._span import Span
from pipeseal.settings import Settings

if TYPE_CHECKING:
    from pipeseal.backtest.reading import Portion
    from pipeseal.backtest.sources import Source
    from pipeseal.backtest.summary import Summary

_FINE, _VIOLATED, _NOTHING_READ = 0, 1, 2
_KEPT = timedelta(days=90)
_SELDOM = 100_000
"""New objects after which Python looks for garbage that goes round in a circle; hardly any does here."""
_PARAMETERS = (
    "ArtifactKeyArn",
    "ControlModes",
    "DeletionWindowDays",
    "EncryptionScope",
    "KeyRejection",
    "MinimumTlsVersion",
    "Mode",
    "OrganizationId",
    "QuarantineSecrets",
    "RequireCustomerKey",
    "SealWebsites",
    "StrictUploads",
    "WarLimit",
)


@click.command(short_help="Say what would have happened, out of CloudTrail's own records.")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("--lookup-events", "lookup", is_flag=True, help="Ask CloudTrail's event history; no trail is needed.")
@click.option(
    "--since",
    type=Span(most=_KEPT),
    metavar="SPAN",
    default="30d",
    show_default=True,
    help="With --lookup-events: how far back, 12h, 30d, 4w; AWS keeps 90 days.",
)
@click.option(
    "--parameter",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    help="Judge as a stack would with this parameter, such as EncryptionScope=all; repeat.",
)
@click.option("--jobs", type=click.IntRange(0, 64), default=0, help="Processes that read; 0: one a processor.")
@output
@at_place
@click.pass_context
def backtest(  # noqa: PLR0913 - one a option
    context: click.Context,
    *,
    paths: tuple[str, ...],
    lookup: bool,
    since: timedelta,
    parameters: tuple[str, ...],
    jobs: int,
    form: str,
    place: Place,
) -> None:
    """Say what pipeseal would have found and done, had it been there. Nothing is written, and no stack is needed.

    Each PATH is a log file that CloudTrail delivered (gzip or plain JSON), a folder of them, an s3://bucket/prefix, or
    "-" for standard input. The records are put into order over all files, resources are rebuilt from them, and the same
    controls judge. What pipeseal would have put right counts as put right from then on, so that a tug-of-war shows.
    Where the records do not tell how a resource was before, its verdict is from the request alone; what nobody told is
    never held against it.

    \b
    --format json prints one object:
      records     how many records the files hold, and files: how many files there are
      relevant    how many of the records are events that pipeseal acts upon: calls that went through, each once
      period      {"first", "last"}: when the first and the last of those happened
      resources_in_violation
      by_control  {ID: {"severity", "violations", "resources", "remediated", "rejected", "quarantined", "detected"
                  (told, left as it is), "failed", "escalated" (left alone in a war), "wars"}}
      by_actor    [{"actor", "type", "via", "controls", and the same counts}], the most violations first
      wars        [{"resource", "control", "actors", "wars", "broken", "first", "last"}]: put right WarLimit times
                  within an hour and broken again; pipeseal would have stopped there and told people
      resources   [{"resource": ARN, "controls", "violations", "actions": {...}, "actors", "first", "last",
                  "basis": state|request, "reasons": {ID: the last ones}}]
      errors      [{"file", "error"}]; what of such a file could be read is counted all the same

    \b
    Your own permissions count:
      s3://              s3:ListBucket, s3:GetObject; kms:Decrypt where the logs are encrypted
      --lookup-events    cloudtrail:LookupEvents

    Exit status: 0 nothing would have been in violation, 1 something would, 2 bad input, 3 AWS refused.
    """  # noqa: D301 - the mark by which click keeps the lines as they are
    if bool(paths) == lookup:
        raise click.UsageError("give the PATH of log files, or --lookup-events")
    settings = settings_of(parameters, _PARAMETERS)
    gc.freeze()  # what is imported stays
    gc.set_threshold(_SELDOM)
    summary = _looked_up(place, since, settings) if lookup else _read(place, paths, jobs, settings)
    if form == "json":
        click.echo(json.dumps(summary.as_dict(), indent=2))
    else:
        from pipeseal.cli._backtest_text import show  # noqa: PLC0415 - one format of two
        from pipeseal.cli._terminal import Terminal  # noqa: PLC0415 - as above

        show(Terminal(soft_wrap=False), summary.as_dict())
    nothing = summary.errors and not summary.records
    context.exit(_VIOLATED if summary.violated else _NOTHING_READ if nothing else _FINE)


def _read(place: Place, paths: Iterable[str], jobs: int, settings: Settings) -> Summary:
    """Read and replay the files that *paths* name."""
    from pipeseal.backtest.reading import read  # noqa: PLC0415 - so that --help comes at once
    from pipeseal.backtest.sources import Account, NoSource, Source, found  # noqa: PLC0415 - as above

    if place.endpoint_url:
        place.reached()  # says so where it makes no sense
    account = Account(place.profile, place.region, place.endpoint_url)
    try:
        listed = list(found(dict.fromkeys(paths), account))
    except NoSource as error:
        raise BadInput(str(error)) from error
    sources = [each for each in listed if isinstance(each, Source)]
    portions = read(sources, account, jobs)
    from pipeseal.backtest.summary import backtest as replayed  # noqa: PLC0415 - the workers are at work already

    with _progress(sum(source.size for source in sources)) as advance:
        summary = replayed(sources, portions, settings, _by_size(sources, advance))
    for folder, fault in (each for each in listed if not isinstance(each, Source)):
        summary.err(folder, fault)
    return summary


def _by_size(sources: list[Source], advance: Callable[[int], None]) -> Callable[[Portion], None]:
    return lambda portion: advance(sources[portion.file].size) if portion.ended else None


def _looked_up(place: Place, since: timedelta, settings: Settings) -> Summary:
    """Read and replay the event history."""
    from pipeseal.backtest.lookup import NAMES, history, looked_up  # noqa: PLC0415 - as above
    from pipeseal.backtest.summary import backtest as replayed  # noqa: PLC0415

    start = datetime.now(UTC) - since
    region, clients = place.reached()
    with _progress(len(NAMES)) as advance:
        portions = looked_up(clients("cloudtrail", region), start, lambda: advance(1))
        return replayed([history(region)], portions, settings)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """Show on a terminal how far it is."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    from pipeseal.cli._terminal import Terminal  # noqa: PLC0415 - rich takes longer to load than many a log to read

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Terminal(stderr=True), transient=True) as progress:
        task = progress.add_task("Reading records", total=total or None)
        yield lambda done: progress.advance(task, done)
