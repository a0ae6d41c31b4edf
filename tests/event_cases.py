"""Events on the event bus, and the functions whose rules must match each: the same for every pattern engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.template import FUNCTIONS

Event = dict[str, Any]

SAMPLES: dict[str, Event] = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((Path(__file__).parents[1] / "events").glob("*.json"))
}
PATTERNS: dict[str, list[dict[str, Any]]] = {
    name: [
        event["Properties"]["Pattern"]
        for event in function.get("Events", {}).values()
        if event["Type"] == "EventBridgeRule"
    ]
    for name, function in FUNCTIONS.items()
    if any(event["Type"] == "EventBridgeRule" for event in function.get("Events", {}).values())
}
_ACCOUNT = "123456789012"
_ARN = f"arn:aws:sts::{_ACCOUNT}:assumed-role"


@dataclass(frozen=True, slots=True)
class Case:
    """An event, and the functions that must receive it."""

    name: str
    event: Event
    functions: frozenset[str]


def _assumed(role: str, session: str, **more: object) -> Event:
    issuer = {"type": "Role", "arn": f"arn:aws:iam::{_ACCOUNT}:role/{role}", "accountId": _ACCOUNT, "userName": role}
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLE:{session}",
        "arn": f"{_ARN}/{role}/{session}",
        "accountId": _ACCOUNT,
        "sessionContext": {"sessionIssuer": issuer, "attributes": {"mfaAuthenticated": "false"}},
        **more,
    }


IDENTITIES: dict[str, Any] = {
    "root": {"type": "Root", "principalId": _ACCOUNT, "arn": f"arn:aws:iam::{_ACCOUNT}:root", "accountId": _ACCOUNT},
    "IAM user": {"type": "IAMUser", "arn": f"arn:aws:iam::{_ACCOUNT}:user/ada", "userName": "ada"},
    "IAM user with MFA": {
        "type": "IAMUser",
        "userName": "ada",
        "sessionContext": {"sessionIssuer": {}, "webIdFederationData": {}, "attributes": {"mfaAuthenticated": "true"}},
    },
    "role": _assumed("deployer", "ci"),
    "single sign-on": _assumed("AWSReservedSSO_Admin_0123456789abcdef", "ada@example.com"),
    "CloudFormation": _assumed("cloudformation", "AWSCloudFormation", invokedBy="cloudformation.amazonaws.com"),
    "a role with a name like pipeseal's": _assumed("pipeseal-BucketRole-of-another", "pipeseal-BucketFunction"),
    "pipeseal's own role": _assumed("pipeseal-BucketRole-1A2B3C4D5E6F", "pipeseal-BucketFunction-1A2B3C4D5E6F"),
    "identity center user": {"type": "IdentityCenterUser", "accountId": _ACCOUNT, "onBehalfOf": {"userId": "54-80c1"}},
    "another account": {"type": "AWSAccount", "principalId": "AIDAEXAMPLE", "accountId": "210987654321"},
    "AWS service": {"type": "AWSService", "invokedBy": "backup.amazonaws.com"},
    "federated user": {"type": "FederatedUser", "arn": f"arn:aws:sts::{_ACCOUNT}:federated-user/ada"},
    "web identity": {"type": "WebIdentityUser", "principalId": "accounts.google.com:app:ada", "userName": "ada"},
    "no type": {"accountId": _ACCOUNT, "invokedBy": "AWS Internal"},
    "an unknown type": {"type": "Unknown"},
    "no identity": None,
}
_OTHER_SERVICES = ("osis", "datapipeline", "payment-cryptography", "s3-outposts", "apigateway")
_NO_FUNCTION: frozenset[str] = frozenset()


def cases() -> Iterator[Case]:
    """Yield the cases, which are variants of the sample events."""
    for name, sample in SAMPLES.items():
        functions = _functions_for(sample)
        yield Case(f"{name}: unchanged", sample, functions)
        yield Case(f"{name}: without errorCode", _with(sample, errorCode=...), functions)
        yield Case(f"{name}: errorCode empty", _with(sample, errorCode=""), functions)
        yield from (
            Case(f"{name}: by {caller}", _with(sample, userIdentity=identity), functions)
            for caller, identity in IDENTITIES.items()
        )
        nested = [{"ARN": "arn:aws:s3:::a", "type": "AWS::S3::Bucket"}, {"ARN": "arn:aws:s3:::b/*"}]
        yield Case(f"{name}: several resources", _with(sample, resources=nested), functions)
        yield Case(f"{name}: requestParameters null", _with(sample, requestParameters=None), functions)
        yield from (Case(f"{name}: {what}", event, _NO_FUNCTION) for what, event in _not_matching(sample))


def _not_matching(sample: Event) -> Iterator[tuple[str, Event]]:
    for code in ("AccessDenied", "NoSuchBucket", "Client.UnauthorizedOperation", " "):
        yield f"failed with {code!r}", _with(sample, errorCode=code)
    for service in _OTHER_SERVICES:
        yield f"of {service}", {**_with(sample, eventSource=f"{service}.amazonaws.com"), "source": f"aws.{service}"}
        yield f"source of {service} only", {**sample, "source": f"aws.{service}"}
        yield f"eventSource of {service} only", _with(sample, eventSource=f"{service}.amazonaws.com")
    yield "of another application", {**sample, "source": "com.example.s3"}
    yield "not an API call", {**sample, "detail-type": "AWS Service Event via CloudTrail"}
    yield "an insight", {**sample, "detail-type": "AWS Insight via CloudTrail"}
    for call in ("GetBucketPolicy", "CreateBucket", "PutKeyPolicy", "StartPipelineExecution", "DescribeKey"):
        yield f"called {call}", _with(sample, eventName=call)
    yield "in lower case", _with(sample, eventName=sample["detail"]["eventName"].lower())
    yield "with a longer name", _with(sample, eventName=sample["detail"]["eventName"] + "V2")


def _functions_for(sample: Event) -> frozenset[str]:
    """Return the functions with a rule that names the call, from the template alone, without a pattern engine."""
    detail = sample["detail"]
    return frozenset(
        name
        for name, patterns in PATTERNS.items()
        for pattern in patterns
        if sample["source"] in pattern["source"]
        and detail["eventSource"] in pattern["detail"]["eventSource"]
        and detail["eventName"] in pattern["detail"]["eventName"]
    )


def _with(sample: Event, **changes: object) -> Event:
    detail = {**sample["detail"], **changes}
    return {**sample, "detail": {name: value for name, value in detail.items() if value is not ...}}
