"""`pipeseal invoke`: an event through the template's rules to the real functions, without Docker."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from io import StringIO
from typing import TYPE_CHECKING, Any

import click
from botocore.exceptions import BotoCoreError, ClientError
from rich.text import Text

from pipeseal.aws.clients import forget
from pipeseal.cli._account import BadInput, Place, at_place, output
from pipeseal.cli._extra import needed
from pipeseal.cli._input import text_of
from pipeseal.cli._plain import plain
from pipeseal.cli._screen import DONE
from pipeseal.cli._terminal import Terminal
from pipeseal.cloudtrail import Malformed
from pipeseal.model import Action
from pipeseal.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeseal.sandbox.rules import Rule
    from pipeseal.sandbox.stack import Function

_STANDING = 1
# All else is wrong still, or nobody knows: a new kind of outcome counts as that until it stands here.
_FINE = {Action.REMEDIATED, Action.REJECTED, Action.COMPLIANT, Action.ABSENT, Action.EXEMPT}
# What would win over --profile, as it does not in the AWS CLI.
_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_LONGEST = 120

Event = dict[str, Any]
Outcome = dict[str, Any]


class _Failed(click.ClickException):
    """A function did not come to an end; the text names it."""

    exit_code = _STANDING


@click.command(short_help="Hand an event to the real functions, without Docker.")
@click.argument("file", metavar="EVENT.json", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "--parameter",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    help="A parameter of template.yaml, such as Mode=detect; may be given several times.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show the function's own log on stderr.")
@output
@at_place
@click.pass_context
def invoke(  # noqa: PLR0913 - one argument an option
    context: click.Context, *, file: str, parameters: tuple[str, ...], verbose: bool, form: str, place: Place
) -> None:
    """Hand the EventBridge event in EVENT.json ("-" reads standard input) to whichever function hears it.

    The rules are those of template.yaml, the handlers those of functions/, the environment is what the template gives
    them, and they work on the account that your credentials are for: what is wrong there is put right, recorded and
    alerted as if the event had come by itself. With --parameter Mode=detect no resource is written to. Parameters that
    you do not give have the template's defaults, whatever your stack was deployed with.

    \b
    Try it without an account of yours, beside pipeseal demo --serve --port 5005:
      export AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=ada AWS_SECRET_ACCESS_KEY=none
      pipeseal invoke events/put_bucket_policy.json --endpoint-url http://127.0.0.1:5005

    Your own permissions count. They must be those of the function's role in template.yaml, and sts:GetCallerIdentity.

    --format json prints {"matched": [names of functions], "outcomes": [what each resource came to]}.

    Exit status: 0 all that was looked at is in order or was put right now, and so where no rule hears the event; 1
    something is still wrong (detected, quarantined, failed, told before, being worked on) or the function failed; 2
    the file holds no event, or a parameter makes no sense; 3 AWS refused.
    """  # noqa: D301 - click's mark for "do not wrap" is the character itself
    event, chosen = _event(file, text_of(file)), _chosen(parameters)
    account, region = _whereabouts(place)
    rules = _rules(place, account, region, chosen)
    heard = tuple({rule.function.name: rule for rule in rules if rule.hears(event)}.values())
    _announce(event, heard, rules, form)
    _warn(event, account, region)
    with _at_work(verbose=verbose), _environment(place, region):
        outcomes = [
            outcome
            for rule in heard
            for outcome in _outcomes(rule.function, event, account, region, file, verbose=verbose)
        ]
    if form == "json":
        document = {"matched": [rule.function.name for rule in heard], "outcomes": outcomes}
        click.echo(json.dumps(document, indent=2))
    else:
        for outcome in outcomes:
            _show(outcome)
        if heard and not outcomes:
            click.echo("It looked at nothing: the resource is another account's, or the call was pipeseal's own.")
    context.exit(_STANDING if any(outcome["action"] not in _FINE or outcome["left"] for outcome in outcomes) else 0)


def _event(file: str, text: str) -> Event:
    """Return the event in *text*; raise BadInput where EventBridge could not have made it."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{file}: not JSON: {error}") from error
    if not isinstance(event, dict):
        raise BadInput(f"{file}: must be one EventBridge event, an object")
    if "eventName" in event and "detail" not in event:
        raise BadInput(
            f"{file}: is a CloudTrail record; EventBridge puts it under detail, beside source, detail-type, account, "
            "region and time, as events/put_bucket_policy.json has it"
        )
    for name, kind in (("source", str), ("detail-type", str), ("detail", dict)):
        if not isinstance(event.get(name), kind):
            what = "an object" if kind is dict else "a string"
            raise BadInput(f"{file}: is no EventBridge event: {name} must be {what}")
    return event


def _chosen(parameters: tuple[str, ...]) -> dict[str, str]:
    chosen = {}
    for pair in parameters:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise BadInput(f"--parameter: {pair!r} must be NAME=VALUE, such as Mode=detect")
        chosen[name] = value
    return chosen


def _whereabouts(place: Place) -> tuple[str, str]:
    """Return the account and the Region that a function would run in; AWS is asked for the former."""
    region, clients = place.reached()
    return clients("sts", region).get_caller_identity()["Account"], region


