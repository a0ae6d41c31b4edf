"""Which account, region and stack a command works on: the AWS CLI's options, and what AWS refuses as exit status 3."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    InvalidRegionError,
    ParamValidationError,
    ProfileNotFound,
)

from pipeseal.aws.clients import code
from pipeseal.aws.sessions import session
from pipeseal.aws.world import World
from pipeseal.exemptions import ExemptionError


class BadInput(click.ClickException):
    """What was asked for makes no sense; the text names the thing."""

    exit_code = 2


class AwsRefused(click.ClickException):
    """AWS, or the way to it, did not do what was asked."""

    exit_code = 3


_OPTIONS = (
    click.option("--profile", metavar="NAME", help="Profile of your AWS configuration."),
    click.option("--region", metavar="NAME", envvar="AWS_REGION", help="Region that the stack is in."),
    click.option("--endpoint-url", metavar="URL", help="Send all calls there instead of to AWS."),
    click.option("--stack", metavar="NAME", default="pipeseal", show_default=True, help="Name of pipeseal's stack."),
)

output = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
dry_run = click.option("--dry-run", "dry", is_flag=True, help="Say what would be done, and write nothing.")


def grounds(command: Callable[..., None]) -> Callable[..., None]:
    """Give *command* the options of who answers for an exemption, why and until when."""
    command = click.option(
        "--until",
        metavar="END",
        required=True,
        help="When it ends: 12h, 30d, 4w, 2027-01-31 (the end of that day, UTC) or 2027-01-31T12:00Z.",
    )(command)
    command = click.option("--reason", metavar="TEXT", required=True, help="Why.")(command)
    return click.option("--owner", metavar="NAME", required=True, help="Who answers for it: a person or a team.")(
        command
    )


def on_account(command: Callable[..., None]) -> Callable[..., None]:
    """Give *command* those options, and the World that they name as `world`."""

    @wraps(command)
    def on_world(
        *, profile: str | None, region: str | None, endpoint_url: str | None, stack: str, **others: Any
    ) -> None:
        try:
            command(world=_world(profile, region, endpoint_url, stack), **others)
        except ExemptionError as error:
            raise BadInput(str(error)) from error
        except (InvalidRegionError, ParamValidationError, ProfileNotFound) as error:
            raise BadInput(str(error)) from error
        except ClientError as error:
            raise AwsRefused(_refusal(error, stack)) from error
        except BotoCoreError as error:
            raise AwsRefused(f"AWS was not reached: {error}") from error

    for option in reversed(_OPTIONS):
        on_world = option(on_world)
    return on_world


def _world(profile: str | None, region: str | None, endpoint_url: str | None, stack: str) -> World:
    if endpoint_url and not endpoint_url.startswith(("http://", "https://")):
        raise BadInput(f"--endpoint-url: {endpoint_url!r} is no URL; write http://127.0.0.1:5005, say")
    where, clients = session(profile, region, endpoint_url)
    if not where:
        raise BadInput("no region: give --region, set AWS_REGION, or name one in your AWS configuration")
    # The tool sends no alerts; World wants to be told of a topic all the same.
    environment = {"AWS_REGION": where, "LEDGER_TABLE": f"{stack}-ledger", "ALERT_TOPIC_ARN": f"{stack}-alerts"}
    return World(environment, clients)


def _refusal(error: ClientError, stack: str) -> str:
    answer = error.response.get("Error", {}).get("Message", "")
    said = f"AWS refused {error.operation_name}: {code(error)}: {answer}".rstrip(": ")
    if code(error) == "ResourceNotFoundException":
        return f"{said}\nIs {stack}-ledger in this account and region? --stack, --region and --profile say which."
    if code(error).startswith(("AccessDenied", "UnauthorizedOperation")):
        return (
            f"{said}\nYour own permissions count here, not those of pipeseal's functions; --help lists what is needed."
        )
    return said
