"""`pipeseal exempt`: add, list and end exemptions."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pipeseal.cli._account import BadInput, dry_run, grounds, output, target_options, with_runtime
from pipeseal.cli._control_ids import control_ids
from pipeseal.cli._operation import command_line, reporting, show_progress
from pipeseal.exemptions import Exemption, Grounds, grant, parse_end
from pipeseal.operations.exempting import add_once, end_once
from pipeseal.operations.retrying import budget
from pipeseal.text import printable

if TYPE_CHECKING:
    from datetime import datetime

    from pipeseal.runtime import Runtime


@click.group(short_help="Exempt resources from controls until a date.")
def exempt() -> None:
    """Exempt resources from controls; each exemption has an owner, a reason and an end.

    An exempted violation is neither remediated nor alerted. Each use of an exemption is counted and logged.
    """


@exempt.command(short_help="Add an exemption.")
@click.option(
    "--control",
    metavar="PATTERN",
    required=True,
    shell_complete=control_ids,
    help="ID of a control, such as S3.TLS, or a pattern such as 'S3.*'.",
)
@click.option(
    "--resource", metavar="PATTERN", required=True, help="ARN of a resource, or a pattern with the wildcards * and ?."
)
@click.option(
    "--actor", metavar="PATTERN", default="", help="Exempt only what this actor does: a name, an ARN, or a pattern."
)
@click.option(
    "--tag", metavar="KEY=VALUE", default="", help="Exempt only resources with this tag; 'KEY=*' for any value."
)
@grounds
@dry_run
@output
@with_runtime
def add(  # noqa: PLR0913 - one argument for each option
    *,
    runtime: Runtime,
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
    """Exempt matching resources from matching controls until END.

    Subscribers to the alerts are reminded one week before END and when the exemption has ended.

    --format json prints the exemption and "dry_run", whether nothing was written.

    Run again, as after an error, the command adds no second exemption.

    Needs dynamodb:GetItem and UpdateItem on the ledger.

    Exit status: 0 success, 2 invalid input, 3 AWS refused a call.
    """
    now = runtime.clock.now()
    exemption = grant(control, resource, Grounds(owner, reason, parse_end(until, now)), now, actor=actor, tag=tag)
    if not dry:
        options = {"control": control, "resource": resource, "actor": actor, "tag": tag, "owner": owner}
        with reporting(command_line("exempt", "add", options={**options, "reason": reason, "until": until})):
            exemption = add_once(exemption, runtime.ledger.exemptions, budget(runtime, show_progress))
    if form == "json":
        click.echo(json.dumps({**exemption.as_dict(), "dry_run": dry}, indent=2))
        return
    _show(exemption, now)
    if dry:
        click.echo("Nothing was written (--dry-run).")
    else:
        click.echo("To end it earlier:")
        click.echo(f"  pipeseal exempt end {exemption.id}{target_options()}")


@exempt.command("list", short_help="List all exemptions, including those that have ended.")
@output
@with_runtime
def listed(*, runtime: Runtime, form: str) -> None:
    """List all exemptions and how often each was used, ordered by their end.

    --format json prints {"exemptions": [{...the exemption, "ended", "used": {"count", "resource", "time"} or null}]}.

    Needs dynamodb:GetItem on the ledger.

    Exit status: 0 success, 2 invalid input, 3 AWS refused a call.
    """
    now, exemptions, uses = runtime.clock.now(), runtime.ledger.exemptions.all(), runtime.ledger.exemptions.uses()
    if form == "json":
        shown = [
            {
                **exemption.as_dict(),
                "ended": not exemption.is_active(now),
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
            click.echo("  never used")
    if not exemptions:
        click.echo("There are no exemptions.")


@exempt.command(short_help="End an exemption immediately.")
@click.argument("exemption_id", metavar="ID")
@dry_run
@output
@with_runtime
def end(*, runtime: Runtime, exemption_id: str, dry: bool, form: str) -> None:
    """End the exemption ID immediately; the next event on an exempted resource remediates it.

    --format json prints the exemption and "dry_run", whether nothing was written.

    Needs dynamodb:GetItem and UpdateItem on the ledger.

    Exit status: 0 success, 2 invalid input, 3 AWS refused a call.
    """
    with reporting(command_line("exempt", "end", exemption_id)):
        retry, exemptions = budget(runtime, show_progress), runtime.ledger.exemptions
        found = next((each for each in retry.run(exemptions.all) if each.id == exemption_id), None)
        if found is None:
            raise BadInput(
                f"{exemption_id}: no such exemption, or it was ended. pipeseal exempt list lists all exemptions."
            )
        if not dry:
            end_once(found, exemptions, retry)
    if form == "json":
        click.echo(json.dumps({**found.as_dict(), "dry_run": dry}, indent=2))
        return
    click.echo(f"{'Would end' if dry else 'Ended'}: {found.control} on {printable(found.resource)}")
    if dry:
        click.echo("Nothing was written (--dry-run).")
    else:
        click.echo("The next event on an exempted resource, or the next sweep, remediates it.")


def _show(exemption: Exemption, now: datetime) -> None:
    click.echo(f"{exemption.id}  {exemption.control} on {printable(exemption.resource)}")
    for name, condition in (("actor", exemption.actor), ("tag", exemption.tag)):
        if condition:
            click.echo(f"  only {name} {printable(condition)}")
    state = "until" if exemption.is_active(now) else "ended"
    owner, reason = printable(exemption.owner), printable(exemption.reason)
    click.echo(f"  {state} {exemption.until:%Y-%m-%d %H:%M %Z}; {owner}: {reason}")
