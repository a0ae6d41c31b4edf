"""`pipeseal undo`: revert what was done to a resource, and exempt it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypedDict

import click

from pipeseal.cli._account import dry_run, grounds, output, target_options, with_runtime
from pipeseal.cli._operation import command_line, reporting, show_progress
from pipeseal.exemptions import Grounds, parse_end
from pipeseal.model import Actor
from pipeseal.operations.amendment import Amendment, carry_out
from pipeseal.operations.retrying import budget
from pipeseal.operations.undo import plan_undo
from pipeseal.text import printable

if TYPE_CHECKING:
    from pipeseal.model import Outcome
    from pipeseal.runtime import Runtime


class UndoDocument(TypedDict):
    """What `undo --format json` prints."""

    undoes: str
    resource: str
    action: str
    dry_run: bool
    steps: list[str]
    exemptions: list[dict[str, str]]
    ledger_id: str


@click.command(short_help="Revert what was done to a resource, and exempt it.")
@click.argument("ledger_id")
@grounds
@click.option("--force", is_flag=True, help="Undo even if the resource was changed since; that change is reverted too.")
@dry_run
@output
@with_runtime
def undo(  # noqa: PLR0913 - one argument for each option
    *, runtime: Runtime, ledger_id: str, owner: str, reason: str, until: str, force: bool, dry: bool, form: str
) -> None:
    """Restore the parts of a resource that the ledger entry LEDGER_ID changed to their previous state.

    The resource is exempted until END from the controls that required the change; otherwise the next event would
    remediate it again. The command is refused if the resource was changed since.

    The change and the exemptions become effective together. What fails for the moment is retried for a minute. If the
    command is interrupted, run it again: it finishes what is open and adds no second exemption.

    \b
    The command uses your own permissions. pipeseal's functions never have those that weaken protection:
      the ledger   dynamodb:BatchGetItem, Query (also on its index), PutItem, UpdateItem; kms:Decrypt on its key
      a bucket     s3:GetBucketPolicy, PutBucketPolicy, DeleteBucketPolicy, GetBucketWebsite,
                   GetEncryptionConfiguration, PutEncryptionConfiguration
      a key        kms:DescribeKey, GetKeyRotationStatus, CancelKeyDeletion, EnableKey, DisableKeyRotation
      a pipeline   codepipeline:GetPipeline, GetPipelineState, UpdatePipeline, EnableStageTransition;
                   kms:DescribeKey; iam:PassRole for its roles
      a project    codebuild:BatchGetProjects, UpdateProject; iam:PassRole for its role
      a trail      cloudtrail:GetTrail, GetTrailStatus, GetEventSelectors, StopLogging, PutEventSelectors

    \b
    --format json prints one object:
      undoes      ID of the entry that is undone
      resource    ARN
      action      undone; "" for a dry run
      dry_run     whether nothing was written
      steps       what is written, in sentences
      exemptions  the exemptions that are added
      ledger_id   ID of the new entry; "" for a dry run

    Exit status: 0 success, 2 refused or invalid input, 3 AWS refused a call.
    """  # noqa: D301 - click's mark for "do not wrap" is the character itself
    terms = Grounds(owner, reason, parse_end(until, runtime.clock.now()))
    options: dict[str, str | bool] = {"owner": owner, "reason": reason, "until": until, "force": force}
    with reporting(command_line("undo", ledger_id, options=options)):
        retry = budget(runtime, show_progress)
        amendment = retry.run(lambda: plan_undo(ledger_id, terms, runtime, force=force))
        outcome = None if dry else carry_out(amendment, Actor(owner, "operator"), runtime, show_progress)
    if form == "json":
        click.echo(json.dumps(_document(amendment, outcome), indent=2))
    else:
        _show(amendment, outcome)


def _document(amendment: Amendment, outcome: Outcome | None) -> UndoDocument:
    return {
        "undoes": amendment.entry.id,
        "resource": amendment.entry.ref.arn,
        "action": str(outcome.action) if outcome else "",
        "dry_run": outcome is None,
        "steps": list(amendment.steps),
        "exemptions": [exemption.as_dict() for exemption in amendment.exemptions],
        "ledger_id": outcome.entry if outcome else "",
    }


def _show(amendment: Amendment, outcome: Outcome | None) -> None:
    ref = amendment.entry.ref
    name = f"{ref.kind} {printable(ref.name)}"
    click.echo(f"{'Restored' if outcome else 'Would restore'} {name} to its state before {amendment.entry.id}:")
    for step in amendment.steps or ("no change: the resource already is in that state",):
        click.echo(f"  {printable(step)}")
    end = f"{amendment.exemptions[0].until:%Y-%m-%d %H:%M %Z}"
    click.echo(f"{'Exempted' if outcome else 'Would exempt it'} until {end} from:")
    for exemption in amendment.exemptions:
        click.echo(f"  {exemption.control}   {exemption.id if outcome else ''}".rstrip())
    if outcome:
        click.echo(f"Recorded as {outcome.entry}. To have it remediated again:")
        for exemption in amendment.exemptions:
            click.echo(f"  pipeseal exempt end {exemption.id}{target_options()}")
    else:
        click.echo("Nothing was written (--dry-run).")
