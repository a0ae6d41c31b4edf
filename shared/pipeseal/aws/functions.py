"""Lambda functions: asynchronous invocation, as EventBridge invokes them."""

from __future__ import annotations

from pipeseal.aws.clients import Clients
from pipeseal.aws.errors import unless

_ARN_REGION = 3


def invoke_async(clients: Clients, arn: str, payload: str) -> bool:
    """Invoke the function with that ARN asynchronously with *payload* (JSON); return False where it does not exist."""
    invoke = clients("lambda", arn.split(":")[_ARN_REGION]).invoke
    answer = unless(
        "ResourceNotFoundException", invoke, FunctionName=arn, InvocationType="Event", Payload=payload.encode()
    )
    return answer is not None
