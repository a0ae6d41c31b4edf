"""`pipeseal demo`: see the service do its job on an account in this process; nothing leaves the machine."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from queue import Empty
from shutil import which
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from pipeseal.cli._account import BadInput
from pipeseal.cli._extra import needed
from pipeseal.cli._screen import WIDEST, Screen
from pipeseal.cli._terminal import Terminal

if TYPE_CHECKING:
    from pipeseal.sandbox.account import Account
    from pipeseal.sandbox.story import Episode

_TICK = 0.1
_FOREVER = float("inf")
_STORY = timedelta(hours=1)
"""Longer than any story takes."""


@click.command(short_help="See pipeseal do its job on an embedded AWS account.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="The story for people, or its outcomes and alerts for machines.",
)
@click.option("--serve", is_flag=True, help="Keep the account up, and seal and show what is done to it, until Ctrl-C.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="PORT",
    help="Port on 127.0.0.1 to serve on; 0: any free one.",
)
@click.option(
    "--for",
    "seconds",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="With --serve: stop by itself after so long.",
)
@click.option(
    "--report",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.html",
    help="Write the report on the story too, as pipeseal report does on a real account.",
)
@click.option(
    "-v", "--verbose", is_flag=True, help="Show the echoes of pipeseal's own calls; the functions' logs on stderr."
)
def demo(  # noqa: PLR0913 - one argument an option
    *, form: str, serve: bool, port: int, seconds: float | None, page: Path | None, verbose: bool
) -> None:
    """See pipeseal do its job on an embedded AWS account.

    People create a pipeline, a bucket policy and a key, each with something wrong. CloudTrail's record of each call
    is matched against the event patterns of template.yaml and handed to the real functions. Nothing leaves this
    machine, no AWS account is needed, and none is touched.

    \b
    Try it with your own hands:
      pipeseal demo --serve --port 5005
      aws --endpoint-url http://127.0.0.1:5005 s3api delete-bucket-policy --bucket acme-webshop-artifacts
    """  # noqa: D301 - click's mark for "do not wrap" is the character itself
    if serve and form == "json":
        raise click.UsageError("--serve shows what happens as it happens; --format json is for the story.")
    if serve and page:
        raise click.UsageError("--report is on the story, and --serve tells none.")
    if seconds is not None and not serve:
        raise click.UsageError("--for needs --serve.")
    with _account(port, verbose=verbose) as account:
        if serve:
            _serve(account, _console(), seconds, verbose=verbose)
            return
        if form == "text":
            _tell(account, _console(), verbose=verbose)
        else:
            click.echo(json.dumps(_document(account), indent=2))
        if page:
            _report(account, page)


@contextmanager
def _account(port: int, *, verbose: bool) -> Iterator[Account]:
    """Open the embedded account, or say in one line why not."""
    with needed("The demo"):
        from pipeseal.sandbox.account import Account, PortTaken  # noqa: PLC0415 - a second that --help should not cost
        from pipeseal.sandbox.stack import StackError  # noqa: PLC0415
    try:
        opened = Account(port, sys.stderr if verbose else None)
        account = opened.__enter__()
    except PortTaken as taken:
        raise BadInput(f"{taken}. Give another with --port, or leave it out for any that is free.") from None
    except StackError as problem:
        raise BadInput(str(problem)) from None
    try:
        yield account
    finally:
        opened.__exit__(None, None, None)


def _console() -> Terminal:
    # The functions' output is redirected while they run; what is shown here goes to the real stdout throughout.
    console = Terminal(file=sys.stdout, soft_wrap=False, markup=True)
    console.width = min(console.width, WIDEST)
    return console


# ------------------------------------------------------------------------ the story


def _tell(account: Account, console: Terminal, *, verbose: bool) -> None:
    """Tell the story on a terminal."""
    from pipeseal.sandbox.story import SCENES, Story  # noqa: PLC0415

    started = monotonic()
    screen, story = Screen(console, account, verbose=verbose), Story(account)
    screen.panel(
        "pipeseal on an embedded AWS account",
        f"People call AWS, which is moto in this process, at [bold]{account.url}[/]. CloudTrail's record of each "
        "call is matched against the event patterns of [bold]template.yaml[/] and handed to the real handlers of "
        "[bold]functions/[/]. Nothing leaves this machine.",
    )
    episodes = []
    for number, scene in enumerate(SCENES, 1):
        screen.open(number, scene)
        with console.status("EventBridge delivers ..."):
            episode = story.play(scene)
        screen.play(episode)
        episodes.append(episode)
    screen.again(story.again(call for episode in episodes for call in episode.calls))
    screen.resources(story.left, {ref: story.facts(ref) for ref in story.left})
    told = sum(len(episode.alerts) for episode in episodes)
    screen.panel(
        "That was it",
        f"{len(story.left)} resources, {told} alerts, {monotonic() - started:.1f} seconds.\n\n"
        f"Break something yourself:   [bold]{_program()} demo --serve[/]\n"
        f"For machines:               [bold]{_program()} demo --format json[/]\n"
        "Into your own account:      [bold]make build && sam deploy --guided[/]",
    )


def _program() -> str:
    """Return what to type for this program: a virtual environment's may not be on PATH."""
    return "pipeseal" if which("pipeseal") else os.path.relpath(sys.argv[0])


