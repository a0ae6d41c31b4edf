"""A program for .venv-e2e: MiniStack with what it leaves out of AWS and pipeseal rests on.

It takes its settings from the environment (cloud.py sets them), and ends when its standard input does.
Beyond MiniStack:

- a rule invokes a function only with the permission to, asynchronously, with retries, then the dead letters
- a batch off a queue is handed to a function only where its role may take it
- logs and dead letters are written with the function's role, and only where it may
- whoever reaches what is encrypted under a key must be allowed the key through that service
- the topic and the table that CloudFormation makes are encrypted as the template says, and roles have their boundary
- an alarm on the sum of several metrics, which must not be above 0, is one on each
- CloudTrail, CodeBuild, CodeDeploy and CodePipeline are moto's, behind MiniStack's IAM
- every call is kept for CloudTrail, and CloudTrail's own events may be published
"""

from __future__ import annotations

import asyncio
import base64
import contextvars
import http.client
import json
import os
import re
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app as ministack
from ministack.core import iam_evaluator as iam
from ministack.core.lambda_runtime import execution_credentials
from ministack.services import dynamodb, eventbridge, kms, lambda_svc, sns, sqs
from ministack.services import iam as iam_service
from ministack.services.cloudformation import provisioners

ACCOUNT = os.environ["MINISTACK_ACCOUNT_ID"]
REGION = os.environ["MINISTACK_REGION"]
_RETRY_SECONDS = 0.2
_CREDENTIAL = re.compile(r"Credential=([^/\s,]+)/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
_RECORDED = {"cloudtrail", "codebuild", "codedeploy", "codepipeline", "kms", "s3"}
_OWN = "/_pipeseal/"

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_calls: list[dict[str, Any]] = []
_refusals: list[str] = []
_running: list[str] = []


# ------------------------------------------------------------------------------- IAM


def _may(key: str, action: str, resource: str, **context: object) -> bool:
    """Say whether who signs with the access key id *key* may do *action*, by IAM and the resource's own policy."""
    principal = iam.resolve_principal(key, ACCOUNT)
    if isinstance(principal, iam.AuthError):
        return False
    if principal.policies is None:
        return True
    asked = iam.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=resource,
        region=REGION,
        secure_transport=True,
        service_context={name.lower(): value for name, value in context.items()},
        principal_keys=principal.keys,
    )
    result = iam.evaluate(asked, principal.policies, *principal.limits)
    service = action.partition(":")[0]
    policy = iam._resource_policy(service, resource)
    if policy:
        required = service in iam._POLICY_REQUIRED
        result = iam.combine_resource_policy(result, asked, *policy, required=required, limits=principal.limits)
    if result.decision != "Allow":
        _refusals.append(f"{principal.arn} {action} {resource}")
    return bool(result.decision == "Allow")


def _service_may(service: str, action: str, resource: str, **context: object) -> bool:
    """Say whether the policy of *resource* admits an AWS service such as events.amazonaws.com."""
    found = iam._resource_policy(action.partition(":")[0], resource)
    asked = iam.EvalContext(
        principal_arn="",
        principal_type="Service",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=resource,
        region=REGION,
        secure_transport=True,
        service_context={name.lower(): value for name, value in context.items()},
    )
    allowed = bool(found) and iam.evaluate_resource_policy(found[0], asked, service=service).decision == "Allow"
    if not allowed:
        _refusals.append(f"{service} {action} {resource}")
    return allowed


def _role_may(config: Mapping[str, Any], action: str, resource: str, **context: object) -> bool:
    return _may(execution_credentials(dict(config))["AWS_ACCESS_KEY_ID"], action, resource, **context)


