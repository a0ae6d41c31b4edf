"""The ids of controls as people type them: found in any case, completed by the shell, near misses named."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

from pipeseal.cli._account import BadInput
from pipeseal.cli._plain import plain
from pipeseal.controls import every_control
from pipeseal.model import Control

if TYPE_CHECKING:
    import click

_MOST = 3


def control_of(text: str) -> Control:
    """Return the control with the id *text*; raise BadInput where there is none, naming what comes near."""
    controls = {control.id: control for control in every_control()}
    if found := controls.get(text.upper()):
        return found
    near = get_close_matches(text.upper(), controls, _MOST, cutoff=0.5)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    raise BadInput(f"{plain(text)}: there is no such control; {meant}pipeseal explain control lists them all")


def control_ids(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Return what *incomplete* may become, each with its title where the shell shows one."""
    return [
        CompletionItem(control.id, help=control.title)
        for control in every_control()
        if control.id.startswith(incomplete.upper())
    ]
