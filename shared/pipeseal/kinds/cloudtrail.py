"""CloudTrail events of any kind: which resources an event names, and who made the call; pure.

An event only names a resource: nothing else in it is relied on. Record contents:
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache

from pipeseal import kinds
from pipeseal.discovery import load
from pipeseal.kinds.events import KindEvents, NamedRefs, Record, event_source, is_region, mapping
from pipeseal.model import Actor, Cause, Kind, Ref, Resource
from pipeseal.text import printable

_ACCOUNT = re.compile(r"\d{12}")
_LONGEST_TEXT = 200


class Malformed(ValueError):
    """A CloudTrail event or record lacks what every one must have; the text says what is missing."""


def subjects(event: Record) -> tuple[Ref, ...]:
    """Return the resources that an EventBridge *event* from CloudTrail names.

    None where the call failed, where it concerns another account's resource, or where no rule of the template matches
    it, such as another service's call of the same name. Raises Malformed where a required field is missing.
    """
    return _refs_in(event, lambda events, name: events.triggers.get(name))


def changed_resources(event: Record) -> tuple[Ref, ...]:
    """Return what `subjects` does, and the resources that a call changed which no rule of the template matches."""
    return _refs_in(event, lambda events, name: events.triggers.get(name) or events.other_changes.get(name))


@cache
def trigger_calls() -> frozenset[tuple[str, str]]:
    """Return (eventSource, eventName) of every call that a rule of the template matches."""
    return frozenset((events.source, name) for events in map(events_of, Kind) for name in events.triggers)


@cache
def changing_calls() -> frozenset[tuple[str, str]]:
    """Return (eventSource, eventName) of every call that changes a resource; `trigger_calls` are among them."""
    other = ((events.source, name) for events in map(events_of, Kind) for name in events.other_changes)
    return trigger_calls().union(other)


@cache
def events_of(kind: Kind) -> KindEvents[Resource]:
    """Return the CloudTrail events of *kind*; only its module is imported."""
    events: KindEvents[Resource] = load(kinds.__name__, f"{kind}.events").EVENTS
    return events


@lru_cache(maxsize=32)
def _events_from(source: str) -> tuple[KindEvents[Resource], ...]:
    """Return the CloudTrail events of the kinds whose service has that eventSource; no other kind is imported."""
    return tuple(events_of(kind) for kind in Kind if event_source(kind) == source)


def _refs_in(event: Record, reader: Callable[[KindEvents[Resource], str], NamedRefs | None]) -> tuple[Ref, ...]:
    """Return the resources that *event* names; *reader* returns how a kind's calls of that name give them."""
    record = _record_in(event)
    source, name = _text(record, "eventSource"), _text(record, "eventName")
    readers = [found for events in _events_from(source) if (found := reader(events, name))]
    if not readers or record.get("errorCode"):
        return ()
    account = _first("account", _is_account, event.get("account"), record.get("recipientAccountId"))
    region = _first("region", is_region, event.get("region"), record.get("awsRegion"))
    refs = dict.fromkeys(ref for read in readers for ref in read(record, account, region))
    if not refs:
        raise Malformed(f"{name} event {record.get('eventID')!r:.60} names no resource")
    return tuple(ref for ref in refs if ref.account == account)


def cause(event: Record) -> Cause:
    """Return what happened, when, and who made the call. Raises Malformed where the ID or the time is missing."""
    record = _record_in(event)
    event_id = record.get("eventID") or event.get("id")
    if not isinstance(event_id, str):
        raise Malformed("the event has no eventID")
    name = _text(record, "eventName")
    return Cause(
        id=_printable(event_id),
        name=_printable(name),
        time=parse_time(record.get("eventTime") or event.get("time")),
        actor=_actor(record),
        put=_put_document(record, name),
    )


def is_echo(event: Record, roles: Collection[str]) -> bool:
    """Return whether one of *roles* (ARNs) made the call: pipeseal's own calls come back as events.

    False where the record names no role.
    """
    session = mapping(mapping(_record_in(event).get("userIdentity")).get("sessionContext"))
    arn = mapping(session.get("sessionIssuer")).get("arn")
    return isinstance(arn, str) and arn != "" and arn in roles


def parse_time(value: object) -> datetime:
    """Return the time that *value* gives in ISO 8601, in UTC where it has no offset. Raises Malformed otherwise."""
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        raise Malformed(f"the event's time is {value!r:.60}") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _put_document(record: Record, name: str) -> object:
    """Return the document that the call put into a resource (see Cause.put), None where it put none."""
    source, request = record.get("eventSource"), mapping(record.get("requestParameters"))
    documents = (events.put_document(name, request) for events in _events_from(str(source)))
    return next((document for document in documents if document is not None), None)


def _record_in(event: Record) -> Record:
    record = mapping(event).get("detail")
    if not isinstance(record, Mapping):
        raise Malformed("not an EventBridge event: it has no detail")
    return record


def _text(record: Record, name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str):
        raise Malformed(f"the event has no {name}")
    return value


def _is_account(text: object) -> bool:
    return isinstance(text, str) and _ACCOUNT.fullmatch(text) is not None


def _first(field: str, is_valid: Callable[[object], bool], *candidates: object) -> str:
    """Return the first valid candidate for *field*; raise Malformed where there is none."""
    for candidate in candidates:
        if is_valid(candidate):
            return str(candidate)
    raise Malformed(f"the event does not have its {field}")


def _printable(text: object) -> str:
    """Return *text* in one printable line of limited length: it goes into logs, alerts and mails."""
    return printable(text, _LONGEST_TEXT)


# --------------------------------------------------------------------- actor


def _actor(record: Record) -> Actor:
    """Return who made the call; the userIdentity may lack its type and ARN, or be null."""
    identity = mapping(record.get("userIdentity"))
    session = mapping(identity.get("sessionContext"))
    mfa = mapping(session.get("attributes")).get("mfaAuthenticated")
    return Actor(
        name=_printable(_name_of(identity, mapping(session.get("sessionIssuer")))),
        kind=_printable(identity.get("type") or "unknown"),
        mfa=None if mfa is None else str(mfa).lower() == "true",
        via=_printable(_tool(record, identity)),
        arn=_printable(identity.get("arn") or ""),
    )


def _name_of(identity: Record, issuer: Record) -> object:
    arn = identity.get("arn")
    match identity.get("type"):
        case "Root":
            return f"root of account {identity.get('accountId') or 'unknown'}"
        case "AssumedRole" if isinstance(arn, str) and "/" in arn:
            return f"{arn.rsplit('/', 1)[1]} as role {issuer.get('userName') or arn.split('/')[1]}"
        case "IdentityCenterUser":
            return f"IAM Identity Center user {mapping(identity.get('onBehalfOf')).get('userId') or 'unknown'}"
        case "AWSAccount":
            return f"a principal in account {identity.get('accountId') or 'unknown'}"
    return (
        identity.get("userName")
        or arn
        or identity.get("invokedBy")
        or identity.get("principalId")
        or "an unknown identity"
    )


def _tool(record: Record, identity: Record) -> object:
    """Return the service or tool that made the call for the actor; "" where it is none of note."""
    agent = record.get("userAgent")
    tool = agent.lower() if isinstance(agent, str) else ""
    if service := identity.get("invokedBy"):
        return service
    for name in ("Terraform", "CloudFormation", "Pulumi"):
        if name.lower() in tool:
            return name
    return "the AWS console" if str(record.get("sessionCredentialFromConsole")).lower() == "true" else ""
