"""`pipeseal show`: everything about one entry of the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
from rich.text import Text

from pipeseal.amendment import Declined, answered
from pipeseal.cli._account import BadInput, on_account, output
from pipeseal.cli._entry import actor_of, came_of, changes, document, name_of, way_back, way_on
from pipeseal.cli._plain import plain
from pipeseal.cli._screen import WIDEST
from pipeseal.cli._terminal import Terminal
from pipeseal.model import Action
from pipeseal.scan.report import noun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from pipeseal.aws.entries import Entry
    from pipeseal.aws.world import World

_COLOURS = {"+": "green", "-": "red", " ": "dim"}


@click.command(short_help="Show everything about an entry of the ledger.")
@click.argument("ledger_id", metavar="ID")
@output
@on_account
def show(*, world: World, ledger_id: str, form: str) -> None:
    """Show everything about the ledger's entry ID: who, what was wrong, what was done, and the way back.

    \b
    --format json prints what history has of the entry, and:
      kind, account, region
      intent                  the action that was begun
      opened, closed          when pipeseal began and ended; closed is null where nobody lived to say
      findings                [{"control", "mode", "reasons": [...], "refusal", "writes": whether it changed anything}]
      steps, proposed         what was written, and what would be were every control enforced; sentences
      before, after, wanted   the resource's state as found, as written, and as it would be then
      exemptions              ids of those that were used or, by an undo, made
      undo, apply             the command that takes it back, and the one that carries out what is proposed, or ""

    Needs dynamodb:Query on the ledger's index, and kms:Decrypt on its key.

    Exit status: 0 done, 2 bad input, 3 AWS refused.
    """  # noqa: D301 - the mark by which click keeps the lines as they are
    try:
        entry = answered(ledger_id, world)
    except Declined as unknown:
        raise BadInput(str(unknown)) from unknown
    if form == "json":
        click.echo(json.dumps(document(entry), indent=2))
        return
    console = Terminal()
    for part in _parts(entry, min(console.width, WIDEST) - 4):
        console.print(part)


def _parts(entry: Entry, width: int) -> Iterator[RenderableType]:
    mark, words, style = came_of(entry)
    name = plain(name_of(entry.ref.arn))
    yield Text.assemble((f"{mark} ", style), (f"{noun(entry.ref.kind).capitalize()} {name}", "bold"), f"  {words}")
    yield _field("entry", entry.id)
    yield _field("resource", entry.ref.arn)
    yield _field("account", f"{entry.ref.account}, {entry.ref.region}")
    yield _field("who", f"{actor_of(entry)} at {entry.cause.time:%Y-%m-%d %H:%M:%S %Z}")
    if entry.cause.actor.arn:
        yield _field("", entry.cause.actor.arn)
    if entry.closed:
        seconds = (entry.closed - entry.cause.time).total_seconds()
        yield _field("closed", f"{entry.closed:%Y-%m-%d %H:%M:%S %Z}, {seconds:.1f} s after the call")
    for finding in entry.findings:
        yield Text(f"\n{finding['control']}  ({finding['mode']})", "bold")
        for reason in filter(None, (*finding["reasons"], finding["refusal"])):
            yield Text(f"  {plain(reason)}")
    yield from _written("What was done", entry.steps or ("nothing was written",), entry.before, entry.after, width)
    if entry.proposed:
        proposed = tuple(entry.alert.get("proposed", ()))
        yield from _written("What is proposed", proposed, entry.after, entry.wanted, width)
    yield Text("\nThe way back", "bold")
    for line in _way(entry):
        yield Text(f"  {line}")


def _written(
    title: str, steps: tuple[str, ...], before: Mapping[str, object], after: Mapping[str, object], width: int
) -> Iterator[RenderableType]:
    yield Text(f"\n{title}", "bold")
    for step in steps:
        yield Text(f"  {plain(step)}")
    for change in changes(before, after, width):
        yield Text(f"  {change.part}:", "dim")
        for mark, line in change.lines:
            yield Text(f"    {mark} {line}", _COLOURS[mark])


def _way(entry: Entry) -> Iterator[str]:
    if entry.undone_by:
        yield f"it was taken back by {entry.undone_by}"
    if entry.applied_by:
        yield f"what it proposes was carried out by {entry.applied_by}"
    if entry.applies:
        yield f"it carried out what {entry.applies} proposed"
    if entry.intent == Action.UNDONE:
        yield f"it took back {entry.undoes}; to have that again, end its exemptions: " + ", ".join(
            f"pipeseal exempt end {each}" for each in entry.exemptions
        )
    if way := way_back(entry):
        yield way
    if way := way_on(entry):
        yield f"{way}   carries out what is proposed"
    if not entry.changed:
        yield "nothing was written, so there is nothing to take back"


def _field(name: str, value: str) -> Text:
    return Text.assemble((f"  {name:<9} ", "dim"), plain(value))
