"""CloudTrail records as they are: which resources one names, who did it; pure. What a record claims is not believed.

Shapes: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pipeseal.model import Actor, Cause, Kind, Ref, printable

Record = Mapping[str, Any]


class Malformed(ValueError):
    """An event that pipeseal asked for does not say which resource it is about; the text says what is missing."""


_ACCOUNT = re.compile(r"\d{12}")
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}")
_NAMES = {
    Kind.BUCKET: re.compile(r"[A-Za-z0-9._-]{3,255}"),
    Kind.KEY: re.compile(r"[A-Za-z0-9-]{1,256}"),
    Kind.PIPELINE: re.compile(r"[A-Za-z0-9.@_-]{1,100}"),
    Kind.TRAIL: re.compile(r"[A-Za-z0-9._-]{3,128}"),
    Kind.APPLICATION: re.compile(r"[A-Za-z0-9.@_+=,-]{1,100}"),
    Kind.PROJECT: re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{1,254}"),
}
_PRINTABLE = 200


def subjects(event: Record) -> tuple[Ref, ...]:
    """Return the resources that an EventBridge *event* from CloudTrail names.

    None where the call failed, where it concerns another account's resource, or where another service uses the
    same event name. Raises Malformed where the event does not say what it must.
    """
    return _named_by(event, _SUBJECT)


def touched(event: Record) -> tuple[Ref, ...]:
    """Return what `subjects` does, and the resources that a call touched of which no rule of the template hears."""
    return _named_by(event, _TELLING)


def _named_by(event: Record, table: Mapping[tuple[str, str], _Find]) -> tuple[Ref, ...]:
    detail = _detail(event)
    find = table.get((_text(detail, "eventSource"), _text(detail, "eventName")))
    if find is None or detail.get("errorCode"):
        return ()
    account = _matching(_ACCOUNT, "account", event.get("account"), detail.get("recipientAccountId"))
    region = _matching(_REGION, "region", event.get("region"), detail.get("awsRegion"))
    refs = dict.fromkeys(find(detail, account, region))
    if not refs:
        raise Malformed(f"{detail['eventName']} event {detail.get('eventID')!r:.60} names no resource")
    return tuple(ref for ref in refs if ref.account == account)


def cause(event: Record) -> Cause:
    """Return what happened, when and by whom. Raises Malformed where there is no id or time to tell it by."""
    detail = _detail(event)
    identity = detail.get("eventID") or event.get("id")
    if not isinstance(identity, str):
        raise Malformed("the event has no eventID")
    return Cause(
        id=_plain(identity),
        name=_plain(_text(detail, "eventName")),
        time=_time(detail.get("eventTime") or event.get("time")),
        actor=_actor(detail),
        put=_put(detail),
    )


def is_echo(event: Record, roles: Collection[str]) -> bool:
    """Say whether one of *roles* (ARNs) made the call: what pipeseal itself did comes back as an event too.

    Whoever has no role, or none that the record names, is somebody else.
    """
    session = _mapping(_mapping(_detail(event).get("userIdentity")).get("sessionContext"))
    arn = _mapping(session.get("sessionIssuer")).get("arn")
    return isinstance(arn, str) and arn != "" and arn in roles


def _put(detail: Record) -> Any:
    """Return the bucket policy that the call put, {} where it deleted the policy, None where it did neither."""
    if detail.get("eventSource") != "s3.amazonaws.com":
        return None
    if detail.get("eventName") == "DeleteBucketPolicy":
        return {}
    request = _mapping(detail.get("requestParameters"))
    return request.get("bucketPolicy") if detail.get("eventName") == "PutBucketPolicy" else None


def _detail(event: Record) -> Record:
    detail = _mapping(event).get("detail")
    if not isinstance(detail, Mapping):
        raise Malformed("not an EventBridge event: it has no detail")
    return detail


def _mapping(value: object) -> Record:
    return value if isinstance(value, Mapping) else {}


def _text(record: Record, name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str):
        raise Malformed(f"the event has no {name}")
    return value


def _matching(form: re.Pattern[str], what: str, *candidates: object) -> str:
    for candidate in candidates:
        if isinstance(candidate, str) and form.fullmatch(candidate):
            return candidate
    raise Malformed(f"the event does not say its {what}")


def _time(value: object) -> datetime:
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        raise Malformed(f"the event's time is {value!r:.60}") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _plain(text: object) -> str:
    """Return *text* in one printable line of bounded length: it goes into logs and mails."""
    line = str(text)[:_PRINTABLE]
    return printable(line)


# ------------------------------------------------------------------ subjects


def _arns(detail: Record, service: str) -> Iterator[tuple[str, str, str]]:
    """Yield (account, region, resource) of the ARNs of *service* in the record's `resources`."""
    resources = detail.get("resources")
    for resource in resources if isinstance(resources, list) else ():
        if parts := _arn(_mapping(resource).get("ARN"), service):
            account, region, name = parts
            yield account or str(_mapping(resource).get("accountId") or ""), region, name


