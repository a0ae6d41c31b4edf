"""`pipeseal redrive`: redrive dead letters, or what was quarantined of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext

import click
from rich.text import Text

from pipeseal.aws.errors import AWS_ERRORS
from pipeseal.cli._account import AwsRefused, AwsTarget, dry_run, output, with_target
from pipeseal.cli._operation import command_line, show_progress
from pipeseal.cli._terminal import Terminal
from pipeseal.operations.redrive import Disposition, QueueMissing, Redriven, Redriver
from pipeseal.text import printable

_MARKS = {
    Disposition.REDRIVEN: ("→", "green"),
    Disposition.QUARANTINED: ("■", "yellow"),
    Disposition.LEFT: ("·", "red"),
}


@click.command(short_help="Redrive the events that pipeseal failed to handle.")
@click.option("--quarantined", is_flag=True, help="Redrive what was quarantined; with --dry-run, list it.")
@dry_run
@output
@with_target
def redrive(*, target: AwsTarget, quarantined: bool, dry: bool, form: str) -> None:
    """Redrive the dead letters of pipeseal's stack: each event to the function that it was for.

    An event that can never succeed, or that was redriven twice within 14 days and failed again, is moved to the
    quarantine queue with the reason. Handling an event twice is safe: pipeseal does not write to a compliant resource.

    \b
    --format json prints one object:
      redriven, quarantined, left   number of messages
      messages                      [{"event": ID, "function": ARN, or the name of the sweep's queue, "reason",
                                    "action": redriven|quarantined|left}]
      dry_run                       whether nothing was written; the actions are then what would be done

    \b
    The command uses your own permissions:
      the queues     STACK-dead-letters, STACK-quarantine, STACK-sweep: sqs:GetQueueUrl, ReceiveMessage, SendMessage,
                     DeleteMessage, ChangeMessageVisibility
      the functions  lambda:InvokeFunction
      the ledger     dynamodb:BatchGetItem, PutItem
      the key        kms:Decrypt, GenerateDataKey
      your identity  sts:GetCallerIdentity

    Exit status: 0 success, 2 invalid input, 3 AWS refused a call; what was done before is printed first.
    """  # noqa: D301 - click's mark for "do not wrap" is the character itself
    handled: list[Redriven] = []
    console = Terminal()
    redriver = Redriver(target.runtime(), target.stack, show_progress, dry_run=dry)
    try:
        # The text format shows progress by itself.
        with nullcontext() if form == "text" else Terminal(stderr=True).status("Reading the queue ..."):
            for each in redriver.release() if quarantined else redriver.redrive():
                handled.append(each)
                if form == "text":
                    _show(console, each)
    except QueueMissing as missing:
        raise AwsRefused(f"{missing}. Use --stack, --region or --profile to select another stack.") from missing
    except (*AWS_ERRORS, KeyboardInterrupt):
        _summarize(console, handled, form, dry=dry)
        command = command_line("redrive", options={"quarantined": quarantined})
        show_progress(
            "Stopped: the other messages are still in the queue, visible again within 15 minutes. To go on, run:\n"
            f"  {command}"
        )
        raise
    _summarize(console, handled, form, dry=dry)


def _show(console: Terminal, each: Redriven) -> None:
    mark, style = _MARKS[each.action]
    name = printable(each.function.rpartition(":function:")[2]) or "no function"
    console.print(Text.assemble((f"{mark} ", style), (each.event, "bold"), f"  {each.action}  {name}"))
    console.print(Text(f"  {printable(each.reason)}", "dim"))


def _summarize(console: Terminal, handled: Sequence[Redriven], form: str, *, dry: bool) -> None:
    counts = Counter(each.action for each in handled)
    if form == "json":
        numbers = {str(disposition): counts[disposition] for disposition in Disposition}
        messages = [each.as_dict() for each in handled]
        click.echo(json.dumps({**numbers, "messages": messages, "dry_run": dry}, indent=2))
        return
    if not handled:
        console.print("The queue has no messages.")
        return
    console.print(", ".join(f"{counts[disposition]} {disposition}" for disposition in Disposition))
    if dry:
        console.print("Nothing was written (--dry-run).")
