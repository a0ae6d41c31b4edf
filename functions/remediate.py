"""Remediate the resource that a CloudTrail event names."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from pipeseal.kinds.cloudtrail import cause, is_echo, subjects
from pipeseal.model import OutcomeDocument
from pipeseal.notify.metrics import observed
from pipeseal.remediation.reconcile import reconcile
from pipeseal.runtime import Runtime

logger = Logger()
runtime = cache(lambda: Runtime(os.environ))  # made on the first event, not at import


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: object) -> list[OutcomeDocument]:
    """Reconcile each resource that *event* names and its dependencies; return the outcomes, one a resource.

    Events of the calls that pipeseal itself makes are ignored.
    """
    if is_echo(event, os.environ.get("OWN_ROLES", "").split(",")):
        return []
    if not (refs := subjects(event)):
        return []
    why = cause(event)
    logger.set_correlation_id(why.id)  # validated: the event's own field may hold anything
    runtime().start(context)
    now = runtime().clock.now
    return [outcome.as_dict() for ref in refs for outcome in observed(reconcile(ref, why, runtime()), why, logger, now)]
