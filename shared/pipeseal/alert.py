"""What subscribers are told of one resource: a document for machines, a letter for people; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import TextWrapper
from typing import TYPE_CHECKING, Any

from pipeseal.exemptions import GROUNDS
from pipeseal.model import Action, Kind, printable
from pipeseal.settings import Mode

if TYPE_CHECKING:
    from pipeseal.model import Cause, Finding, Outcome, Plan

# An SNS message holds 256 KB; a subject 100 characters.
_MOST_REASONS = 25
_LONGEST_REASON = 1000
_LONGEST_SUBJECT = 100
_MOST_USERS = 500
_MOST_USERS_NAMED = 10
_WRAPPER = TextWrapper(
    width=78, initial_indent="  ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
)
_WHOLE = TextWrapper(width=78, break_long_words=False, break_on_hyphens=False)

_DONE = {
    Action.REMEDIATED: "put right",
    Action.REJECTED: "rejected",
    Action.QUARANTINED: "quarantined",
    Action.DETECTED: "needs you",
    Action.FAILED: "could not be put right",
    Action.ESCALATED: "keeps being undone",
}
_NOUN = {"s3": "Bucket", "kms": "Key", "codepipeline": "Pipeline"}


def compose(outcome: Outcome, plan: Plan, cause: Cause, undone: int = 0) -> dict[str, Any]:
    """Return the alert for machines; its fields are a contract, added to and never changed.

    *undone* is how often of late the resource was put right in vain, where that is why it is told of.
    """
    ref = outcome.ref
    _, proposed = plan.before.changed(plan.wanted)
    return {
        "version": 1,
        "id": outcome.entry,
        "action": str(outcome.action),
        "severity": plan.severity.name.lower(),
        "account": ref.account,
        "region": ref.region,
        "resource": {"type": ref.kind.name.lower(), "name": ref.name, "arn": ref.arn},
        "used_by": sorted(plan.before.users)[:_MOST_USERS],
        "controls": [finding.control.id for finding in plan.findings],
        "findings": [_finding(finding) for finding in plan.findings],
        "done": list(outcome.steps),
        "proposed": [step for step in proposed if step not in outcome.steps],
        "actor": cause.actor.as_dict(),
        "event": {"id": cause.id, "name": cause.name, "time": cause.time.isoformat()},
        **(_peace(plan, undone) if outcome.action is Action.ESCALATED else {}),
    }


def _peace(plan: Plan, undone: int) -> dict[str, Any]:
    from pipeseal.snippets import snippets  # noqa: PLC0415 - wars are few, and each cold start would pay

    controls = [finding.control.id for finding in plan.findings]
    return {"undone": undone, "snippet": snippets(plan.before, plan.wanted, controls)}


def _finding(finding: Finding) -> dict[str, Any]:
    control = finding.control
    reasons = [_short(reason) for reason in finding.reasons[:_MOST_REASONS]]
    if more := len(finding.reasons) - len(reasons):
        reasons.append(f"... and {more} more of the kind.")
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


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 3] + "..."


def subject(alert: Mapping[str, Any]) -> str:
    """Return the mail's subject: ASCII, one line, at most 100 characters."""
    resource = alert["resource"]
    line = f"[pipeseal] {resource['type']} {resource['name']} {_DONE[Action(alert['action'])]}"
    return line if len(line) <= _LONGEST_SUBJECT else line[: _LONGEST_SUBJECT - 3] + "..."


def letter(alert: Mapping[str, Any]) -> str:
    """Return the alert as a letter."""
    return "\n".join(_lines(alert)) + "\n"


