"""`pipeseal resume`: end the suspension of controls whose remediation was repeatedly reversed."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypedDict

import click

from pipeseal.cli._account import BadInput, dry_run, output, target_options, with_runtime
from pipeseal.cli._control_ids import control_ids, control_of
from pipeseal.cli._entry import matches
from pipeseal.cli._operation import command_line, reporting, show_progress
from pipeseal.operations.retrying import budget, run_reported
from pipeseal.remediation.escalation import active_suspensions
from pipeseal.text import printable

if TYPE_CHECKING:
    from datetime import datetime

    from pipeseal.aws.transient import RetryBudget
    from pipeseal.runtime import Runtime


class SuspensionDocument(TypedDict):
    """A suspended control as `resume --format json` prints it."""

    resource: str
    control: str
    last: str


class Suspension(NamedTuple):
    """A control that is suspended for a resource."""

    resource: str
    control: str
    last_violated: datetime

    def as_dict(self) -> SuspensionDocument:
        """Return it as `resume --format json` prints it."""
        return {"resource": self.resource, "control": self.control, "last": self.last_violated.isoformat()}


@click.command(short_help="End the suspension of controls after a remediation loop.")
@click.argument("resource", required=False)
@click.option("--control", metavar="ID", shell_complete=control_ids, help="Resume only this control.")
@dry_run
@output
@with_runtime
def resume(*, runtime: Runtime, resource: str | None, control: str | None, dry: bool, form: str) -> None:
    """End the suspension of controls for RESOURCE; without RESOURCE, list all suspended controls.

    pipeseal suspends a control for a resource when its remediation is repeatedly reversed: a remediation loop. The
    suspension ends by itself after one hour without a violation.

    RESOURCE is an ARN, a name, or a pattern of either with the wildcards * and ?.

    \b
    --format json prints one object:
      wars      [{"resource": ARN, "control", "last": when it was last seen violated}]: the suspended controls
      resumed   whether their suspension was ended
      dry_run   whether --dry-run was given

    Needs dynamodb:Scan, BatchGetItem and UpdateItem on the ledger, and kms:Decrypt on its key.

    Exit status: 0 success, 2 invalid input, 3 AWS refused a call.
    """  # noqa: D301 - click's mark for "do not wrap" is the character itself
    only = control_of(control).id if control else ""
    retry = budget(runtime, show_progress)
    found = [
        each
        for each in sorted(retry.run(lambda: list(_suspensions(runtime))))
        if (not resource or matches(resource, each.resource)) and only in ("", each.control)
    ]
    if resource and not found:
        raise BadInput(
            f"{resource}: {only or 'no control'} is {'not ' if only else ''}suspended for it. pipeseal resume without "
            "RESOURCE lists all suspended controls."
        )
    resumed = bool(resource) and not dry
    if resumed:
        with reporting(command_line("resume", str(resource), options={"control": only})):
            _end_suspensions(runtime, found, only, retry)
    if form == "json":
        suspended = [each.as_dict() for each in found]
        click.echo(json.dumps({"wars": suspended, "resumed": resumed, "dry_run": dry}, indent=2))
    else:
        _show(found, resumed=resumed, dry=dry)


def _suspensions(runtime: Runtime) -> Iterator[Suspension]:
    """Yield the suspensions that have not ended."""
    now = runtime.clock.now()
    for resource, record in runtime.ledger.records.all():
        for control, last in active_suspensions(record.suspended, now).items():
            yield Suspension(resource, control, last)


def _end_suspensions(runtime: Runtime, found: Sequence[Suspension], control: str, retry: RetryBudget) -> None:
    """End the suspensions resource by resource; an error names those that ended and the one that may have."""
    done: list[str] = []
    for resource in dict.fromkeys(each.resource for each in found):
        claim = f"the suspension for {resource} ended; it ended for {', '.join(done) or 'no other resource'}"
        run_reported(retry, partial(runtime.ledger.records.resume, resource, control), claim)
        done.append(resource)


def _show(found: Sequence[Suspension], *, resumed: bool, dry: bool) -> None:
    for each in found:
        last = f"{each.last_violated:%Y-%m-%d %H:%M %Z}"
        click.echo(f"{each.control} on {printable(each.resource)}: last violated at {last}")
    if resumed:
        click.echo("Resumed: the next event on the resource, or the next sweep, remediates it.")
    elif dry:
        click.echo("Nothing was written (--dry-run).")
    elif found:
        click.echo("To resume:")
        for each in found:
            resource = shlex.quote(printable(each.resource))
            click.echo(f"  pipeseal resume {resource} --control {each.control}{target_options()}")
    else:
        click.echo("No controls are suspended.")
