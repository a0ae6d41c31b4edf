"""The reminder of an exemption that ends, as a JSON document; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from pipeseal.exemptions import Exemption, Stage


class Reminder(TypedDict):
    """A reminder; *action* is exemption-ending, one week ahead, or exemption-ended."""

    version: int
    id: str
    """ID of the exemption."""
    action: str
    severity: str
    account: str
    region: str
    controls: list[str]
    exemption: dict[str, str]


def remind(exemption: Exemption, stage: Stage, account: str, region: str) -> Reminder:
    """Return the reminder of *exemption*."""
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
