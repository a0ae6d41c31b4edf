"""Sweep all resources: the schedule begins a sweep, the queue's messages continue it."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from pipeseal.notify.metrics import observe_listing, observed
from pipeseal.remediation.sweep import begin, cause_of, check, distribute
from pipeseal.runtime import Runtime

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

logger = Logger()
runtime = cache(lambda: Runtime(os.environ))  # made on the first event, not at import
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Any:
    """Begin a sweep, or handle messages of one; return the IDs of those that failed, which SQS delivers again."""
    runtime().start(context)
    if "Records" not in event:
        begin(runtime())
        return {}
    return process_partial_response(event, _handle, processor, context)


def _handle(record: SQSRecord) -> None:
    message = record.json_body
    if "list" in message:
        observe_listing(message["list"], logger, complete=distribute(message, runtime()))
        return
    outcomes = check(message, runtime())
    for _ in observed(outcomes, cause_of(message["began"]), logger, runtime().clock.now):
        pass  # each outcome is logged and counted
