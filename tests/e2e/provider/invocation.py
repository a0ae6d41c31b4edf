"""Invocation: rules, asynchronous invocations, queues and logs, each only with the permission that AWS requires."""

from __future__ import annotations

import contextvars
import json
import threading
import time
from collections.abc import Mapping
from typing import Any

from ministack.services import eventbridge, lambda_svc
from tests.e2e.provider.permissions import ACCOUNT, KEY_USE, REGION, key_behind, role_may, service_may

_RETRY_SECONDS = 0.2
_EVENTS = "events.amazonaws.com"
_FROM_QUEUE = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")

running: list[str] = []
"""ARNs of what is in progress: functions, and queues whose batch is processed."""

_invoke_target = eventbridge._invoke_target
_emit_logs = lambda_svc._emit_lambda_logs
_run_sqs_batch = lambda_svc._run_sqs_batch


def install() -> None:
    """Make MiniStack invoke functions as AWS does."""
    eventbridge._invoke_target = _invoke_rule_target
    lambda_svc._emit_lambda_logs = _log
    lambda_svc.invoke_async_with_retry = _invoke_asynchronously
    lambda_svc._run_sqs_batch = _process_batch


def _invoke_rule_target(target: Mapping[str, Any], event: Any, rule: Mapping[str, Any], view: Any = None) -> None:
    """Invoke a function asynchronously; leave all other targets to MiniStack."""
    if target["Arn"].split(":")[2] != "lambda" or target.get("Input") or target.get("InputTransformer"):
        _invoke_target(target, event, rule, view)
        return
    payload = (view or eventbridge._pattern_event_view(event)).event_with_detail()
    running.append(target["Arn"])
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(_deliver, target, rule, payload), daemon=True).start()


def _deliver(target: Mapping[str, Any], rule: Mapping[str, Any], payload: Any) -> None:
    """Invoke the target of a rule where its policy allows that; otherwise send the event to its dead-letter queue."""
    try:
        source = {"aws:SourceArn": rule["Arn"], "aws:SourceAccount": ACCOUNT}
        function, config, name = lambda_svc._get_func_record_for_ref(target["Arn"])
        if function and service_may(_EVENTS, "lambda:InvokeFunction", target["Arn"], **source):
            _invoke(function, config, name, payload)
            return
        queue = target.get("DeadLetterConfig", {}).get("Arn", "")
        key = queue and key_behind(queue)
        allowed = queue and service_may(_EVENTS, "sqs:SendMessage", queue, **source)
        if allowed and (not key or all(service_may(_EVENTS, each, key, **source) for each in KEY_USE)):
            eventbridge._dispatch_to_sqs(eventbridge.parse_arn(queue), json.dumps(payload))
    finally:
        running.remove(target["Arn"])


def _invoke(function: Any, config: Any, name: str, payload: Any) -> None:
    """Invoke a function with the retries that it configures; then send the failure to its destination."""
    settings = function.get("event_invoke_config") or (function.get("event_invoke_configs") or {}).get("$LATEST") or {}
    record = lambda_svc._execution_record_for_config(function, config)
    attempts = 1 + settings.get("MaximumRetryAttempts", 2)
    result: dict[str, Any] = {}
    while attempts:
        result = lambda_svc._execute_function_with_config_scope(record, payload)
        if not result.get("error"):
            return
        attempts -= not result.get("throttle")  # a throttled invocation stays in Lambda's own queue
        time.sleep(_RETRY_SECONDS)
    target = settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", "")
    if not target or not role_may(config, "sqs:SendMessage", target):
        return
    through, key = {"kms:ViaService": f"sqs.{REGION}.amazonaws.com"}, key_behind(target)
    if not key or all(role_may(config, each, key, **through) for each in KEY_USE):
        lambda_svc._route_async_failure(target, name, payload, result)


def _invoke_asynchronously(function: Mapping[str, Any], event: Any) -> None:
    """Handle the invocation type Event of the Invoke API."""
    config = function.get("config") or function
    running.append(config["FunctionArn"])
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(_invoke_and_finish, function, config, event), daemon=True).start()


def _invoke_and_finish(function: Any, config: Any, event: Any) -> None:
    try:
        _invoke(function, config, config["FunctionName"], event)
    finally:
        running.remove(config["FunctionArn"])


def _process_batch(mapping: Mapping[str, Any], function: Mapping[str, Any], *more: Any) -> None:
    """Pass a batch of a queue to a function whose role may receive it."""
    config, queue = function.get("config") or function, mapping["EventSourceArn"]
    running.append(queue)
    try:
        through, key = {"kms:ViaService": f"sqs.{REGION}.amazonaws.com"}, key_behind(queue)
        if all(role_may(config, each, queue) for each in _FROM_QUEUE) and (
            not key or role_may(config, "kms:Decrypt", key, **through)
        ):
            _run_sqs_batch(mapping, function, *more)
    finally:
        running.remove(queue)


def _log(function: Any, request: str, text: str, error: bool, milliseconds: int, **more: Any) -> None:  # noqa: FBT001
    """Write the logs of a function whose role may write them."""
    config = function.get("config") or function
    group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
    stream = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:{request}"
    if all(role_may(config, each, stream) for each in ("logs:CreateLogStream", "logs:PutLogEvents")):
        _emit_logs(function, request, text, error, milliseconds, **more)
