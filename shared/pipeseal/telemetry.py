"""What operators see of each outcome: one structured log line, and metrics in CloudWatch's embedded format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from pipeseal.model import Action

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from pipeseal.model import Cause, Outcome

_NAMESPACE = "pipeseal"
_WRITTEN = {Action.REMEDIATED, Action.REJECTED, Action.QUARANTINED}


def observed(outcomes: Iterable[Outcome], cause: Cause, logger: Logger) -> Iterator[Outcome]:
    """Pass *outcomes* on, each one logged and counted as it comes."""
    for outcome in outcomes:
        log = logger.error if outcome.action is Action.FAILED else logger.info
        log("%s %s", outcome.ref.arn, outcome.action, extra={"outcome": outcome.as_dict(), "event_name": cause.name})
        if outcome.entry and outcome.plan:
            _count(outcome, cause)
        if outcome.exemptions:
            with single_metric(
                "ExemptionsUsed", MetricUnit.Count, len(outcome.exemptions), namespace=_NAMESPACE
            ) as metric:
                metric.add_dimension("action", str(outcome.action))
        yield outcome


def listed(kind: str, logger: Logger, *, complete: bool) -> None:
    """Log that a sweep has listed resources of *kind*, and count it where that was all of them."""
    logger.info("listed %s%s", kind, "" if complete else ", and there is more")
    if complete:
        with single_metric("KindsSwept", MetricUnit.Count, 1, namespace=_NAMESPACE):
            pass


def _count(outcome: Outcome, cause: Cause) -> None:
    for finding in outcome.plan.findings if outcome.plan else ():
        with single_metric("Violations", MetricUnit.Count, 1, namespace=_NAMESPACE) as metric:
            metric.add_dimension("control", finding.control.id)
    with single_metric("Outcomes", MetricUnit.Count, 1, namespace=_NAMESPACE) as metric:
        metric.add_dimension("action", str(outcome.action))
    if outcome.action in _WRITTEN and cause.name != "Sweep":  # nobody knows when what a sweep finds was done
        delay = (datetime.now(UTC) - cause.time).total_seconds()
        with single_metric("SecondsToSeal", MetricUnit.Seconds, max(delay, 0.0), namespace=_NAMESPACE) as metric:
            metric.add_dimension("kind", outcome.ref.kind.name.lower())
