"""`pipeseal apply`: carry out what was only proposed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from pipeseal.amendment import Amendment, Declined
from pipeseal.apply import carry_out, proposal
from pipeseal.cli._account import BadInput, dry_run, on_account, output
from pipeseal.cli._entry import name_of
from pipeseal.cli._plain import plain
from pipeseal.model import Actor
from pipeseal.scan.report import noun

if TYPE_CHECKING:
    from pipeseal.aws.world import World
    from pipeseal.model import Outcome


@click.command(short_help="Carry out what detect mode proposed for a resource.")
@click.argument("ledger_id")
@click.option("--force", is_flag=True, help="Do it although the resource was changed since; that change is lost.")
@dry_run
@output
@on_account
def apply(*, world: World, ledger_id: str, force: bool, dry: bool, form: str) -> None:
    """Carry out what the ledger entry LEDGER_ID proposes, with your own permissions.

    It was not done because its controls only watch, because somebody keeps undoing it, or because AWS refused it to the
    function. Refused where the resource was changed since. It has an entry of its own, and pipeseal undo takes it back.

    \b
    What you need:
      who you are  nothing; AWS tells everybody
      the ledger   dynamodb:BatchGetItem, Query (also on its index), PutItem, UpdateItem; kms:Decrypt on its key
      a resource   what pipeseal explain control ID lists

    \b
    --format json prints {"applies": the entry, "resource": ARN, "action": remediated|rejected|quarantined or "" where
    nothing was written, "dry_run", "controls", "steps": sentences, "ledger_id": the entry of its own or ""}.

    Exit status: 0 done, 2 refused or bad input, 3 AWS refused.
    """  # noqa: D301 - the mark by which click keeps the lines as they are
    try:
        found = proposal(ledger_id, world, force=force)
        outcome = None if dry else carry_out(found, _operator(world), world)
    except Declined as declined:
        raise BadInput(str(declined)) from declined
    if form == "json":
        click.echo(json.dumps(_document(found, outcome), indent=2))
    else:
        _show(found, outcome)


def _operator(world: World) -> Actor:
    arn = world.clients("sts", world.region).get_caller_identity()["Arn"]
    return Actor(name_of(arn), "operator", arn=arn)


def _document(found: Amendment, outcome: Outcome | None) -> dict[str, object]:
    return {
        "applies": found.entry.id,
        "resource": found.entry.ref.arn,
        "action": str(outcome.action) if outcome else "",
        "dry_run": outcome is None,
        "controls": [finding.control.id for finding in found.findings],
        "steps": list(found.steps),
        "ledger_id": outcome.entry if outcome else "",
    }


def _show(found: Amendment, outcome: Outcome | None) -> None:
    ref = found.entry.ref
    name = f"{noun(ref.kind).capitalize()} {plain(name_of(ref.arn))}"
    click.echo(f"{name} {'is' if outcome else 'would be'} as {found.entry.id} proposed:")
    for step in found.steps:
        click.echo(f"  {plain(step)}")
    if outcome:
        click.echo(f"Recorded as {outcome.entry}. To take it back: pipeseal undo {outcome.entry}")
    else:
        click.echo("Nothing was written (--dry-run).")
