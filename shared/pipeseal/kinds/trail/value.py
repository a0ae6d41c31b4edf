"""A CloudTrail trail as a value; pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self, TypedDict

from pipeseal.kinds.trail.selectors import (
    ALL_MANAGEMENT_EVENTS,
    Gaps,
    Selectors,
    describe_gaps,
    find_gaps,
    find_new_gaps,
    same_selectors,
)
from pipeseal.kinds.trail.settings import TrailSettings, find_losses, find_missing
from pipeseal.model import Action, Ref, Resource

# Event sources that many trails exclude to reduce cost: a trail that excludes them can still become a baseline.
_OFTEN_EXCLUDED = frozenset({"rdsdata.amazonaws.com"})

# Part of the baseline -> the event that changes it.
_CHANGED_BY = {"selectors": "PutEventSelectors", "settings": "UpdateTrail"}


class TrailState(TypedDict):
    """What pipeseal may write of a trail."""

    logging: bool
    selectors: Selectors


class TrailBaseline(TypedDict, total=False):
    """The last compliant state of a trail. A part is None where it was changed before a compliant state was known."""

    selectors: Selectors | None
    settings: TrailSettings | None


@dataclass(frozen=True, slots=True)
class Trail(Resource):
    """A trail: what pipeseal may write (logging, event selectors), and what its changes are compared with."""

    ref: Ref
    exists: bool = True
    """False for a trail that was deleted: its absence is a finding."""
    logging: bool = True
    never_logged: bool = False
    """Whether logging was never started, as after CreateTrail."""
    selectors: Selectors = field(default_factory=lambda: ALL_MANAGEMENT_EVENTS)
    settings: TrailSettings = field(default_factory=dict)
    baseline: TrailBaseline = field(default_factory=TrailBaseline)
    """The last compliant state that the ledger knows; see `new_baseline`."""
    event_name: str = ""
    """Name of the event that caused the read: without a baseline, it tells what was just changed."""

    @property
    def gaps(self) -> Gaps:
        """The management events that it does not record."""
        return find_gaps(self.selectors)

    @property
    def new_gaps(self) -> Gaps:
        """The management events that it does not record and that it recorded according to the baseline."""
        former = self.baseline.get("selectors")
        if former is None and not self._was_changed("selectors"):
            return Gaps()
        return find_new_gaps(self.selectors, former or ALL_MANAGEMENT_EVENTS)

    @property
    def setting_losses(self) -> tuple[str, ...]:
        """Sentences that state what it records less, or elsewhere, than according to the baseline."""
        former = self.baseline.get("settings")
        if former is None:
            return tuple(find_missing(self.settings)) if self._was_changed("settings") else ()
        return tuple(find_losses(self.settings, former))

    def _was_changed(self, part: str) -> bool:
        """Return whether *part* was changed by an event, this one or an earlier one, before its baseline was known."""
        return part in self.baseline or self.event_name == _CHANGED_BY[part]

    def new_baseline(self) -> TrailBaseline:
        """Return the baseline that later changes are compared with.

        Each part is the current one where it is compliant, else the part of the present baseline, or None without one.
        """
        if not self.exists:
            return self.baseline
        found: TrailBaseline = {**self.baseline}
        if not self.new_gaps:
            gaps = self.gaps
            if self.baseline.get("selectors") or not (gaps.reads | gaps.writes) - _OFTEN_EXCLUDED:
                found["selectors"] = dict(self.selectors)
        else:
            found.setdefault("selectors", None)
        if not self.setting_losses:
            found["settings"] = dict(self.settings)
        else:
            found.setdefault("settings", None)
        return found

    def state(self) -> TrailState:
        """Return whether it is logging, and the event selectors."""
        return {"logging": self.logging, "selectors": dict(self.selectors)}

    def with_state(self, state: TrailState) -> Self:
        """See Resource."""
        return replace(self, logging=state["logging"], selectors=state["selectors"])

    def same_as(self, other: Self) -> bool:
        """See Resource; the order of selectors and of the lists in them is not compared."""
        same_status = (self.exists, self.logging) == (other.exists, other.logging)
        return same_status and same_selectors(self.selectors, other.selectors)

    def describe_change(self, after: Self) -> tuple[Action, tuple[str, ...]]:
        """See Resource."""
        steps = []
        if after.logging != self.logging:
            steps.append("logging switched on" if after.logging else "logging switched off")
        if after.selectors != self.selectors:
            coverage = " ".join(describe_gaps(after.gaps)) or "all management events are recorded"
            steps.append(f"event selectors replaced: {coverage}")
        return (Action.REMEDIATED if steps else Action.DETECTED), tuple(steps)
