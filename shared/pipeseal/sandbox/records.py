"""From an HTTP request to AWS and its response to the event that EventBridge delivers: the CloudTrail record; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, unquote
from uuid import uuid4

import botocore.session
import xmltodict  # type: ignore[import-untyped]  # moto requires it; it has no type information

from pipeseal.aws.documents import Document, MutableDocument
from pipeseal.secrets.redaction import CLOUDTRAIL_REDACTION

if TYPE_CHECKING:
    from botocore.model import ServiceModel, Shape

    from pipeseal.sandbox.identities import Identity

EventDocument = MutableDocument
"""An EventBridge event; its detail is a CloudTrail record."""

_REDACTED_FIELDS = {"OAuthToken", "SecretToken"}

# Prefix of the X-Amz-Target header -> the service as botocore and event sources name it.
_TARGETS = {
    "TrentService": "kms",
    "CodePipeline_20150709": "codepipeline",
    "CodeDeploy_20141006": "codedeploy",
    "CodeBuild_20161006": "codebuild",
    "CloudTrail_20131101": "cloudtrail",
}
_READ_ONLY_PREFIXES = ("Get", "List", "Describe", "Head", "BatchGet", "Lookup", "Verify")

# Subresource of a bucket whose calls are management events -> the event name without its verb.
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
_BUCKET_OPERATIONS = {"PUT": "CreateBucket", "DELETE": "DeleteBucket", "HEAD": "HeadBucket"}

_CREDENTIAL = re.compile(r"Credential=([^/\s,]+)/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")


class SigningCredential(NamedTuple):
    """The Credential of a Signature Version 4 signature; the parts are "" for an unsigned request."""

    access_key_id: str
    region: str
    service: str


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """An HTTP request to AWS; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def credential(self) -> SigningCredential:
        """Return the credential that signs the request, in the Authorization header or a presigned URL."""
        text = self.headers.get("authorization", "") or "Credential=" + dict(self._query).get("X-Amz-Credential", "")
        found = _CREDENTIAL.search(text)
        return SigningCredential(found[1], found[2], found[3]) if found else SigningCredential("", "", "")

    @property
    def _query(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True)

    @property
    def operation(self) -> tuple[str, str] | None:
        """Return the service and the CloudTrail event name of the call; None where CloudTrail does not record it."""
        if target := self.headers.get("x-amz-target"):
            prefix, _, name = target.rpartition(".")
            service = _TARGETS.get(prefix.rpartition(".")[2])
            return (service, name) if service else None
        name = self._bucket_operation() if self.credential.service == "s3" else ""
        return ("s3", name) if name else None

    def _bucket_operation(self) -> str:
        """Return the event name of a call on a bucket; "" for objects, whose calls are data events."""
        bucket, key = self.bucket_and_key
        if not bucket or key:
            return ""
        if self.subresource:
            verb = _VERBS.get(self.method)
            return f"{verb}{_SUBRESOURCES[self.subresource]}" if verb else ""
        return _BUCKET_OPERATIONS.get(self.method, "")

    @property
    def bucket_and_key(self) -> tuple[str, str]:
        """Return the bucket and the object key of a path-style or virtual-hosted-style S3 request."""
        host = self.headers.get("host", "").partition(":")[0]
        path = unquote(self.path).lstrip("/")
        bucket, dot, _ = host.partition(".localhost")
        if not dot:
            bucket, dot, _ = host.partition(".s3.")
        if dot:
            return bucket, path
        bucket, _, key = path.partition("/")
        return bucket, key

    @property
    def subresource(self) -> str:
        """Return the subresource of the bucket, such as "policy"; "" for the bucket itself."""
        return next((name for name, _ in self._query if name in _SUBRESOURCES), "")


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """The HTTP response of AWS; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    def error(self) -> dict[str, str]:
        """Return the errorCode and the errorMessage of an error response; an empty dict for any other."""
        if self.status < 400:  # noqa: PLR2004 - the first client error of HTTP
            return {}
        if self.body.lstrip().startswith(b"<"):
            parsed = xmltodict.parse(self.body)
            error = parsed.get("Error") or next(iter(parsed.values()), None) or {}
            return {"errorCode": str(error.get("Code", "")), "errorMessage": str(error.get("Message", ""))}
        error = _json(self.body)
        code = self.headers.get("x-amzn-errortype") or error.get("__type") or str(self.status)
        return {"errorCode": str(code).rpartition("#")[2], "errorMessage": str(error.get("message", ""))}


def event_of(
    request: ApiRequest, response: ApiResponse, identity: Identity, account: str, now: datetime
) -> EventDocument | None:
    """Return the EventBridge event of a call that *identity* made; None where CloudTrail does not record the call."""
    operation = request.operation
    if operation is None:
        return None
    service, name = operation
    time = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    region = request.credential.region or "us-east-1"
    read_only = name.startswith(_READ_ONLY_PREFIXES)
    error = response.error()
    elements = (
        _s3_elements(request, account, region)
        if service == "s3"
        else _json_elements(service, name, request, response, account, region)
    )
    detail: EventDocument = {
        "eventVersion": "1.11",
        "userIdentity": dict(identity.user_identity),
        "eventTime": time,
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": "203.0.113.7",
        "userAgent": f"[{request.headers.get('user-agent', '')}]",
        **error,
        "requestParameters": _redacted(elements.request_parameters) or None,
        "responseElements": None if error or read_only else _redacted(elements.response_elements) or None,
        "requestID": str(uuid4()),
        "eventID": str(uuid4()),
        "readOnly": read_only,
        "resources": list(elements.resources),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
        **identity.record_fields,
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


class _Elements(NamedTuple):
    """The elements of a CloudTrail record that depend on the service."""

    request_parameters: MutableDocument
    response_elements: MutableDocument
    resources: tuple[dict[str, str], ...]


def _json(body: bytes) -> MutableDocument:
    """Return the JSON object in *body*; an empty dict where there is none."""
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _redacted(value: object) -> object:
    """Return *value* without the tokens that CloudTrail redacts."""
    if isinstance(value, dict):
        return {
            name: CLOUDTRAIL_REDACTION if name in _REDACTED_FIELDS else _redacted(each) for name, each in value.items()
        }
    return [_redacted(each) for each in value] if isinstance(value, list) else value


# ------------------------------------------------------------- the JSON protocol


@cache
def _model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


def _json_elements(  # noqa: PLR0913, PLR0917 - a call and where it was made
    service: str, name: str, request: ApiRequest, response: ApiResponse, account: str, region: str
) -> _Elements:
    model = _model(service)
    parameters, elements = _json(request.body), _json(response.body)
    if name in model.operation_names:
        operation = model.operation_model(name)
        parameters = _recorded(parameters, operation.input_shape)
        elements = _recorded(elements, operation.output_shape)
    if (service, name) == ("kms", "CreateKey"):
        parameters = _create_key_parameters(parameters)
    keys = tuple(_keys(parameters, elements, account, region)) if service == "kms" else ()
    return _Elements(parameters, elements, keys)


def _recorded(value: Any, shape: Shape | None) -> Any:
    """Return *value* as CloudTrail writes it: members of structures in lower camel case, keys of maps unchanged."""
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


def _create_key_parameters(parameters: Document) -> MutableDocument:
    """Add the defaults that KMS records; it records the key spec as keySpec and as customerMasterKeySpec."""
    spec = parameters.get("keySpec") or parameters.get("customerMasterKeySpec") or "SYMMETRIC_DEFAULT"
    defaults = {"policy": "", "description": "", "tags": [], "keyUsage": "ENCRYPT_DECRYPT", "origin": "AWS_KMS"}
    switches = {"bypassPolicyLockoutSafetyCheck": False, "multiRegion": False}
    return {**defaults, **switches, **parameters, "keySpec": spec, "customerMasterKeySpec": spec}


def _keys(parameters: Document, elements: Document, account: str, region: str) -> Iterator[dict[str, str]]:
    """Yield the keys of a KMS call as the record's `resources`."""
    created = (elements.get(name) for name in ("keyMetadata", "replicaKeyMetadata"))
    arns = [metadata["arn"] for metadata in created if metadata and metadata.get("arn")]
    key_id = str(parameters.get("keyId") or "")
    if key_id.startswith("arn:"):
        arns.append(key_id)
    elif key_id and not key_id.startswith("alias/"):
        arns.append(f"arn:aws:kms:{region}:{account}:key/{key_id}")
    for arn in dict.fromkeys(arns):
        yield {"accountId": account, "type": "AWS::KMS::Key", "ARN": arn}


# ------------------------------------------------------------------------------ S3


def _s3_elements(request: ApiRequest, account: str, region: str) -> _Elements:
    """Return the elements of a call on a bucket; CloudTrail records the XML body as an object, and no response."""
    bucket, _ = request.bucket_and_key
    parameters: MutableDocument = {"bucketName": bucket, "Host": f"{bucket}.s3.{region}.amazonaws.com"}
    if request.subresource:
        parameters[request.subresource] = ""
    if request.operation == ("s3", "PutBucketPolicy"):
        parameters["bucketPolicy"] = _json(request.body) or request.body.decode("utf-8", "replace")
    elif request.body.lstrip().startswith(b"<"):
        parameters |= _from_xml(xmltodict.parse(request.body))
    resource = {"accountId": account, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"}
    return _Elements(parameters, {}, (resource,))


def _from_xml(value: Any) -> Any:
    """Return parsed XML as CloudTrail writes it: attributes as members, an empty element as an empty string."""
    if isinstance(value, dict):
        return {name.removeprefix("@"): _from_xml(each) for name, each in value.items()}
    return [_from_xml(each) for each in value] if isinstance(value, list) else value or ""
