"""The clients of this process: made on first use, one for each service and Region."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http import HTTPStatus
from threading import Lock, local
from typing import Any, NamedTuple

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from pipeseal.model import printable

Clients = Callable[[str, str], Any]

_DENIED = ("AccessDenied", "UnauthorizedOperation", "AuthorizationError", "AllAccessDisabled", "MethodNotAllowed")
_FINAL = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY)
# Codes that come with those statuses too and pass by themselves, or are about the caller's clock and credentials.
_PASSING = re.compile(
    "Throttl|TooManyRequests|SlowDown|RequestLimit|ProvisionedThroughput|Timeout|TimedOut|Unavailable|Internal|Concurrent|"
    "Conflict|Aborted|InProgress|Expired|Token|Signature|Skewed|UnrecognizedClient|NotFound|NoSuch|DoesNotExist"
)
_CONFLICT = re.compile("Aborted|Concurrent|Conflict")
_NAMED = re.compile(r"perform: ([a-z0-9-]+:[A-Za-z]+)")
_LONGEST_ANSWER = 500
# AWS's answer mostly names the action; S3's older ones do not, and there the action has another name than the call.
_ACTIONS = {
    "GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "ListBuckets": "s3:ListAllMyBuckets",
    **{name: f"s3:{name}" for name in ("GetBucketPolicy", "PutBucketPolicy", "GetBucketWebsite", "GetBucketTagging")},
    **{
        name: f"kms:{name}"
        for name in ("DescribeKey", "DisableKey", "EnableKeyRotation", "GetKeyRotationStatus", "ScheduleKeyDeletion")
    },
}

# Below Lambda's own time-out, so that an AWS that does not answer is an error with a name.
CONFIG = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "max_attempts": 4},
    user_agent_extra="pipeseal",
    # S3 lists the buckets of one Region at that Region's own endpoint; botocore's default for us-east-1 is the global.
    s3={"us_east_1_regional_endpoint": "regional"},
)


def client(service: str, region: str) -> Any:
    """Return the client of *service* in *region*; the endpoint is the environment's (AWS_ENDPOINT_URL) or AWS's."""
    with _making:
        return _made(service, region)


_making = Lock()  # threads may share a client, but not the making of one


@cache
def _made(service: str, region: str) -> Any:
    return _session().create_client(service, region_name=region, config=CONFIG)


def forget() -> None:
    """Forget every client and the credentials behind them; no function in Lambda outlives its own."""
    _made.cache_clear()
    _session.cache_clear()


@cache
def _session() -> Session:
    """Return boto3's own foundation: its resources and transfers, never used here, would double the import."""
    return Session()


def code(error: ClientError) -> str:
    """Return the code that AWS answered with, such as NoSuchBucket."""
    return str(error.response.get("Error", {}).get("Code", ""))


class Refusal(NamedTuple):
    """A call that AWS will refuse the next time too."""

    permission: str
    """The IAM action that the call needs."""
    denied: bool
    """Whether it is the permission that is missing; else AWS does not take what it was given."""
    answer: str
    """AWS's answer, in one printable line."""


def refusal(error: ClientError) -> Refusal | None:
    """Return what was refused for good, or None where trying again may help or the thing is simply not there."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", HTTPStatus.BAD_REQUEST)
    answered = code(error)
    denied = answered.startswith(_DENIED)
    if not denied and (status not in _FINAL or _PASSING.search(answered)):
        return None
    message = error.response.get("Error", {}).get("Message", "")
    named = _NAMED.search(message)
    permission = named[1] if named else _permission(error)
    line = printable(f"{answered}: {message}").rstrip(": .")
    return Refusal(permission, denied, line[:_LONGEST_ANSWER])


def _permission(error: ClientError) -> str:
    """Return the IAM action of the operation that failed, by its name where AWS does not say."""
    operation = error.operation_name
    return _ACTIONS.get(operation) or f"the permission for {operation}"


def conflicts(error: ClientError) -> bool:
    """Say whether AWS did not do it because somebody else was writing to the same thing."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status == HTTPStatus.CONFLICT or bool(_CONFLICT.search(code(error)))


@contextmanager
def as_sent(client: Any) -> Iterator[list[dict[str, Any]]]:
    """Collect what AWS sends *client* in JSON to this thread meanwhile: botocore drops what its model does not know."""
    event = f"before-parse.{client.meta.service_model.service_name}"
    client.meta.events.register(event, _hear, unique_id="pipeseal-as-sent")  # once: threads share the client
    sent: list[dict[str, Any]] = []
    _hearing.sent = sent
    try:
        yield sent
    finally:
        _hearing.sent = None


class _Hearing(local):
    """What a thread is being sent, while it collects that."""

    sent: list[dict[str, Any]] | None = None


_hearing = _Hearing()


def _hear(response_dict: dict[str, Any], **_: Any) -> None:
    if _hearing.sent is not None and response_dict["status_code"] == HTTPStatus.OK:
        _hearing.sent.append(json.loads(response_dict["body"]))


def unless(missing: str, call: Callable[..., dict[str, Any]], **arguments: Any) -> dict[str, Any] | None:
    """Return what *call* answers, or None where AWS answers with the code *missing*; any other error is raised."""
    try:
        return call(**arguments)
    except ClientError as error:
        if code(error) != missing:
            raise
        return None