def _key_behind(resource: str) -> str:
    """Return the ARN of the customer managed key that *resource* is encrypted under, or ""."""
    service, name = resource.split(":")[2], resource.rpartition(":")[2]
    match service:
        case "sqs":
            queue = sqs._queue_by_arn(resource)
            key = (queue or {}).get("attributes", {}).get("KmsMasterKeyId", "")
        case "sns":
            key = (sns._topics.get(resource) or {}).get("attributes", {}).get("KmsMasterKeyId", "")
        case "dynamodb":
            table = dynamodb._tables.get(name.removeprefix("table/").partition("/")[0]) or {}
            sse = table.get("SSEDescription") or table.get("SSESpecification") or {}
            key = sse.get("KMSMasterKeyArn") or sse.get("KMSMasterKeyId") or ""
        case _:
            key = ""
    found = kms._resolve_key(key) if key and not key.startswith("alias/aws/") else None
    return str(found["Arn"]) if found else ""


_KEY_ACTIONS = {
    "dynamodb": ("kms:Decrypt",),
    "sns:Publish": ("kms:GenerateDataKey", "kms:Decrypt"),
    "sqs:ReceiveMessage": ("kms:Decrypt",),
    "sqs:SendMessage": ("kms:GenerateDataKey", "kms:Decrypt"),
}
_enforce = iam.enforce


def _enforce_with_key(  # noqa: PLR0913 - the signature of what it stands in for
    key: str, action: str, service: str, region: str, *, resource_arn: str = "*", service_context: Any = None
) -> Any:
    """Ask for the resource, then for the key behind it, as the service does with the caller's rights."""
    action = action.removesuffix("Batch") if service == "sqs" else action  # IAM knows one action for one and for many
    denied = _enforce(key, action, service, region, resource_arn=resource_arn, service_context=service_context)
    if denied:
        if not isinstance(denied, iam.AuthError):
            _refusals.append(f"{denied.principal_arn} {action} {resource_arn}")
        return denied
    behind = _key_behind(resource_arn) if resource_arn.startswith("arn:") else ""
    for wanted in _KEY_ACTIONS.get(action, _KEY_ACTIONS.get(service, ())) if behind else ():
        if not _may(key, wanted, behind, **{"kms:ViaService": f"{service}.{region}.amazonaws.com"}):
            return iam.EvalResult("ImplicitDeny", principal_arn=f"{key} through {service}: {wanted}")
    return None


# --------------------------------------------------------------------- CloudFormation


def _noting(kind: str, note: Callable[[str, Mapping[str, Any]], None]) -> None:
    """Let CloudFormation keep what it drops of *kind*: *note* gets the physical id and the properties."""
    handlers = provisioners._RESOURCE_HANDLERS[kind]
    create = handlers["create"]

    def creating(logical_id: str, properties: Mapping[str, Any], stack: str) -> Any:
        made = create(logical_id, properties, stack)
        note(made[0], properties)
        return made

    handlers["create"] = creating


def _topic_made(arn: str, properties: Mapping[str, Any]) -> None:
    sns._topics[arn]["attributes"]["KmsMasterKeyId"] = properties.get("KmsMasterKeyId", "")


def _table_made(name: str, properties: Mapping[str, Any]) -> None:
    specification = properties.get("SSESpecification")
    dynamodb._tables[name]["SSEDescription"] = dynamodb._sse_description_from_spec(specification)


def _role_made(name: str, properties: Mapping[str, Any]) -> None:
    if boundary := properties.get("PermissionsBoundary"):
        iam_service._roles[name]["PermissionsBoundary"] = boundary


