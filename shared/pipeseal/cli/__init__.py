"""The operator's tool: `pipeseal COMMAND`, one file a command, imported when it is called."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pkgutil import iter_modules

import click


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


def _version() -> str:
    try:
        return version("pipeseal")
    except PackageNotFoundError:
        return "of a checkout that is not installed"


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(_version(), prog_name="pipeseal", message="%(prog)s %(version)s")
def main() -> None:
    """Keep CI/CD data on AWS sealed.

    Encrypted at rest, moved only over TLS, under symmetric keys, with no secret in clear.

    New here? Try: pipeseal demo
    """
