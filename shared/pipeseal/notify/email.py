"""Alerts and reminders as email: subject and body; pure.

Everything that was written outside pipeseal passes through `printable`: a control character must not reach a terminal.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from shlex import quote
from textwrap import TextWrapper
from typing import TYPE_CHECKING

from pipeseal.exemptions import GROUNDS, Stage
from pipeseal.model import Action, Severity, kind_and_name
from pipeseal.notify.alert import MAX_DEPENDENTS, why_nothing_was_written
from pipeseal.text import conjoin, printable

if TYPE_CHECKING:
    from pipeseal.model import ActorDocument
    from pipeseal.notify.alert import Alert
    from pipeseal.notify.reminder import Reminder

DEFAULT_STACK = "pipeseal"

# SNS takes subjects of 100 characters, ASCII only.
_MAX_SUBJECT = 100
_MAX_NAMED = 10
_INDENTED = TextWrapper(
    width=78, initial_indent="  ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
)
_FLUSH = TextWrapper(width=78, break_long_words=False, break_on_hyphens=False)

_ACTIONS = {
    Action.REMEDIATED: "remediated",
    Action.REJECTED: "rejected",
    Action.QUARANTINED: "quarantined",
    Action.DETECTED: "needs action",
    Action.FAILED: "remediation failed",
    Action.ESCALATED: "remediation suspended",
}
_STAGES = {Stage.ENDING: "ends within a week", Stage.ENDED: "has ended"}


def alert_subject(alert: Alert) -> str:
    """Return the subject: ASCII, one line, at most 100 characters."""
    resource = alert["resource"]
    begins, ends = f"[pipeseal] {_headline(alert)}", f" ({alert['account']}, {alert['region']})"
    if len(begins) + len(ends) <= _MAX_SUBJECT:
        return begins + ends
    room = _MAX_SUBJECT - len(ends) - (len(begins) - len(resource["name"])) - len("...")
    return begins.replace(resource["name"], f"{resource['name'][:room]}...", 1) + ends


def alert_body(alert: Alert, stack: str = DEFAULT_STACK) -> str:
    """Return the body of the email; *stack* is the stack that the commands in it must name."""
    return "\n".join(_alert_lines(alert, stack)) + "\n"


def _headline(alert: Alert) -> str:
    resource, action = alert["resource"], _ACTIONS[Action(alert["action"])]
    return f"{alert['severity'].upper()}: {resource['type']} {resource['name']} {action}"


def _alert_lines(alert: Alert, stack: str) -> Iterator[str]:
    options = _options(alert["region"], stack)
    yield _headline(alert)
    yield f"Account {alert['account']}, {alert['region']}"
    if alert["used_by"]:
        yield _FLUSH.fill(f"Used by {_named(alert['used_by'])}")
    yield from ("", "FINDINGS")
    findings = sorted(alert["findings"], key=lambda each: -Severity[each["severity"].upper()])
    for finding in findings:
        yield _FLUSH.fill(f"{finding['control']} ({finding['severity']}): {finding['title']}")
        for reason in filter(None, (*finding["reasons"], finding["refusal"])):
            yield _indented(reason)
    yield from ("", "CAUSE", _indented(_cause(alert)))
    yield from ("", "DONE")
    if alert["action"] == Action.ESCALATED:
        yield from _suspension(alert, options)
    else:
        yield from map(_indented, alert["done"] or [why_nothing_was_written(alert)])
    if alert["proposed"] and alert["action"] != Action.ESCALATED:
        yield from ("", "PROPOSED")
        yield from map(_indented, alert["proposed"])
        yield from ("  To apply this with your own permissions:", f"    pipeseal apply {alert['id']}{options}")
    yield from ("", "PREVENT RECURRENCE")
    for advice, source in dict.fromkeys((each["advice"], each["source"]) for each in findings):
        yield _indented(advice)
        yield f"  {source}"
    yield from ("", "IF THIS IS INTENDED")
    if alert["done"]:
        yield "  To undo this with your own permissions:"
        yield f"    pipeseal undo {alert['id']} {GROUNDS}{options}"
    yield "  To exempt the resource:"
    for control in alert["controls"]:
        arn = quote(alert["resource"]["arn"])
        yield f"    pipeseal exempt add --control {control} --resource {arn} {GROUNDS}{options}"
    yield from ("", f"Ledger entry {alert['id']}, event {alert['event']['id']}")


def _options(region: str, stack: str) -> str:
    """Return the options that select the ledger; the default stack needs no name."""
    return f" --region {region}" + ("" if stack == DEFAULT_STACK else f" --stack {quote(stack)}")


def _named(arns: list[str]) -> str:
    """Return resources as "pipelines deploy and release, project build", the first ten of many."""
    names_by_noun: dict[str, list[str]] = {}
    for arn in arns[:_MAX_NAMED]:
        kind, name = kind_and_name(arn) or ("resource", arn)
        names_by_noun.setdefault(str(kind), []).append(name)
    parts = [f"{noun}{'s' * (len(names) > 1)} {conjoin(names)}" for noun, names in names_by_noun.items()]
    if (more := len(arns) - _MAX_NAMED) > 0:
        parts.append("many more" if len(arns) == MAX_DEPENDENTS else f"{more} more")
    return ", ".join(parts)


def _cause(alert: Alert) -> str:
    actor, event = alert["actor"], alert["event"]
    when = _short_time(event["time"])
    if actor["type"] == "pipeseal":
        return f"Found by the sweep of {when}. No event reported the change, so the actor is unknown."
    mfa = {True: "with MFA", False: "without MFA", None: "MFA not recorded"}[actor["mfa"]]
    return f"{_actor(actor)}, {mfa}: {event['name']}, {when}"


def _actor(actor: ActorDocument) -> str:
    return f"{actor['name']} through {actor['via']}" if actor["via"] else actor["name"]


def _short_time(time: str) -> str:
    """Return an ISO 8601 *time* as "25 Nov 10:10 UTC"."""
    return f"{datetime.fromisoformat(time).astimezone(UTC):%d %b %H:%M} UTC".lstrip("0")


def _suspension(alert: Alert, options: str) -> Iterator[str]:
    """Yield why nothing is written any more, how to resume, and the code that makes the resource compliant."""
    resource, controls = alert["resource"], alert["controls"]
    yield _indented(
        f"pipeseal remediated this {alert['undone']} times within an hour, and each time it was reversed, the last "
        f"time by {_actor(alert['actor'])}. {conjoin(controls)} {'is' if len(controls) == 1 else 'are'} now suspended "
        f"for this {resource['type']}: nothing is written. Remediation resumes after one hour without a "
        "violation, or at once with:"
    )
    yield f"    pipeseal resume {quote(resource['arn'])}{options}"
    snippet = alert["snippet"]
    languages = {"CloudFormation": snippet["cloudformation"], "Terraform": snippet["terraform"]}
    own_first = sorted(languages, key=lambda language: language.lower() not in alert["actor"]["via"].lower())
    if any(languages.values()):
        yield from ("", "COMPLIANT CODE")
        for language in own_first:
            yield from ("", f"  {language}:", "")
            yield from (f"    {line}".rstrip() for line in languages[language].splitlines())


def reminder_subject(reminder: Reminder) -> str:
    """Return the subject of a reminder: ASCII, one line."""
    return f"[pipeseal] exemption {reminder['id']} {_STAGES[Stage(reminder['action'])]}"


def reminder_body(reminder: Reminder, stack: str = DEFAULT_STACK) -> str:
    """Return the body of the email of a reminder; *stack* is the stack that the command in it must name."""
    exemption = reminder["exemption"]
    ended = reminder["action"] == Stage.ENDED
    renewal = [
        f"--{name} {quote(exemption[name])}" for name in ("control", "resource", "actor", "tag") if exemption[name]
    ]
    limits = [f"  only {name} {exemption[name]}" for name in ("actor", "tag") if exemption[name]]
    options = _options(reminder["region"], stack)
    return "\n".join(
        [
            f"Exemption {exemption['id']} {_STAGES[Stage(reminder['action'])]}",
            f"Account {reminder['account']}, {reminder['region']}",
            "",
            "EXEMPTION",
            f"  {exemption['control']} on {exemption['resource']}",
            *limits,
            f"  until {exemption['until']}",
            "",
            "OWNER AND REASON",
            f"  {exemption['owner']}: {exemption['reason']}",
            "",
            "EFFECT",
            "  The next check remediates what it covered."
            if ended
            else "  After that time pipeseal remediates what it covers.",
            "",
            "TO RENEW IT",
            f"    pipeseal exempt add {' '.join(renewal)} {GROUNDS}{options}",
            "",
        ]
    )


def _indented(text: str) -> str:
    return _INDENTED.fill(printable(text))
