"""EventBridge and Lambda in one: what a rule's pattern matches reaches the real handler, in order, on one thread."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from queue import Empty, Queue, SimpleQueue
from threading import Event as Flag
from threading import Thread
from time import monotonic
from typing import Any, TextIO
from uuid import uuid4

from pipeseal.sandbox.people import ACCOUNT, PIPESEAL, REGION
from pipeseal.sandbox.records import Event
from pipeseal.sandbox.rules import matcher, rules_of
from pipeseal.sandbox.runtime import arn_of, invoke, load
from pipeseal.sandbox.stack import Function


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that reached a function, and what became of it."""

    function: str
    event: Event
    outcomes: tuple[dict[str, Any], ...]
    """What the handler returned; empty where it failed."""
    error: str
    """Why it went to the dead letters; "" where it did not."""
    seconds: float
    """From the call to the last outcome."""

    @property
    def echo(self) -> bool:
        """Whether the functions' own doing came back to them as an event."""
        return bool(self.event["detail"]["userIdentity"].get("accessKeyId") == PIPESEAL)


@dataclass(frozen=True, slots=True)
class _Task:
    function: Function
    event: Event
    since: float


class Router:
    """Delivers events to *functions*; their output goes to *output*, what they fail on to *dead_letter*."""

    def __init__(self, functions: Sequence[Function], output: TextIO, dead_letter: Callable[[Event], None]) -> None:
        """Load the handlers; raise StackError where one is missing."""
        self.deliveries: SimpleQueue[Delivery] = SimpleQueue()
        """What was delivered and nobody has looked at yet."""
        self.running = ""
        """The function that is at work, or the last one."""
        self._output = output
        self._dead_letter = dead_letter
        self._rules = [(matcher(rule.pattern), rule.function) for rule in rules_of(functions)]
        with redirect_stdout(output):
            self._handlers = {function.name: load(function) for function in functions}
        self._tasks: Queue[_Task | None] = Queue()
        self._open = Flag()
        self._open.set()
        self._released = 0.0
        self._thread = Thread(target=self._work, name="lambda", daemon=True)
        self._thread.start()

    def publish(self, event: Event) -> int:
        """Deliver *event* to every function whose rule matches; return how many there are."""
        if event["detail"].get("readOnly"):
            return 0  # EventBridge delivers no reads unless a rule asks for all management events
        matching = {function.name: function for matches, function in self._rules if matches(event)}
        for function in matching.values():
            self._tasks.put(_Task(function, event, monotonic()))
        return len(matching)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let nothing be delivered meanwhile, as if EventBridge were slow: for a look at what people left."""
        self._open.clear()
        try:
            yield
        finally:
            self._released = monotonic()
            self._open.set()

    def settle(self) -> list[Delivery]:
        """Wait until every event and every echo of it has been dealt with; return the deliveries since last time."""
        self._tasks.join()
        found = []
        while True:
            try:
                found.append(self.deliveries.get_nowait())
            except Empty:
                return found

    def stop(self) -> None:
        """Finish what was published and end the thread."""
        self._tasks.put(None)
        self._thread.join()

    def _work(self) -> None:
        while task := self._tasks.get():
            self._open.wait()
            self.deliveries.put(self._deliver(task))
            self._tasks.task_done()
        self._tasks.task_done()

    def _deliver(self, task: _Task) -> Delivery:
        """Invoke the handler as Lambda does asynchronously: retries (here without a pause), then the dead letters."""
        function, failure = task.function, ""
        self.running = function.name
        attempts = 1 + function.retries
        for _ in range(attempts):
            try:
                arn = arn_of(function, ACCOUNT, REGION)
                outcomes = invoke(function, self._handlers[function.name], task.event, arn, self._output)
            except Exception as error:  # noqa: BLE001 - whatever a handler raises, Lambda retries and then gives up
                failure = f"{type(error).__name__}: {error}"
                print(traceback.format_exc(), file=self._output)
            else:
                failure = ""
                break
        if failure:
            outcomes = ()
            self._dead_letter(_dead(function, task.event, attempts, failure))
        seconds = monotonic() - max(task.since, self._released)
        return Delivery(function.name, task.event, outcomes, failure, seconds)


def _dead(function: Function, event: Event, attempts: int, failure: str) -> Event:
    """Make what Lambda sends to a failure destination."""
    kind, _, message = failure.partition(": ")
    return {
        "version": "1.0",
        "requestContext": {
            "requestId": str(uuid4()),
            "functionArn": f"{arn_of(function, ACCOUNT, REGION)}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": attempts,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": message, "errorType": kind},
    }
