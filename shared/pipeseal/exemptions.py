"""Who is excused from which control on which resource, by whom, why and until when; pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Self

from pipeseal.controls import every_control
from pipeseal.model import Actor

GROUNDS = "--owner 'WHO' --reason 'WHY' --until 30d"
"""What every exemption needs on the command line, as placeholders that a shell takes as they are."""

_LONGEST = 500
_NOTICE = timedelta(days=7)
_SPAN = re.compile(r"(\d{1,5})([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


class ExemptionError(ValueError):
    """An exemption lacks something or makes no sense; the text names the part and says what to write instead."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """Who answers for an exemption, why, and until when."""

    owner: str
    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Exemption:
    """*control* (a glob on ids) does not apply to *resource* (a glob on ARNs) before *until*; case matters in both.

    With *actor* (a glob on names and ARNs) only what they did is excused, for as long as it stays as they left it. With
    *tag* (KEY=VALUE, VALUE a glob) only a resource that carries the tag is. Raises ExemptionError where a text is
    blank, too long or not printable, or where *until* has no time zone.
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
        """Check what must hold of every exemption, the ended ones too."""
        for name in ("id", "control", "resource", "owner", "reason"):
            _check(name, getattr(self, name))
        for name in filter(lambda name: getattr(self, name), ("actor", "tag")):
            _check(name, getattr(self, name))
        if self.tag and not all(self.tag.partition("=")[:2]):
            raise ExemptionError(f"tag: {self.tag!r} is none; write KEY=VALUE, or KEY=* for any value")
        if self.until.utcoffset() is None:
            raise ExemptionError(f"until: {self.until.isoformat()} has no time zone; add Z for UTC")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the exemption that `text` wrote. Raises ExemptionError where it is none."""
        try:
            fields = json.loads(text)
            return cls(**{**fields, "until": datetime.fromisoformat(fields["until"])})
        except (KeyError, TypeError, ValueError) as error:
            raise ExemptionError(
                f"the ledger holds an exemption that cannot be read ({error}): {text!r:.200}"
            ) from error

    @property
    def text(self) -> str:
        """Return the exemption as the ledger keeps it."""
        return json.dumps(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """Return the exemption as the tools print it."""
        return {**asdict(self), "until": self.until.isoformat()}

    def holds(self, now: datetime) -> bool:
        """Say whether it has not ended by *now*."""
        return now < self.until


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What an exemption may hang on beside control and resource."""

    actor: Actor
    """Who did what is to be excused."""
    tags: Callable[[], Mapping[str, str]]
    """Gives the resource's tags; asked only where a tag matters."""
    stays: bool = False
    """Whether everything is as somebody left it who was excused."""

    def allow(self, exemption: Exemption) -> bool:
        """Say whether *exemption* hangs on nothing that is not the case."""
        names = (self.actor.name, self.actor.arn)
        if exemption.actor and not (self.stays or any(fnmatchcase(name, exemption.actor) for name in names)):
            return False
        key, _, value = exemption.tag.partition("=")
        return not exemption.tag or (key in self.tags() and fnmatchcase(self.tags()[key], value))


def grant(  # noqa: PLR0913 - the parts of an exemption
    control: str, resource: str, grounds: Grounds, now: datetime, *, actor: str = "", tag: str = ""
) -> Exemption:
    """Return a new exemption with an id of its own; raise ExemptionError where it could excuse nothing."""
    _check("control", control)
    _check("resource", resource)
    known = [each.id for each in every_control()]
    if not any(fnmatchcase(each, control) for each in known):
        raise ExemptionError(f"control: {control!r} matches none; there are: {', '.join(known)}")
    if not resource.startswith(("arn:", "*")):
        raise ExemptionError(f"resource: {resource!r} is no ARN; write arn:aws:s3:::harbor, or arn:aws:s3:::team-*")
    parts = (control, resource, actor, tag, *map(str, (grounds.owner, grounds.reason, grounds.until, now)))
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
    identity = f"ex-{now:%Y%m%d}-{digest[:8]}"
    exemption = Exemption(identity, control, resource, grounds.owner, grounds.reason, grounds.until, actor, tag)
    if not exemption.holds(now):
        raise ExemptionError(f"until: {grounds.until.isoformat()} is past; an exemption ends in the future")
    return exemption


def excused(
    exemptions: Iterable[Exemption], control_id: str, arn: str, now: datetime, circumstances: Circumstances
) -> Exemption | None:
    """Return the exemption under which the control does not apply to the resource with that ARN now, if any."""
    for each in exemptions:
        if not (each.holds(now) and fnmatchcase(control_id, each.control) and fnmatchcase(arn, each.resource)):
            continue
        if circumstances.allow(each):
            return each
    return None


class Stage(StrEnum):
    """How near its end an exemption is, as reminders name it."""

    ENDING = "exemption-ending"
    ENDED = "exemption-ended"


def due(
    exemptions: Iterable[Exemption], reminded: Mapping[str, str], now: datetime
) -> Iterator[tuple[Exemption, Stage]]:
    """Yield the exemptions that people are to be reminded of, a week before they end and when they have.

    *reminded* says, by id, of which stage they were reminded already.
    """
    for each in exemptions:
        stage = Stage.ENDED if not each.holds(now) else Stage.ENDING if each.until - now <= _NOTICE else None
        if stage and reminded.get(each.id) not in (stage, Stage.ENDED):
            yield each, stage


def moment(text: str, now: datetime) -> datetime:
    """Read an end: a span from *now* (12h, 30d, 4w), a date (the end of that day, UTC), or a time with its zone.

    Raises ExemptionError where *text* is neither.
    """
    try:
        if span := _SPAN.fullmatch(text):
            return now.replace(microsecond=0) + timedelta(**{_UNITS[span[2]]: int(span[1])})
        when = datetime.fromisoformat(text)
        return datetime.combine(when, time.max.replace(microsecond=0), UTC) if _is_date(text) else when
    except (ValueError, OverflowError):
        raise ExemptionError(
            f"until: {text!r:.60} is no end; write a span (12h, 30d, 4w), a date (2027-01-31) or a time with its zone "
            "(2027-01-31T12:00Z)"
        ) from None


def _is_date(text: str) -> bool:
    return "T" not in text and " " not in text


def _check(name: str, text: object) -> None:
    if not isinstance(text, str) or not text.strip():
        raise ExemptionError(f"{name}: is blank; an exemption says who, why and for what")
    if not text.isprintable():
        raise ExemptionError(f"{name}: {text!r:.60} holds characters that cannot be printed; write it on one line")
    if len(text) > _LONGEST:
        raise ExemptionError(f"{name}: has {len(text)} characters; at most {_LONGEST} are kept")
