"""The command line: `pipeseal COMMAND`, one file for each command, imported when the command is called."""

from __future__ import annotations

import os
import sys

import click

from pipeseal.discovery import load, module_names

# Exit statuses by which shells report an end by SIGINT and by SIGPIPE.
_INTERRUPTED, _PIPE_CLOSED = 130, 141


class _Commands(click.Group):
    """Finds commands in the modules of this package: each holds a command of its own name, with "-" for "_"."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands without importing their modules."""
        own = (name.replace("_", "-") for name in module_names(__path__))
        return sorted({*super().list_commands(ctx), *own})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import and return the command *name*; None where there is none."""
        if name not in self.list_commands(ctx):
            return None
        if found := super().get_command(ctx, name):
            return found
        module = name.replace("-", "_")
        command = getattr(load(__name__, module), module, None)
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; raise NoSuchCommand with similar names where there is none."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as unknown:
            raise click.NoSuchCommand(args[0], possibilities=self.list_commands(ctx), ctx=ctx) from unknown

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; end without a message when it is interrupted or its output pipe is closed.

        Click would exit with status 1 for both, which means that violations were found.
        """
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="replace")  # a terminal without Unicode shows "?" for other characters
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo(err=True)  # start a new line after the ^C that the terminal shows
            ctx.exit(_INTERRUPTED)
        except BrokenPipeError:
            # Without this, Python fails again when it flushes the buffer at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(_PIPE_CLOSED)


def _version(context: click.Context, _option: click.Parameter, requested: bool) -> None:  # noqa: FBT001 - click's call
    if not requested or context.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - slow to import, rarely needed

    try:
        click.echo(f"pipeseal {version('pipeseal')}")
    except PackageNotFoundError:
        click.echo("pipeseal (running from a checkout, not installed)")
    context.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and exit."
)
def main() -> None:
    """Keep CI/CD data on AWS sealed.

    Artifacts are encrypted at rest, transferred only over TLS, under symmetric keys, with no plaintext secret.

    \b
    See a demonstration:    pipeseal demo
    Describe the controls:  pipeseal explain control

    Exit status of every command: 0 success, 1 violations were found, 2 invalid input, 3 AWS refused a call.
    """  # noqa: D301 - click's mark for "do not wrap" is the character itself
