"""Put right the resource that a CloudTrail event names."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from pipeseal.aws.world import World
from pipeseal.cloudtrail import cause, is_echo, subjects
from pipeseal.reconcile import reconcile
from pipeseal.telemetry import observed

logger = Logger()
world = cache(lambda: World(os.environ))  # made on the first event, not at import


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> list[dict[str, Any]]:
    """Reconcile each resource that *event* names and each that it leads on to; return the outcomes.

    What pipeseal itself did comes back as an event, and is not looked at again.
    """
    if is_echo(event, os.environ.get("OWN_ROLES", "").split(",")):
        return []
    if not (refs := subjects(event)):
        return []
    why = cause(event)
    logger.set_correlation_id(why.id)  # as it stands in the event it may be anything
    world().begin(context)
    return [outcome.as_dict() for ref in refs for outcome in observed(reconcile(ref, why, world()), why, logger)]
