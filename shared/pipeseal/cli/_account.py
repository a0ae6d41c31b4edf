"""The account, Region and stack that a command works on, selected as in the AWS CLI; errors of AWS as exit statuses."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from pipeseal.text import printable

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

    from pipeseal.aws.clients import Clients
    from pipeseal.runtime import Runtime

# Importing botocore takes longer than many commands run, so it is imported only where AWS is called or has answered.


class _CommandError(click.ClickException):
    """An error of one or more lines, which may quote text that was written outside pipeseal."""

    def format_message(self) -> str:
        """Return the text without control characters."""
        return "\n".join(printable(line) for line in self.message.split("\n"))


class BadInput(_CommandError):
    """An argument or an option is invalid; the text names it."""

    exit_code = 2


class AwsRefused(_CommandError):
    """AWS refused a call, or could not be reached."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class AwsTarget:
    """The account, Region and stack that the options select; None where the environment decides."""

    profile: str | None
    region: str | None
    endpoint_url: str | None
    stack: str

    def connect(self) -> tuple[str, Clients]:
        """Return the Region and the clients; raise BadInput or ProfileNotFound where an option is invalid."""
        if self.endpoint_url and not self.endpoint_url.startswith(("http://", "https://")):
            raise BadInput(
                f"--endpoint-url: {self.endpoint_url!r} is not a URL; write http://127.0.0.1:5005, for example"
            )
        from pipeseal.aws.sessions import open_session  # noqa: PLC0415 - see above

        region, clients = open_session(self.profile, self.region, self.endpoint_url)
        if not region:
            raise BadInput("No Region. Use --region, set AWS_REGION, or set a Region in your AWS configuration.")
        return region, clients

    def runtime(self) -> Runtime:
        """Return the runtime of a command; raises as `connect` does."""
        from pipeseal.runtime import Runtime  # noqa: PLC0415 - see above

        region, clients = self.connect()
        # Commands send no alerts, but Runtime requires the topic.
        names = {"LEDGER_TABLE": f"{self.stack}-ledger", "ALERT_TOPIC_ARN": f"{self.stack}-alerts"}
        return Runtime({"AWS_REGION": region, **names}, clients)


_INVALID_CREDENTIALS = ("ExpiredToken", "InvalidClientTokenId", "UnrecognizedClient")
"""How the codes begin with which AWS answers calls with such credentials."""

_TARGET_OPTIONS = (
    click.option("--profile", metavar="NAME", help="Use this profile of your AWS configuration."),
    click.option("--region", metavar="NAME", envvar="AWS_REGION", help="The Region of the stack."),
    click.option("--endpoint-url", metavar="URL", help="Send all calls to this URL instead of to AWS."),
    click.option(
        "--stack", metavar="NAME", default="pipeseal", show_default=True, help="The name of pipeseal's stack."
    ),
)

output = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="The format of the output.",
)
dry_run = click.option("--dry-run", "dry", is_flag=True, help="Show what would be done, without writing anything.")


def grounds(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that every exemption requires to *command*: owner, reason and end."""
    command = click.option(
        "--until",
        metavar="END",
        required=True,
        help="When the exemption ends: 12h, 30d, 4w, 2027-01-31 (the end of that day, UTC) or 2027-01-31T12:00Z.",
    )(command)
    command = click.option("--reason", metavar="TEXT", required=True, help="The reason for the exemption.")(command)
    return click.option(
        "--owner", metavar="NAME", required=True, help="The person or team responsible for the exemption."
    )(command)


def with_runtime(command: Callable[..., None]) -> Callable[..., None]:
    """Add the target options to *command* and pass it the Runtime that they select as `runtime`."""
    return _with_target_options(command, lambda target: {"runtime": target.runtime()})


def with_target(command: Callable[..., None]) -> Callable[..., None]:
    """Add the target options to *command* and pass it the AwsTarget that they select as `target`."""
    return _with_target_options(command, lambda target: {"target": target})


def target_options() -> str:
    """Return the target options of the current command line, to append to a command that is printed.

    Begins with a space; "" where the command line has none, as the printed command then finds the same account.
    """
    context = click.get_current_context()
    given = {
        f"--{name.replace('_', '-')}": str(context.params[name])
        for name in ("profile", "region", "endpoint_url", "stack")
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    return "".join(f" {option} {shlex.quote(value)}" for option, value in given.items())


def _with_target_options(
    command: Callable[..., None], arguments: Callable[[AwsTarget], Mapping[str, object]]
) -> Callable[..., None]:
    @wraps(command)
    def wrapped(
        *, profile: str | None, region: str | None, endpoint_url: str | None, stack: str, **others: object
    ) -> None:
        try:
            command(**arguments(AwsTarget(profile, region, endpoint_url, stack)), **others)
        except (click.exceptions.Exit, click.ClickException):
            raise
        except Exception as error:
            if translated := _command_error(error, stack):
                raise translated from error
            raise

    for option in reversed(_TARGET_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def _command_error(error: Exception, stack: str) -> _CommandError | None:
    """Return the error that the command reports for an *error* of AWS or of an exemption; None for any other."""
    from botocore import exceptions as botocore  # noqa: PLC0415 - see above

    from pipeseal.exemptions import ExemptionError  # noqa: PLC0415 - it imports every control

    match error:
        case (
            ExemptionError()
            | botocore.InvalidRegionError()
            | botocore.ParamValidationError()
            | botocore.ProfileNotFound()
        ):
            return BadInput(str(error))
        case botocore.ClientError():
            return AwsRefused(_refusal(error, stack))
        case botocore.NoCredentialsError():
            return AwsRefused("No AWS credentials. Use --profile or run aws sso login.")
        case botocore.CredentialRetrievalError() | botocore.SSOError() | botocore.TokenRetrievalError():
            return AwsRefused(f"AWS credentials could not be loaded: {error}\nUse --profile or run aws sso login.")
        case botocore.BotoCoreError():
            return AwsRefused(f"AWS could not be reached: {error}")
    return None


def _refusal(error: ClientError, stack: str) -> str:
    """Return which call AWS refused, what it answered, and what to do."""
    from pipeseal.aws.errors import code, describe  # noqa: PLC0415 - see above

    refused = describe(error)
    if code(error) == "ResourceNotFoundException":
        return (
            f"{refused}\nCheck that the stack {stack} and its table {stack}-ledger exist in this account and Region; "
            "--stack, --region and --profile select others."
        )
    if code(error).startswith(("AccessDenied", "UnauthorizedOperation")):
        return (
            f"{refused}\nThe command uses your own permissions, not those of pipeseal's functions; --help lists the "
            "permissions that it needs."
        )
    if code(error).startswith(_INVALID_CREDENTIALS):
        return f"{refused}\nYour AWS credentials are expired or invalid. Use --profile or run aws sso login."
    return refused
