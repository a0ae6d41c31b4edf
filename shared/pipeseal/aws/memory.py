"""What the ledger knows of one resource, as a value: its neighbours, how it was when sound, who is at work on it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pipeseal.aws.entries import NOTHING
from pipeseal.exemptions import Exemption

USED_BY = "used-by:"
USES = "uses:"

Times = Mapping[str, tuple[datetime, ...]]

_LONG_AGO = datetime.fromtimestamp(0, UTC)


class Memory(NamedTuple):
    """What is known of one resource."""

    users: Mapping[str, str] = NOTHING
    """ARN of each resource that uses it -> ARN of the key that it names, or ""."""
    uses: Mapping[str, str] = NOTHING
    """The other way round: ARN of each resource that it uses -> the same."""
    sound: Mapping[str, Any] = NOTHING
    """What it was last found sound with, of a kind that is measured by what it was."""
    told: str = ""
    """Digests, with spaces between, of what was told of the resource and is wrong with it still."""
    turn: int = 0
    """How often somebody has been at work on it: whoever read it before another's turn read something old."""
    holder: str = ""
    """Id of the entry of whoever is at work on it, or died at it."""
    held_until: datetime = _LONG_AGO
    """When a holder that is still there must be dead."""
    righted: Times = NOTHING
    """Control -> when it was put right of late."""
    wars: Mapping[str, datetime] = NOTHING
    """Control that gave up because somebody kept undoing it -> when that was last seen broken."""
    spared: Mapping[str, str] = NOTHING
    """Control -> digest of what somebody left who was excused by their name."""
    exemptions: tuple[Exemption, ...] = ()
    """All of the stack's, the ended ones too."""
    looked: datetime = _LONG_AGO
    """When whoever has this memory began to look at the resource."""

    def of_late(self, now: datetime, span: timedelta) -> Times:
        """Return what was put right within *span* of *now*."""
        kept = {control: tuple(time for time in times if now - time < span) for control, times in self.righted.items()}
        return {control: times for control, times in kept.items() if times}

    def at_war(self, now: datetime, quiet: timedelta) -> dict[str, datetime]:
        """Return the controls that gave up and have not had *quiet* since, each with when it was last broken."""
        return {control: last for control, last in self.wars.items() if now - last < quiet}


def of_items(item: Mapping[str, Any], exemptions: tuple[Exemption, ...]) -> Memory:
    """Return the memory that *item*, which may be empty, holds."""
    text = {name: value["S"] for name, value in item.items() if "S" in value}
    number = {name: value["N"] for name, value in item.items() if "N" in value}
    return Memory(
        users=_under(USED_BY, text),
        uses=_under(USES, text),
        sound=json.loads(text.get("sound", "{}")),
        told=text.get("told", ""),
        turn=int(number.get("turn", "0")),
        holder=text.get("holder", ""),
        held_until=datetime.fromtimestamp(float(number.get("held_until", "0")), UTC),
        righted={control: _times(times) for control, times in json.loads(text.get("righted", "{}")).items()},
        wars={control: datetime.fromisoformat(last) for control, last in json.loads(text.get("wars", "{}")).items()},
        spared=json.loads(text.get("spared", "{}")),
        exemptions=exemptions,
    )


def _under(prefix: str, text: Mapping[str, str]) -> dict[str, str]:
    return {name[len(prefix) :]: value for name, value in text.items() if name.startswith(prefix)}


def _times(texts: Iterable[str]) -> tuple[datetime, ...]:
    return tuple(map(datetime.fromisoformat, texts))


def times_text(righted: Times) -> str:
    """Return `righted` as the ledger keeps it."""
    return json.dumps({control: [time.isoformat() for time in times] for control, times in righted.items()})


def wars_text(wars: Mapping[str, datetime]) -> str:
    """Return `wars` as the ledger keeps it."""
    return json.dumps({control: last.isoformat() for control, last in wars.items()})
