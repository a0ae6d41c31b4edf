"""Dead letters: every form that AWS gives them is understood, and other content is no error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fake_account import ACCOUNT, REGION, event

from pipeseal.operations.dead_letters import StackIdentity, read_dead_letter

STACK = StackIdentity("pipeseal", ACCOUNT, REGION)
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:pipeseal-BucketFunction-1A2B3C"
EVENT = {**event("PutBucketPolicy", {"bucketName": "harbor"}), "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa"}


def failed(kind: str = "Contested", function: str = f"{FUNCTION}:$LATEST", **parts: Any) -> str:
    """Return what Lambda sends to the failure destination of a function."""
    return json.dumps(
        {
            "version": "1.0",
            "timestamp": "2026-11-21T09:35:00.000Z",
            "requestContext": {
                "requestId": "e4b46cbf-b738-4d0a-8a5f-1b5c6f2a7d10",
                "functionArn": function,
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 3,
            },
            "requestPayload": EVENT,
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "responsePayload": {"errorMessage": "was changed by another writer", "errorType": kind, "stackTrace": []},
            **parts,
        }
    )


RULE = {
    "RULE_ARN": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/pipeseal-Changed",
    "TARGET_ARN": FUNCTION,
    "ERROR_CODE": "NO_PERMISSIONS",
    "ERROR_MESSAGE": "lambda:InvokeFunction is missing",
    "RETRY_ATTEMPTS": "0",
}


def test_a_message_of_lambdas_failure_destination() -> None:
    """Event, function (without $LATEST) and error are taken from the invocation record."""
    dead_letter = read_dead_letter(failed(), {}, STACK)
    assert (dead_letter.event, dead_letter.function, json.loads(dead_letter.payload)) == (EVENT["id"], FUNCTION, EVENT)
    assert (dead_letter.reason, dead_letter.hopeless) == ("Contested: was changed by another writer", "")


def test_the_version_of_a_function_is_kept() -> None:
    """The same version or alias is invoked again."""
    assert read_dead_letter(failed(function=f"{FUNCTION}:live"), {}, STACK).function == f"{FUNCTION}:live"


def test_a_shortened_function_name_is_recognised() -> None:
    """CloudFormation shortens the name of a long stack in the names of its functions."""
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:the-security-teams-pipes-DeploymentFunction-0A1B2C3D4E5F"
    long = StackIdentity("the-security-teams-pipeseal-of-production", ACCOUNT, REGION)
    assert read_dead_letter(failed(function=function), {}, long).function == function
    assert read_dead_letter(failed(function=function), {}, STACK).hopeless


def test_a_message_of_an_eventbridge_rule() -> None:
    """The message is the event; its target and the error are message attributes."""
    dead_letter = read_dead_letter(json.dumps(EVENT), RULE, STACK)
    assert (dead_letter.event, dead_letter.function, json.loads(dead_letter.payload)) == (EVENT["id"], FUNCTION, EVENT)
    assert (dead_letter.reason, dead_letter.hopeless) == ("NO_PERMISSIONS: lambda:InvokeFunction is missing", "")


def test_a_message_of_the_sweep() -> None:
    """Any other JSON object has no function: it goes back to the sweep queue."""
    dead_letter = read_dead_letter('{"check": "bucket", "names": ["harbor"]}', {}, STACK)
    assert (dead_letter.function, dead_letter.hopeless) == ("", "")


@pytest.mark.parametrize(
    ("body", "attributes", "why"),
    [
        (failed(requestPayload=event("PutBucketPolicy", None)), {}, "is malformed"),
        (failed(requestPayload={"Records": 1}), {}, "is malformed"),
        ("{", {}, "not JSON"),
        ("[" * 100_000, {}, "not JSON"),
        ("[1]", {}, "not a JSON object"),
        (failed(requestPayload=None), {}, "holds no event"),
        (failed(function="arn:aws:lambda:us-east-1:999999999999:function:pipeseal-x"), {}, "no function of the stack"),
        (failed(function=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:payroll"), {}, "no function of the stack"),
        (json.dumps(EVENT), {**RULE, "TARGET_ARN": FUNCTION.replace(REGION, "eu-west-1")}, "no function of the stack"),
        (json.dumps(EVENT), {}, "no function of the stack"),
    ],
)
def test_a_dead_letter_that_can_never_be_handled(body: str, attributes: dict[str, str], why: str) -> None:
    """It is unreadable or malformed, or it names a function that does not belong to the stack."""
    assert why in read_dead_letter(body, attributes, STACK).hopeless


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_FUNCTIONS = st.sampled_from([FUNCTION, f"{FUNCTION}:live", FUNCTION.replace("pipeseal-", "payroll-")])
_NAMES = st.sampled_from(["requestPayload", "requestContext", "responsePayload", "detail", "id", "functionArn"])


@given(
    st.dictionaries(
        _NAMES, _JSON | st.dictionaries(st.sampled_from(["functionArn", "errorType"]), _JSON | _FUNCTIONS)
    ).map(json.dumps)
    | st.text(),
    st.dictionaries(st.sampled_from(["TARGET_ARN", "ERROR_CODE", "REASON"]), st.text() | _FUNCTIONS),
)
def test_any_message_is_read_without_an_error(body: str, attributes: dict[str, str]) -> None:
    """Its reasons are single printable lines, and its function, if any, belongs to the stack."""
    dead_letter = read_dead_letter(body, attributes, STACK)
    assert dead_letter.reason.isprintable()
    assert dead_letter.hopeless.isprintable()
    assert not dead_letter.function or STACK.function_arn.fullmatch(dead_letter.function)
    assert 0 < len(dead_letter.event) <= 64
