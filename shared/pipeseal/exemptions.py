"""Exemptions: which control does not apply to which resource, by whose decision, why and until when; pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Self

from pipeseal.controls import every_control
from pipeseal.model import Actor
from pipeseal.text import parse_duration

GROUNDS = "--owner 'WHO' --reason 'WHY' --until 30d"
"""The options that every exemption needs on the command line, as placeholders that a shell accepts."""

_LONGEST = 500
_NOTICE = timedelta(days=7)


class ExemptionError(ValueError):
    """An exemption is incomplete or invalid; the text names the part and says what to write instead."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """Who owns an exemption, why, and until when."""

    owner: str
    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Exemption:
    """*control* (a glob on IDs) does not apply to *resource* (a glob on ARNs) before *until*; both are case-sensitive.

    With *actor* (a glob on names and ARNs) it covers only what that actor did, for as long as it stays unchanged. With
    *tag* (KEY=VALUE, VALUE a glob) it covers only resources with that tag. Raises ExemptionError where a text is blank,
    too long or not printable, or where *until* has no time zone.
    """

    id: str
    control: str
    resource: str
    owner: str
    reason: str
    until: datetime
    actor: str = ""
    tag: str = ""

    def __post_init__(self) -> None:
        """Check what must be true of every exemption, ended ones included."""
        for name in ("id", "control", "resource", "owner", "reason"):
            _require_text(name, getattr(self, name))
        for name in filter(lambda name: getattr(self, name), ("actor", "tag")):
            _require_text(name, getattr(self, name))
        if self.tag and not all(self.tag.partition("=")[:2]):
            raise ExemptionError(f"tag: {self.tag!r} is not a tag; write KEY=VALUE, or KEY=* for any value")
        if self.until.utcoffset() is None:
            raise ExemptionError(f"until: {self.until.isoformat()} has no time zone; add Z for UTC")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the exemption that `text` returned. Raises ExemptionError where it cannot be parsed."""
        try:
            fields = json.loads(text)
            return cls(**{**fields, "until": datetime.fromisoformat(fields["until"])})
        except (KeyError, TypeError, ValueError) as error:
            raise ExemptionError(
                f"the ledger holds an exemption that cannot be read ({error}): {text!r:.200}"
            ) from error

    @property
    def text(self) -> str:
        """Return the exemption as the ledger stores it."""
        return json.dumps(self.as_dict())

    def as_dict(self) -> dict[str, str]:
        """Return the exemption as the commands print it."""
        return {**asdict(self), "until": self.until.isoformat()}

    def is_active(self, now: datetime) -> bool:
        """Return whether it has not ended by *now*."""
        return now < self.until


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What an exemption may depend on apart from the control and the resource."""

    actor: Actor
    """Who caused the violation."""
    tags: Callable[[], Mapping[str, str]]
    """Returns the resource's tags; called only where a tag matters."""
    unchanged: bool = False
    """Whether the resource is still as an actor with an exemption left it."""

    def satisfy(self, exemption: Exemption) -> bool:
        """Return whether the actor and the tag of *exemption*, where it has any, match."""
        names = (self.actor.name, self.actor.arn)
        if exemption.actor and not (self.unchanged or any(fnmatchcase(name, exemption.actor) for name in names)):
            return False
        key, _, value = exemption.tag.partition("=")
        return not exemption.tag or (key in self.tags() and fnmatchcase(self.tags()[key], value))


def grant(  # noqa: PLR0913 - the parts of an exemption
    control: str, resource: str, grounds: Grounds, now: datetime, *, actor: str = "", tag: str = ""
) -> Exemption:
    """Return a new exemption with an ID of its own; raise ExemptionError where it could never apply."""
    _require_text("control", control)
    _require_text("resource", resource)
    known = [each.id for each in every_control()]
    if not any(fnmatchcase(each, control) for each in known):
        raise ExemptionError(f"control: {control!r} matches no control; the controls are: {', '.join(known)}")
    if not resource.startswith(("arn:", "*")):
        raise ExemptionError(
            f"resource: {resource!r} is not an ARN; write arn:aws:s3:::acme-artifacts, or arn:aws:s3:::team-*"
        )
    parts = (control, resource, actor, tag, *map(str, (grounds.owner, grounds.reason, grounds.until, now)))
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
    identity = f"ex-{now:%Y%m%d}-{digest[:8]}"
    exemption = Exemption(identity, control, resource, grounds.owner, grounds.reason, grounds.until, actor, tag)
    if not exemption.is_active(now):
        raise ExemptionError(f"until: {grounds.until.isoformat()} is in the past; an exemption ends in the future")
    return exemption


def exemption_for(
    exemptions: Iterable[Exemption], control_id: str, arn: str, now: datetime, circumstances: Circumstances
) -> Exemption | None:
    """Return the exemption under which the control does not apply to the resource with that ARN; None without one."""
    for each in exemptions:
        if not (each.is_active(now) and fnmatchcase(control_id, each.control) and fnmatchcase(arn, each.resource)):
            continue
        if circumstances.satisfy(each):
            return each
    return None


class Stage(StrEnum):
    """What a reminder says about an exemption; the values are the reminder's action."""

    ENDING = "exemption-ending"
    ENDED = "exemption-ended"


def due_reminders(
    exemptions: Iterable[Exemption], reminded: Mapping[str, str], now: datetime
) -> Iterator[tuple[Exemption, Stage]]:
    """Yield the exemptions that need a reminder: one week before they end, and when they have ended.

    *reminded* holds, by exemption ID, the stage of the last reminder.
    """
    for each in exemptions:
        stage = Stage.ENDED if not each.is_active(now) else Stage.ENDING if each.until - now <= _NOTICE else None
        if stage and reminded.get(each.id) not in (stage, Stage.ENDED):
            yield each, stage


def parse_end(text: str, now: datetime) -> datetime:
    """Return the time that *text* gives: a duration from *now* (12h, 30d, 4w), a date (its end in UTC), or a time.

    Raises ExemptionError where *text* is none of them.
    """
    try:
        if (duration := parse_duration(text)) is not None:
            return now.replace(microsecond=0) + duration
        when = datetime.fromisoformat(text)
        return datetime.combine(when, time.max.replace(microsecond=0), UTC) if _is_date(text) else when
    except (ValueError, OverflowError):
        raise ExemptionError(
            f"until: {text!r:.60} is not an end; write a duration (12h, 30d, 4w), a date (2027-01-31) or a time with "
            "its time zone (2027-01-31T12:00Z)"
        ) from None


def _is_date(text: str) -> bool:
    return "T" not in text and " " not in text


def _require_text(name: str, text: object) -> None:
    if not isinstance(text, str) or not text.strip():
        raise ExemptionError(f"{name}: is blank; an exemption needs a control, a resource, an owner and a reason")
    if not text.isprintable():
        raise ExemptionError(f"{name}: {text!r:.60} has characters that are not printable; write it on one line")
    if len(text) > _LONGEST:
        raise ExemptionError(f"{name}: has {len(text)} characters; the limit is {_LONGEST}")
