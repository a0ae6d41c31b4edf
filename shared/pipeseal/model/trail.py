"""A CloudTrail trail as a value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from pipeseal.model import Action, Ref

# What CloudTrail gives a trail that nobody gave any, in PutEventSelectors' terms.
ALL_MANAGEMENT: Mapping[str, Any] = {"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]}

EVERYTHING = "everything"
"""The gap of a trail that keeps no management events at all."""

# What many trails leave out, for CloudTrail bills by the event: a trail without it may yet be remembered as sound.
_OFTEN_LEFT_OUT = frozenset({"rdsdata.amazonaws.com"})

# What is remembered of a trail -> the event that changes it.
_CHANGES = {"selectors": "PutEventSelectors", "settings": "UpdateTrail"}

# ReadWriteType, and what an advanced selector on readOnly says of the same.
_SIDES = {"reads": ("ReadOnly", "true"), "writes": ("WriteOnly", "false")}


@dataclass(frozen=True, slots=True)
class Trail:
    """A trail: what pipeseal may write (logging, event selectors), and what a change of it is measured by."""

    ref: Ref
    exists: bool = True
    """False for a trail that is gone: that is something to tell, and so it is no None."""
    logging: bool = True
    fresh: bool = False
    """Whether it has never been logging: whoever makes it has not come to that yet."""
    selectors: Mapping[str, Any] = field(default_factory=lambda: ALL_MANAGEMENT)
    """{"EventSelectors": [...]} or {"AdvancedEventSelectors": [...]}, as PutEventSelectors takes them."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What GetTrail says of it, by its own names."""
    sound: Mapping[str, Any] = field(default_factory=dict)
    """What the ledger remembers: the "selectors" and "settings" that it was last found sound with; see `remembered`."""
    hint: str = ""
    """Name of the event that led here: where nobody remembers the trail, it says what somebody just changed."""

    @property
    def gaps(self) -> Mapping[str, frozenset[str]]:
        """Return which management events it leaves out, of "reads" and of "writes"."""
        return gaps(self.selectors)

    @property
    def missing(self) -> Mapping[str, frozenset[str]]:
        """Return which management events it left out since it was sound, of "reads" and of "writes"."""
        former = self.sound.get("selectors")
        if former is None and not self._just("selectors"):
            return dict.fromkeys(_SIDES, frozenset[str]())
        return narrowed(self.selectors, former or ALL_MANAGEMENT)

    @property
    def lesser(self) -> tuple[str, ...]:
        """Say in sentences what its settings keep less, or elsewhere, since it was sound."""
        former = self.sound.get("settings")
        if former is None:
            return tuple(at_least(self.settings)) if self._just("settings") else ()
        return tuple(lessened(self.settings, former))

    def _just(self, part: str) -> bool:
        """Whether that part was changed under our eyes, before anybody could remember it."""
        return part in self.sound or self.hint == _CHANGES[part]

    def remembered(self) -> dict[str, Any]:
        """Return what is worth remembering, for `sound`: each part as it is or, where that is worse, as it was.

        A part that was changed for the worse before it was ever seen sound is remembered as None.
        """
        if not self.exists:
            return dict(self.sound)
        found = dict(self.sound)
        if not any(self.missing.values()):
            seldom = frozenset[str]().union(*self.gaps.values()) - _OFTEN_LEFT_OUT
            if self.sound.get("selectors") or not seldom:
                found["selectors"] = dict(self.selectors)
        else:
            found.setdefault("selectors", None)
        if not self.lesser:
            found["settings"] = dict(self.settings)
        else:
            found.setdefault("settings", None)
        return found

    def state(self) -> dict[str, Any]:
        """Return whether it is logging, and the event selectors."""
        return {"logging": self.logging, "selectors": dict(self.selectors)}

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """See Resource."""
        return replace(self, logging=state["logging"], selectors=state["selectors"])

    def same_as(self, other: Self) -> bool:
        """See Resource; the order of selectors and of what they list means nothing."""
        switches = (self.exists, self.logging) == (other.exists, other.logging)
        return switches and alike(self.selectors, other.selectors)

    def changed(self, after: Self) -> tuple[Action, tuple[str, ...]]:
        """See Resource."""
        steps = []
        if after.logging != self.logging:
            steps.append("logging switched on" if after.logging else "logging switched off")
        if after.selectors != self.selectors:
            steps.append(f"event selectors replaced: {' '.join(said(after.gaps)) or 'all management events are kept'}")
        return (Action.REMEDIATED if steps else Action.DETECTED), tuple(steps)

    @property
    def users(self) -> Mapping[str, str]:
        """See Resource; nothing rests on a trail but pipeseal itself."""
        return {}

    def uses(self) -> Iterator[tuple[Ref, str]]:
        """See Resource; the bucket of a trail holds no artifacts."""
        yield from ()


# ------------------------------------------------------------------- selectors


