"""A program for .venv-e2e: MiniStack, extended by the behaviour of AWS that pipeseal depends on.

`python -m tests.e2e.provider` takes its settings from the environment (cloud.py sets them) and ends when its standard
input is closed. Beyond MiniStack:

- a rule invokes a function only with permission, asynchronously, with retries and a dead-letter queue
- a function gets a batch of a queue only where its role may receive it
- logs and dead letters are written with the function's role, only where it may write them
- access to a resource that is encrypted under a key requires access to the key through that service
- the topic and the table of the stack are encrypted as the template states, and its roles have their boundary
- an alarm on a sum of metrics above 0 becomes one alarm for each metric
- CloudTrail, CodeBuild, CodeDeploy and CodePipeline are moto's, behind MiniStack's IAM
- every call is recorded for CloudTrail, and CloudTrail's own events can be published
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app as ministack
from ministack.services import eventbridge
from tests.e2e.provider import cloudformation, invocation, permissions
from tests.e2e.provider.moto_services import CREDENTIAL, answer, operation_of

_RECORDED = {"cloudtrail", "codebuild", "codedeploy", "codepipeline", "kms", "s3"}
"""The services whose calls are recorded."""
_CONTROL_PATH = "/_pipeseal/"
"""Prefix of the requests with which the tests control this program."""

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_calls: list[dict[str, Any]] = []


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer control requests, pass all others to moto or MiniStack, and record those that CloudTrail reports."""
    if scope["type"] != "http":
        await ministack(scope, receive, send)
        return
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
    if scope["path"].startswith(_CONTROL_PATH):
        status, result = _control(scope["path"].removeprefix(_CONTROL_PATH), await _read(receive))
        for message in _messages(status, {"content-type": "application/json"}, json.dumps(result).encode()):
            await send(message)
        return
    signed = CREDENTIAL.search(headers.get("authorization", ""))
    if not signed or signed[3] not in _RECORDED:
        await ministack(scope, receive, send)
        return
    body = await _read(receive)
    if operation_of(headers)[0]:
        status, response_headers, response = await asyncio.to_thread(answer, headers, body)
        messages = _messages(status, response_headers, response)
    else:
        messages = await _ask_ministack(scope, body)
        status = messages[0]["status"]
        response_headers = {
            name.decode().lower(): value.decode("latin-1") for name, value in messages[0].get("headers", ())
        }
        response = b"".join(message.get("body", b"") for message in messages[1:])
    # Recorded before the response is sent: when the caller continues, CloudTrail has the call.
    _calls.append(
        {
            "key": signed[1],
            "principal": permissions.principal_of(signed[1]),
            "method": scope["method"],
            "path": scope["path"],
            "query": scope["query_string"].decode(),
            "headers": headers,
            "body": base64.b64encode(body).decode(),
            "status": status,
            "answer_headers": response_headers,
            "answer": base64.b64encode(response).decode(),
        }
    )
    for message in messages:
        await send(message)


def _control(request: str, body: bytes) -> tuple[int, Any]:
    """Return status and result of a control request."""
    match request:
        case "calls":
            return 200, _taken(_calls)
        case "refusals":
            return 200, _taken(permissions.refusals)
        case "running":
            return 200, len(invocation.running)
        case "events":
            for event in json.loads(body):
                entry = {
                    "Source": event["source"],
                    "DetailType": event["detail-type"],
                    "Detail": json.dumps(event["detail"]),
                }
                eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
            return 200, None
    return 404, None


def _taken(items: list[Any]) -> list[Any]:
    """Return *items* and empty the list."""
    taken, items[:] = list(items), []
    return taken


async def _read(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _ask_ministack(scope: Scope, body: bytes) -> list[dict[str, Any]]:
    """Return the messages of MiniStack's response."""
    messages: list[dict[str, Any]] = []
    requests = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if not requests:
            await asyncio.Event().wait()
        return requests.pop()

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    await ministack(scope, receive, send)
    return messages


def _messages(status: int, headers: Mapping[str, str], body: bytes) -> list[dict[str, Any]]:
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    length = (b"content-length", str(len(body)).encode())
    return [
        {"type": "http.response.start", "status": status, "headers": [*encoded, length]},
        {"type": "http.response.body", "body": body},
    ]


def _end_with_standard_input() -> None:
    """End the program when its standard input is closed, which happens when the parent process ends."""
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    """Serve HTTPS on one port and HTTP on another, both on loopback."""
    permissions.install()
    invocation.install()
    cloudformation.install()
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    config = Config()
    config.bind = [f"127.0.0.1:{os.environ['GATEWAY_PORT']}"]
    config.insecure_bind = [f"127.0.0.1:{os.environ['PIPESEAL_HTTP_PORT']}"]
    config.certfile, config.keyfile = os.environ["MINISTACK_SSL_CERT"], os.environ["MINISTACK_SSL_KEY"]
    config.keep_alive_timeout = 75
    asyncio.run(serve(application, config))


if __name__ == "__main__":
    main()
