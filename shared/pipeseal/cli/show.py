"""`pipeseal show`: everything that the ledger holds of one entry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
from rich.text import Text

from pipeseal.cli._account import BadInput, output, target_options, with_runtime
from pipeseal.cli._entry import apply_command, changes, describe_cause, describe_outcome, document, undo_command
from pipeseal.cli._terminal import WIDEST, Terminal
from pipeseal.model import Action
from pipeseal.operations.amendment import Declined, find_entry
from pipeseal.text import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pipeseal.ledger.entries import LedgerEntry
    from pipeseal.model import State
    from pipeseal.runtime import Runtime

_COLOURS = {"+": "green", "-": "red", " ": "dim"}


@click.command(short_help="Show all details of a ledger entry.")
@click.argument("ledger_id", metavar="ID")
@output
@with_runtime
def show(*, runtime: Runtime, ledger_id: str, form: str) -> None:
    """Show all details of the ledger entry ID: the actor, the findings, what was done, and the commands that revert it.

    \b
    --format json prints the fields that history prints of an entry, and:
      kind, account, region
      intent                  the action that was begun
      opened, closed          when pipeseal opened and closed the entry; closed is null where the function stopped
                              before recording a result
      findings                [{"control", "mode", "reasons": [...], "refusal", "writes": whether it changed anything}]
      steps, proposed         what was written, and what would be written in enforce mode; sentences
      before, after, wanted   the state of the resource as read, as written, and as it would be in enforce mode
      exemptions              IDs of the exemptions that were used or, by an undo, added
      undo, apply             the commands that revert the entry and that apply what it proposes, or ""

    Needs dynamodb:Query on the ledger's index, and kms:Decrypt on its key.

    Exit status: 0 success, 2 invalid input, 3 AWS refused a call.
    """  # noqa: D301 - click's mark for "do not wrap" is the character itself
    try:
        entry = find_entry(ledger_id, runtime)
    except Declined as unknown:
        raise BadInput(str(unknown)) from unknown
    options = target_options()
    if form == "json":
        click.echo(json.dumps(document(entry, options), indent=2))
        return
    console = Terminal()
    for part in _parts(entry, min(console.width, WIDEST) - 4, options):
        console.print(part)


def _parts(entry: LedgerEntry, width: int, options: str) -> Iterator[RenderableType]:
    mark, words, style = describe_outcome(entry)
    name = f"{entry.ref.kind.capitalize()} {printable(entry.ref.name)}"
    yield Text.assemble((f"{mark} ", style), (name, "bold"), f"  {words}")
    yield from _fields(entry)
    for finding in entry.findings:
        yield Text(f"\n{finding['control']}  ({finding['mode']})", "bold")
        for reason in filter(None, (*finding["reasons"], finding["refusal"])):
            yield Text(f"  {printable(reason)}")
    yield from _written("Written", entry.steps or ("Nothing was written.",), entry.before, entry.after, width)
    if entry.proposed_parts:
        proposed = tuple(entry.alert.get("proposed", ()))
        yield from _written("Proposed", proposed, entry.after, entry.proposed, width)
    for heading, line in _next_steps(entry, options):
        yield Text(f"\n{heading}", "bold")
        yield Text(f"  {line}")


def _fields(entry: LedgerEntry) -> Iterator[Text]:
    yield _field("entry", entry.id)
    yield _field("resource", entry.ref.arn)
    yield _field("account", f"{entry.ref.account}, {entry.ref.region}")
    yield _field("actor", f"{describe_cause(entry)} at {entry.cause.time:%Y-%m-%d %H:%M:%S %Z}")
    if entry.cause.actor.arn:
        yield _field("", entry.cause.actor.arn)
    if entry.closed:
        seconds = (entry.closed - entry.cause.time).total_seconds()
        yield _field("closed", f"{entry.closed:%Y-%m-%d %H:%M:%S %Z}, {seconds:.1f} s after the call")


def _written(heading: str, steps: tuple[str, ...], before: State, after: State, width: int) -> Iterator[RenderableType]:
    yield Text(f"\n{heading}", "bold")
    for step in steps:
        yield Text(f"  {printable(step)}")
    for change in changes(before, after, width):
        yield Text(f"  {change.part}:", "dim")
        for mark, line in change.lines:
            yield Text(f"    {mark} {line}", _COLOURS[mark])


def _next_steps(entry: LedgerEntry, options: str) -> Iterator[tuple[str, str]]:
    """Yield what operators did with the entry and what they can do, each as a heading and a line."""
    for heading, other in (
        ("Undone by", entry.undone_by),
        ("Applied by", entry.applied_by),
        ("Applies the proposal of", entry.applies),
    ):
        if other:
            yield heading, other
    if entry.intent == Action.UNDONE:
        yield "Reverts", entry.undoes
        for exemption in entry.exemptions:
            yield "To have it remediated again", f"pipeseal exempt end {exemption}{options}"
    if command := undo_command(entry, options):
        yield "To undo it", command
    if command := apply_command(entry, options):
        yield "To apply what is proposed", command


def _field(name: str, value: str) -> Text:
    return Text.assemble((f"  {name:<9} ", "dim"), printable(value))