def gaps(selectors: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Return which management events *selectors* leave out, of reads and of writes.

    A gap is an event source, EVERYTHING, or in words what a filter keeps.
    """
    found = [*map(_basic, selectors.get("EventSelectors", ())), *map(_advanced, _management(selectors))]
    return {side: _left_out([each for each in found if side in each.sides]) for side in _SIDES}


def narrowed(selectors: Mapping[str, Any], former: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Return the gaps of *selectors* that *former* did not have."""
    before, now = gaps(former), gaps(selectors)
    return {side: frozenset() if EVERYTHING in before[side] else now[side] - before[side] for side in _SIDES}


@dataclass(frozen=True, slots=True)
class _Window:
    """What one selector lets through of management events."""

    sides: frozenset[str]
    excluded: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    """The event sources that it is limited to; None where it is not."""
    filters: tuple[str, ...] = ()
    """What else limits it, in words."""


def _basic(selector: Mapping[str, Any]) -> _Window:
    wanted = selector.get("ReadWriteType", "All")
    given = selector.get("IncludeManagementEvents", True)
    sides = frozenset(side for side, (kind, _) in _SIDES.items() if given and wanted in ("All", kind))
    return _Window(sides, frozenset(selector.get("ExcludeManagementEventSources") or ()))


def _management(selectors: Mapping[str, Any]) -> Iterator[list[Mapping[str, Any]]]:
    """Yield the field selectors of those advanced *selectors* that are about management events."""
    for selector in selectors.get("AdvancedEventSelectors", ()):
        fields = selector["FieldSelectors"]
        if any(each["Field"] == "eventCategory" and "Management" in each.get("Equals", ()) for each in fields):
            yield fields


def _advanced(fields: Iterable[Mapping[str, Any]]) -> _Window:
    window = _Window(frozenset(_SIDES))
    for each in fields:
        name = each["Field"]
        operators = {operator for operator, values in each.items() if operator != "Field" and values}
        if name == "readOnly" and operators == {"Equals"}:
            kept = frozenset(side for side, (_, value) in _SIDES.items() if value in each["Equals"])
            window = replace(window, sides=window.sides & kept)
        elif name == "eventSource" and operators == {"NotEquals"}:
            window = replace(window, excluded=window.excluded | set(each["NotEquals"]))
        elif name == "eventSource" and operators == {"Equals"}:
            window = replace(window, only=frozenset(each["Equals"]))
        elif name != "eventCategory":
            window = replace(window, filters=(*window.filters, f"what a filter on {name} leaves out"))
    return window


def _left_out(windows: Sequence[_Window]) -> frozenset[str]:
    """Return what none of *windows* lets through; with filters there may be less of it than is said."""
    if not windows:
        return frozenset({EVERYTHING})
    clear = [window for window in windows if not window.filters]
    single = frozenset[str]().union(*(window.only - window.excluded for window in clear if window.only is not None))
    broad = [window.excluded for window in clear if window.only is None]
    if broad:
        return frozenset.intersection(*broad) - single
    if single:
        return frozenset({f"those of other services than {_and(single)}"})
    return frozenset(word for window in windows for word in window.filters)


def said(missing: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """Say which management events are missing, a sentence for each way in which some are."""
    reads, writes = missing["reads"], missing["writes"]
    for names, events in (
        (reads & writes, "management events"),
        (reads - writes, "management events that only read"),
        (writes - reads, "management events that write"),
    ):
        sources = sorted(name for name in names if name.endswith(".amazonaws.com"))
        if EVERYTHING in names:
            yield f"It keeps no {events}."
        elif sources:
            yield f"It leaves out {events} of {_and(sources)}."
        for name in sorted(names - {EVERYTHING, *sources}):
            yield f"It leaves out {events}: {name}."


def _and(names: Iterable[str]) -> str:
    every = sorted(names)
    return " and ".join(filter(None, (", ".join(every[:-1]), every[-1])))


def alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Say whether two sets of selectors of one form mean the same to CloudTrail."""
    return _meaning(one) == _meaning(other)


def _meaning(selectors: Mapping[str, Any]) -> list[str]:
    """Spell every selector alike, whatever its defaults and the order of what it lists."""
    defaults = {"ReadWriteType": "All", "IncludeManagementEvents": True}
    basic = [{**defaults, **each} for each in selectors.get("EventSelectors", ())]
    return sorted(str(_sorted(each)) for each in (*basic, *selectors.get("AdvancedEventSelectors", ())))


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return sorted((name, _sorted(each)) for name, each in value.items() if each not in ([], None, ""))
    return sorted(map(_sorted, value), key=str) if isinstance(value, list) else value


# -------------------------------------------------------------------- settings

# What a trail loses by a switch that is turned off.
_SWITCHES = {
    "IsMultiRegionTrail": "It kept records of every Region, and now keeps those of one.",
    "IncludeGlobalServiceEvents": "It kept the events of global services such as IAM, and no longer does.",
    "LogFileValidationEnabled": "Its log files could be shown to be unaltered, and no longer can: validation is off.",
    "IsOrganizationTrail": "It kept the records of the whole organisation, and no longer does.",
}
_ASKED_OF_ALL = ("IsMultiRegionTrail", "IncludeGlobalServiceEvents", "LogFileValidationEnabled")


def lessened(settings: Mapping[str, Any], former: Mapping[str, Any]) -> Iterator[str]:
    """Say in sentences what *settings* keep less, or elsewhere, than *former*; with before and after."""
    for name, sentence in _SWITCHES.items():
        if former.get(name) and not settings.get(name):
            yield sentence
    for name, what in (
        ("S3BucketName", "Its records went to bucket {}, and now go to {}."),
        ("KmsKeyId", "Its records were encrypted under {}, and now under {}."),
        ("CloudWatchLogsLogGroupArn", "Its records went to the log group {} too, and now to {}."),
    ):
        was, now = former.get(name), settings.get(name)
        if was and was != now:
            yield what.format(was, now or "none")


def at_least(settings: Mapping[str, Any]) -> Iterator[str]:
    """Say what *settings* lack that a trail should have, for one whose former settings nobody remembers."""
    for name in _ASKED_OF_ALL:
        if not settings.get(name):
            yield f"{name} is off; the ledger does not know whether it ever was on."
