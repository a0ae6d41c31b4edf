"""An HTTP call to AWS and its answer -> the CloudTrail record of it, in EventBridge's envelope; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote
from uuid import uuid4

import botocore.session
import xmltodict  # type: ignore[import-untyped]  # moto brings it; nobody brings its types

if TYPE_CHECKING:
    from botocore.model import ServiceModel, Shape

    from pipeseal.sandbox.people import Person

Event = dict[str, Any]

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
_SECRET = {"OAuthToken", "SecretToken"}

# X-Amz-Target's prefix -> botocore's name of the service, which is that of its events too.
_TARGETS = {
    "TrentService": "kms",
    "CodePipeline_20150709": "codepipeline",
    "CodeDeploy_20141006": "codedeploy",
    "CodeBuild_20161006": "codebuild",
    "CloudTrail_20131101": "cloudtrail",
}
_READS = ("Get", "List", "Describe", "Head", "BatchGet", "Lookup", "Verify")

# The subresources of a bucket that are management events, and what their events are called without the verb.
_SUBRESOURCES = {
    "accelerate": "AccelerateConfiguration",
    "acl": "BucketAcl",
    "cors": "BucketCors",
    "encryption": "BucketEncryption",
    "lifecycle": "BucketLifecycle",
    "location": "BucketLocation",
    "logging": "BucketLogging",
    "notification": "BucketNotification",
    "object-lock": "ObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "policyStatus": "BucketPolicyStatus",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "replication": "BucketReplication",
    "requestPayment": "BucketRequestPayment",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
    "website": "BucketWebsite",
}
_VERBS = {"GET": "Get", "PUT": "Put", "DELETE": "Delete"}
_BARE = {"PUT": "CreateBucket", "DELETE": "DeleteBucket", "HEAD": "HeadBucket"}

_SCOPE = re.compile(r"Credential=([^/\s,]+)/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")


@dataclass(frozen=True, slots=True)
class Request:
    """A call as it came in; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def scope(self) -> tuple[str, str, str]:
        """Return the access key id, the Region and the service that the call is signed for; "" where it is not."""
        text = self.headers.get("authorization", "") or "Credential=" + dict(self._query).get("X-Amz-Credential", "")
        found = _SCOPE.search(text)
        return (found[1], found[2], found[3]) if found else ("", "", "")

    @property
    def _query(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True)

    @property
    def operation(self) -> tuple[str, str] | None:
        """Return the service and the name that CloudTrail gives the call; None where it keeps no record of it."""
        if target := self.headers.get("x-amz-target"):
            prefix, _, name = target.rpartition(".")
            service = _TARGETS.get(prefix.rpartition(".")[2])
            return (service, name) if service else None
        name = self._bucket_operation() if self.scope[2] == "s3" else ""
        return ("s3", name) if name else None

    def _bucket_operation(self) -> str:
        """Name what is done to a bucket; what is done to objects is a data event, which nobody asked for."""
        bucket, key = self.place
        if not bucket or key:
            return ""
        for name, _ in self._query:
            if name in _SUBRESOURCES:
                verb = _VERBS.get(self.method)
                return f"{verb}{_SUBRESOURCES[name]}" if verb else ""
        return _BARE.get(self.method, "")

    @property
    def place(self) -> tuple[str, str]:
        """Return the bucket and the object key that the call is about, named by path or by host."""
        host = self.headers.get("host", "").partition(":")[0]
        path = unquote(self.path).lstrip("/")
        before, dot, _ = host.partition(".localhost")
        if not dot:
            before, dot, _ = host.partition(".s3.")
        if dot:
            return before, path
        bucket, _, key = path.partition("/")
        return bucket, key

    @property
    def subresource(self) -> str:
        """Return the subresource of the bucket, such as "policy"; "" for the bucket itself."""
        return next((name for name, _ in self._query if name in _SUBRESOURCES), "")


