"""`pipeseal invoke`: match an event against the template's rules and run the real functions, without Docker."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from io import StringIO
from typing import TYPE_CHECKING, TypedDict

import click
from rich.text import Text

from pipeseal.aws.clients import clear_clients
from pipeseal.aws.errors import AWS_ERRORS
from pipeseal.cli._account import AwsTarget, BadInput, output, with_target
from pipeseal.cli._actions import ACTIONS, ActionText
from pipeseal.cli._extra import optional_imports
from pipeseal.cli._input import text_of
from pipeseal.cli._terminal import Terminal
from pipeseal.kinds.cloudtrail import Malformed
from pipeseal.model import Action, OutcomeDocument
from pipeseal.settings import SettingsError
from pipeseal.text import conjoin, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeseal.sandbox.event_rules import EventRule
    from pipeseal.sandbox.records import EventDocument as Event
    from pipeseal.sandbox.template import TemplateFunction

_VIOLATED = 1
# Every other action, a future one included, means that a violation remains or that the state is unknown.
_RESOLVED = {Action.REMEDIATED, Action.REJECTED, Action.COMPLIANT, Action.ABSENT, Action.EXEMPT}
# In the environment these take precedence over AWS_PROFILE; in the AWS CLI --profile takes precedence over them.
_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_LONGEST_VALUE = 120


class InvokeDocument(TypedDict):
    """What `invoke --format json` prints."""

    matched: list[str]
    """Names of the functions whose rules match the event."""
    outcomes: list[OutcomeDocument]


class _FunctionFailed(click.ClickException):
    """A function raised an error; the text names the function."""

    exit_code = _VIOLATED


@click.command(short_help="Run the real functions on an event, without Docker.")
@click.argument("file", metavar="EVENT.json", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "--parameter",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    help="A parameter of template.yaml, such as Mode=detect; can be repeated.",
)
@click.option("-v", "--verbose", is_flag=True, help="Print the function's log on stderr.")
@output
@with_target
@click.pass_context
def invoke(  # noqa: PLR0913 - one argument for each option
    context: click.Context, *, file: str, parameters: tuple[str, ...], verbose: bool, form: str, target: AwsTarget
) -> None:
    """Run each function whose rule matches the EventBridge event in EVENT.json ("-" reads standard input).

    The rules and the environment variables are those of template.yaml, and the handlers are those in functions/. They
    work on the account of your credentials: violations are remediated, recorded and alerted as on AWS. With --parameter
    Mode=detect no resource is written to. Other parameters have the template's defaults, not the values of your stack.

    \b
    To try it without an AWS account, run pipeseal demo --serve --port 5005 in another terminal, then:
      export AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=ada AWS_SECRET_ACCESS_KEY=none
      pipeseal invoke events/put_bucket_policy.json --endpoint-url http://127.0.0.1:5005

    The command uses your own permissions. It needs those of the function's role in template.yaml and
    sts:GetCallerIdentity.

    --format json prints {"matched": [names of functions], "outcomes": [one for each resource]}.

    Exit status: 0 every resource is compliant or was remediated, or no rule matches; 1 a violation remains (detected,
    quarantined, failed, known, busy) or the function failed; 2 the file does not hold an event, or a parameter is
    invalid; 3 AWS refused a call.
    """  # noqa: D301 - click's mark for "do not wrap" is the character itself
    event, values = _parse_event(file, text_of(file)), _parse_parameters(parameters)
    account, region = _account_and_region(target)
    rules = _rules(target, account, region, values)
    matching = tuple({rule.function.name: rule for rule in rules if rule.matches(event)}.values())
    _show_rules(event, matching, rules, form)
    _note_mismatch(event, account, region)
    with _status(verbose=verbose), _target_environment(target, region):
        outcomes = [
            outcome
            for rule in matching
            for outcome in _run(rule.function, event, account, region, file, verbose=verbose)
        ]
    if form == "json":
        document: InvokeDocument = {"matched": [rule.function.name for rule in matching], "outcomes": outcomes}
        click.echo(json.dumps(document, indent=2))
    else:
        for outcome in outcomes:
            _show(outcome)
        if matching and not outcomes:
            click.echo("No resource was checked: it belongs to another account, or pipeseal itself made the call.")
    resolved = all(outcome["action"] in _RESOLVED and not outcome["left"] for outcome in outcomes)
    context.exit(0 if resolved else _VIOLATED)


def _parse_event(file: str, text: str) -> Event:
    """Return the event in *text*; raise BadInput where it does not have the form of an EventBridge event."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{file}: not JSON: {error}") from error
    if not isinstance(event, dict):
        raise BadInput(f"{file}: must be one EventBridge event, an object")
    if "eventName" in event and "detail" not in event:
        raise BadInput(
            f"{file}: is a CloudTrail record, not an EventBridge event. Put the record under detail, beside source, "
            "detail-type, account, region and time; see events/put_bucket_policy.json"
        )
    for name, kind in (("source", str), ("detail-type", str), ("detail", dict)):
        if not isinstance(event.get(name), kind):
            expected = "an object" if kind is dict else "a string"
            raise BadInput(f"{file}: is not an EventBridge event: {name} must be {expected}")
    return event


def _parse_parameters(parameters: tuple[str, ...]) -> dict[str, str]:
    """Return the parameters by name; raise BadInput where one is not NAME=VALUE."""
    values = {}
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if not name or not equals:
            raise BadInput(f"--parameter: {parameter!r} must be NAME=VALUE, such as Mode=detect")
        values[name] = value
    return values


def _account_and_region(target: AwsTarget) -> tuple[str, str]:
    """Return the account of the credentials, as STS returns it, and the Region."""
    region, clients = target.connect()
    return clients("sts", region).get_caller_identity()["Account"], region


