"""The document that `pipeseal backtest --format json` prints."""

from __future__ import annotations

from typing import TypedDict


class PeriodDocument(TypedDict):
    """The times of the first and the last record that would have triggered pipeseal, in ISO 8601; None without one."""

    first: str | None
    last: str | None


class CountsDocument(TypedDict):
    """The number of violations, in total and by action, and of the resources that had them."""

    violations: int
    resources: int
    remediated: int
    rejected: int
    quarantined: int
    detected: int
    failed: int
    escalated: int
    wars: int
    """Remediation loops."""


class ControlCounts(CountsDocument):
    """The violations of one control."""

    severity: str


class ActorCounts(CountsDocument):
    """The violations that one actor caused."""

    actor: str
    type: str
    via: str
    controls: list[str]


class LoopDocument(TypedDict):
    """A remediation loop: a control that would have been suspended for a resource."""

    resource: str
    control: str
    actors: list[str]
    wars: int
    """Suspensions."""
    broken: int
    """Violations since the first suspension."""
    first: str
    last: str


class ViolatedResourceDocument(TypedDict):
    """A resource that would have been in violation."""

    resource: str
    controls: list[str]
    violations: int
    actions: dict[str, int]
    """Action -> number of violations; only actions that occurred."""
    actors: list[str]
    first: str
    last: str
    basis: str
    """"state" or "request"; see ReplayedViolation."""
    reasons: dict[str, str]
    """Control -> the reasons of its latest violation."""


class ErrorDocument(TypedDict):
    """A file or folder that could not be read completely."""

    file: str
    error: str


class SummaryDocument(TypedDict):
    """The result of a backtest."""

    records: int
    files: int
    relevant: int
    """Records that would have triggered pipeseal."""
    period: PeriodDocument
    resources_in_violation: int
    by_control: dict[str, ControlCounts]
    by_actor: list[ActorCounts]
    wars: list[LoopDocument]
    resources: list[ViolatedResourceDocument]
    errors: list[ErrorDocument]
