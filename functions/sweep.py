"""The schedule -> a look at everything there is, handed on over the queue; the queue -> those resources, put right."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from pipeseal.aws.world import World
from pipeseal.sweep import begin, cause_of, hand_on, look
from pipeseal.telemetry import listed, observed

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

logger = Logger()
world = cache(lambda: World(os.environ))  # made on the first event, not at import
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Any:
    """Begin a sweep, or work off messages of one: those that fail are returned, and come again by themselves."""
    world().begin(context)
    if "Records" not in event:
        begin(world())
        return {}
    return process_partial_response(event, _work, processor, context)


def _work(record: SQSRecord) -> None:
    message = record.json_body
    if "list" in message:
        listed(message["list"], logger, complete=hand_on(message, world()))
        return
    for _ in observed(look(message, world()), cause_of(message), logger):
        pass
