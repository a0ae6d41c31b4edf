"""The page: what the facts come to, laid into the template; nothing in it calls anywhere or runs what others wrote."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeseal.cli._entry import Change, actor_of, came_of, changes, name_of, way_back, way_on
from pipeseal.cli._report import words
from pipeseal.cli._report.facts import Facts, Posture, Spell, State, kind_of, postures, spells
from pipeseal.cli._report.graph import HEIGHT, WIDTH, graph
from pipeseal.cli._report.posture import Row, begin, row
from pipeseal.cli._report.timeline import NAMES, timeline
from pipeseal.controls import every_control
from pipeseal.model import Action, Severity

if TYPE_CHECKING:
    from pipeseal.aws.entries import Entry
    from pipeseal.exemptions import Exemption
    from pipeseal.model import Control

_WIDTH = 96
"""Columns of a policy diff."""
_MOST = 1000
"""Entries that one page lists; more make it heavy, and pipeseal history has them all."""
_SOON = timedelta(days=7)
_STATES = {
    Action.REMEDIATED: State.RIGHTED,
    Action.REJECTED: State.RIGHTED,
    Action.QUARANTINED: State.CONTAINED,
    Action.UNDONE: State.EXCUSED,
}


@dataclass(frozen=True, slots=True)
class Told:
    """An entry of the ledger as the page tells it."""

    entry: Entry
    state: State
    what: str
    who: str
    severity: str
    open_for: str
    """How long it was open, or has been; "" where nobody knows."""
    done: tuple[Change, ...]
    proposed: tuple[Change, ...]
    undo: str
    apply: str


def render(facts: Facts) -> str:
    """Return the page as HTML."""
    every = spells(facts)
    start = begin(facts, every)
    standing = postures(facts, every)
    listed = _told(facts, every)
    style, script = _text("page.css"), _text("page.js")
    drawing = graph(facts.known, standing)
    return (
        _environment()
        .get_template("page.html")
        .render(
            facts=facts,
            start=start,
            all=row("All controls", "", "", every, start, facts.now),
            rows=_rows(every, start, facts),
            line=timeline(every, start, facts.now),
            graph=drawing,
            links=_links(facts, standing),
            postures=standing,
            counts={posture: sum(each is posture for each in standing.values()) for posture in Posture},
            entries=listed[:_MOST],
            ids={told.entry.id for told in listed[:_MOST]},
            left_out=max(0, len(listed) - _MOST),
            last={told.entry.ref.arn: told.entry.id for told in reversed(listed[:_MOST])},
            oldest=min((spell.start for spell in every if spell.state is State.OPEN), default=None),
            exemptions=[_exemption(each, facts) for each in sorted(facts.exemptions, key=_holding_first(facts))],
            box=(WIDTH, HEIGHT),
            names=NAMES,
            style=Markup(style),  # noqa: S704 - ours, as it stands in the package
            script=Markup(script),  # noqa: S704 - as above
            style_hash=_hash(style),
            script_hash=_hash(script),
        )
    )


def _told(facts: Facts, every: Iterable[Spell]) -> list[Told]:
    of_entry: dict[str, list[Spell]] = {}
    for spell in every:
        of_entry.setdefault(spell.entry, []).append(spell)
    within = (entry for entry in facts.entries if entry.cause.time >= facts.start or _lasts(of_entry.get(entry.id, ())))
    newest = sorted(within, key=lambda entry: (entry.cause.time, entry.opened), reverse=True)
    return [_entry(entry, of_entry.get(entry.id, ()), facts) for entry in newest]


def _lasts(its: Iterable[Spell]) -> bool:
    """Say whether any of these lasts."""
    return any(spell.state is State.OPEN for spell in its)


def _entry(entry: Entry, its: Sequence[Spell], facts: Facts) -> Told:
    state = State.OPEN if _lasts(its) else _state(entry)
    ends = [spell.end or facts.now for spell in its if spell.end or spell.state is State.OPEN]
    return Told(
        entry=entry,
        state=state,
        what=came_of(entry)[1],
        who=actor_of(entry),
        severity=_severity(entry.controls),
        open_for=words.lasted(max(ends) - entry.cause.time) if ends and state is not State.EXCUSED else "",
        done=tuple(changes(entry.before, entry.after, _WIDTH)),
        proposed=tuple(changes(entry.after, entry.wanted, _WIDTH)),
        undo=way_back(entry),
        apply=way_on(entry),
    )


def _state(entry: Entry) -> State:
    if entry.undone_by:
        return State.EXCUSED
    return _STATES.get(Action(entry.outcome), State.SETTLED) if entry.outcome else State.OPEN


def _rows(every: Sequence[Spell], start: datetime, facts: Facts) -> list[Row]:
    """Return a row for each control that ever found anything, what is open and bad first."""
    by_control: dict[str, list[Spell]] = {}
    for spell in every:
        by_control.setdefault(spell.control, []).append(spell)
    found = [
        row(control, _title(control), _severity([control]), its, start, facts.now)
        for control, its in by_control.items()
    ]
    return sorted(found, key=lambda each: (-each.open, -_rank(each.severity), -each.found, each.control))


@cache
def _controls() -> Mapping[str, Control]:
    return {control.id: control for control in every_control()}


def _title(control: str) -> str:
    return _controls()[control].title if control in _controls() else ""


def _severity(controls: Iterable[str]) -> str:
    found = [_controls()[control].severity for control in controls if control in _controls()]
    return max(found).name.lower() if found else ""


def _rank(severity: str) -> int:
    return Severity[severity.upper()] if severity else 0


def _links(facts: Facts, standing: Mapping[str, Posture]) -> list[dict[str, Any]]:
    """Return for the table beside the drawing what each resource uses, the worst first."""
    order = (Posture.VIOLATED, Posture.CONTAINED, Posture.EXEMPT, Posture.SEALED)
    found = (
        {"arn": arn, "posture": posture, "uses": sorted(facts.known[arn].uses) if arn in facts.known else []}
        for arn, posture in standing.items()
    )
    return sorted(found, key=lambda each: (order.index(each["posture"]), each["arn"]))


def _holding_first(facts: Facts) -> Callable[[Exemption], tuple[bool, datetime]]:
    return lambda exemption: (not exemption.holds(facts.now), exemption.until)


def _exemption(exemption: Exemption, facts: Facts) -> dict[str, Any]:
    left = exemption.until - facts.now
    state = "ended" if left <= timedelta(0) else "ends soon" if left <= _SOON else "holds"
    ends = "ended" if state == "ended" else f"in {words.lasted(left)}"
    return {"exemption": exemption, "state": state, "ends": ends, "use": facts.uses.get(exemption.id)}


# --------------------------------------------------------------------- the template


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pipeseal.cli._report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        inert=words.inert, short=words.short, lasted=words.lasted, stamp=words.stamp, named=_named, noun=_noun
    )
    return environment


def _named(arn: str) -> str:
    """Return a resource's name, inert."""
    return words.inert(name_of(arn))


def _noun(arn: str) -> str:
    kind = kind_of(arn)
    return kind.name.lower() if kind else "resource"


def _text(name: str) -> str:
    return resources.files("pipeseal.cli._report").joinpath(name).read_text("utf-8").strip()


def _hash(text: str) -> str:
    """Return what the page's own policy lets run: this text and no other."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
