"""When to stop: which remediations are reversed too often, and which violations were alerted already; pure.

The functions, `pipeseal backtest` and `pipeseal resume` follow the same rules because they call these functions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from pipeseal.model import Finding, Plan, Resource

ESCALATION_WINDOW = timedelta(hours=1)
"""A control that remediates a resource WarLimit times within this time is suspended; a suspension ends after this time
without a violation."""

_DIGITS = 16
"""Of a SHA-256, enough that no two reasons of one resource have the same fingerprint."""

Times = Mapping[str, tuple[datetime, ...]]


def recent_remediations(remediations: Times, now: datetime) -> dict[str, tuple[datetime, ...]]:
    """Return the *remediations* (control -> times) within the escalation window."""
    recent = {
        control: tuple(time for time in times if now - time < ESCALATION_WINDOW)
        for control, times in remediations.items()
    }
    return {control: times for control, times in recent.items() if times}


def with_remediations(remediations: Times, controls: Iterable[str], now: datetime) -> dict[str, tuple[datetime, ...]]:
    """Return the recent *remediations* with one more, at *now*, for each of *controls*."""
    recent = recent_remediations(remediations, now)
    return recent | {control: (*recent.get(control, ()), now) for control in controls}


def active_suspensions(suspended: Mapping[str, datetime], now: datetime) -> dict[str, datetime]:
    """Return the controls of *suspended* (control -> last seen violated) whose suspension has not ended."""
    return {control: last for control, last in suspended.items() if now - last < ESCALATION_WINDOW}


def reversed_too_often(plan: Plan[Resource], remediations: Times, limit: int, now: datetime) -> tuple[Finding, ...]:
    """Return the findings whose control would write, and has done so *limit* times within the window."""
    recent = recent_remediations(remediations, now)
    return tuple(each for each in plan.findings if each.writes and len(recent.get(each.control.id, ())) >= limit)


def fingerprints(plan: Plan[Resource]) -> frozenset[str]:
    """Return a fingerprint of each reason of each control in *plan*: an alert states exactly these."""
    return fingerprints_of((each.control.id, str(reason)) for each in plan.findings for reason in each.reasons)


def fingerprints_of(reasons: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the fingerprints of *reasons*, each with the ID of its control."""
    return frozenset(_digest(control, reason)[:_DIGITS] for control, reason in reasons)


def is_already_alerted(plan: Plan[Resource], alerted: frozenset[str]) -> bool:
    """Return whether nothing will be written and everything that *plan* found was *alerted*."""
    return not plan.writes and fingerprints(plan) <= alerted


def digest_of_state(state: str) -> str:
    """Return a digest of a resource's *state* (JSON), to recognise it later."""
    return _digest(state)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
