"""`pipeseal demo`: shows what pipeseal does, on an AWS account that exists in this process only."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from queue import Empty
from shutil import which
from typing import TYPE_CHECKING

import click

from pipeseal.cli._account import BadInput
from pipeseal.cli._extra import optional_imports
from pipeseal.cli._screen import WIDEST, DemoScreen
from pipeseal.cli._terminal import Terminal

if TYPE_CHECKING:
    from pipeseal.model import OutcomeDocument
    from pipeseal.sandbox.account import EmbeddedAccount
    from pipeseal.sandbox.story import SceneResult

_POLL_SECONDS = 0.1
_REPORT_SPAN = timedelta(hours=1)
"""Longer than all scenes take."""


@click.command(short_help="Show what pipeseal does, on an embedded AWS account.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Scenes as text, or their outcomes and alerts as JSON.",
)
@click.option("--serve", is_flag=True, help="Keep the account open and remediate what you change in it, until Ctrl-C.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="PORT",
    help="Port on 127.0.0.1; 0 uses any free port.",
)
@click.option(
    "--for",
    "seconds",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="With --serve: close the account after that many seconds.",
)
@click.option(
    "--report",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.html",
    help="Also write a report on the scenes, as pipeseal report does for a real account.",
)
@click.option(
    "-v", "--verbose", is_flag=True, help="Also show events of pipeseal's own calls, and the functions' logs on stderr."
)
def demo(  # noqa: PLR0913 - one argument an option
    *, form: str, serve: bool, port: int, seconds: float | None, page: Path | None, verbose: bool
) -> None:
    """Show what pipeseal does, on an embedded AWS account.

    Scenes create pipelines, bucket policies and keys that violate controls. The CloudTrail record of each call is
    matched against the event patterns of template.yaml and delivered to the real functions. All calls stay on this
    machine: no AWS account is optional_imports or changed.

    \b
    Change resources yourself:
      pipeseal demo --serve --port 5005
      aws --endpoint-url http://127.0.0.1:5005 s3api delete-bucket-policy --bucket acme-webshop-artifacts
    """  # noqa: D301 - click's marker for unwrapped text is the character itself
    if serve and form == "json":
        raise click.UsageError("--serve writes text only; --format json is for the scenes.")
    if serve and page:
        raise click.UsageError("--report is about the scenes, which --serve does not play.")
    if seconds is not None and not serve:
        raise click.UsageError("--for needs --serve.")
    with _interrupted_by_sigterm() if serve else nullcontext(), _account(port, verbose=verbose) as account:
        if serve:
            _serve(account, _console(), seconds, verbose=verbose)
            return
        if form == "text":
            _play(account, _console(), verbose=verbose)
        else:
            click.echo(json.dumps(_document(account), indent=2))
        if page:
            _report(account, page)


@contextmanager
def _account(port: int, *, verbose: bool) -> Iterator[EmbeddedAccount]:
    """Open the embedded account; raise BadInput with the reason where that is impossible."""
    with optional_imports("The demo"):
        from pipeseal.sandbox.account import EmbeddedAccount  # noqa: PLC0415 - takes a second; --help does not need it
        from pipeseal.sandbox.server import PortUnavailable  # noqa: PLC0415
        from pipeseal.sandbox.template import TemplateError  # noqa: PLC0415
    with ExitStack() as closing:
        try:
            account = closing.enter_context(EmbeddedAccount(port, sys.stderr if verbose else None))
        except PortUnavailable as error:
            raise BadInput(f"{error}. Choose another port with --port, or omit it to use any free port.") from None
        except TemplateError as error:
            raise BadInput(str(error)) from None
        yield account


def _console() -> Terminal:
    # Bound to the real stdout now: it is redirected while a function runs.
    console = Terminal(file=sys.stdout, soft_wrap=False, markup=True)
    console.width = min(console.width, WIDEST)
    return console


# ---------------------------------------------------------------------------- scenes


def _play(account: EmbeddedAccount, console: Terminal, *, verbose: bool) -> None:
    """Play all scenes and show them on a terminal."""
    from pipeseal.sandbox.scenes import SCENES  # noqa: PLC0415
    from pipeseal.sandbox.story import Story  # noqa: PLC0415

    started = account.clock.now()
    screen, story = DemoScreen(console, account, verbose=verbose), Story(account)
    screen.show_panel(
        "pipeseal on an embedded AWS account",
        f"The calls below go to moto, an AWS emulator in this process, at [bold]{account.url}[/]. The CloudTrail "
        "record of each call is matched against the event patterns of [bold]template.yaml[/] and delivered to the "
        "real handlers in [bold]functions/[/]. All calls stay on this machine.",
    )
    results = []
    for number, scene in enumerate(SCENES, 1):
        screen.show_scene(number, scene)
        with console.status("Delivering events ..."):
            result = story.play(scene)
        screen.show_result(result)
        results.append(result)
    screen.show_redelivery(story.redeliver(call for result in results for call in result.calls))
    screen.show_resources(story.initial_facts, {ref: story.facts(ref) for ref in story.initial_facts})
    alerts = sum(len(result.alerts) for result in results)
    seconds = (account.clock.now() - started).total_seconds()
    screen.show_panel(
        "Summary",
        f"{len(story.initial_facts)} resources, {alerts} alerts, {seconds:.1f} seconds.\n\n"
        f"Change resources yourself:  [bold]{_program()} demo --serve[/]\n"
        f"Output as JSON:             [bold]{_program()} demo --format json[/]\n"
        "Deploy to your account:     [bold]make build && sam deploy --guided[/]",
    )


def _program() -> str:
    """Return the command that runs this program; that of a virtual environment may not be on PATH."""
    script = sys.argv[0]
    return "pipeseal" if which("pipeseal") or not Path(script).is_file() else os.path.relpath(script)


def _document(account: EmbeddedAccount) -> dict[str, object]:
    """Play all scenes, deliver every event twice, and return the outcomes and all alerts."""
    from pipeseal.sandbox.scenes import SCENES  # noqa: PLC0415
    from pipeseal.sandbox.story import Story  # noqa: PLC0415

    story = Story(account)
    results = [story.play(scene) for scene in SCENES]
    redelivery = story.redeliver(call for result in results for call in result.calls)
    alerts = [*(alert for result in results for alert in result.alerts), *redelivery.alerts]
    return {
        "outcomes": [
            {
                "resource": outcome["resource"],
                "controls": outcome["controls"],
                "action": outcome["action"],
                "reasons": outcome["reasons"],
            }
            for outcome in _outcomes(results)
        ],
        "alerts": [alert.document for alert in alerts],
    }


def _outcomes(results: Iterable[SceneResult]) -> Iterator[OutcomeDocument]:
    """Yield the outcomes of all events but those of pipeseal's own calls."""
    for result in results:
        for delivery in result.deliveries:
            if not delivery.echo:
                yield from delivery.outcomes


