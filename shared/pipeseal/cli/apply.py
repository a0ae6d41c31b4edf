"""`pipeseal apply`: apply what was only proposed for a resource."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypedDict

import click

from pipeseal.cli._account import dry_run, output, target_options, with_runtime
from pipeseal.cli._operation import command_line, reporting, show_progress
from pipeseal.exemptions import GROUNDS
from pipeseal.model import Actor
from pipeseal.operations.amendment import Amendment, carry_out
from pipeseal.operations.apply import plan_apply
from pipeseal.operations.retrying import budget
from pipeseal.text import printable

if TYPE_CHECKING:
    from pipeseal.model import Outcome
    from pipeseal.runtime import Runtime


class ApplyDocument(TypedDict):
    """What `apply --format json` prints."""

    applies: str
    resource: str
    action: str
    dry_run: bool
    controls: list[str]
    steps: list[str]
    ledger_id: str


@click.command(short_help="Apply what detect mode proposed for a resource.")
@click.argument("ledger_id")
@click.option("--force", is_flag=True, help="Apply even if the resource was changed since; that change is reverted.")
@dry_run
@output
@with_runtime
def apply(*, runtime: Runtime, ledger_id: str, force: bool, dry: bool, form: str) -> None:
    """Apply what the ledger entry LEDGER_ID proposes, with your own permissions.

    An entry proposes changes that pipeseal did not make because a control is in detect mode, a control is suspended, or
    the function lacks a permission. The command is refused if the resource was changed since. It adds a ledger entry,
    which pipeseal undo reverts.

    What fails for the moment is retried for a minute. If the command is interrupted, run it again: it finishes what is
    open.

    \b
    Permissions:
      your identity  none; sts:GetCallerIdentity is always allowed
      the ledger     dynamodb:BatchGetItem, Query (also on its index), PutItem, UpdateItem; kms:Decrypt on its key
      the resource   those that pipeseal explain control ID lists

    \b
    --format json prints one object:
      applies     ID of the entry whose proposal is applied
      resource    ARN
      action      remediated|rejected|quarantined; "" for a dry run
      dry_run     whether nothing was written
      controls    IDs of the controls
      steps       what is written, in sentences
      ledger_id   ID of the new entry; "" for a dry run

    Exit status: 0 success, 2 refused or invalid input, 3 AWS refused a call.
    """  # noqa: D301 - click's mark for "do not wrap" is the character itself
    with reporting(command_line("apply", ledger_id, options={"force": force})):
        retry = budget(runtime, show_progress)
        amendment = retry.run(lambda: plan_apply(ledger_id, runtime, force=force))
        outcome = None
        if not dry:
            operator = retry.run(lambda: _operator(runtime))
            outcome = carry_out(amendment, operator, runtime, show_progress)
    if form == "json":
        click.echo(json.dumps(_document(amendment, outcome), indent=2))
    else:
        _show(amendment, outcome)


def _operator(runtime: Runtime) -> Actor:
    """Return the caller of the command, named by the user or the session of its ARN."""
    arn = runtime.clients("sts", runtime.region).get_caller_identity()["Arn"]
    return Actor(arn.rpartition(":")[2].rpartition("/")[2], "operator", arn=arn)


def _document(amendment: Amendment, outcome: Outcome | None) -> ApplyDocument:
    return {
        "applies": amendment.entry.id,
        "resource": amendment.entry.ref.arn,
        "action": str(outcome.action) if outcome else "",
        "dry_run": outcome is None,
        "controls": [finding.control.id for finding in amendment.findings],
        "steps": list(amendment.steps),
        "ledger_id": outcome.entry if outcome else "",
    }


def _show(amendment: Amendment, outcome: Outcome | None) -> None:
    ref = amendment.entry.ref
    done = "Applied" if outcome else "Would apply"
    click.echo(f"{done} the proposal of {amendment.entry.id} to {ref.kind} {printable(ref.name)}:")
    for step in amendment.steps:
        click.echo(f"  {printable(step)}")
    if outcome:
        click.echo(f"Recorded as {outcome.entry}. To undo it:")
        click.echo(f"  pipeseal undo {outcome.entry} {GROUNDS}{target_options()}")
    else:
        click.echo("Nothing was written (--dry-run).")
