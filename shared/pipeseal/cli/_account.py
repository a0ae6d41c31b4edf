"""Which account, region and stack a command works on: the AWS CLI's options, and what AWS refuses as exit status 3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from pipeseal.cli._plain import plain

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

    from pipeseal.aws.clients import Clients
    from pipeseal.aws.world import World

# botocore takes longer to import than many a command to run, so it is imported where AWS is asked, or has answered.


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
        from pipeseal.aws.sessions import session  # noqa: PLC0415 - see above

        where, clients = session(self.profile, self.region, self.endpoint_url)
        if not where:
            raise BadInput("no region: give --region, set AWS_REGION, or name one in your AWS configuration")
        return where, clients

    def world(self) -> World:
        """Return the account as the tool sees it; raises as `reached` does."""
        from pipeseal.aws.world import World  # noqa: PLC0415 - see above

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
        except (click.exceptions.Exit, click.ClickException):
            raise
        except Exception as error:
            if said := _said(error, stack):
                raise said from error
            raise

    for option in reversed(_OPTIONS):
        placed = option(placed)
    return placed


def _said(error: Exception, stack: str) -> _Said | None:
    """Turn what AWS or the ledger refuses into what the command says; None for what is neither's."""
    from botocore import exceptions as botocore  # noqa: PLC0415 - see above

    from pipeseal.exemptions import ExemptionError  # noqa: PLC0415 - as above

    match error:
        case ExemptionError():
            return BadInput(str(error))
        case botocore.InvalidRegionError() | botocore.ParamValidationError() | botocore.ProfileNotFound():
            return BadInput(str(error))
        case botocore.ClientError():
            return AwsRefused(_refusal(error, stack))
        case botocore.NoCredentialsError():
            return AwsRefused("AWS was not asked, for there are no credentials: give --profile, or sign in")
        case botocore.BotoCoreError():
            return AwsRefused(f"AWS was not reached: {error}")
    return None


def _refusal(error: ClientError, stack: str) -> str:
    from pipeseal.aws.clients import code  # noqa: PLC0415 - see above

    answer = error.response.get("Error", {}).get("Message", "")
    said = f"AWS refused {error.operation_name}: {code(error)}: {answer}".rstrip(": ")
    if code(error) == "ResourceNotFoundException":
        return f"{said}\nIs {stack}-ledger in this account and region? --stack, --region and --profile say which."
    if code(error).startswith(("AccessDenied", "UnauthorizedOperation")):
        return (
            f"{said}\nYour own permissions count here, not those of pipeseal's functions; --help lists what is needed."
        )
    return said
