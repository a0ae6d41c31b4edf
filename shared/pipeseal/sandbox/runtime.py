"""Lambda's Python runtime: a function's real handler, loaded by its path and called in its own environment."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from types import SimpleNamespace
from typing import Any, TextIO
from uuid import uuid4

from pipeseal.model import partition_of
from pipeseal.sandbox.records import Event
from pipeseal.sandbox.stack import Function, StackError

Handler = Callable[[Event, object], list[dict[str, Any]]]

_SECOND = 1000


def load(function: Function) -> Handler:
    """Load the function's module, one for each function as in Lambda; its environment stays in that of the process.

    Raises StackError where module or handler is missing.
    """
    os.environ.update(function.environment)
    spec = importlib.util.spec_from_file_location(f"pipeseal_sandbox_{function.name}", function.path)
    if spec is None or spec.loader is None or not function.path.is_file():
        raise StackError(f"{function.path} is missing: {function.name} of the template has its handler there")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = getattr(module, function.handler, None)
    if not callable(found):
        raise StackError(f"{function.path} has no function {function.handler}, which {function.name} is to run")
    return found  # type: ignore[no-any-return]


def invoke(function: Function, handler: Handler, event: Event, arn: str, output: TextIO) -> tuple[dict[str, Any], ...]:
    """Call *handler* once and return the outcomes; *arn* is the function's, *output* gets all that it prints and logs.

    Whatever the handler raises is raised.
    """
    os.environ.update(function.environment)
    with redirect_stdout(output), _logging_to(output, function):
        # Through JSON and back: a handler shares no object with whoever made the event.
        return tuple(handler(json.loads(json.dumps(event)), _context(function, arn)))


def arn_of(function: Function, account: str, region: str) -> str:
    """Return the ARN that the function has in a stack called pipeseal."""
    return f"arn:{partition_of(region)}:lambda:{region}:{account}:function:pipeseal-{function.name}"


@contextmanager
def _logging_to(output: TextIO, function: Function) -> Iterator[None]:
    """Send what powertools logs to *output*: its logger keeps the stream that it first saw."""
    logger = logging.getLogger(function.environment.get("POWERTOOLS_SERVICE_NAME", "service_undefined"))
    streams = [handler for handler in logger.handlers if isinstance(handler, logging.StreamHandler)]
    former = [handler.setStream(output) for handler in streams]
    try:
        yield
    finally:
        for handler, stream in zip(streams, former, strict=True):
            handler.setStream(stream or sys.stdout)


def _context(function: Function, arn: str) -> SimpleNamespace:
    """Return what Lambda tells a handler of itself."""
    name = arn.rpartition(":")[2]
    return SimpleNamespace(
        function_name=name,
        function_version="$LATEST",
        invoked_function_arn=arn,
        memory_limit_in_mb=512,
        aws_request_id=str(uuid4()),
        log_group_name=f"/aws/lambda/{name}",
        log_stream_name="embedded",
        get_remaining_time_in_millis=lambda: function.timeout * _SECOND,
    )