def _alarms_on_sums() -> None:
    """Make an alarm for each metric where the template has one for their sum: MiniStack knows no metric math."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]
    create = handlers["create"]

    def creating(logical_id: str, properties: Mapping[str, Any], stack: str) -> Any:
        parts = [each["MetricStat"] for each in properties.get("Metrics", ()) if "MetricStat" in each]
        if not parts:
            return create(logical_id, properties, stack)
        if (properties["Threshold"], properties["ComparisonOperator"]) not in ((0, _ABOVE), ("0", _ABOVE)):
            raise ValueError(f"{logical_id} is on a sum above something, and that is no alarm on each part")
        rest = {name: value for name, value in properties.items() if name != "Metrics"}
        made = []
        for number, part in enumerate(parts):
            own = {**part["Metric"], "Period": part["Period"], "Statistic": part["Stat"]}
            name = properties["AlarmName"] + (f"-{number}" if number else "")
            made.append(create(logical_id, {**rest, **own, "AlarmName": name}, stack))
        return made[0]

    handlers["create"] = creating


_ABOVE = "GreaterThanThreshold"


# ------------------------------------------------------------------ EventBridge, Lambda


_invoke_target = eventbridge._invoke_target
_emit_logs = lambda_svc._emit_lambda_logs
_run_sqs_batch = lambda_svc._run_sqs_batch


def _target(target: Mapping[str, Any], event: Any, rule: Mapping[str, Any], view: Any = None) -> None:
    """Invoke a function asynchronously; leave all other targets to MiniStack."""
    if target["Arn"].split(":")[2] != "lambda" or target.get("Input") or target.get("InputTransformer"):
        _invoke_target(target, event, rule, view)
        return
    payload = (view or eventbridge._pattern_event_view(event)).event_with_detail()
    _running.append(target["Arn"])
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(_deliver, target, rule, payload), daemon=True).start()


def _deliver(target: Mapping[str, Any], rule: Mapping[str, Any], payload: Any) -> None:
    try:
        source = {"aws:SourceArn": rule["Arn"], "aws:SourceAccount": ACCOUNT}
        function, config, name = lambda_svc._get_func_record_for_ref(target["Arn"])
        if function and _service_may("events.amazonaws.com", "lambda:InvokeFunction", target["Arn"], **source):
            _invoke(function, config, name, payload)
            return
        queue = target.get("DeadLetterConfig", {}).get("Arn", "")
        key = queue and _key_behind(queue)
        allowed = queue and _service_may("events.amazonaws.com", "sqs:SendMessage", queue, **source)
        if allowed and (
            not key
            or all(
                _service_may("events.amazonaws.com", each, key, **source)
                for each in ("kms:GenerateDataKey", "kms:Decrypt")
            )
        ):
            eventbridge._dispatch_to_sqs(eventbridge.parse_arn(queue), json.dumps(payload))
    finally:
        _running.remove(target["Arn"])


def _invoke(function: Any, config: Any, name: str, payload: Any) -> None:
    """Try, and try again as often as the function says; then its failure destination."""
    settings = function.get("event_invoke_config") or (function.get("event_invoke_configs") or {}).get("$LATEST") or {}
    record = lambda_svc._execution_record_for_config(function, config)
    attempts = 1 + settings.get("MaximumRetryAttempts", 2)
    result: dict[str, Any] = {}
    while attempts:
        result = lambda_svc._execute_function_with_config_scope(record, payload)
        if not result.get("error"):
            return
        attempts -= not result.get("throttle")  # what is throttled stays in Lambda's own queue
        time.sleep(_RETRY_SECONDS)
    target = settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", "")
    if not target or not _role_may(config, "sqs:SendMessage", target):
        return
    through, key = {"kms:ViaService": f"sqs.{REGION}.amazonaws.com"}, _key_behind(target)
    if not key or all(_role_may(config, each, key, **through) for each in ("kms:GenerateDataKey", "kms:Decrypt")):
        lambda_svc._route_async_failure(target, name, payload, result)


def _invoke_later(function: Mapping[str, Any], event: Any) -> None:
    """Invoke a function that somebody asks to be invoked asynchronously."""
    config = function.get("config") or function
    _running.append(config["FunctionArn"])
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(_invoke_and_be_done, function, config, event), daemon=True).start()


def _invoke_and_be_done(function: Any, config: Any, event: Any) -> None:
    try:
        _invoke(function, config, config["FunctionName"], event)
    finally:
        _running.remove(config["FunctionArn"])


def _work_off(mapping: Mapping[str, Any], function: Mapping[str, Any], *more: Any) -> None:
    """Hand a function a batch off a queue, where its role may take it there."""
    config, queue = function.get("config") or function, mapping["EventSourceArn"]
    _running.append(queue)
    try:
        through, key = {"kms:ViaService": f"sqs.{REGION}.amazonaws.com"}, _key_behind(queue)
        asked = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
        if all(_role_may(config, each, queue) for each in asked) and (
            not key or _role_may(config, "kms:Decrypt", key, **through)
        ):
            _run_sqs_batch(mapping, function, *more)
    finally:
        _running.remove(queue)


def _log(function: Any, request: str, text: str, error: bool, milliseconds: int, **more: Any) -> None:  # noqa: FBT001
    """Write a function's logs where its role may."""
    config = function.get("config") or function
    group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
    stream = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:{request}"
    if all(_role_may(config, each, stream) for each in ("logs:CreateLogStream", "logs:PutLogEvents")):
        _emit_logs(function, request, text, error, milliseconds, **more)


