"""How commands show what became of a resource: a mark, words and a terminal style for each action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pipeseal.model import Action


class ActionText(NamedTuple):
    """How one action is shown."""

    mark: str
    words: str
    style: str
    """The style as rich names it."""


ACTIONS: Mapping[str, ActionText] = {
    Action.REMEDIATED: ActionText("✓", "remediated", "green"),
    Action.REJECTED: ActionText("✗", "rejected", "magenta"),
    Action.QUARANTINED: ActionText("■", "quarantined", "yellow"),
    Action.DETECTED: ActionText("!", "not changed; subscribers notified", "cyan"),
    Action.FAILED: ActionText("✗", "remediation failed", "red"),
    Action.ESCALATED: ActionText("✗", "suspended: repeatedly reversed", "red"),
    Action.COMPLIANT: ActionText("·", "compliant", "dim"),
    Action.ABSENT: ActionText("·", "does not exist", "dim"),
    Action.KNOWN: ActionText("·", "still violated; already reported", "dim"),
    Action.BUSY: ActionText("·", "another invocation is working on it", "dim"),
    Action.EXEMPT: ActionText("·", "exempted", "dim"),
    Action.UNDONE: ActionText("↶", "undone by an operator", "blue"),
    Action.ABANDONED: ActionText("·", "stopped before the first write; retried", "dim"),
}

INCOMPLETE = ActionText("?", "incomplete: the function stopped before recording a result", "red")
"""How a ledger entry without an outcome is shown."""
