"""Errors that AWS returns: permanent refusals, write conflicts, missing resources."""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from pipeseal.aws.documents import MutableDocument
from pipeseal.aws.permissions import action_of
from pipeseal.text import printable

ServiceError = ClientError
"""AWS returned an error for a call."""

AWS_ERRORS = (BotoCoreError, ClientError)
"""What a call to AWS raises: ClientError where AWS returned an error, BotoCoreError where there was no response."""

_DENIED = ("AccessDenied", "UnauthorizedOperation", "AuthorizationError", "AllAccessDisabled", "MethodNotAllowed")
_FINAL = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY)
# Error codes with one of these statuses that are temporary, or that concern the caller's clock or credentials.
_TEMPORARY = re.compile(
    "Throttl|TooManyRequests|SlowDown|RequestLimit|ProvisionedThroughput|Timeout|TimedOut|Unavailable|Internal|Concurrent|"
    "Conflict|Aborted|InProgress|Expired|Token|Signature|Skewed|UnrecognizedClient|NotFound|NoSuch|DoesNotExist"
)
_CONFLICT = re.compile("Aborted|Concurrent|Conflict")
_NAMED_ACTION = re.compile(r"perform: ([a-z0-9-]+:[A-Za-z]+)")
_MAX_ANSWER_LENGTH = 500
# IAM actions of calls whose error message may not name them; some of S3's actions differ from the name of the call.
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


def code(error: ClientError) -> str:
    """Return the error code, such as NoSuchBucket."""
    return str(error.response.get("Error", {}).get("Code", ""))


def describe(error: ClientError) -> str:
    """Return the sentence that states which call AWS refused, with the error code and the message."""
    message = error.response.get("Error", {}).get("Message", "")
    return f"AWS refused {error.operation_name}: {code(error)}: {message}".rstrip(": ")


class Refusal(NamedTuple):
    """A call that AWS refuses again if it is retried."""

    permission: str
    """The IAM action that the call needs."""
    denied: bool
    """Whether the permission is missing; otherwise AWS rejects the arguments of the call."""
    answer: str
    """Error code and message, in one printable line."""


def refusal(error: ClientError) -> Refusal | None:
    """Return the permanent refusal that *error* is; None where a retry may succeed or the resource does not exist."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", HTTPStatus.BAD_REQUEST)
    error_code = code(error)
    denied = error_code.startswith(_DENIED)
    if not denied and (status not in _FINAL or _TEMPORARY.search(error_code)):
        return None
    message = error.response.get("Error", {}).get("Message", "")
    named = _NAMED_ACTION.search(message)
    permission = named[1] if named else _permission(error)
    line = printable(f"{error_code}: {message}").rstrip(": .")
    return Refusal(permission, denied, line[:_MAX_ANSWER_LENGTH])


def _permission(error: ClientError) -> str:
    """Return the IAM action of the operation that failed, for errors whose message does not name it."""
    operation = error.operation_name
    return action_of(operation) or f"the permission for {operation}"


def is_conflict(error: ClientError) -> bool:
    """Return whether AWS refused the write because of a concurrent write to the same resource."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status == HTTPStatus.CONFLICT or bool(_CONFLICT.search(code(error)))


def unless(missing: str, call: Callable[..., MutableDocument], **arguments: object) -> MutableDocument | None:
    """Return the response of *call*; None where AWS returns the error code *missing*. Raises any other ClientError."""
    try:
        return call(**arguments)
    except ClientError as error:
        if code(error) != missing:
            raise
        return None
