"""What subscribers are told of an exemption that ends: a document for machines, a letter for people; pure."""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote
from typing import TYPE_CHECKING, Any

from pipeseal.exemptions import GROUNDS

if TYPE_CHECKING:
    from pipeseal.exemptions import Exemption, Stage

_SAID = {"exemption-ending": "ends within a week", "exemption-ended": "has ended"}


def remind(exemption: Exemption, stage: Stage, account: str, region: str) -> dict[str, Any]:
    """Return the reminder for machines; `action` is exemption-ending, a week ahead, or exemption-ended."""
    return {
        "version": 1,
        "id": exemption.id,
        "action": str(stage),
        "severity": "low",
        "account": account,
        "region": region,
        "controls": [exemption.control],
        "exemption": exemption.as_dict(),
    }


def subject(reminder: Mapping[str, Any]) -> str:
    """Return the mail's subject: ASCII, one line."""
    return f"[pipeseal] exemption {reminder['id']} {_SAID[reminder['action']]}"


def letter(reminder: Mapping[str, Any]) -> str:
    """Return the reminder as a letter."""
    exemption = reminder["exemption"]
    ended = reminder["action"] == "exemption-ended"
    same = [f"--{name} {quote(exemption[name])}" for name in ("control", "resource", "actor", "tag") if exemption[name]]
    hangs = [f"  only {name} {exemption[name]}" for name in ("actor", "tag") if exemption[name]]
    return "\n".join(
        [
            f"Exemption {exemption['id']} {_SAID[reminder['action']]}.",
            f"Account {reminder['account']}, {reminder['region']}.",
            "",
            "WHAT IT EXCUSES" if not ended else "WHAT IT EXCUSED",
            f"  {exemption['control']} on {exemption['resource']}",
            *hangs,
            f"  until {exemption['until']}",
            "",
            "WHO ANSWERS FOR IT, AND WHY",
            f"  {exemption['owner']}: {exemption['reason']}",
            "",
            "WHAT HAPPENS NOW",
            "  The next look puts right what it excused."
            if ended
            else "  After that moment pipeseal puts right what it excuses.",
            "",
            "IF IT IS STILL NEEDED",
            f"    pipeseal exempt add {' '.join(same)} {GROUNDS}",
            "",
        ]
    )