def _report(account: EmbeddedAccount, file: Path) -> None:
    """Write the report on the account's ledger to *file*."""
    from pipeseal.cli.report import page_of, write  # noqa: PLC0415 - only this option needs it

    write(file, page_of(account.runtime, "pipeseal", _REPORT_SPAN), "--report")
    click.echo(f"Wrote {file}", err=True)


# --------------------------------------------------------------------------- --serve


def _serve(account: EmbeddedAccount, console: Terminal, seconds: float | None, *, verbose: bool) -> None:
    """Show what happens in the account until it is interrupted, or for that many *seconds*."""
    handled = 0
    try:
        for delivered in _deliveries(account, console, seconds, verbose=verbose):
            handled += delivered
    except KeyboardInterrupt:
        pass
    console.print(f"\nClosed: {handled} event{'' if handled == 1 else 's'} handled. The account is deleted.")


def _deliveries(account: EmbeddedAccount, console: Terminal, seconds: float | None, *, verbose: bool) -> Iterator[int]:
    """Play the first scene, then show each change; yield the number of events of users that were handled."""
    from pipeseal.sandbox.scenes import SCENES, WEBSHOP_BUCKET  # noqa: PLC0415
    from pipeseal.sandbox.story import Story  # noqa: PLC0415

    screen = DemoScreen(console, account, verbose=verbose)
    Story(account).play(SCENES[0])
    screen.show_panel(
        "An AWS account with pipeseal deployed",
        f"The endpoint is [bold]{account.url}[/]. The account contains the pipeline [bold]webshop[/] and its artifact "
        f"bucket [bold]{WEBSHOP_BUCKET}[/], which pipeseal has remediated. Make changes from another terminal: "
        "pipeseal remediates violations within a second, and this terminal shows each change. Any access key ID is "
        "accepted; it becomes your user name. Press Ctrl-C to close the account.",
    )
    for line in _example_commands(account.url, WEBSHOP_BUCKET):
        console.print(line, style="dim" if line.startswith("#") else "", markup=False, soft_wrap=True)
    console.print()
    now = account.clock.now
    deadline = None if seconds is None else now() + timedelta(seconds=seconds)
    while deadline is None or now() < deadline:
        yield _show_next(account, screen)


def _example_commands(url: str, bucket: str) -> Iterator[str]:
    """Yield lines to paste into a shell."""
    yield f"export AWS_ENDPOINT_URL={url} AWS_ACCESS_KEY_ID=ada AWS_SECRET_ACCESS_KEY=none AWS_DEFAULT_REGION=us-east-1"
    yield "# Delete the bucket policy, then read the restored policy"
    yield f"aws s3api delete-bucket-policy --bucket {bucket}"
    yield f"aws s3api get-bucket-policy --bucket {bucket} --query Policy --output text"
    yield "# Put a bucket policy that does not require TLS"
    statement = {
        "Sid": "AllowTestAccount",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::210987654321:root"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    yield f"aws s3api put-bucket-policy --bucket {bucket} --policy '{policy}'"
    yield "# Create an asymmetric key"
    yield "aws kms create-key --key-spec RSA_2048 --key-usage ENCRYPT_DECRYPT"


def _show_next(account: EmbeddedAccount, screen: DemoScreen) -> int:
    """Show the next delivery and the calls before it; return 1 for a handled event of a user, else 0."""
    try:
        delivery = account.router.deliveries.get(timeout=_POLL_SECONDS)
    except Empty:
        delivery = None
    while not account.calls.empty():
        call = account.calls.get()
        screen.show_call(call, time=f"{account.clock.now().astimezone():%H:%M:%S}")
        if delivery and call["id"] == delivery.event["id"]:
            break
    if delivery is None:
        return 0
    screen.show_delivery(delivery, {alert.document["id"]: alert for alert in account.alerts()})
    return int(not delivery.echo)


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Raise KeyboardInterrupt on SIGTERM, as Python does on SIGINT where the process does not ignore SIGINT.

    A background job of a shell script inherits an ignored SIGINT; SIGTERM must end it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set a signal handler
        return
    former = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