def _rules(target: AwsTarget, account: str, region: str, parameters: Mapping[str, str]) -> tuple[EventRule, ...]:
    """Return the rules of the template; raise BadInput where there is no template or it rejects *parameters*."""
    with optional_imports("invoke"):
        from pipeseal.sandbox.event_rules import rules_of  # noqa: PLC0415 - takes a second, which --help must not cost
        from pipeseal.sandbox.template import Template, TemplateError, find_template  # noqa: PLC0415 - the same
    endpoint = target.endpoint_url or os.environ.get("AWS_ENDPOINT_URL", "")
    try:
        stack = Template(find_template(), account, region, {"AwsEndpointUrl": endpoint, **parameters}, target.stack)
        return rules_of(tuple(stack.functions()))
    except TemplateError as error:
        raise BadInput(str(error)) from error


def _run(  # noqa: PLR0913 - a function, its event, and where it runs
    function: TemplateFunction, event: Event, account: str, region: str, file: str, *, verbose: bool
) -> tuple[OutcomeDocument, ...]:
    """Run *function* on *event*; raise BadInput where the event or a parameter is invalid, else _FunctionFailed."""
    from pipeseal.sandbox.lambda_runtime import function_arn, invoke, load_handler  # noqa: PLC0415 - see _rules
    from pipeseal.sandbox.template import TemplateError  # noqa: PLC0415 - see _rules

    log = sys.stderr if verbose else StringIO()
    try:
        return invoke(function, load_handler(function), event, function_arn(function, account, region), log)
    except (Malformed, SettingsError, TemplateError) as error:
        raise BadInput(f"{file}: {error}") from error
    except AWS_ERRORS:
        raise
    except Exception as error:
        if verbose:
            click.echo(traceback.format_exc(), err=True)
        message = f"{function.name} failed; Lambda would retry the event: {type(error).__name__}: {error}"
        raise _FunctionFailed(printable(message)) from error


def _status(*, verbose: bool) -> AbstractContextManager[object]:
    """Show on a terminal that the function is running; not where its log is printed there."""
    return nullcontext() if verbose else Terminal(stderr=True).status("The function is running ...")


@contextmanager
def _target_environment(target: AwsTarget, region: str) -> Iterator[None]:
    """Set the variables that a function's clients read to *target*; restore the environment at the end."""
    former = dict(os.environ)
    os.environ.update(AWS_REGION=region, AWS_DEFAULT_REGION=region)
    if target.profile:
        for name in _CREDENTIALS:
            os.environ.pop(name, None)
        os.environ["AWS_PROFILE"] = target.profile
    if target.endpoint_url:
        for name in former:
            if name.startswith("AWS_ENDPOINT_URL"):
                del os.environ[name]
        os.environ["AWS_ENDPOINT_URL"] = target.endpoint_url
    changed = dict(os.environ) != former
    if changed:
        clear_clients()  # clients that this process made for the former environment
    try:
        yield
    finally:
        if changed:
            clear_clients()
        os.environ.clear()
        os.environ.update(former)


# ------------------------------------------------------------------------- output


def _show_rules(event: Event, matching: Sequence[EventRule], rules: Sequence[EventRule], form: str) -> None:
    """Print which rules match *event*, or why none does; with JSON only the latter, on stderr."""
    if not matching:
        _show_mismatch(event, rules, Terminal(stderr=form == "json"))
    elif form == "text":
        call = printable(f"{event['source'].removeprefix('aws.')}:{event['detail'].get('eventName')}")
        for rule in matching:
            Terminal().print(Text.assemble((call, "bold"), f" matches rule {rule.name} of {rule.function.name}"))


def _show_mismatch(event: Event, rules: Sequence[EventRule], console: Terminal) -> None:
    """Print in which fields the most similar rules differ from *event*."""
    from pipeseal.sandbox.event_rules import nearest_rules  # noqa: PLC0415 - see _rules

    near, differences = nearest_rules(rules, event)
    console.print(Text("No rule matches the event: on AWS no function would run.", "yellow"))
    names = conjoin(list(dict.fromkeys(rule.function.name for rule in near)))
    for difference in differences:
        expected = " or ".join(_value(each) for each in difference.accepted)
        console.print(f"  {difference.field} is {_value(difference.found)}; the rule of {names} expects {expected}")


def _value(value: object) -> str:
    """Return a value of an event or a pattern as JSON, which has no control characters."""
    if value is None or value == {"exists": False}:
        return "missing"
    text = json.dumps(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."


def _note_mismatch(event: Event, account: str, region: str) -> None:
    """Print a note on stderr where EventBridge would deliver *event* in another account or Region."""
    console = Terminal(stderr=True)
    for name, own in (("account", account), ("Region", region)):
        found = event.get(name.lower())
        if found != own:
            note = f"Note: the event is from {name} {printable(found)}; the function runs in {name} {own}."
            console.print(Text(note, "yellow"))


def _show(outcome: OutcomeDocument) -> None:
    console = Terminal()
    mark, words, style = ACTIONS.get(outcome["action"], ActionText("!", outcome["action"], "red"))
    console.print()
    console.print(Text.assemble((f"{mark} ", style), (printable(outcome["resource"]), "bold"), (f"  {words}", style)))
    for reason in outcome["reasons"]:
        console.print(f"    {printable(reason)}")
    if outcome["controls"]:
        console.print(f"    controls  {' '.join(outcome['controls'])}")
    if outcome["ledger_id"]:
        console.print(f"    ledger    {outcome['ledger_id']}")
    if outcome["left"] and outcome["action"] in _RESOLVED:
        remaining = f"    left      {' '.join(outcome['left'])}: requires action by the resource owner"
        console.print(Text(remaining, "yellow"))