def _lines(alert: Mapping[str, Any]) -> Iterator[str]:
    resource = alert["resource"]
    yield f"{resource['type'].capitalize()} {resource['name']} {_DONE[Action(alert['action'])]}."
    yield f"Severity {alert['severity']}, account {alert['account']}, {alert['region']}."
    if alert["used_by"]:
        yield _WHOLE.fill(f"Used by {_named(alert['used_by'])}.")
    yield from ("", "WHAT WAS WRONG")
    for finding in alert["findings"]:
        yield f"* {finding['control']}: {finding['title']}"
        for reason in filter(None, (*finding["reasons"], finding["refusal"])):
            yield _wrapped(reason)
    yield from ("", "WHO DID IT", _wrapped(_who(alert)))
    yield from ("", "WHAT PIPESEAL DID")
    if alert["action"] == Action.ESCALATED:
        yield from _gave_up(alert)
    else:
        yield from map(_wrapped, alert["done"] or [_nothing(alert)])
    if alert["proposed"] and alert["action"] != Action.ESCALATED:
        yield from ("", "WHAT IT WOULD DO IN ENFORCE MODE")
        yield from map(_wrapped, alert["proposed"])
        yield from ("  To have that done now, in your own name:", f"    pipeseal apply {alert['id']}")
    yield from ("", "SO THAT IT DOES NOT COME BACK")
    for finding in alert["findings"]:
        yield _wrapped(finding["advice"])
        yield f"  {finding['source']}"
    yield from ("", "IF YOU DISAGREE")
    if alert["done"]:
        yield "  Take it back, in your own name:"
        yield f"    pipeseal undo {alert['id']} {GROUNDS}"
    yield "  Excuse it, in your own name:"
    for control in alert["controls"]:
        yield f"    pipeseal exempt add --control {control} --resource '{resource['arn']}' {GROUNDS}"
    yield from ("", f"Ledger entry {alert['id']}, event {alert['event']['id']}")


def _named(arns: list[str]) -> str:
    """Name resources as "pipelines harbor and release, project compile", the first of many."""
    kinds: dict[str, list[str]] = {}
    for arn in arns[:_MOST_USERS_NAMED]:
        _, _, service, _, _, name = arn.split(":", 5)
        kinds.setdefault(Kind(service).name.lower(), []).append(name.replace(":", "/").rpartition("/")[2])
    parts = [f"{kind}{'s' * (len(names) > 1)} {' and '.join(names)}" for kind, names in kinds.items()]
    more = len(arns) - _MOST_USERS_NAMED
    rest = "many more" if len(arns) == _MOST_USERS else f"{more} more"
    return ", ".join([*parts, rest] if more > 0 else parts)


def _wrapped(text: str) -> str:
    """Indent and fold *text*, which may quote what others wrote: a control character must not reach a terminal."""
    return _WRAPPER.fill(printable(text))


def _who(alert: Mapping[str, Any]) -> str:
    actor, event = alert["actor"], alert["event"]
    if actor["type"] == "pipeseal":
        return f"Nobody knows: no event told of it. The sweep that began at {event['time']} found it so."
    mfa = {True: "with MFA", False: "without MFA", None: "MFA not recorded"}[actor["mfa"]]
    return f"{_whom(alert)}, {mfa}: {event['name']} at {event['time']}."


def _whom(alert: Mapping[str, Any]) -> str:
    actor = alert["actor"]
    return f"{actor['name']} through {actor['via']}" if actor["via"] else str(actor["name"])


def _gave_up(alert: Mapping[str, Any]) -> Iterator[str]:
    """Say why nothing is written any more and how to have it begin again, and show the code that ends it."""
    yield _wrapped(
        f"It put this right {alert['undone']} times within an hour, and each time it was undone, the last time by "
        f"{_whom(alert)}. So it stopped: nothing is written to this {alert['resource']['type']} for "
        f"{', '.join(alert['controls'])}. It resumes after a quiet hour, or at once:"
    )
    yield f"    pipeseal resume '{alert['resource']['arn']}'"
    languages = {"CloudFormation": alert["snippet"]["cloudformation"], "Terraform": alert["snippet"]["terraform"]}
    fitting = sorted(languages, key=lambda language: language.lower() not in alert["actor"]["via"].lower())
    if any(languages.values()):
        yield from ("", "THE CODE THAT MAKES IT RIGHT")
        for language in fitting:
            yield from ("", f"  {language}:", "")
            yield from (f"    {line}".rstrip() for line in languages[language].splitlines())


def _nothing(alert: Mapping[str, Any]) -> str:
    if alert["action"] == Action.FAILED:
        return "Nothing was written."
    if any(finding["mode"] == Mode.DETECT for finding in alert["findings"]):
        return "Nothing: it only watches (detect mode)."
    return "Nothing: only its owner can put this right."
