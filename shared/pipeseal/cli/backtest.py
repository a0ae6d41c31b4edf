"""`pipeseal backtest`: what pipeseal would have done, from CloudTrail records."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from pipeseal.cli._account import AwsTarget, BadInput, output, with_target
from pipeseal.cli._duration import Duration
from pipeseal.cli._parameters import settings_of
from pipeseal.settings import Settings

if TYPE_CHECKING:
    from pipeseal.backtest.reading import Portion
    from pipeseal.backtest.sources import Source
    from pipeseal.backtest.summary import Summary

_NO_VIOLATION, _VIOLATION, _NOTHING_READ = 0, 1, 2
_EVENT_HISTORY = timedelta(days=90)
_ALLOCATIONS_PER_COLLECTION = 100_000
"""The replay creates hardly any reference cycles, so Python searches for them rarely."""
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


@click.command(short_help="Show what pipeseal would have done, from CloudTrail records.")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("--lookup-events", "lookup", is_flag=True, help="Read CloudTrail's event history; no trail is needed.")
@click.option(
    "--since",
    type=Duration(longest=_EVENT_HISTORY),
    metavar="SPAN",
    default="30d",
    show_default=True,
    help="With --lookup-events: how far back, such as 12h, 30d or 4w; AWS keeps 90 days.",
)
@click.option(
    "--parameter",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    help="Evaluate as a stack with this parameter would, such as EncryptionScope=all; can be repeated.",
)
@click.option("--jobs", type=click.IntRange(0, 64), default=0, help="Processes that read files; 0: one per processor.")
@output
@with_target
@click.pass_context
def backtest(  # noqa: PLR0913 - one per option
    context: click.Context,
    *,
    paths: tuple[str, ...],
    lookup: bool,
    since: timedelta,
    parameters: tuple[str, ...],
    jobs: int,
    form: str,
    target: AwsTarget,
) -> None:
    """Show what pipeseal would have found and done had it been deployed. No stack is needed, and nothing is written.

    Each PATH is a log file that CloudTrail delivered (gzip or plain JSON), a folder of log files, an
    s3://bucket/prefix, or "-" for standard input. The records of all files are sorted by time, the resources are
    reconstructed from them, and the same controls are evaluated. A violation that pipeseal would have remediated counts
    as remediated from then on, so that later reversals and remediation loops appear. Where the records do not describe
    the earlier state of a resource, the result is based on the request alone; unknown state is never a violation.

    \b
    --format json prints one object:
      records     number of records in the files; files: number of files
      relevant    number of those records that trigger pipeseal: successful calls, duplicates not counted
      period      {"first", "last"}: times of the first and the last of those calls
      resources_in_violation
      by_control  {ID: {"severity", "violations", "resources", "remediated", "rejected", "quarantined", "detected"
                  (alerted, not changed), "failed", "escalated" (suspended, not changed), "wars" (remediation loops)}}
      by_actor    [{"actor", "type", "via", "controls", and the same counts}], most violations first
      wars        [{"resource", "control", "actors", "wars", "broken", "first", "last"}]: remediation loops, where a
                  control was remediated WarLimit times within an hour and then violated again; pipeseal would have
                  suspended it ("wars" times) and sent an alert; "broken" counts the violations from then on
      resources   [{"resource": ARN, "controls", "violations", "actions": {...}, "actors", "first", "last",
                  "basis": state|request, "reasons": {ID: the latest reasons}}]
      errors      [{"file", "error"}]; the records of such a file that could be read are counted

    \b
    Your own permissions apply:
      s3://              s3:ListBucket, s3:GetObject; kms:Decrypt where the log files are encrypted
      --lookup-events    cloudtrail:LookupEvents

    Exit status: 0 no violation, 1 violations, 2 bad input, 3 AWS denied a request.
    """  # noqa: D301 - \b makes click keep the line breaks
    if bool(paths) == lookup:
        raise click.UsageError("give the PATH of log files, or --lookup-events")
    settings = settings_of(parameters, _PARAMETERS)
    gc.freeze()  # imported modules are never collected
    gc.set_threshold(_ALLOCATIONS_PER_COLLECTION)
    summary = _event_history(target, since, settings) if lookup else _log_files(target, paths, jobs, settings)
    if form == "json":
        click.echo(json.dumps(summary.as_dict(), indent=2))
    else:
        from pipeseal.cli._backtest_text import show  # noqa: PLC0415 - not for JSON
        from pipeseal.cli._terminal import Terminal  # noqa: PLC0415 - as above

        show(Terminal(soft_wrap=False), summary.as_dict())
    nothing_read = summary.errors and not summary.records
    context.exit(_VIOLATION if summary.violated else _NOTHING_READ if nothing_read else _NO_VIOLATION)


def _log_files(target: AwsTarget, paths: Iterable[str], jobs: int, settings: Settings) -> Summary:
    """Read and replay the log files that *paths* lead to."""
    from pipeseal.backtest.reading import read  # noqa: PLC0415 - --help must not wait for it
    from pipeseal.backtest.sources import AwsOptions, NoLogFile, Source, find_sources  # noqa: PLC0415 - as above

    if target.endpoint_url:
        target.connect()  # raises where it is not valid
    options = AwsOptions(target.profile, target.region, target.endpoint_url)
    try:
        found = list(find_sources(dict.fromkeys(paths), options))
    except NoLogFile as error:
        raise BadInput(str(error)) from error
    sources = [each for each in found if isinstance(each, Source)]
    portions = read(sources, options, jobs)
    from pipeseal.backtest import summary  # noqa: PLC0415 - imported while the worker processes read

    with _progress(sum(source.size for source in sources)) as advance:
        result = summary.backtest(sources, portions, settings, _advance_by_size(sources, advance))
    for folder in (each for each in found if not isinstance(each, Source)):
        result.add_error(folder.name, folder.error)
    return result


def _advance_by_size(sources: list[Source], advance: Callable[[int], None]) -> Callable[[Portion], None]:
    return lambda portion: advance(sources[portion.file].size) if portion.ended else None


def _event_history(target: AwsTarget, since: timedelta, settings: Settings) -> Summary:
    """Read and replay the event history."""
    from pipeseal.backtest import summary  # noqa: PLC0415 - --help must not wait for it
    from pipeseal.backtest.lookup import event_history, event_names, look_up  # noqa: PLC0415 - as above

    start = datetime.now(UTC) - since
    region, clients = target.connect()
    with _progress(len(event_names())) as advance:
        portions = look_up(clients("cloudtrail", region), start, lambda: advance(1))
        return summary.backtest([event_history(region)], portions, settings)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar where standard error is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    from pipeseal.cli._terminal import Terminal  # noqa: PLC0415 - rich takes longer to import than many logs to read

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Terminal(stderr=True), transient=True) as progress:
        task = progress.add_task("Reading records", total=total or None)
        yield lambda done: progress.advance(task, done)
