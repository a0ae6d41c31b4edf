"""EventBridge and Lambda in one: each event that a rule matches is handed to the real handler, one after another."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, Queue, SimpleQueue
from threading import Event, Thread
from typing import TextIO
from uuid import uuid4

from pipeseal.aws.documents import Document, MutableDocument
from pipeseal.clock import Clock
from pipeseal.model import OutcomeDocument
from pipeseal.sandbox.event_rules import pattern_matcher, rules_of
from pipeseal.sandbox.identities import ACCOUNT, PIPESEAL_KEY_ID, REGION
from pipeseal.sandbox.lambda_runtime import function_arn, invoke, load_handler
from pipeseal.sandbox.records import EventDocument
from pipeseal.sandbox.template import TemplateFunction


@dataclass(frozen=True, slots=True)
class EventDelivery:
    """An event that was delivered to a function, and the result."""

    function: str
    event: EventDocument
    outcomes: tuple[OutcomeDocument, ...]
    """What the handler returned; empty where it failed."""
    error: str
    """Why the event was sent to the dead-letter queue; "" where it was not."""
    seconds: float
    """Time from the API call to the result."""

    @property
    def echo(self) -> bool:
        """Whether pipeseal itself made the call that the event reports."""
        return bool(self.event["detail"]["userIdentity"].get("accessKeyId") == PIPESEAL_KEY_ID)


@dataclass(frozen=True, slots=True)
class _Invocation:
    function: TemplateFunction
    event: EventDocument
    published: datetime


class EventRouter:
    """Delivers events to functions on a thread of its own, in the order in which they are published."""

    def __init__(
        self,
        functions: Sequence[TemplateFunction],
        output: TextIO,
        send_dead_letter: Callable[[Document], None],
        clock: Clock,
    ) -> None:
        """Load the handlers of *functions* and start the thread; raise TemplateError where a handler is missing.

        What the functions print and log is written to *output*. *send_dead_letter* takes the record of an invocation
        that failed after all retries.
        """
        self.deliveries: SimpleQueue[EventDelivery] = SimpleQueue()
        """Completed deliveries, until they are taken off."""
        self.current_function = ""
        """Logical ID of the function that runs, or that ran last."""
        self._output = output
        self._send_dead_letter = send_dead_letter
        self._clock = clock
        self._rules = [(pattern_matcher(rule.pattern), rule.function) for rule in rules_of(functions)]
        with redirect_stdout(output):
            self._handlers = {function.name: load_handler(function) for function in functions}
        self._invocations: Queue[_Invocation | None] = Queue()
        self._delivering = Event()
        self._delivering.set()
        self._resumed = clock.now()
        self._thread = Thread(target=self._run, name="lambda", daemon=True)
        self._thread.start()

    def publish(self, event: EventDocument) -> None:
        """Queue *event* for every function that a matching rule invokes; read-only events match no rule."""
        if event["detail"].get("readOnly"):
            return
        matching = {function.name: function for matches, function in self._rules if matches(event)}
        for function in matching.values():
            self._invocations.put(_Invocation(function, event, self._clock.now()))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Deliver no event within the context, so that resources can be read before pipeseal changes them."""
        self._delivering.clear()
        try:
            yield
        finally:
            self._resumed = self._clock.now()
            self._delivering.set()

    def settle(self) -> list[EventDelivery]:
        """Wait until all events, including those of pipeseal's own calls, are handled; return the new deliveries."""
        self._invocations.join()
        deliveries = []
        while True:
            try:
                deliveries.append(self.deliveries.get_nowait())
            except Empty:
                return deliveries

    def stop(self) -> None:
        """Deliver what is queued and end the thread."""
        self._invocations.put(None)
        self._thread.join()

    def _run(self) -> None:
        while invocation := self._invocations.get():
            self._delivering.wait()
            self.deliveries.put(self._deliver(invocation))
            self._invocations.task_done()
        self._invocations.task_done()

    def _deliver(self, invocation: _Invocation) -> EventDelivery:
        """Invoke the handler as Lambda does asynchronously, with retries but without delays between them."""
        function, event = invocation.function, invocation.event
        arn = function_arn(function, ACCOUNT, REGION)
        self.current_function = function.name
        attempts = 1 + function.retries
        outcomes: tuple[OutcomeDocument, ...] = ()
        failure = ""
        for _ in range(attempts):
            try:
                outcomes = invoke(function, self._handlers[function.name], event, arn, self._output)
            except Exception as error:  # noqa: BLE001 - Lambda retries after any exception
                failure = f"{type(error).__name__}: {error}"
                print(traceback.format_exc(), file=self._output)
            else:
                failure = ""
                break
        if failure:
            self._send_dead_letter(_failure_record(arn, event, attempts, failure))
        elapsed = self._clock.now() - max(invocation.published, self._resumed)
        return EventDelivery(function.name, event, outcomes, failure, elapsed.total_seconds())


def _failure_record(arn: str, event: EventDocument, attempts: int, failure: str) -> MutableDocument:
    """Return the invocation record that Lambda sends to an on-failure destination."""
    error_type, _, message = failure.partition(": ")
    return {
        "version": "1.0",
        "requestContext": {
            "requestId": str(uuid4()),
            "functionArn": f"{arn}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": attempts,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": message, "errorType": error_type},
    }
