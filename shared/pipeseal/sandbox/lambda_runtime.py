"""The Lambda runtime for Python: loads a function's handler and calls it with the function's variables."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from types import SimpleNamespace
from typing import TextIO
from uuid import uuid4

from pipeseal.model import OutcomeDocument, partition_of
from pipeseal.sandbox.records import EventDocument
from pipeseal.sandbox.template import TemplateError, TemplateFunction

Handler = Callable[[EventDocument, object], list[OutcomeDocument]]

_MILLISECONDS = 1000


def load_handler(function: TemplateFunction) -> Handler:
    """Import the function's file as a module of its own and return the handler in it.

    The function's environment variables stay set in this process. Raises TemplateError where the file or the handler
    is missing.
    """
    os.environ.update(function.environment)
    spec = importlib.util.spec_from_file_location(f"pipeseal_sandbox_{function.name}", function.path)
    if spec is None or spec.loader is None or not function.path.is_file():
        raise TemplateError(f"{function.path} does not exist; the template names it as the file of {function.name}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler = getattr(module, function.handler, None)
    if not callable(handler):
        raise TemplateError(f"{function.path} has no {function.handler}, which is the handler of {function.name}")
    return handler  # type: ignore[no-any-return]


def invoke(
    function: TemplateFunction, handler: Handler, event: EventDocument, arn: str, output: TextIO
) -> tuple[OutcomeDocument, ...]:
    """Call *handler* once and return the outcomes; raise what it raises.

    *arn* is the function's ARN. Everything that the function prints and logs is written to *output*.
    """
    os.environ.update(function.environment)
    with redirect_stdout(output), _logging_to(output, function):
        # A copy by way of JSON: as in Lambda, the handler shares no object with its caller.
        return tuple(handler(json.loads(json.dumps(event)), _context(function, arn)))


def function_arn(function: TemplateFunction, account: str, region: str) -> str:
    """Return the ARN of the function in a stack named pipeseal."""
    return f"arn:{partition_of(region)}:lambda:{region}:{account}:function:pipeseal-{function.name}"


@contextmanager
def _logging_to(output: TextIO, function: TemplateFunction) -> Iterator[None]:
    """Redirect the logs of Powertools to *output*: its logger keeps the stream that it was created with."""
    logger = logging.getLogger(function.environment.get("POWERTOOLS_SERVICE_NAME", "service_undefined"))
    handlers = [handler for handler in logger.handlers if isinstance(handler, logging.StreamHandler)]
    former = [handler.setStream(output) for handler in handlers]
    try:
        yield
    finally:
        for handler, stream in zip(handlers, former, strict=True):
            handler.setStream(stream or sys.stdout)


def _context(function: TemplateFunction, arn: str) -> SimpleNamespace:
    """Return the context object of an invocation; the whole timeout of the function remains."""
    name = arn.rpartition(":")[2]
    return SimpleNamespace(
        function_name=name,
        function_version="$LATEST",
        invoked_function_arn=arn,
        memory_limit_in_mb=512,
        aws_request_id=str(uuid4()),
        log_group_name=f"/aws/lambda/{name}",
        log_stream_name="embedded",
        get_remaining_time_in_millis=lambda: function.timeout * _MILLISECONDS,
    )
