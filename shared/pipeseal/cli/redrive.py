"""`pipeseal redrive`: put dead letters through again."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click
from botocore.exceptions import ClientError
from rich.text import Text

from pipeseal.cli._account import AwsRefused, Place, at_place, dry_run, output
from pipeseal.cli._entry import name_of
from pipeseal.cli._plain import plain
from pipeseal.cli._terminal import Terminal
from pipeseal.redrive import Fate, Handled, NoQueue, Post

if TYPE_CHECKING:
    from collections.abc import Iterable

_MARKS = {Fate.REDRIVEN: ("→", "green"), Fate.QUARANTINED: ("■", "yellow"), Fate.LEFT: ("·", "red")}


@click.command(short_help="Put through again the events that pipeseal gave up on.")
@click.option("--quarantined", is_flag=True, help="Put through what was quarantined; with --dry-run: list it.")
@dry_run
@output
@at_place
def redrive(*, place: Place, quarantined: bool, dry: bool, form: str) -> None:
    """Put the dead letters of pipeseal's stack through again: each event to the function that it was for.

    What can never succeed, and what was put through twice within 14 days and failed again, goes to the quarantine
    instead, with the reason. That a resource is looked at twice does no harm: pipeseal sees that nothing is wrong.

    \b
    --format json prints one object:
      redriven, quarantined, left   how many
      messages                      [{"event": id, "function": ARN, or the queue that the sweep reads, "reason",
                                    "action": redriven|quarantined|left}]
      dry_run                       whether nothing was written; the actions then say what would be done

    \b
    It works with your own permissions:
      the queues     STACK-dead-letters, STACK-quarantine, STACK-sweep: sqs:GetQueueUrl, ReceiveMessage, SendMessage,
                     DeleteMessage, ChangeMessageVisibility
      the functions  lambda:InvokeFunction
      the ledger     dynamodb:BatchGetItem, PutItem
      the key        kms:Decrypt, GenerateDataKey
      who you are    sts:GetCallerIdentity

    Exit status: 0 done, 2 bad input, 3 AWS refused; what was done until then is told first.
    """  # noqa: D301 - the mark by which click keeps the lines as they are
    handled: list[Handled] = []
    console = Terminal()
    post = Post(place.world(), place.stack, dry=dry)
    try:
        with nullcontext() if form == "text" else Terminal(stderr=True).status("Reading the queue ..."):
            for each in post.release() if quarantined else post.redrive():
                handled.append(each)
                if form == "text":  # which shows by itself that something goes on
                    _show(console, each)
    except NoQueue as missing:
        raise AwsRefused(f"{missing}: --stack, --region and --profile say whose it is") from missing
    except ClientError:
        _sum_up(console, handled, form, dry=dry)
        raise
    _sum_up(console, handled, form, dry=dry)


def _show(console: Terminal, each: Handled) -> None:
    mark, style = _MARKS[each.action]
    where = plain(name_of(each.function)) or "no function"
    console.print(Text.assemble((f"{mark} ", style), (each.event, "bold"), f"  {each.action}  {where}"))
    console.print(Text(f"  {plain(each.reason)}", "dim"))


def _sum_up(console: Terminal, handled: Iterable[Handled], form: str, *, dry: bool) -> None:
    messages = [each.as_dict() for each in handled]
    counts = Counter(each["action"] for each in messages)
    if form == "json":
        document: dict[str, Any] = {str(fate): counts[fate] for fate in Fate}
        click.echo(json.dumps({**document, "messages": messages, "dry_run": dry}, indent=2))
        return
    console.print(
        ", ".join(f"{counts[fate]} {fate}" for fate in Fate) if messages else "There is nothing to put through."
    )
    if dry and messages:
        console.print("Nothing was written (--dry-run).")