def _arn(text: object, service: str) -> tuple[str, str, str] | None:
    """Return (account, region, resource) where *text* is an ARN of *service*."""
    match text.split(":", 5) if isinstance(text, str) else ():
        case ["arn", _, found, region, account, resource] if found == service:
            return account, region, resource
    return None


def _named(kind: Kind, account: str, region: str, name: object) -> Iterator[Ref]:
    if isinstance(name, str) and _NAMES[kind].fullmatch(name):
        yield Ref(kind, account, region, name)


def _buckets(detail: Record, account: str, region: str) -> Iterator[Ref]:
    """The bucket's name is all that an S3 record is sure to hold; its owner stands in `resources`, if anywhere."""
    name = _mapping(detail.get("requestParameters")).get("bucketName")
    listed = {name: owner for owner, _, name in _arns(detail, "s3") if "/" not in name}
    if not isinstance(name, str) and len(listed) == 1:
        (name,) = listed
    owner = listed.get(name, "") if isinstance(name, str) else ""
    yield from _named(Kind.BUCKET, owner or account, region, name)


def _pipelines(detail: Record, account: str, region: str) -> Iterator[Ref]:
    for side in ("requestParameters", "responseElements"):
        pipeline = _mapping(_mapping(detail.get(side)).get("pipeline"))
        yield from _named(Kind.PIPELINE, account, region, pipeline.get("name"))


def _gone_pipeline(detail: Record, account: str, region: str) -> Iterator[Ref]:
    yield from _named(Kind.PIPELINE, account, region, _mapping(detail.get("requestParameters")).get("name"))


def _key(value: object, account: str, region: str) -> Iterator[Ref]:
    """A key is named by its ARN, which may lie in another Region, or by its id."""
    if parts := _arn(value, "kms"):
        account, region, resource = parts
        value = resource.removeprefix("key/")
    yield from _named(Kind.KEY, account, region, value)


def _new_key(detail: Record, account: str, region: str) -> Iterator[Ref]:
    metadata = _mapping(_mapping(detail.get("responseElements")).get("keyMetadata"))
    yield from _key(metadata.get("arn") or metadata.get("keyId"), account, region)
    if not metadata:
        yield from _listed_keys(detail)


def _listed_keys(detail: Record) -> Iterator[Ref]:
    for account, region, resource in _arns(detail, "kms"):
        yield from _named(Kind.KEY, account, region, resource.removeprefix("key/"))


def _replica(detail: Record, account: str, region: str) -> Iterator[Ref]:
    """The record stands in the primary's Region; the replica has the primary's id, in a Region of its own."""
    metadata = _mapping(_mapping(detail.get("responseElements")).get("replicaKeyMetadata"))
    request = _mapping(detail.get("requestParameters"))
    if metadata.get("arn"):
        yield from _key(metadata["arn"], account, region)
    else:
        elsewhere = _matching(_REGION, "replicaRegion", request.get("replicaRegion"))
        for primary in _key(request.get("keyId"), account, region):
            yield from _named(Kind.KEY, primary.account, elsewhere, primary.name)


def _old_key(detail: Record, account: str, region: str) -> Iterator[Ref]:
    for side in ("responseElements", "requestParameters"):
        found = tuple(_key(_mapping(detail.get(side)).get("keyId"), account, region))
        if found:
            yield from found
            return
    yield from _listed_keys(detail)


def _applications(detail: Record, account: str, region: str) -> Iterator[Ref]:
    """The revision of a deployment stands in the record too, but a record is not believed: the application says."""
    request = _mapping(detail.get("requestParameters"))
    yield from _named(Kind.APPLICATION, account, region, request.get("applicationName"))


def _projects(detail: Record, account: str, region: str) -> Iterator[Ref]:
    """A project is named by its name or its ARN."""
    made = _mapping(_mapping(detail.get("responseElements")).get("project"))
    for name in (_mapping(detail.get("requestParameters")).get("name"), made.get("name")):
        if parts := _arn(name, "codebuild"):
            owner, place, resource = parts
            yield from _named(Kind.PROJECT, owner, place, resource.removeprefix("project/"))
        else:
            yield from _named(Kind.PROJECT, account, region, name)


def _trails(detail: Record, account: str, region: str) -> Iterator[Ref]:
    """A trail is named by its name or by its ARN, which may lie in another Region or account; the answer knows."""
    request = _mapping(detail.get("requestParameters"))
    response = _mapping(detail.get("responseElements"))
    listed = (f"arn:aws:cloudtrail:{place}:{owner}:{name}" for owner, place, name in _arns(detail, "cloudtrail"))
    for value in (response.get("trailARN"), request.get("name"), request.get("trailName"), *listed):
        found = tuple(_trail(value, account, region))
        if found:
            yield from found
            return


def _trail(value: object, account: str, region: str) -> Iterator[Ref]:
    if parts := _arn(value, "cloudtrail"):
        account, region, resource = parts
        value = resource.removeprefix("trail/")
    yield from _named(Kind.TRAIL, account, region, value)


_Find = Callable[[Record, str, str], Iterator[Ref]]

