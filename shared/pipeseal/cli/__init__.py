"""The operator's tool: `pipeseal COMMAND`, one file a command, imported when it is called."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import click

_INTERRUPTED, _NOBODY_READS = 130, 141  # as a shell calls the end by SIGINT and by SIGPIPE


class _Commands(click.Group):
    """The modules beside this one that hold a command of their own name, with "-" for "_"."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return what may be a command; nothing is imported."""
        own = (module.name.replace("_", "-") for module in iter_modules(__path__) if not module.name.startswith("_"))
        return sorted({*super().list_commands(ctx), *own})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import the command *name*, or return None where there is none."""
        if name not in self.list_commands(ctx):
            return None
        if found := super().get_command(ctx, name):
            return found
        module = name.replace("-", "_")
        command = getattr(import_module(f"{__name__}.{module}"), module, None)
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; name what comes near where there is none."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as unknown:
            raise click.NoSuchCommand(args[0], possibilities=self.list_commands(ctx), ctx=ctx) from unknown

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; end quietly when it is interrupted, or when nobody reads its output any more.

        Both would otherwise exit with status 1, which says that violations were found.
        """
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="replace")  # a terminal without Unicode shows "?" where it must
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo(err=True)  # after the ^C that the terminal shows
            ctx.exit(_INTERRUPTED)
        except BrokenPipeError:
            # What is buffered would fail once more when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(_NOBODY_READS)


def _version(context: click.Context, _option: click.Parameter, asked: bool) -> None:  # noqa: FBT001 - click's call
    if not asked or context.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - slow, and hardly ever asked for

    try:
        click.echo(f"pipeseal {version('pipeseal')}")
    except PackageNotFoundError:
        click.echo("pipeseal of a checkout that is not installed")
    context.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and exit."
)
def main() -> None:
    """Keep CI/CD data on AWS sealed.

    Encrypted at rest, moved only over TLS, under symmetric keys, with no secret in clear.

    \b
    New here?              pipeseal demo
    What is checked, why?  pipeseal explain control

    Exit status of every command: 0 fine, 1 something is wrong with what was looked at, 2 bad input, 3 AWS refused.
    """  # noqa: D301 - click's mark for "do not wrap" is the character itself
