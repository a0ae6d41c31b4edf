"""`pipeseal completion`: what a shell must read so that it completes commands, options and ids of controls."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

_SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command(short_help="Print what makes your shell complete pipeseal's words.")
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script by which SHELL completes pipeseal's commands, options and ids of controls.

    \b
    bash (4.4 or newer), in ~/.bashrc:    eval "$(pipeseal completion bash)"
    zsh, in ~/.zshrc after compinit:      eval "$(pipeseal completion zsh)"
    fish:                                 pipeseal completion fish >~/.config/fish/completions/pipeseal.fish
    """  # noqa: D301 - click's mark for "do not wrap" is the character itself
    script = _SHELLS[shell](context.find_root().command, {}, "pipeseal", "_PIPESEAL_COMPLETE")
    # Not script.source(): it asks the bash of this machine for its version, which may not be the one that reads this.
    click.echo(script.source_template % script.source_vars())