def _rules(place: Place, account: str, region: str, parameters: Mapping[str, str]) -> tuple[Rule, ...]:
    """Return the rules of the template's functions; raise BadInput where there is none or the parameters do not fit."""
    with needed("invoke"):
        from pipeseal.sandbox.rules import rules_of  # noqa: PLC0415 - a second that --help should not cost
        from pipeseal.sandbox.stack import Stack, StackError, find_template  # noqa: PLC0415
    endpoint = place.endpoint_url or os.environ.get("AWS_ENDPOINT_URL", "")
    try:
        stack = Stack(find_template(), account, region, {"AwsEndpointUrl": endpoint, **parameters}, place.stack)
        return rules_of(tuple(stack.functions()))
    except StackError as error:
        raise BadInput(str(error)) from error


def _outcomes(  # noqa: PLR0913 - a function, what it is handed, and where
    function: Function, event: Event, account: str, region: str, file: str, *, verbose: bool
) -> tuple[Outcome, ...]:
    """Run *function* on *event*; raise BadInput where the event or a parameter is to blame."""
    from pipeseal.sandbox.runtime import arn_of, invoke, load  # noqa: PLC0415
    from pipeseal.sandbox.stack import StackError  # noqa: PLC0415

    log = sys.stderr if verbose else StringIO()
    try:
        return invoke(function, load(function), event, arn_of(function, account, region), log)
    except (Malformed, SettingsError, StackError) as error:
        raise BadInput(f"{file}: {error}") from error
    except (BotoCoreError, ClientError):
        raise  # that is AWS's
    except Exception as error:
        if verbose:
            click.echo(traceback.format_exc(), err=True)
        raise _Failed(
            plain(f"{function.name} failed, and Lambda would try again: {type(error).__name__}: {error}")
        ) from error


def _at_work(*, verbose: bool) -> AbstractContextManager[object]:
    """Show that something goes on, on a terminal whose lines are not the log's."""
    return nullcontext() if verbose else Terminal(stderr=True).status("The function is at work ...")


@contextmanager
def _environment(place: Place, region: str) -> Iterator[None]:
    """Let the process be where the function is, for its clients look there; put everything back afterwards."""
    former = dict(os.environ)
    os.environ.update(AWS_REGION=region, AWS_DEFAULT_REGION=region)
    if place.profile:
        for name in _CREDENTIALS:
            os.environ.pop(name, None)
        os.environ["AWS_PROFILE"] = place.profile
    if place.endpoint_url:
        for name in former:
            if name.startswith("AWS_ENDPOINT_URL"):
                del os.environ[name]
        os.environ["AWS_ENDPOINT_URL"] = place.endpoint_url
    elsewhere = dict(os.environ) != former
    if elsewhere:
        forget()  # clients that this process may have made for its own environment
    try:
        yield
    finally:
        if elsewhere:
            forget()
        os.environ.clear()
        os.environ.update(former)


# ------------------------------------------------------------------------- what is shown


def _announce(event: Event, heard: Sequence[Rule], rules: Sequence[Rule], form: str) -> None:
    """Say which rules hear *event*, or what keeps the nearest from it; beside JSON only the latter, on stderr."""
    if not heard:
        _explain(event, rules, Terminal(stderr=form == "json"))
    elif form == "text":
        what = plain(f"{event['source'].removeprefix('aws.')}:{event['detail'].get('eventName')}")
        for rule in heard:
            Terminal().print(
                Text.assemble((what, "bold"), f" is heard by the rule {rule.name} of {rule.function.name}")
            )


def _explain(event: Event, rules: Sequence[Rule], console: Terminal) -> None:
    """Say by which fields the nearest rules differ from *event*."""
    from pipeseal.sandbox.rules import nearest  # noqa: PLC0415

    near, differences = nearest(rules, event)
    console.print(Text("No rule hears it: on AWS no function would run.", "yellow"))
    names = " and ".join(dict.fromkeys(rule.function.name for rule in near))
    for difference in differences:
        wanted = ", ".join(_value(each) for each in difference.wanted)
        console.print(f"  {difference.field} is {_value(difference.found)}; the rule of {names} takes {wanted}")


def _value(value: object) -> str:
    """Return a value of an event or a pattern in JSON, which has no control characters."""
    if value is None or value == {"exists": False}:
        return "missing"
    text = json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _warn(event: Event, account: str, region: str) -> None:
    """Say where EventBridge would never have brought *event* here."""
    console = Terminal(stderr=True)
    for name, here in (("account", account), ("region", region)):
        if event.get(name) != here:
            console.print(
                Text(f"note: the event is of {name} {plain(event.get(name))}, and you are in {here}", "yellow")
            )


def _show(outcome: Outcome) -> None:
    console = Terminal()
    mark, done, style = DONE.get(outcome["action"], ("!", outcome["action"], "red"))
    console.print()
    console.print(Text.assemble((f"{mark} ", style), (plain(outcome["resource"]), "bold"), (f"  {done}", style)))
    for reason in outcome["reasons"]:
        console.print(f"    {plain(reason)}")
    if outcome["controls"]:
        console.print(f"    controls  {' '.join(outcome['controls'])}")
    if outcome["ledger_id"]:
        console.print(f"    ledger    {outcome['ledger_id']}")
    if outcome["left"] and outcome["action"] in _FINE:
        console.print(Text(f"    left      {' '.join(outcome['left'])}: only its owner can put that right", "yellow"))
