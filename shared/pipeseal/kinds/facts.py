"""What reading a resource takes from the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

_NONE: Mapping[str, str] = MappingProxyType({})


class LedgerFacts(NamedTuple):
    """What the ledger knows of a resource that reading it depends on."""

    dependents: Mapping[str, str] = _NONE
    """See Resource.dependents."""
    baseline: Mapping[str, object] = _NONE
    """See Resource.new_baseline."""


class PastWrite(NamedTuple):
    """An earlier write of pipeseal to a resource, as its ledger entry records it."""

    cause_id: str
    before: Mapping[str, object]
    """State that was read before the write."""
    changed_parts: tuple[str, ...]
    """The parts of the state that the write changed."""
    read_at: datetime
    """When, at the earliest, *before* was read."""
    opened: datetime
    """When, at the latest, *before* was read."""
    closed: datetime | None
    """When the write was confirmed; None where that was never recorded."""
    is_undo: bool
    took_effect: bool
    """False where the entry ended without a write."""