# ----------------------------------------------------------------------- moto's services


_BESIDE = {
    "CloudTrail_20131101": "cloudtrail",
    "CodeBuild_20161006": "codebuild",
    "CodeDeploy_20141006": "codedeploy",
    "CodePipeline_20150709": "codepipeline",
}


def _operation(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return the service of moto's that is called, and the call; "" where it is MiniStack's own."""
    prefix, _, call = headers.get("x-amz-target", "").rpartition(".")
    return _BESIDE.get(prefix.rpartition(".")[2], ""), call


def _named(service: str, asked: Mapping[str, Any]) -> str:
    """Return the resource part of the ARN that IAM is asked about."""
    name = str(asked.get("name") or asked.get("Name") or asked.get("TrailName") or "")
    application, group = asked.get("applicationName"), asked.get("deploymentGroupName")
    groups = asked.get("deploymentGroupNames") or ([group] if group else [])
    match service:
        case "codepipeline":
            name = asked.get("pipelineName") or name or asked.get("pipeline", {}).get("name", "")
            return f"{name}/{asked['stageName']}" if "stageName" in asked else str(name)
        case "codebuild":
            return f"project/{name or next(iter(asked.get('names', ())), '')}"
        case "codedeploy" if groups or "deploymentIds" in asked:
            return f"deploymentgroup:{application}/{next(iter(groups), '')}"
        case "codedeploy":
            return f"application:{application}"
    return f"trail/{name}"


def _handed(service: str, call: str, asked: Mapping[str, Any]) -> str:
    """Return the role that the call hands to the service, or ""."""
    if (service, call) == ("codebuild", "UpdateProject"):  # its own role, whether it is named or not
        return str(asked.get("serviceRole") or f"arn:aws:iam::{ACCOUNT}:role/build")
    return str(
        asked.get("pipeline", {}).get("roleArn") or asked.get("serviceRole") or asked.get("serviceRoleArn") or ""
    )


def _beside(headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
    """Answer a call to a service of moto's: MiniStack's IAM says whether, moto what."""
    service, call = _operation(headers)
    asked = json.loads(body or b"{}")
    signed = _CREDENTIAL.search(headers.get("authorization", ""))
    key, region = (signed[1], signed[2]) if signed else ("", REGION)
    arns = (str(asked.get(name, "")) for name in ("Name", "TrailName", "ResourceArn"))
    whole = next((arn for arn in arns if arn.startswith("arn:")), "")
    resource = whole or f"arn:aws:{service}:{region}:{ACCOUNT}:{_named(service, asked)}"
    role, handed = _handed(service, call, asked), {"iam:PassedToService": f"{service}.amazonaws.com"}
    if not _may(key, f"{service}:{call}", resource) or (role and not _may(key, "iam:PassRole", role, **handed)):
        refusal = {"__type": "AccessDeniedException", "message": f"{key} is not authorized to perform {call}"}
        return 400, {"content-type": "application/x-amz-json-1.1"}, json.dumps(refusal).encode()
    moto = urlsplit(os.environ["PIPESEAL_MOTO"])
    connection = http.client.HTTPConnection(str(moto.hostname), moto.port, timeout=30)
    try:
        passed = {name: value for name, value in headers.items() if name not in ("host", "content-length")}
        connection.request("POST", "/", body, {**passed, "Host": f"{service}.{region}.amazonaws.com"})
        answer = connection.getresponse()
        kind = answer.headers.get("content-type", "application/x-amz-json-1.1")
        return answer.status, {"content-type": kind}, answer.read()
    finally:
        connection.close()


# -------------------------------------------------------------------------- the door


async def door(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve what is ours, keep what CloudTrail will want, and pass all on."""
    if scope["type"] != "http":
        await ministack(scope, receive, send)
        return
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
    if scope["path"].startswith(_OWN):
        status, answer = _own(scope["path"].removeprefix(_OWN), await _read(receive))
        for message in _messages(status, {"content-type": "application/json"}, json.dumps(answer).encode()):
            await send(message)
        return
    signed = _CREDENTIAL.search(headers.get("authorization", ""))
    if not signed or signed[3] not in _RECORDED:
        await ministack(scope, receive, send)
        return
    body = await _read(receive)
    if _operation(headers)[0]:
        status, given, answer = await asyncio.to_thread(_beside, headers, body)
        messages = _messages(status, given, answer)
    else:
        messages = await _asked(scope, body)
        status = messages[0]["status"]
        given = {name.decode().lower(): value.decode("latin-1") for name, value in messages[0].get("headers", ())}
        answer = b"".join(message.get("body", b"") for message in messages[1:])
    # Kept before it is answered: once a caller goes on, CloudTrail knows of the call.
    _calls.append(
        {
            "key": signed[1],
            "principal": _principal(signed[1]),
            "method": scope["method"],
            "path": scope["path"],
            "query": scope["query_string"].decode(),
            "headers": headers,
            "body": base64.b64encode(body).decode(),
            "status": status,
            "answer_headers": given,
            "answer": base64.b64encode(answer).decode(),
        }
    )
    for message in messages:
        await send(message)


def _principal(key: str) -> str:
    found = iam.resolve_principal(key, ACCOUNT)
    return "" if isinstance(found, iam.AuthError) else str(found.arn)


def _own(what: str, body: bytes) -> tuple[int, Any]:
    """Answer the test that started this program."""
    match what:
        case "calls":
            taken, _calls[:] = list(_calls), []
            return 200, taken
        case "refusals":
            taken_too, _refusals[:] = list(_refusals), []
            return 200, taken_too
        case "running":
            return 200, len(_running)
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


async def _read(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _asked(scope: Scope, body: bytes) -> list[dict[str, Any]]:
    """Return what MiniStack answers."""
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
    given = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    length = (b"content-length", str(len(body)).encode())
    return [
        {"type": "http.response.start", "status": status, "headers": [*given, length]},
        {"type": "http.response.body", "body": body},
    ]


def _end_with_parent() -> None:
    """End as soon as standard input does: whoever started this is gone."""
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    """Serve over TLS on one port and in clear on another, both on loopback."""
    iam.enforce = _enforce_with_key
    eventbridge._invoke_target = _target
    lambda_svc._emit_lambda_logs = _log
    lambda_svc.invoke_async_with_retry = _invoke_later
    lambda_svc._run_sqs_batch = _work_off
    _alarms_on_sums()
    _noting("AWS::IAM::Role", _role_made)
    _noting("AWS::SNS::Topic", _topic_made)
    _noting("AWS::DynamoDB::Table", _table_made)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    config = Config()
    config.bind = [f"127.0.0.1:{os.environ['GATEWAY_PORT']}"]
    config.insecure_bind = [f"127.0.0.1:{os.environ['PIPESEAL_CLEAR_PORT']}"]
    config.certfile, config.keyfile = os.environ["MINISTACK_SSL_CERT"], os.environ["MINISTACK_SSL_KEY"]
    config.keep_alive_timeout = 75
    asyncio.run(serve(door, config))


if __name__ == "__main__":
    main()
