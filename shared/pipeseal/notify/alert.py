"""The alert about one resource, as a JSON document; pure.

Its fields are a contract: they may be added to, but never change. docs/alerts.md describes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

from pipeseal.model import Action, ActorDocument
from pipeseal.settings import Mode

if TYPE_CHECKING:
    from pipeseal.model import Cause, Finding, Outcome, Plan, Resource
    from pipeseal.snippets.rendering import Snippets

# An SNS message holds 256 KB.
_MAX_REASONS = 25
_MAX_REASON_LENGTH = 1000
MAX_DEPENDENTS = 500


class ResourceDocument(TypedDict):
    """The resource of an alert."""

    type: str
    name: str
    arn: str


class FindingDocument(TypedDict):
    """What one control found."""

    control: str
    title: str
    severity: str
    mode: str
    reasons: list[str]
    refusal: str
    advice: str
    source: str


class AlertEvent(TypedDict):
    """What caused the alert: a CloudTrail event or a sweep."""

    id: str
    name: str
    time: str


class Alert(TypedDict):
    """An alert; a JSON document."""

    version: int
    id: str
    """ID of the ledger entry."""
    action: str
    severity: str
    account: str
    region: str
    resource: ResourceDocument
    used_by: list[str]
    """ARNs of the resources that depend on it."""
    controls: list[str]
    findings: list[FindingDocument]
    done: list[str]
    """What was written, in sentences."""
    proposed: list[str]
    """What would be written as well if every control were in enforce mode."""
    actor: ActorDocument
    event: AlertEvent
    undone: NotRequired[int]
    """How often the remediation was reversed; in alerts with the action escalated."""
    snippet: NotRequired[Snippets]
    """CloudFormation and Terraform that make the resource compliant; in alerts with the action escalated."""


def compose(outcome: Outcome, plan: Plan[Resource], cause: Cause, undone: int = 0) -> Alert:
    """Return the alert about *outcome*; *undone* is how often the remediation was reversed, for a suspension."""
    ref = outcome.ref
    _, proposed = plan.before.describe_change(plan.proposed)
    alert: Alert = {
        "version": 1,
        "id": outcome.entry,
        "action": str(outcome.action),
        "severity": plan.severity.name.lower(),
        "account": ref.account,
        "region": ref.region,
        "resource": {"type": str(ref.kind), "name": ref.name, "arn": ref.arn},
        "used_by": sorted(plan.before.dependents)[:MAX_DEPENDENTS],
        "controls": [finding.control.id for finding in plan.findings],
        "findings": [_finding(finding) for finding in plan.findings],
        "done": list(outcome.steps),
        "proposed": [step for step in proposed if step not in outcome.steps],
        "actor": cause.actor.as_dict(),
        "event": {"id": cause.id, "name": cause.name, "time": cause.time.isoformat()},
    }
    if outcome.action is Action.ESCALATED:
        from pipeseal.kinds.snippets import snippets_for  # noqa: PLC0415 - rare, and costly at a cold start

        alert["undone"] = undone
        alert["snippet"] = snippets_for(plan.before, plan.proposed, alert["controls"])
    return alert


def _finding(finding: Finding) -> FindingDocument:
    control = finding.control
    reasons = [_shortened(reason) for reason in finding.reasons[:_MAX_REASONS]]
    if more := len(finding.reasons) - len(reasons):
        reasons.append(f"... and {more} more of this kind.")
    return {
        "control": control.id,
        "title": control.title,
        "severity": control.severity.name.lower(),
        "mode": str(finding.mode),
        "reasons": reasons,
        "refusal": finding.refusal,
        "advice": control.advice,
        "source": control.source,
    }


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_REASON_LENGTH else text[: _MAX_REASON_LENGTH - 3] + "..."


def why_nothing_was_written(alert: Alert) -> str:
    """Return, in a sentence, why *alert* lists nothing as done."""
    if alert["action"] == Action.FAILED:
        return "Nothing was written."
    if any(finding["mode"] == Mode.DETECT for finding in alert["findings"]):
        return "Nothing was written: detect mode."
    return "Nothing was written: only the resource owner can remediate this."
