"""Lambda functions: an event handed over as EventBridge does it."""

from __future__ import annotations

from pipeseal.aws.clients import Clients, unless


def hand_over(clients: Clients, arn: str, payload: str) -> bool:
    """Let the function with that ARN have *payload* (JSON) asynchronously; False where there is no such function."""
    invoke = clients("lambda", arn.split(":")[3]).invoke
    answer = unless(
        "ResourceNotFoundException", invoke, FunctionName=arn, InvocationType="Event", Payload=payload.encode()
    )
    return answer is not None
