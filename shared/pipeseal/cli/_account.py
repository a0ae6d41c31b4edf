"""Which account, region and stack a command works on: the AWS CLI's options, and what AWS refuses as exit status 3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    InvalidRegionError,
    NoCredentialsError,
    ParamValidationError,
    ProfileNotFound,
)

from pipeseal.aws.clients import Clients, code
from pipeseal.aws.sessions import session
from pipeseal.aws.world import World
from pipeseal.cli._terminal import plain
from pipeseal.exemptions import ExemptionError


class _Said(click.ClickException):
    """An error in lines of its own; what they quote may be another's, and goes to a terminal."""

    def format_message(self) -> str:
        """Return the text without control characters."""
        return "\n".join(plain(line) for line in self.message.split("\n"))


class BadInput(_Said):
    """What was asked for makes no sense; the text names the thing."""

    exit_code = 2


class AwsRefused(_Said):
    """AWS, or the way to it, did not do what was asked."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Place:
    """What those options name; None where the environment decides."""

    profile: str | None
    region: str | None
    endpoint_url: str | None
    stack: str

    def reached(self) -> tuple[str, Clients]:
        """Return the Region and the clients; raise BadInput or ProfileNotFound where the options make no sense."""
        if self.endpoint_url and not self.endpoint_url.startswith(("http://", "https://")):
            raise BadInput(f"--endpoint-url: {self.endpoint_url!r} is no URL; write http://127.0.0.1:5005, say")
        where, clients = session(self.profile, self.region, self.endpoint_url)
        if not where:
            raise BadInput("no region: give --region, set AWS_REGION, or name one in your AWS configuration")
        return where, clients

    def world(self) -> World:
        """Return the account as the tool sees it; raises as `reached` does."""
        where, clients = self.reached()
        # The tool sends no alerts; World wants to be told of a topic all the same.
        names = {"LEDGER_TABLE": f"{self.stack}-ledger", "ALERT_TOPIC_ARN": f"{self.stack}-alerts"}
        return World({"AWS_REGION": where, **names}, clients)


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
    return _placed(command, lambda place: {"world": place.world()})


def at_place(command: Callable[..., None]) -> Callable[..., None]:
    """Give *command* those options as `place`."""
    return _placed(command, lambda place: {"place": place})


def _placed(command: Callable[..., None], given: Callable[[Place], dict[str, Any]]) -> Callable[..., None]:
    @wraps(command)
    def placed(*, profile: str | None, region: str | None, endpoint_url: str | None, stack: str, **others: Any) -> None:
        try:
            command(**given(Place(profile, region, endpoint_url, stack)), **others)
        except (ExemptionError, InvalidRegionError, ParamValidationError, ProfileNotFound) as error:
            raise BadInput(str(error)) from error
        except ClientError as error:
            raise AwsRefused(_refusal(error, stack)) from error
        except NoCredentialsError as error:
            raise AwsRefused("AWS was not asked, for there are no credentials: give --profile, or sign in") from error
        except BotoCoreError as error:
            raise AwsRefused(f"AWS was not reached: {error}") from error

    for option in reversed(_OPTIONS):
        placed = option(placed)
    return placed


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
