"""Event selectors of a trail: which management events they exclude, and whether two mean the same; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeseal.aws.documents import Document
from pipeseal.text import conjoin

Selectors = Document
"""{"EventSelectors": [...]} or {"AdvancedEventSelectors": [...]}, as PutEventSelectors accepts them."""

FORMS = ("EventSelectors", "AdvancedEventSelectors")

ALL_MANAGEMENT_EVENTS: Selectors = {"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]}
"""The selectors of a trail that was created without any."""

EVERYTHING = "everything"
"""The gap of a trail that records no management events at all."""

_EVENT_SOURCE = re.compile(r"\S+\.amazonaws\.com(\.cn)?")
_READS, _WRITES = "reads", "writes"
# Kind of event -> (ReadWriteType of a basic selector, value of readOnly in an advanced selector).
_EVENT_KINDS = {_READS: ("ReadOnly", "true"), _WRITES: ("WriteOnly", "false")}


@dataclass(frozen=True, slots=True)
class Gaps:
    """The management events that a trail does not record.

    A gap is an event source (kms.amazonaws.com), EVERYTHING, or a description of what a filter excludes.
    """

    reads: frozenset[str] = frozenset()
    """Gaps in read events."""
    writes: frozenset[str] = frozenset()
    """Gaps in write events."""

    def __bool__(self) -> bool:
        """Return whether any management events are not recorded."""
        return bool(self.reads or self.writes)


def find_gaps(selectors: Selectors) -> Gaps:
    """Return the management events that *selectors* exclude."""
    coverages = [*map(_basic, selectors.get("EventSelectors", ())), *map(_advanced, _management(selectors))]
    return Gaps(_excluded(coverages, _READS), _excluded(coverages, _WRITES))


def find_new_gaps(selectors: Selectors, former: Selectors) -> Gaps:
    """Return the gaps of *selectors* that *former* did not have."""
    before, now = find_gaps(former), find_gaps(selectors)
    return Gaps(_added(before.reads, now.reads), _added(before.writes, now.writes))


def describe_gaps(gaps: Gaps) -> Iterator[str]:
    """Yield sentences that state which management events are not recorded."""
    for names, events in (
        (gaps.reads & gaps.writes, "management events"),
        (gaps.reads - gaps.writes, "read management events"),
        (gaps.writes - gaps.reads, "write management events"),
    ):
        sources = sorted(name for name in names if _EVENT_SOURCE.fullmatch(name))
        if EVERYTHING in names:
            yield f"It records no {events}."
        elif sources:
            yield f"It excludes {events} of {conjoin(sources)}."
        for name in sorted(names - {EVERYTHING, *sources}):
            yield f"It excludes {events}: {name}."


def same_selectors(one: Selectors, other: Selectors) -> bool:
    """Return whether two sets of selectors of one form select the same events."""
    return _normalized(one) == _normalized(other)


def _added(before: frozenset[str], now: frozenset[str]) -> frozenset[str]:
    return frozenset() if EVERYTHING in before else now - before


@dataclass(frozen=True, slots=True)
class _Coverage:
    """The management events that one selector records."""

    kinds: frozenset[str]
    excluded: frozenset[str] = frozenset()
    """Event sources that it excludes."""
    only: frozenset[str] | None = None
    """The event sources that it is limited to; None where it is not limited."""
    filters: tuple[str, ...] = ()
    """Descriptions of what its other filters exclude."""


def _basic(selector: Document) -> _Coverage:
    read_write_type = selector.get("ReadWriteType", "All")
    included = selector.get("IncludeManagementEvents", True)
    kinds = (kind for kind, (name, _) in _EVENT_KINDS.items() if included and read_write_type in ("All", name))
    return _Coverage(frozenset(kinds), frozenset(selector.get("ExcludeManagementEventSources") or ()))


def _management(selectors: Selectors) -> Iterator[Sequence[Document]]:
    """Yield the field selectors of each advanced selector for management events."""
    for selector in selectors.get("AdvancedEventSelectors", ()):
        fields = selector["FieldSelectors"]
        if any(each["Field"] == "eventCategory" and "Management" in each.get("Equals", ()) for each in fields):
            yield fields


def _advanced(fields: Iterable[Document]) -> _Coverage:
    coverage = _Coverage(frozenset(_EVENT_KINDS))
    for each in fields:
        name = each["Field"]
        operators = {operator for operator, values in each.items() if operator != "Field" and values}
        if name == "readOnly" and operators == {"Equals"}:
            kinds = frozenset(kind for kind, (_, value) in _EVENT_KINDS.items() if value in each["Equals"])
            coverage = replace(coverage, kinds=coverage.kinds & kinds)
        elif name == "eventSource" and operators == {"NotEquals"}:
            coverage = replace(coverage, excluded=coverage.excluded | set(each["NotEquals"]))
        elif name == "eventSource" and operators == {"Equals"}:
            coverage = replace(coverage, only=frozenset(each["Equals"]))
        elif name != "eventCategory":
            coverage = replace(coverage, filters=(*coverage.filters, f"what a filter on {name} excludes"))
    return coverage


def _excluded(coverages: Sequence[_Coverage], kind: str) -> frozenset[str]:
    """Return the gaps that *coverages* leave in events of that kind; filters may overlap, so some may be no gap."""
    of_kind = [each for each in coverages if kind in each.kinds]
    if not of_kind:
        return frozenset({EVERYTHING})
    unfiltered = [each for each in of_kind if not each.filters]
    named = frozenset[str]().union(*(each.only - each.excluded for each in unfiltered if each.only is not None))
    broad = [each.excluded for each in unfiltered if each.only is None]
    if broad:
        return frozenset.intersection(*broad) - named
    if named:
        return frozenset({f"those of services other than {conjoin(sorted(named))}"})
    return frozenset(description for each in of_kind for description in each.filters)


def _normalized(selectors: Selectors) -> list[str]:
    """Return the selectors as text in which defaults and the order of lists make no difference."""
    defaults = {"ReadWriteType": "All", "IncludeManagementEvents": True}
    basic = [{**defaults, **each} for each in selectors.get("EventSelectors", ())]
    return sorted(str(_sorted(each)) for each in (*basic, *selectors.get("AdvancedEventSelectors", ())))


def _sorted(value: object) -> object:
    if isinstance(value, Mapping):
        return sorted((name, _sorted(each)) for name, each in value.items() if each not in ([], None, ""))
    return sorted(map(_sorted, value), key=str) if isinstance(value, list) else value
