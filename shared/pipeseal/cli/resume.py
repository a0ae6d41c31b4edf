"""`pipeseal resume`: put a resource right again although somebody kept undoing it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from pipeseal.cli._account import BadInput, dry_run, on_account, output
from pipeseal.cli._control_ids import control_ids, control_of
from pipeseal.cli._entry import about
from pipeseal.cli._plain import plain
from pipeseal.settings import SPELL

if TYPE_CHECKING:
    from datetime import datetime

    from pipeseal.aws.world import World


class _War(NamedTuple):
    resource: str
    control: str
    last: datetime

    def as_dict(self) -> dict[str, Any]:
        return {"resource": self.resource, "control": self.control, "last": self.last.isoformat()}


@click.command(short_help="Put a resource right again although somebody kept undoing it.")
@click.argument("resource", required=False)
@click.option("--control", metavar="ID", shell_complete=control_ids, help="Only this control resumes.")
@dry_run
@output
@on_account
def resume(*, world: World, resource: str | None, control: str | None, dry: bool, form: str) -> None:
    """Let pipeseal write to RESOURCE again, which it left to people because somebody kept undoing what it put right.

    RESOURCE is an ARN, a name, or a pattern of either with * and ?. Without it, all such resources are listed. By
    itself pipeseal resumes after an hour in which nobody broke the resource.

    \b
    --format json prints {"wars": [{"resource": ARN, "control", "last": when it was last seen broken}], "resumed",
    "dry_run"}: the wars that were ended (resumed), or that there are.

    Needs dynamodb:Scan, BatchGetItem and UpdateItem on the ledger, and kms:Decrypt on its key.

    Exit status: 0 done, 2 bad input, 3 AWS refused.
    """  # noqa: D301 - the mark by which click keeps the lines as they are
    wanted = control_of(control).id if control else ""
    going_on = sorted(_wars(world))
    found = [war for war in going_on if (not resource or about(resource, war.resource)) and wanted in ("", war.control)]
    if resource and not found:
        what = f"{wanted} is at no war over it" if wanted else "nobody is at war over it"
        raise BadInput(f"{plain(resource)}: {what}; pipeseal resume without it lists who is")
    resumed = bool(resource) and not dry
    if resumed:
        _resume(world, found, wanted)
    if form == "json":
        wars = [war.as_dict() for war in found]
        click.echo(json.dumps({"wars": wars, "resumed": resumed, "dry_run": dry}, indent=2))
        return
    for war in found:
        click.echo(f"{war.control} on {war.resource}: last seen broken at {war.last:%Y-%m-%d %H:%M %Z}")
    click.echo(_last_word(found, resumed=resumed, dry=dry))


def _wars(world: World) -> Iterator[_War]:
    """Yield the wars that are not over by themselves."""
    now = world.clock()
    for resource, wars in world.ledger.wars():
        for control, last in wars.items():
            if now - last < SPELL:
                yield _War(resource, control, last)


def _resume(world: World, found: list[_War], control: str) -> None:
    for resource in dict.fromkeys(war.resource for war in found):
        if control:
            world.ledger.resume_one(resource, control)
        else:
            world.ledger.resume(resource)


def _last_word(found: list[_War], *, resumed: bool, dry: bool) -> str:
    if resumed:
        return "Resumed: the next event on it, or the next sweep, puts it right."
    if dry:
        return "Nothing was written (--dry-run)."
    return "To have one put right again: pipeseal resume RESOURCE" if found else "Nobody is at war with pipeseal."
