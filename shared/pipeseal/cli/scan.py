"""`pipeseal scan`: check the account and Region as they are now, by every control."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from importlib.metadata import version
from typing import TYPE_CHECKING

import click

from pipeseal.cli._account import AwsTarget, BadInput, with_target
from pipeseal.cli._parameters import settings_of
from pipeseal.cli._terminal import Terminal
from pipeseal.controls import controls_of, every_control
from pipeseal.model import Kind, Severity, partition_of
from pipeseal.settings import Mode, Settings
from pipeseal.text import printable

if TYPE_CHECKING:
    from rich.progress import TaskID

    from pipeseal.scan.kind_scan import Progress
    from pipeseal.scan.report import ScanReport

_PASSED, _FAILED = 0, 1
_NEVER = "never"
_SEVERITIES = {severity.name.lower(): severity for severity in Severity}
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
"""The parameters of template.yaml that change what controls find."""


@click.command(short_help="Check every bucket, key, pipeline, application, project and trail of an account and Region.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv", "asff", "ocsf"]),
    default="text",
    show_default=True,
    help="text to read, json for programs, csv for spreadsheets, asff for Security Hub, ocsf for Security Lake.",
)
@click.option(
    "--fail-on",
    "threshold",
    type=click.Choice([*_SEVERITIES, _NEVER]),
    default="low",
    show_default=True,
    help="The lowest severity of a violation that makes the exit status 1.",
)
@click.option(
    "--only",
    "kinds",
    type=click.Choice([str(kind) for kind in Kind]),
    multiple=True,
    help="Report this kind only; repeatable.",
)
@click.option(
    "--control",
    "patterns",
    metavar="PATTERN",
    multiple=True,
    help="Check these controls only: S3.TLS, KMS.*; repeatable.",
)
@click.option(
    "--parameter",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    help="Check as a stack with this parameter would, such as RequireCustomerKey=true; repeatable.",
)
@click.option(
    "--iam-policy",
    "print_policy",
    is_flag=True,
    help="Print the least-privilege IAM policy for a scan, and do not scan.",
)
@with_target
@click.pass_context
def scan(  # noqa: PLR0913 - one an option
    context: click.Context,
    *,
    target: AwsTarget,
    form: str,
    threshold: str,
    kinds: tuple[str, ...],
    patterns: tuple[str, ...],
    parameters: tuple[str, ...],
    print_policy: bool,
) -> None:
    """Check the account and Region as they are now, by every control. Nothing is written, and no stack is needed.

    The scan covers all buckets, keys, pipelines, CodeDeploy applications, CodeBuild projects and trails of the Region,
    and the buckets and keys of other Regions that pipelines use. Exemptions are applied if the stack's ledger can be
    read.

    \b
    --format json prints one object:
      account, region, time
      scanned     {"bucket": 12, "key": 3, ...}: how many resources were read and checked
      compliant   how many of them have no violation
      violated    how many of them have a violation that is not exempt
      findings    [{"resource": ARN, "kind", "region", "control", "title", "severity": low|medium|high|critical,
                  "status": violated|exempt, "reasons": [...], "fix": [what pipeseal would write; empty: it needs
                  manual action], "refusal", "advice", "source", "used_by": [ARNs], "exemption": {...} or null}],
                  the highest severity first
      unreadable  [{"resource": ARN, or "*" if the kind could not be listed, "kind", "error", "permission"}]
      advice      [{"id", "title", "answer": yes|no|unknown, "reason", "advice", "source"}], for the whole account
      notes       [limits of this scan]
      exit        the exit status

    \b
    Import the findings into Security Hub, which accepts 100 of them in one call:
      pipeseal scan --format asff | jq -c '_nwise(100)' | while read -r batch; do
        aws securityhub batch-import-findings --findings "$batch"; done

    Exit status: 0 no violation, 1 violations at or above --fail-on or something could not be read, 2 invalid input,
    3 AWS refused everything.
    """  # noqa: D301 - click keeps the line breaks of a paragraph that begins with this mark
    if print_policy:
        from pipeseal.scan.permissions import scan_policy  # noqa: PLC0415 - loads every control

        click.echo(json.dumps(scan_policy(partition_of(target.region or ""), target.stack), indent=2))
        return
    report = _scan_account(target, _settings(parameters, patterns), _selected_kinds(kinds, patterns))
    status = _FAILED if report.fails(_SEVERITIES.get(threshold)) else _PASSED
    _PRINTERS[form](report, status)
    context.exit(status)


def _scan_account(target: AwsTarget, settings: Settings, kinds: Collection[Kind]) -> ScanReport:
    from pipeseal.scan.survey import survey  # noqa: PLC0415 - keeps --help fast

    runtime = target.runtime()
    runtime.settings = settings
    with _progress_bars() as progress:
        return survey(runtime, kinds, progress)


def _selected_kinds(kinds: Sequence[str], patterns: Sequence[str]) -> list[Kind]:
    """Return the kinds to report; raise BadInput where no control of them matches *patterns*."""
    candidates = [Kind(kind) for kind in kinds] or list(Kind)
    selected = [kind for kind in candidates if any(_matches(control.id, patterns) for control in controls_of(kind))]
    if not selected:
        names = printable(", ".join(patterns), replacement="?")
        raise BadInput(f"no control of the selected kinds matches {names}; pipeseal explain control lists the controls")
    return selected


def _matches(control: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(control, pattern.upper()) for pattern in patterns)


def _settings(parameters: Sequence[str], patterns: Sequence[str]) -> Settings:
    """Return the settings of a stack with *parameters*, controls that match none of *patterns* turned off."""
    settings = settings_of(parameters, _PARAMETERS)
    off = {control.id: Mode.OFF for control in every_control() if not _matches(control.id, patterns)}
    return replace(settings, control_modes={**settings.control_modes, **off})


@contextmanager
def _progress_bars() -> Iterator[Progress]:
    """Show a progress bar for each kind, on a terminal."""
    from rich import progress as rich_progress  # noqa: PLC0415 - keeps --help fast

    console = Terminal(stderr=True)
    columns = (
        rich_progress.SpinnerColumn(),
        rich_progress.TextColumn("{task.description:<13}"),
        rich_progress.BarColumn(),
        rich_progress.MofNCompleteColumn(),
    )
    with rich_progress.Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[Kind, TaskID] = {}
        totals = dict.fromkeys(Kind, 0)

        def progress(kind: Kind, listed: int, read: int) -> None:
            totals[kind] += listed  # one thread a kind
            if kind not in tasks:
                tasks[kind] = bars.add_task(f"{kind}s")
            bars.update(tasks[kind], total=totals[kind], advance=read)

        yield progress


# ------------------------------------------------------------------- formats


def _print_text(report: ScanReport, _status: int) -> None:
    from pipeseal.cli._scan_text import show  # noqa: PLC0415 - loaded for this format only

    show(Terminal(soft_wrap=False), report)


def _print_json(report: ScanReport, status: int) -> None:
    click.echo(json.dumps(report.as_dict(status), indent=2))


def _print_csv(report: ScanReport, _status: int) -> None:
    from pipeseal.scan.rows import HEADER, rows  # noqa: PLC0415 - loaded for this format only

    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows([printable(cell, replacement="?") for cell in row] for row in rows(report))
    click.echo(table.getvalue(), nl=False)


def _print_asff(report: ScanReport, _status: int) -> None:
    from pipeseal.scan import asff  # noqa: PLC0415 - loaded for this format only

    click.echo(json.dumps(list(asff.findings(report)), indent=2))


def _print_ocsf(report: ScanReport, _status: int) -> None:
    from pipeseal.scan import ocsf  # noqa: PLC0415 - loaded for this format only

    click.echo(json.dumps(list(ocsf.findings(report, version("pipeseal"))), indent=2))


_PRINTERS: dict[str, Callable[[ScanReport, int], None]] = {
    "text": _print_text,
    "json": _print_json,
    "csv": _print_csv,
    "asff": _print_asff,
    "ocsf": _print_ocsf,
}