_SUBJECT: Mapping[tuple[str, str], _Find] = {
    ("codepipeline.amazonaws.com", "CreatePipeline"): _pipelines,
    ("codepipeline.amazonaws.com", "UpdatePipeline"): _pipelines,
    ("codepipeline.amazonaws.com", "DeletePipeline"): _gone_pipeline,
    ("codedeploy.amazonaws.com", "RegisterApplicationRevision"): _applications,
    ("codedeploy.amazonaws.com", "CreateDeployment"): _applications,
    ("codedeploy.amazonaws.com", "CreateDeploymentGroup"): _applications,
    ("codebuild.amazonaws.com", "CreateProject"): _projects,
    ("codebuild.amazonaws.com", "UpdateProject"): _projects,
    ("s3.amazonaws.com", "PutBucketPolicy"): _buckets,
    ("s3.amazonaws.com", "DeleteBucketPolicy"): _buckets,
    ("s3.amazonaws.com", "PutBucketEncryption"): _buckets,
    ("s3.amazonaws.com", "DeleteBucketEncryption"): _buckets,
    ("kms.amazonaws.com", "CreateKey"): _new_key,
    ("kms.amazonaws.com", "ReplicateKey"): _replica,
    ("kms.amazonaws.com", "EnableKey"): _old_key,
    ("kms.amazonaws.com", "CancelKeyDeletion"): _old_key,
    ("cloudtrail.amazonaws.com", "CreateTrail"): _trails,
    ("cloudtrail.amazonaws.com", "StartLogging"): _trails,
    ("cloudtrail.amazonaws.com", "StopLogging"): _trails,
    ("cloudtrail.amazonaws.com", "DeleteTrail"): _trails,
    ("cloudtrail.amazonaws.com", "PutEventSelectors"): _trails,
    ("cloudtrail.amazonaws.com", "UpdateTrail"): _trails,
    ("kms.amazonaws.com", "DisableKeyRotation"): _old_key,
}

# What changes the same resources and cannot break a control: whoever follows them record by record must know it.
_UNHEARD: Mapping[tuple[str, str], _Find] = {
    ("s3.amazonaws.com", "CreateBucket"): _buckets,
    ("s3.amazonaws.com", "DeleteBucket"): _buckets,
    ("s3.amazonaws.com", "PutBucketWebsite"): _buckets,
    ("s3.amazonaws.com", "DeleteBucketWebsite"): _buckets,
    ("kms.amazonaws.com", "EnableKeyRotation"): _old_key,
    ("kms.amazonaws.com", "DisableKey"): _old_key,
    ("kms.amazonaws.com", "ScheduleKeyDeletion"): _old_key,
    ("codedeploy.amazonaws.com", "CreateApplication"): _applications,
    ("codedeploy.amazonaws.com", "DeleteApplication"): _applications,
    ("codebuild.amazonaws.com", "DeleteProject"): _projects,
}

HEARD = frozenset(_SUBJECT)
"""(eventSource, eventName) of every event that a rule of the template hears."""

_TELLING = {**_SUBJECT, **_UNHEARD}

TELLING = frozenset(_TELLING)
"""The same of every record that tells how a resource is."""

# --------------------------------------------------------------------- actor


def _actor(detail: Record) -> Actor:
    """Name who did it; the record may say little (no type, no ARN) or nothing (userIdentity null)."""
    identity = _mapping(detail.get("userIdentity"))
    session = _mapping(identity.get("sessionContext"))
    mfa = _mapping(session.get("attributes")).get("mfaAuthenticated")
    return Actor(
        name=_plain(_who(identity, _mapping(session.get("sessionIssuer")))),
        kind=_plain(identity.get("type") or "unknown"),
        mfa=None if mfa is None else str(mfa).lower() == "true",
        via=_plain(_via(detail, identity)),
        arn=_plain(identity.get("arn") or ""),
    )


def _who(identity: Record, issuer: Record) -> object:
    arn = identity.get("arn")
    match identity.get("type"):
        case "Root":
            return f"root of account {identity.get('accountId') or 'unknown'}"
        case "AssumedRole" if isinstance(arn, str) and "/" in arn:
            return f"{arn.rsplit('/', 1)[1]} as role {issuer.get('userName') or arn.split('/')[1]}"
        case "IdentityCenterUser":
            return f"IAM Identity Center user {_mapping(identity.get('onBehalfOf')).get('userId') or 'unknown'}"
        case "AWSAccount":
            return f"somebody in account {identity.get('accountId') or 'unknown'}"
    return (
        identity.get("userName")
        or arn
        or identity.get("invokedBy")
        or identity.get("principalId")
        or "an unknown identity"
    )


def _via(detail: Record, identity: Record) -> object:
    agent = detail.get("userAgent")
    tool = agent.lower() if isinstance(agent, str) else ""
    if service := identity.get("invokedBy"):
        return service
    for name in ("Terraform", "CloudFormation", "Pulumi"):
        if name.lower() in tool:
            return name
    return "the AWS console" if str(detail.get("sessionCredentialFromConsole")).lower() == "true" else ""
