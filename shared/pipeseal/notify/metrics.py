"""Log and count each outcome: one structured log line, and metrics in CloudWatch's embedded metric format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from pipeseal.model import Action

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from pipeseal.model import Actor, Cause, Outcome

NAMESPACE = "pipeseal"
_WRITTEN = {Action.REMEDIATED, Action.REJECTED, Action.QUARANTINED}


class Now(Protocol):
    """The clock of the invocation."""

    def __call__(self) -> datetime:
        """Return the time in UTC."""


def observed(outcomes: Iterable[Outcome], cause: Cause, logger: Logger, now: Now) -> Iterator[Outcome]:
    """Yield *outcomes* as they come, each one logged and counted."""
    for outcome in outcomes:
        log = logger.error if outcome.action is Action.FAILED else logger.info
        log("%s %s", outcome.ref.arn, outcome.action, extra={"outcome": outcome.as_dict(), "event_name": cause.name})
        if outcome.entry and outcome.plan:
            _count(outcome, cause, now())
        if outcome.exemptions:
            _add("ExemptionsUsed", len(outcome.exemptions), action=str(outcome.action))
        yield outcome


def observe_listing(kind: str, logger: Logger, *, complete: bool) -> None:
    """Log that a sweep listed resources of *kind*, and count it where the list is complete."""
    logger.info("listed %s%s", kind, "" if complete else ", to be continued")
    if complete:
        _add("KindsSwept", 1)


def _count(outcome: Outcome, cause: Cause, now: datetime) -> None:
    for finding in outcome.plan.findings if outcome.plan else ():
        _add("Violations", 1, control=finding.control.id)
    _add("Outcomes", 1, action=str(outcome.action))
    if outcome.action in _WRITTEN and _is_event(cause.actor):
        delay = (now - cause.time).total_seconds()
        _add("SecondsToSeal", max(delay, 0.0), MetricUnit.Seconds, kind=str(outcome.ref.kind))


def _is_event(actor: Actor) -> bool:
    """Return whether an event caused it: nothing says when that was done which a sweep finds."""
    return actor.kind != "pipeseal"


def _add(name: str, value: float, unit: MetricUnit = MetricUnit.Count, **dimensions: str) -> None:
    with single_metric(name, unit, value, namespace=NAMESPACE) as metric:
        for dimension, each in dimensions.items():
            metric.add_dimension(dimension, each)
