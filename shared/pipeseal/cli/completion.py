"""`pipeseal completion`: the script that makes a shell complete commands, options and IDs of controls."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

_SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command(short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that makes SHELL complete pipeseal's commands, options and IDs of controls.

    \b
    bash (4.4 or newer), in ~/.bashrc:    eval "$(pipeseal completion bash)"
    zsh, in ~/.zshrc after compinit:      eval "$(pipeseal completion zsh)"
    fish:                                 pipeseal completion fish >~/.config/fish/completions/pipeseal.fish
    """  # noqa: D301 - click's mark for "do not wrap" is the character itself
    script = _SHELLS[shell](context.find_root().command, {}, "pipeseal", "_PIPESEAL_COMPLETE")
    # script.source() would check the version of the bash on this machine, which need not be the shell that reads this.
    click.echo(script.source_template % script.source_vars())