@dataclass(frozen=True, slots=True)
class Answer:
    """What AWS answered; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    def error(self) -> dict[str, str]:
        """Return errorCode and errorMessage of a refusal; nothing where there is none."""
        if self.status < 400:  # noqa: PLR2004 - HTTP's own line between success and refusal
            return {}
        if self.body.lstrip().startswith(b"<"):
            parsed = xmltodict.parse(self.body)
            fault = parsed.get("Error") or next(iter(parsed.values()), None) or {}
            return {"errorCode": str(fault.get("Code", "")), "errorMessage": str(fault.get("Message", ""))}
        fault = _json(self.body)
        code = self.headers.get("x-amzn-errortype") or fault.get("__type") or str(self.status)
        return {"errorCode": str(code).rpartition("#")[2], "errorMessage": str(fault.get("message", ""))}


def event_of(request: Request, answer: Answer, person: Person, account: str, now: datetime) -> Event | None:
    """Return the event that EventBridge delivers for a call; None where CloudTrail keeps no record of the call."""
    found = request.operation
    if found is None:
        return None
    service, name = found
    time = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    region = request.scope[1] or "us-east-1"
    read_only = name.startswith(_READS)
    error = answer.error()
    parts = _s3_parts if service == "s3" else _json_parts
    asked, answered, resources = parts(request, answer, name, account, region)
    detail: Event = {
        "eventVersion": "1.11",
        "userIdentity": dict(person.identity),
        "eventTime": time,
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": "203.0.113.7",
        "userAgent": f"[{request.headers.get('user-agent', '')}]",
        **error,
        "requestParameters": _without_secrets(asked) or None,
        "responseElements": None if error or read_only else _without_secrets(answered) or None,
        "requestID": str(uuid4()),
        "eventID": str(uuid4()),
        "readOnly": read_only,
        "resources": list(resources),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
        **person.extra,
    }
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": "AWS API Call via CloudTrail",
        "source": f"aws.{service}",
        "account": account,
        "time": time,
        "region": region,
        "resources": [],
        "detail": detail,
    }


_Parts = tuple[Event, Event, Iterator[dict[str, str]]]


def _json(body: bytes) -> Event:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _without_secrets(value: Any) -> Any:
    """Return *value* with the tokens hidden that CloudTrail hides."""
    if isinstance(value, dict):
        return {name: HIDDEN if name in _SECRET else _without_secrets(each) for name, each in value.items()}
    return [_without_secrets(each) for each in value] if isinstance(value, list) else value


# ------------------------------------------------------- services that speak JSON


@cache
def _model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


def _json_parts(request: Request, answer: Answer, name: str, account: str, region: str) -> _Parts:
    service = (request.operation or ("", ""))[0]
    model = _model(service)
    asked, answered = _json(request.body), _json(answer.body)
    if name in model.operation_names:
        operation = model.operation_model(name)
        asked, answered = _recorded(asked, operation.input_shape), _recorded(answered, operation.output_shape)
    if (service, name) == ("kms", "CreateKey"):
        asked = _create_key(asked)
    keys = _keys(asked, answered, account, region) if service == "kms" else iter(())
    return asked, answered, keys


def _recorded(value: Any, shape: Shape | None) -> Any:
    """Spell *value* as CloudTrail does: members in lower camel case, the keys of maps as they are."""
    kind = shape.type_name if shape else ""
    if kind == "timestamp" and isinstance(value, int | float):
        return f"{(when := datetime.fromtimestamp(value, UTC)):%b} {when.day}, {when:%Y, %I:%M:%S %p}"
    if kind == "structure" and isinstance(value, dict):
        members = getattr(shape, "members", {})
        given = ((name, each) for name, each in value.items() if each is not None)
        return {name[:1].lower() + name[1:]: _recorded(each, members.get(name)) for name, each in given}
    if kind == "map" and isinstance(value, dict):
        return {name: _recorded(each, getattr(shape, "value", None)) for name, each in value.items()}
    if kind == "list" and isinstance(value, list):
        return [_recorded(each, getattr(shape, "member", None)) for each in value]
    return value


def _create_key(asked: Event) -> Event:
    """Fill in what KMS records where the caller left it out; the spec under its old name and its new one."""
    spec = asked.get("keySpec") or asked.get("customerMasterKeySpec") or "SYMMETRIC_DEFAULT"
    defaults = {"policy": "", "description": "", "tags": [], "keyUsage": "ENCRYPT_DECRYPT", "origin": "AWS_KMS"}
    switches = {"bypassPolicyLockoutSafetyCheck": False, "multiRegion": False}
    return {**defaults, **switches, **asked, "keySpec": spec, "customerMasterKeySpec": spec}


def _keys(asked: Event, answered: Event, account: str, region: str) -> Iterator[dict[str, str]]:
    """Yield the keys of a KMS call as the record's `resources`."""
    made = (answered.get(name) for name in ("keyMetadata", "replicaKeyMetadata"))
    arns = [metadata["arn"] for metadata in made if metadata and metadata.get("arn")]
    named = str(asked.get("keyId") or "")
    if named.startswith("arn:"):
        arns.append(named)
    elif named and not named.startswith("alias/"):
        arns.append(f"arn:aws:kms:{region}:{account}:key/{named}")
    for arn in dict.fromkeys(arns):
        yield {"accountId": account, "type": "AWS::KMS::Key", "ARN": arn}


# ------------------------------------------------------------------------------ S3


def _s3_parts(request: Request, _answer: Answer, name: str, account: str, region: str) -> _Parts:
    """S3 answers are never recorded; the body is, as an object under the name of its element."""
    bucket, _ = request.place
    asked: Event = {"bucketName": bucket, "Host": f"{bucket}.s3.{region}.amazonaws.com"}
    if request.subresource:
        asked[request.subresource] = ""
    if name == "PutBucketPolicy":
        asked["bucketPolicy"] = _json(request.body) or request.body.decode("utf-8", "replace")
    elif request.body.lstrip().startswith(b"<"):
        asked |= _xml(xmltodict.parse(request.body))
    return asked, {}, iter([{"accountId": account, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"}])


def _xml(value: Any) -> Any:
    """Spell parsed XML as CloudTrail does: attributes as members, an empty element as an empty string."""
    if isinstance(value, dict):
        return {name.removeprefix("@"): _xml(each) for name, each in value.items()}
    return [_xml(each) for each in value] if isinstance(value, list) else value or ""
