"""What a dead letter is, whichever of AWS's shapes it has, and whatever else it may hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.account import ACCOUNT, REGION, event

from pipeseal.dead_letters import Stack, read

STACK = Stack("pipeseal", ACCOUNT, REGION)
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:pipeseal-BucketFunction-1A2B3C"
EVENT = {**event("PutBucketPolicy", {"bucketName": "harbor"}), "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa"}


def failed(kind: str = "Contested", function: str = f"{FUNCTION}:$LATEST", **parts: Any) -> str:
    """Make what Lambda sends to a failure destination."""
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
            "responsePayload": {"errorMessage": "was written by somebody else", "errorType": kind, "stackTrace": []},
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


def test_lambdas_failure_destination() -> None:
    """The event out of its wrapping, the function without $LATEST, and the error."""
    letter = read(failed(), {}, STACK)
    assert (letter.event, letter.function, json.loads(letter.payload)) == (EVENT["id"], FUNCTION, EVENT)
    assert (letter.reason, letter.hopeless) == ("Contested: was written by somebody else", "")


def test_a_version_is_kept() -> None:
    """What was asked for is what is called again."""
    assert read(failed(function=f"{FUNCTION}:live"), {}, STACK).function == f"{FUNCTION}:live"


def test_a_long_name_is_shortened() -> None:
    """CloudFormation keeps the first letters of a long stack's name in those of its functions."""
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:the-security-teams-pipes-DeploymentFunction-0A1B2C3D4E5F"
    long = Stack("the-security-teams-pipeseal-of-production", ACCOUNT, REGION)
    assert read(failed(function=function), {}, long).function == function
    assert read(failed(function=function), {}, STACK).hopeless


def test_a_rules_dead_letter() -> None:
    """The event itself; where it was to go and why it did not is in the message attributes."""
    letter = read(json.dumps(EVENT), RULE, STACK)
    assert (letter.event, letter.function, json.loads(letter.payload)) == (EVENT["id"], FUNCTION, EVENT)
    assert (letter.reason, letter.hopeless) == ("NO_PERMISSIONS: lambda:InvokeFunction is missing", "")


def test_what_the_sweep_sent() -> None:
    """JSON without either goes back to where it came from."""
    letter = read('{"kind": "s3", "name": "harbor"}', {}, STACK)
    assert (letter.function, letter.hopeless) == ("", "")


@pytest.mark.parametrize(
    ("body", "attributes", "why"),
    [
        (failed(requestPayload=event("PutBucketPolicy", None)), {}, "makes no sense"),
        (failed(requestPayload={"Records": 1}), {}, "makes no sense"),
        ("{", {}, "not JSON"),
        ("[" * 100_000, {}, "not JSON"),
        ("[1]", {}, "no JSON object"),
        (failed(requestPayload=None), {}, "holds no event"),
        (failed(function="arn:aws:lambda:us-east-1:999999999999:function:pipeseal-x"), {}, "no function of the stack"),
        (failed(function=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:payroll"), {}, "no function of the stack"),
        (json.dumps(EVENT), {**RULE, "TARGET_ARN": FUNCTION.replace(REGION, "eu-west-1")}, "no function of the stack"),
        (json.dumps(EVENT), {}, "no function of the stack"),
    ],
)
def test_what_never_succeeds(body: str, attributes: dict[str, str], why: str) -> None:
    """Nobody can read it, or it would have a function called that is none of the stack's."""
    assert why in read(body, attributes, STACK).hopeless


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_NAMES = st.sampled_from(["requestPayload", "requestContext", "responsePayload", "detail", "id", "functionArn"])


@given(
    st.dictionaries(_NAMES, _JSON | st.dictionaries(st.sampled_from(["functionArn", "errorType"]), _JSON)).map(
        json.dumps
    )
    | st.text(),
    st.dictionaries(st.sampled_from(["TARGET_ARN", "ERROR_CODE", "REASON"]), st.text()),
)
def test_whatever_it_holds_it_is_read(body: str, attributes: dict[str, str]) -> None:
    """Nothing is raised; what is told of it is one printable line, and what is called is the stack's own."""
    letter = read(body, attributes, STACK)
    assert letter.reason.isprintable()
    assert letter.hopeless.isprintable()
    assert not letter.function or STACK.function.fullmatch(letter.function)
    assert 0 < len(letter.event) <= 64
