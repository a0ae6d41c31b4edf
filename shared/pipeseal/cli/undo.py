"""`pipeseal undo`: take back what was done to a resource."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from pipeseal.amendment import Amendment, Declined
from pipeseal.cli._account import BadInput, dry_run, grounds, on_account, output
from pipeseal.exemptions import Grounds, moment
from pipeseal.undo import carry_out, reversal

if TYPE_CHECKING:
    from pipeseal.aws.world import World
    from pipeseal.model import Outcome


@click.command(short_help="Take back what was done to a resource, and excuse it.")
@click.argument("ledger_id")
@grounds
@click.option("--force", is_flag=True, help="Do it although the resource was changed since; that change is lost.")
@dry_run
@output
@on_account
def undo(  # noqa: PLR0913 - one a option
    *, world: World, ledger_id: str, owner: str, reason: str, until: str, force: bool, dry: bool, form: str
) -> None:
    """Put back what the ledger entry LEDGER_ID changed, exactly as it was before.

    The controls that asked for the change are excused on that resource until END, or the next event would put it
    right again. Refused where the resource was changed since.

    \b
    It works with your own permissions. pipeseal's functions never get those that unseal:
      the ledger   dynamodb:Query (also on its index), PutItem, UpdateItem; kms:Decrypt on its key
      a bucket     s3:GetBucketPolicy, PutBucketPolicy, DeleteBucketPolicy, GetBucketWebsite,
                   GetEncryptionConfiguration, PutEncryptionConfiguration
      a key        kms:DescribeKey, CancelKeyDeletion, EnableKey
      a pipeline   codepipeline:GetPipeline, GetPipelineState, UpdatePipeline, EnableStageTransition,
                   kms:DescribeKey; iam:PassRole for its roles

    Exit status: 0 done, 2 refused or bad input, 3 AWS refused.
    """  # noqa: D301 - the mark by which click keeps the lines as they are
    until_when = moment(until, world.clock())
    try:
        found = reversal(ledger_id, Grounds(owner, reason, until_when), world, force=force)
        outcome = None if dry else carry_out(found, world)
    except Declined as refusal:
        raise BadInput(str(refusal)) from refusal
    if form == "json":
        click.echo(json.dumps(_document(found, outcome), indent=2))
    else:
        _show(found, outcome)


def _document(found: Amendment, outcome: Outcome | None) -> dict[str, object]:
    return {
        "undoes": found.entry.id,
        "resource": found.entry.ref.arn,
        "action": str(outcome.action) if outcome else "",
        "dry_run": outcome is None,
        "steps": list(found.steps),
        "exemptions": [exemption.as_dict() for exemption in found.exemptions],
        "ledger_id": outcome.entry if outcome else "",
    }


def _show(found: Amendment, outcome: Outcome | None) -> None:
    ref = found.entry.ref
    noun = ref.kind.name.capitalize()
    click.echo(f"{noun} {ref.name} {'is as it was' if outcome else 'would be as it was'} before {found.entry.id}:")
    for step in found.steps or ("nothing to write, for it is so already",):
        click.echo(f"  {step}")
    ends = f"{found.exemptions[0].until:%Y-%m-%d %H:%M %Z}"
    click.echo(f"{'Excused' if outcome else 'It would be excused'} until {ends} from:")
    for exemption in found.exemptions:
        click.echo(f"  {exemption.control}   {exemption.id if outcome else ''}".rstrip())
    if outcome:
        click.echo(f"Recorded as {outcome.entry}. To have it put right again:")
        for exemption in found.exemptions:
            click.echo(f"  pipeseal exempt end {exemption.id}")
    else:
        click.echo("Nothing was written (--dry-run).")
