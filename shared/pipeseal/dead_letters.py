"""What a dead letter is: which event it holds, where that was to go, and why it did not arrive; pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeseal.cloudtrail import Malformed, cause, subjects
from pipeseal.model import printable

_EVENT_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_LONGEST = 500
_KEPT = 24
"""Letters of a stack's name that CloudFormation keeps in the names of its functions at least."""
_REASON = "REASON"


@dataclass(frozen=True, slots=True)
class Stack:
    """Whose dead letters they are."""

    name: str
    account: str
    region: str

    @property
    def function(self) -> re.Pattern[str]:
        """Return what the ARNs of its functions look like; the second group is a version or an alias.

        CloudFormation shortens the stack's name where the name of a function would grow too long.
        """
        begins = re.escape(self.name[:_KEPT]) + ("-" if len(self.name) <= _KEPT else "")
        place = f"arn:[a-z-]+:lambda:{re.escape(self.region)}:{re.escape(self.account)}"
        return re.compile(rf"({place}:function:{begins}[A-Za-z0-9_-]+)(?::([A-Za-z0-9$_-]+))?")


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of the dead letters, as far as it can be understood."""

    event: str
    """Id of the event, or a digest of it where it has none."""
    function: str
    """ARN of the function that it was for, with its version or alias if one was named; "" where the sweep sent it."""
    payload: str
    """What to hand to it: JSON."""
    reason: str
    """Why it did not arrive, in one printable line."""
    hopeless: str = ""
    """Why it never will, where that is sure."""


def read(body: str, attributes: Mapping[str, str], stack: Stack) -> Letter:
    """Return what a message with that *body* and those message attributes is; whatever they hold, nothing is raised.

    Lambda's failure destination wraps the event; a rule's dead-letter queue has the event itself and says the rest in
    message attributes; what else is JSON came from the sweep's queue, and goes back there.
    """
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return Letter(_digest(body), "", body, "it is not JSON", "nobody could read it: it is not JSON")
    if not isinstance(message, dict):
        return Letter(_digest(body), "", body, "it is no object", "nobody could read it: it is no JSON object")
    if "requestPayload" in message or "requestContext" in message:
        return _failed(message, body, attributes, stack)
    if "TARGET_ARN" in attributes or isinstance(message.get("detail"), dict):
        return _undelivered(message, body, attributes, stack)
    return Letter(_digest(body), "", body, _said(attributes) or "the sweep could not do it")


def _failed(message: Mapping[str, Any], body: str, attributes: Mapping[str, str], stack: Stack) -> Letter:
    """Read what Lambda sends to a failure destination."""
    context, answer = (_object(message.get(name)) for name in ("requestContext", "responsePayload"))
    kind, text = answer.get("errorType"), answer.get("errorMessage")
    said = ": ".join(str(each) for each in (kind, text) if each) or str(context.get("condition") or "it failed")
    event = message.get("requestPayload")
    hopeless = ""
    if not isinstance(event, dict):
        hopeless = "it holds no event: Lambda leaves out one that is too long"
    elif senseless := _senseless(event):
        hopeless = f"the event makes no sense, and never will ({senseless})"
    return _letter(event, str(context.get("functionArn", "")), _said(attributes) or said, hopeless, body, stack)


def _senseless(event: Mapping[str, Any]) -> str:
    """Say why no function can ever make anything of *event*; "" where one can, or where it began a sweep."""
    if event.get("source") == "aws.events":
        return ""
    try:
        cause(event)
        subjects(event)
    except Malformed as reason:
        return str(reason)
    return ""


def _undelivered(message: Mapping[str, Any], body: str, attributes: Mapping[str, str], stack: Stack) -> Letter:
    """Read what EventBridge could not deliver."""
    parts = (attributes.get(name, "") for name in ("ERROR_CODE", "ERROR_MESSAGE"))
    said = _said(attributes) or ": ".join(filter(None, parts)) or "EventBridge could not deliver it"
    return _letter(message, attributes.get("TARGET_ARN", ""), said, "", body, stack)


def _letter(event: Any, arn: str, reason: str, hopeless: str, body: str, stack: Stack) -> Letter:  # noqa: PLR0913, PLR0917
    """Return the letter; a function that is not the stack's own is never called, whatever the message says."""
    found = stack.function.fullmatch(arn)
    if not (found or hopeless):
        hopeless = f"it names no function of the stack {stack.name}, but {arn!r:.200}"
    version = f":{found[2]}" if found and found[2] and found[2] != "$LATEST" else ""
    function = found[1] + version if found else ""
    own = event.get("id") if isinstance(event, dict) else None
    identity = own if isinstance(own, str) and _EVENT_ID.fullmatch(own) else _digest(body)
    return Letter(identity, function, json.dumps(event), _line(reason), _line(hopeless))


def _said(attributes: Mapping[str, str]) -> str:
    """Return why it was quarantined, where it was."""
    return _line(attributes.get(_REASON, ""))


def reasoned(attributes: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """Return the message *attributes*, in SQS's terms, with the *reason* why it was quarantined among them."""
    return {**attributes, _REASON: {"DataType": "String", "StringValue": _line(reason) or "unknown"}}


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode("utf-8", "replace")).hexdigest()[:32]


def _line(text: str) -> str:
    """Return *text*, which others wrote, in one printable line."""
    return printable(text)[:_LONGEST]
