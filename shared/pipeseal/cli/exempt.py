"""`pipeseal exempt`: who is excused from which control, by whom, why and until when."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pipeseal.cli._account import BadInput, dry_run, grounds, on_account, output
from pipeseal.cli._control_ids import control_ids
from pipeseal.exemptions import Exemption, Grounds, grant, moment

if TYPE_CHECKING:
    from datetime import datetime

    from pipeseal.aws.world import World


@click.group(short_help="Excuse resources from controls, until a day.")
def exempt() -> None:
    """Excuse resources from controls, each with an owner, a reason and an end.

    What is excused is neither put right nor alerted; each use is counted, and in the functions' logs.
    """


@exempt.command(short_help="Excuse what matches, until a day.")
@click.option(
    "--control",
    metavar="PATTERN",
    required=True,
    shell_complete=control_ids,
    help="Id of a control, such as S3.TLS; S3.* for several.",
)
@click.option("--resource", metavar="PATTERN", required=True, help="ARN of a resource; * and ? stand for others.")
@click.option("--actor", metavar="PATTERN", default="", help="Only what they do: name or ARN of whoever does it.")
@click.option("--tag", metavar="KEY=VALUE", default="", help="Only resources that carry this tag; KEY=* for any value.")
@grounds
@dry_run
@output
@on_account
def add(  # noqa: PLR0913 - one a option
    *,
    world: World,
    control: str,
    resource: str,
    actor: str,
    tag: str,
    owner: str,
    reason: str,
    until: str,
    dry: bool,
    form: str,
) -> None:
    """Excuse what matches from now until END; needs dynamodb:UpdateItem on the ledger.

    A week before END, and when it has come, whoever subscribes to the alerts is reminded.
    """
    now = world.clock()
    exemption = grant(control, resource, Grounds(owner, reason, moment(until, now)), now, actor=actor, tag=tag)
    if not dry:
        world.ledger.excuse(exemption)
    if form == "json":
        click.echo(json.dumps({**exemption.as_dict(), "dry_run": dry}, indent=2))
        return
    _show(exemption, now)
    click.echo("Nothing was written (--dry-run)." if dry else f"To end it sooner: pipeseal exempt end {exemption.id}")


@exempt.command("list", short_help="List all exemptions, the ended ones too.")
@output
@on_account
def listed(*, world: World, form: str) -> None:
    """List all exemptions, the first to end first, and how each was used; needs dynamodb:GetItem on the ledger."""
    now, exemptions, uses = world.clock(), world.ledger.exemptions(), world.ledger.uses()
    if form == "json":
        shown = [
            {
                **exemption.as_dict(),
                "ended": not exemption.holds(now),
                "used": asdict(uses[exemption.id]) if exemption.id in uses else None,
            }
            for exemption in exemptions
        ]
        click.echo(json.dumps({"exemptions": shown}, indent=2))
        return
    for exemption in exemptions:
        _show(exemption, now)
        if use := uses.get(exemption.id):
            click.echo(f"  used {use.count} time{'s' * (use.count > 1)}, last on {use.resource} at {use.time}")
        else:
            click.echo("  never used yet")
    if not exemptions:
        click.echo("There are no exemptions.")


@exempt.command(short_help="End an exemption at once.")
@click.argument("exemption_id", metavar="ID")
@dry_run
@output
@on_account
def end(*, world: World, exemption_id: str, dry: bool, form: str) -> None:
    """End the exemption ID at once; the next event on what it excused puts that right.

    Needs dynamodb:GetItem and UpdateItem on the ledger.
    """
    found = next((each for each in world.ledger.exemptions() if each.id == exemption_id), None)
    if found is None or not (dry or world.ledger.end(exemption_id)):
        raise BadInput(f"{exemption_id}: there is no such exemption; pipeseal exempt list shows them all")
    if form == "json":
        click.echo(json.dumps({**found.as_dict(), "dry_run": dry}, indent=2))
        return
    click.echo(f"{'Would end' if dry else 'Ended'}: {found.control} on {found.resource}")
    click.echo("Nothing was written (--dry-run)." if dry else "The next event on what it excused puts that right.")


def _show(exemption: Exemption, now: datetime) -> None:
    click.echo(f"{exemption.id}  {exemption.control} on {exemption.resource}")
    for name in ("actor", "tag"):
        if hangs := getattr(exemption, name):
            click.echo(f"  only {name} {hangs}")
    held = "until" if exemption.holds(now) else "ended"
    click.echo(f"  {held} {exemption.until:%Y-%m-%d %H:%M %Z}; {exemption.owner}: {exemption.reason}")