def _document(account: Account) -> dict[str, Any]:
    """Play the story, every event delivered twice, and return its outcomes and all alerts for machines."""
    from pipeseal.sandbox.story import SCENES, Story  # noqa: PLC0415

    story = Story(account)
    episodes = [story.play(scene) for scene in SCENES]
    encore = story.again(call for episode in episodes for call in episode.calls)
    alerts = [*(alert for episode in episodes for alert in episode.alerts), *encore.alerts]
    return {
        "outcomes": [
            {name: outcome[name] for name in ("resource", "controls", "action", "reasons")}
            for outcome in _outcomes(episodes)
        ],
        "alerts": [alert.document for alert in alerts],
    }


def _outcomes(episodes: list[Episode]) -> Iterator[dict[str, Any]]:
    for episode in episodes:
        for delivery in episode.deliveries:
            if not delivery.echo:
                yield from delivery.outcomes


def _report(account: Account, file: Path) -> None:
    """Write the report on what the account's ledger holds by now."""
    from pipeseal.cli.report import page_of, write  # noqa: PLC0415 - only where it is asked for

    write(file, page_of(account.world, "pipeseal", _STORY), "--report")
    click.echo(f"Wrote {file}", err=True)


# ---------------------------------------------------------------------------- live


def _serve(account: Account, console: Terminal, seconds: float | None, *, verbose: bool) -> None:
    """Keep the account up and show what happens in it, until Ctrl-C or the time is up."""
    from pipeseal.sandbox.story import SCENES, SHOP, Story  # noqa: PLC0415

    screen = Screen(console, account, verbose=verbose)
    Story(account).play(SCENES[0])
    screen.panel(
        "An AWS account, sealed by pipeseal",
        f"It listens on [bold]{account.url}[/] and holds the pipeline [bold]webshop[/] with its artifact bucket "
        f"[bold]{SHOP}[/], sealed a moment ago. From another terminal, whatever you break is sealed within a second "
        "and shown here. Any access key id will do; it becomes your name. Ctrl-C ends it.",
    )
    for line in _how_to(account.url, SHOP):
        console.print(line, style="dim" if line.startswith("#") else "", markup=False, soft_wrap=True)
    console.print()
    handled = 0
    deadline = _FOREVER if seconds is None else monotonic() + seconds
    try:
        with _terminable():
            while monotonic() < deadline:
                handled += _show(account, screen)
    except KeyboardInterrupt:
        pass
    console.print(
        f"\nClosed: {handled} event{'' if handled == 1 else 's'} handled. The account and all in it are gone."
    )


def _how_to(url: str, bucket: str) -> Iterator[str]:
    yield f"export AWS_ENDPOINT_URL={url} AWS_ACCESS_KEY_ID=ada AWS_SECRET_ACCESS_KEY=none AWS_DEFAULT_REGION=us-east-1"
    yield "# take the seal off, and look at the policy a moment later"
    yield f"aws s3api delete-bucket-policy --bucket {bucket}"
    yield f"aws s3api get-bucket-policy --bucket {bucket} --query Policy --output text"
    yield "# a policy of your own that forgets TLS"
    statement = {
        "Sid": "Mine",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::210987654321:root"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    yield f"aws s3api put-bucket-policy --bucket {bucket} --policy '{policy}'"
    yield "# a key of the wrong kind"
    yield "aws kms create-key --key-spec RSA_2048 --key-usage ENCRYPT_DECRYPT"


def _show(account: Account, screen: Any) -> int:
    """Show what has happened within a tick; return how many events of people were handled."""
    try:
        delivery = account.router.deliveries.get(timeout=_TICK)
    except Empty:
        delivery = None
    while not account.calls.empty():
        call = account.calls.get()
        screen.call(call, when=f"{datetime.now().astimezone():%H:%M:%S}")
        if delivery and call["id"] == delivery.event["id"]:
            break
    if delivery is None:
        return 0
    screen.delivery(delivery, {alert.document["id"]: alert for alert in account.alerts()})
    return int(not delivery.echo)


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the loop as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
