"""`pipeseal scan`: the account and Region as they are, against every control."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import click

from pipeseal.cli._account import BadInput, Place, at_place
from pipeseal.cli._parameters import settings_of
from pipeseal.cli._plain import plain
from pipeseal.cli._terminal import Terminal
from pipeseal.controls import controls_of, every_control
from pipeseal.model import Kind, Severity, partition_of
from pipeseal.settings import Mode, Settings

if TYPE_CHECKING:
    from rich.progress import TaskID

    from pipeseal.scan.report import Report
    from pipeseal.scan.survey import Watch

_FINE, _VIOLATED = 0, 1
_NEVER = "never"
_KINDS = {kind.name.lower(): kind for kind in Kind}
_SEVERITIES = {severity.name.lower(): severity for severity in Severity}
# Those of the template's parameters by which controls judge.
_PARAMETERS = (
    "ArtifactKeyArn",
    "ControlModes",
    "EncryptionScope",
    "MinimumTlsVersion",
    "OrganizationId",
    "QuarantineSecrets",
    "RequireCustomerKey",
    "SealWebsites",
    "StrictUploads",
)


@click.command(short_help="Judge every bucket, pipeline, key, application, project and trail there is.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv", "asff", "ocsf"]),
    default="text",
    show_default=True,
    help="For people, for programs, for spreadsheets, for AWS Security Hub, for Security Lake.",
)
@click.option(
    "--fail-on",
    "bar",
    type=click.Choice([*_SEVERITIES, _NEVER]),
    default="low",
    show_default=True,
    help="The least severity of a violation that makes the exit status 1.",
)
@click.option("--only", "kinds", type=click.Choice(list(_KINDS)), multiple=True, help="Report this kind only; repeat.")
@click.option(
    "--control",
    "patterns",
    metavar="PATTERN",
    multiple=True,
    help="Judge by these controls only: S3.TLS, KMS.*; repeat.",
)
@click.option(
    "--parameter",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    help="Judge as a stack would with this parameter, such as RequireCustomerKey=true; repeat.",
)
@click.option(
    "--iam-policy", "permissions", is_flag=True, help="Print the least IAM policy for a scan, and scan nothing."
)
@at_place
@click.pass_context
def scan(  # noqa: PLR0913 - one a option
    context: click.Context,
    *,
    place: Place,
    form: str,
    bar: str,
    kinds: tuple[str, ...],
    patterns: tuple[str, ...],
    parameters: tuple[str, ...],
    permissions: bool,
) -> None:
    """Judge the account and Region as they are by every control. Nothing is written, and no stack is needed.

    Looked at are all buckets, keys, pipelines, CodeDeploy applications, CodeBuild projects and trails, and the buckets
    and keys that pipelines use in other Regions. Where the stack's ledger can be read, exemptions are honoured.

    \b
    --format json prints one object:
      account, region, time
      scanned     {"bucket": 12, "key": 3, ...}: how many were read and judged
      compliant   how many of them have nothing wrong; violated: how many have, and are not excused
      findings    [{"resource": ARN, "kind", "region", "control", "title", "severity": low|medium|high|critical,
                  "status": violated|exempt, "reasons": [...], "fix": [what pipeseal would do; none: its owner must],
                  "refusal", "advice", "source", "used_by": [ARNs], "exemption": {...} or null}], the worst first
      unreadable  [{"resource": ARN, or "*" where not even a list was given, "kind", "error", "permission"}]
      advice      [{"id", "title", "answer": yes|no|unknown, "reason", "advice", "source"}]: matters of the account
      notes       [what limits the above], exit: the exit status

    \b
    For Security Hub, which takes 100 findings at once:
      pipeseal scan --format asff | jq -c '_nwise(100)' | while read -r some; do
        aws securityhub batch-import-findings --findings "$some"; done

    Exit status: 0 fine, 1 violations at or above --fail-on or something could not be read, 2 bad input, 3 AWS refused
    everything.
    """  # noqa: D301 - the mark by which click keeps the lines as they are
    if permissions:
        from pipeseal.scan.permissions import policy  # noqa: PLC0415 - every module of it is for that alone

        click.echo(json.dumps(policy(partition_of(place.region or ""), place.stack), indent=2))
        return
    report = _surveyed(place, _settings(parameters, patterns), _wanted(kinds, patterns))
    status = _VIOLATED if report.fails(_SEVERITIES.get(bar)) else _FINE
    _SHOWN[form](report, status)
    context.exit(status)


def _surveyed(place: Place, settings: Settings, kinds: Collection[Kind]) -> Report:
    from pipeseal.scan.survey import survey  # noqa: PLC0415 - so that --help comes at once

    world = place.world()
    world.settings = settings
    with _progress() as watch:
        return survey(world, kinds, watch)


def _wanted(kinds: Sequence[str], patterns: Sequence[str]) -> list[Kind]:
    """Return the kinds to report; raise BadInput where no control is left for them."""
    asked = [_KINDS[kind] for kind in kinds] or list(Kind)
    wanted = [kind for kind in asked if any(_matches(control.id, patterns) for control in controls_of(kind))]
    if not wanted:
        raise BadInput(
            f"no control matches {plain(', '.join(patterns))} there; pipeseal explain control lists them all"
        )
    return wanted


def _matches(control: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(control, pattern.upper()) for pattern in patterns)


def _settings(parameters: Sequence[str], patterns: Sequence[str]) -> Settings:
    """Return what to judge by: controls that no pattern matches are off."""
    settings = settings_of(parameters, _PARAMETERS)
    off = {control: Mode.OFF for control in (each.id for each in every_control()) if not _matches(control, patterns)}
    return replace(settings, control_modes={**settings.control_modes, **off})


@contextmanager
def _progress() -> Iterator[Watch]:
    """Show on a terminal how far the scan is, kind by kind."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn  # noqa: PLC0415

    console = Terminal(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description:<13}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks: dict[Kind, TaskID] = {}
        totals = dict.fromkeys(Kind, 0)

        def watch(kind: Kind, more: int, done: int) -> None:
            totals[kind] += more  # of one kind only one thread tells
            if kind not in tasks:
                tasks[kind] = progress.add_task(f"{kind.name.lower()}s")
            progress.update(tasks[kind], total=totals[kind], advance=done)

        yield watch


# ------------------------------------------------------------------- formats


def _text(report: Report, _status: int) -> None:
    from pipeseal.cli._scan_text import show  # noqa: PLC0415 - one format of five

    show(Terminal(soft_wrap=False), report)


def _json(report: Report, status: int) -> None:
    click.echo(json.dumps(report.as_dict(status), indent=2))


def _csv(report: Report, _status: int) -> None:
    from pipeseal.scan.rows import HEADER, rows  # noqa: PLC0415 - as above

    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(map(plain, row) for row in rows(report))
    click.echo(table.getvalue(), nl=False)


def _asff(report: Report, _status: int) -> None:
    from pipeseal.scan import asff  # noqa: PLC0415 - as above

    click.echo(json.dumps(list(asff.findings(report)), indent=2))


def _ocsf(report: Report, _status: int) -> None:
    from pipeseal.scan import ocsf  # noqa: PLC0415 - as above

    click.echo(json.dumps(list(ocsf.findings(report, version("pipeseal"))), indent=2))


_SHOWN: dict[str, Callable[[Report, int], Any]] = {
    "text": _text,
    "json": _json,
    "csv": _csv,
    "asff": _asff,
    "ocsf": _ocsf,
}
