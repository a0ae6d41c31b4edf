"""Control IDs as arguments: any case, shell completion, suggestions for unknown ones."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

from pipeseal.cli._account import BadInput
from pipeseal.controls import every_control
from pipeseal.model import AnyControl
from pipeseal.text import conjoin, printable

if TYPE_CHECKING:
    import click

_MAX_SUGGESTIONS = 3


def control_of(text: str) -> AnyControl:
    """Return the control with the ID *text*, in any case; raise BadInput with similar IDs if there is none."""
    controls = {control.id: control for control in every_control()}
    if found := controls.get(text.upper()):
        return found
    similar = get_close_matches(text.upper(), controls, _MAX_SUGGESTIONS, cutoff=0.5)
    suggestion = f"Similar IDs: {conjoin(similar)}. " if similar else ""
    raise BadInput(
        f"{printable(text)}: unknown control. {suggestion}To list all controls, run pipeseal explain control."
    )


def control_ids(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Return the control IDs that begin with *incomplete*, each with its title as help."""
    return [
        CompletionItem(control.id, help=control.title)
        for control in every_control()
        if control.id.startswith(incomplete.upper())
    ]
