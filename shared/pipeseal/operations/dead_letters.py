"""What a dead letter holds: the event, the function that it was for, and why it was not handled; pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipeseal.aws.documents import Document, MutableDocument
from pipeseal.kinds.cloudtrail import Malformed, cause, subjects
from pipeseal.text import printable

_EVENT_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_LONGEST_REASON = 500
_STACK_NAME_KEPT = 24
"""Characters of a stack's name that CloudFormation keeps at least in the names of its functions."""
_REASON = "REASON"


@dataclass(frozen=True, slots=True)
class StackIdentity:
    """The stack whose dead letters are read."""

    name: str
    account: str
    region: str

    @property
    def function_arn(self) -> re.Pattern[str]:
        """Return the pattern of its functions' ARNs; the second group is a version or an alias.

        CloudFormation shortens the stack's name where the name of a function would become too long.
        """
        begins = re.escape(self.name[:_STACK_NAME_KEPT]) + ("-" if len(self.name) <= _STACK_NAME_KEPT else "")
        scope = f"arn:[a-z-]+:lambda:{re.escape(self.region)}:{re.escape(self.account)}"
        return re.compile(rf"({scope}:function:{begins}[A-Za-z0-9_-]+)(?::([A-Za-z0-9$_-]+))?")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message of the dead-letter queue, as far as it can be understood."""

    event: str
    """ID of the event, or a digest of the message where it has none."""
    function: str
    """ARN of the function that it was for, with its version or alias; "" where it came from the sweep's queue."""
    payload: str
    """What to invoke the function with: JSON."""
    reason: str
    """Why it was not handled, on one printable line."""
    hopeless: str = ""
    """Why it can never be handled; "" where it may be."""


def read_dead_letter(body: str, attributes: Mapping[str, str], stack: StackIdentity) -> DeadLetter:
    """Return the dead letter in a message with that *body* and those message attributes; any content is accepted.

    Lambda's failure destination wraps the event; the dead-letter queue of an EventBridge rule holds the event itself
    with the rest in message attributes; any other JSON object came from the sweep's queue and goes back there.
    """
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return DeadLetter(_digest(body), "", body, "not JSON", "it cannot be read: it is not JSON")
    if not isinstance(message, dict):
        return DeadLetter(_digest(body), "", body, "not an object", "it cannot be read: it is not a JSON object")
    if "requestPayload" in message or "requestContext" in message:
        return _from_lambda(message, body, attributes, stack)
    if "TARGET_ARN" in attributes or isinstance(message.get("detail"), dict):
        return _from_eventbridge(message, body, attributes, stack)
    return DeadLetter(_digest(body), "", body, _recorded_reason(attributes) or "the sweep failed on it")


def with_reason(attributes: Document, reason: str) -> MutableDocument:
    """Return the message *attributes*, in SQS's form, with the *reason* for the quarantine."""
    return {**attributes, _REASON: {"DataType": "String", "StringValue": _line(reason) or "unknown"}}


def _from_lambda(message: Document, body: str, attributes: Mapping[str, str], stack: StackIdentity) -> DeadLetter:
    """Read a record of Lambda's failure destination."""
    context, answer = (_object(message.get(name)) for name in ("requestContext", "responsePayload"))
    error = ": ".join(str(answer[name]) for name in ("errorType", "errorMessage") if answer.get(name))
    reason = _recorded_reason(attributes) or error or str(context.get("condition") or "the function failed")
    event = message.get("requestPayload")
    hopeless = ""
    if not isinstance(event, dict):
        hopeless = "it holds no event: Lambda omits an event that is too large"
    elif malformed := _malformed(event):
        hopeless = f"the event is malformed ({malformed})"
    return _dead_letter(event, str(context.get("functionArn", "")), reason, hopeless, body, stack)


def _malformed(event: Document) -> str:
    """Return why no function can handle *event*; "" where one can, or where it is the sweep's schedule."""
    if event.get("source") == "aws.events":
        return ""
    try:
        cause(event)
        subjects(event)
    except Malformed as reason:
        return str(reason)
    return ""


def _from_eventbridge(message: Document, body: str, attributes: Mapping[str, str], stack: StackIdentity) -> DeadLetter:
    """Read an event that EventBridge could not deliver."""
    error = ": ".join(filter(None, (attributes.get(name, "") for name in ("ERROR_CODE", "ERROR_MESSAGE"))))
    reason = _recorded_reason(attributes) or error or "EventBridge could not deliver it"
    return _dead_letter(message, attributes.get("TARGET_ARN", ""), reason, "", body, stack)


def _dead_letter(  # noqa: PLR0913, PLR0917 - what both sources give
    event: object, arn: str, reason: str, hopeless: str, body: str, stack: StackIdentity
) -> DeadLetter:
    """Return the dead letter; only a function of the stack is ever invoked, whatever the message names."""
    found = stack.function_arn.fullmatch(arn)
    if not (found or hopeless):
        hopeless = f"it names no function of the stack {stack.name}, but {arn!r:.200}"
    version = f":{found[2]}" if found and found[2] and found[2] != "$LATEST" else ""
    function = found[1] + version if found else ""
    own = event.get("id") if isinstance(event, dict) else None
    identity = own if isinstance(own, str) and _EVENT_ID.fullmatch(own) else _digest(body)
    return DeadLetter(identity, function, json.dumps(event), _line(reason), _line(hopeless))


def _recorded_reason(attributes: Mapping[str, str]) -> str:
    """Return why the message was quarantined; "" where it was not."""
    return _line(attributes.get(_REASON, ""))


def _object(value: object) -> Document:
    return value if isinstance(value, dict) else {}


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode("utf-8", "replace")).hexdigest()[:32]


def _line(text: str) -> str:
    return printable(text, _LONGEST_REASON)
