"""A fault at each AWS call of each flow, and the event delivered again: nothing is lost, done twice or left open."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partialmethod
from typing import Any
from unittest.mock import patch

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError
from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse
from tests.races.faults import DENIED, PASSING, Delivery, Killed
from tests.races.flows import FLOWS, Flow, Scene, Stage, later
from tests.races.length import whole
from tests.races.wire import Tap, tapped

_STUB = BotocoreStubber.__call__
_LEASE = 61
_FEW = 12
_DELIVERIES = 3
"""Lambda's own, and the two retries of an asynchronous invocation."""
_OURS = ("BatchGetItem", "GetItem", "Query", "TransactWriteItems", "UpdateItem", "Publish")
"""What goes to the ledger and the topic: refused for good, it is for the dead letters and their alarm to tell."""
_FLOWS = pytest.mark.parametrize("flow", FLOWS, ids=[flow.name for flow in FLOWS])


@dataclass(frozen=True, slots=True)
class End:
    """What came of a violation."""

    state: str
    ledger: frozenset[tuple[str, str]]
    """(ARN, outcome); those who failed and said so, or died before they wrote, are left out."""
    open: tuple[str, ...]
    """Entries without an outcome, and holders."""
    alerts: tuple[str, ...]
    """Action, resource and controls of each."""
    ids: Counter[str]
    """How often each alert came."""


def deliver(stage: Stage, flow: Flow, scene: Scene, fault: Delivery) -> BaseException | None:
    """Let one delivery run into *fault*; return what it raises."""
    try:
        with tapped(fault):
            stage.seen_to(flow, scene)
    except (Killed, Exception) as raised:  # noqa: BLE001 - whatever it is goes to Lambda
        return raised
    return None


def end(stage: Stage, scene: Scene) -> End:
    """Look at everything that a violation left behind."""
    ledger = stage.world().ledger
    entries = [(arn, entry) for arn in scene.arns for entry in ledger.latest(arn, 50)]
    holders = [memory.holder for memory in ledger.memories(scene.arns).values() if memory.holder]
    heard = stage.account.alerts()
    alerts = {alert["id"] + alert["action"]: alert for alert in heard}
    return End(
        json.dumps(scene.state(), default=str).replace(scene.name, "*"),
        frozenset(
            (arn.replace(scene.name, "*"), entry.outcome)
            for arn, entry in entries
            if entry.outcome not in ("abandoned", "failed" if scene.retried else "")
        ),
        (*(entry.id for _, entry in entries if not entry.outcome), *holders),
        tuple(sorted(f"{each['action']} {each['resource']['type']} {each['controls']}" for each in alerts.values())),
        Counter(alert["id"] for alert in heard),
    )


def undisturbed(stage: Stage, flow: Flow) -> tuple[list[str], End]:
    """Return the calls of a flow in which nothing goes wrong, and what comes of it."""
    stage.environment.update(flow.environment)
    scene = flow.arrange(stage, "scene-calm")
    stage.account.alerts()
    calm = Delivery()
    assert deliver(stage, flow, scene, calm) is None
    return calm.calls, end(stage, scene)


def sampled(at: int, number: int, flow: Flow, calls: int) -> bool:
    """Say whether a fault is among the few that there is time for when all is not to be tried."""
    turn = FLOWS.index(flow)
    return (3 * at + turn) % len(PASSING) == number and (calls <= _FEW or at % 3 == turn % 3)


@_FLOWS
def test_a_fault_at_any_call_is_made_good_by_the_next_delivery(
    stage: Stage, flow: Flow, record_property: Callable[[str, object], None]
) -> None:
    """The end is that of an undisturbed run, no entry is left open and nobody holds anything.

    The same alert comes twice only where its sender died, or was told nothing, between sending it and writing that
    down: SNS knows no way to tell whether it has a message already.
    """
    calls, meant = undisturbed(stage, flow)
    faults = list(PASSING.items())
    injected, twice = 0, Counter[str]()
    for at, operation in enumerate(calls):
        for number, (name, fault) in enumerate(faults):
            if not (whole() or sampled(at, number, flow, len(calls))):
                continue
            scene = flow.arrange(stage, f"scene-{at}-{number}")
            stage.account.alerts()
            raised = deliver(stage, flow, scene, Delivery(at, fault))
            for _ in range(_DELIVERIES - 1):
                if raised is None:
                    break
                stage.clock.sleep(_LEASE)
                raised = deliver(stage, flow, scene, Delivery())
            injected += 1
            assert raised is None, (name, at, operation)
            deliver(stage, flow, scene, Delivery())  # at least once may be once more
            found = end(stage, scene)
            where = f"{name} at call {at}, {operation}"
            assert found.state == meant.state, where
            assert found.ledger == meant.ledger, where
            assert not found.open, where
            assert found.alerts == meant.alerts, where
            if max(found.ids.values(), default=1) > 1:
                twice[f"call {at}, {operation}"] += 1
                assert operation == "Publish" or calls[at - 1] == "Publish", where
    record_property(
        f"{flow.name}: {len(calls)} calls, faults injected",
        f"{injected}, survived: {injected}, told twice: {dict(twice)}",
    )


@pytest.mark.parametrize("flow", [flow for flow in FLOWS if not flow.act], ids=lambda flow: flow.name)
def test_a_permission_that_is_missing_is_told_of_once_and_named(stage: Stage, flow: Flow) -> None:
    """Not raised for ever; the next event after it was given puts the resource right and tells so."""
    calls, meant = undisturbed(stage, flow)
    for operation in dict.fromkeys(calls):
        if operation in _OURS or (not whole() and "Bucket" in operation and flow not in FLOWS[:2]):
            continue
        scene = flow.arrange(stage, f"scene-{operation.lower()}")
        stage.account.alerts()
        with tapped(denying(operation)):
            for news in (scene.news, scene.news, later(scene.news)):
                stage.deliver(news)
        told = [
            reason
            for alert in stage.account.alerts()
            for finding in alert["findings"]
            if alert["action"] == "failed" or finding["control"] in _TOLD_OTHERWISE
            for reason in (finding["refusal"] or finding["reasons"][0],)
            if _ACTIONS.get(operation, operation) in reason
        ]
        assert len(dict.fromkeys(told)) == 1, (operation, told)
        stage.deliver(later(scene.news))
        found = end(stage, scene)
        assert found.state == meant.state, operation
        assert not found.open, operation


_ACTIONS = {
    "GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "GetBucketTagging": "tags",
}
_TOLD_OTHERWISE = ("CODEPIPELINE.FREE_TEXT",)
"""It looks at the tags of buckets, which is no reason to leave the pipeline alone where it may not."""


def denying(denied: str) -> Tap:
    """Make a tap that has one operation denied."""
    return lambda operation, _, call: DENIED(operation, call) if operation == denied else call()


def test_whoever_may_not_write_it_down_writes_nothing(stage: Stage) -> None:
    """Without the ledger nothing is touched, without the topic nothing is closed: the dead letters are told."""
    flow = FLOWS[0]
    for operation in ("BatchGetItem", "TransactWriteItems", "Publish"):
        scene = flow.arrange(stage, f"scene-{operation.lower()}")
        before = scene.state()
        with tapped(denying(operation)), pytest.raises(ClientError, match="AccessDenied"):
            stage.deliver(scene.news)
        assert (scene.state() == before) == (operation != "Publish")
        stage.deliver(scene.news)
        found = end(stage, scene)
        assert (found.open, found.alerts) == ((), ("remediated bucket ['S3.TLS']",))


@pytest.mark.parametrize("fault", ["throttling", "503", "500", "timeout", "lost"])
def test_what_passes_is_tried_again_within_the_delivery(stage: Stage, fault: str) -> None:
    """Nobody sees anything of a fault on the wire that is over at the second attempt: no exception, no second alert."""
    flow = FLOWS[1]
    calls, meant = undisturbed(stage, flow)
    for at in range(0, len(calls), 1 if whole() else 3):
        scene = flow.arrange(stage, f"scene-{at}")
        stage.account.alerts()
        wire = Wire(at, fault)
        with tapped(wire.called), patch.object(BotocoreStubber, "__call__", wire.sent):
            stage.deliver(scene.news)
        assert wire.hit
        found = end(stage, scene)
        assert (found.state, found.ledger, found.alerts) == (meant.state, meant.ledger, meant.alerts)
        assert set(found.ids.values()) == {2 if fault == "lost" and calls[at] == "Publish" else 1}
        assert not found.open


class Wire:
    """Has the first attempt at the call numbered *at* fail: before it reaches AWS, or "lost", when it is done."""

    def __init__(self, at: int, fault: str) -> None:
        self.hit = False
        self._left, self._fault = at, fault
        self._done: set[str] = set()
        self.sent = partialmethod(_sent, self)

    def called(self, _operation: str, _arguments: Mapping[str, Any], call: Callable[[], Any]) -> Any:
        """See Tap."""
        self._left -= 1
        return call()

    def answer(self, request: AWSPreparedRequest, ask: Callable[[], Any]) -> Any:
        """Answer in AWS's place, once; *ask* has moto answer."""
        url, ledger = str(request.url), "dynamodb" in str(request.url)
        token = json.loads(_text(request)).get("ClientRequestToken", "") if ledger else ""
        if token in self._done:  # as DynamoDB does, and moto does not
            return _response(url, 200, "{}")
        if self.hit or self._left >= 0:
            return ask()
        self.hit = True
        if self._fault == "lost":
            ask()
            self._done |= {token} - {""}
            raise ReadTimeoutError(endpoint_url=url)
        if self._fault == "timeout":
            raise ConnectTimeoutError(endpoint_url=url)
        status = {"500": 500, "503": 503}.get(self._fault, 400 if ledger else 503)
        if not ledger:
            name = {"500": "InternalError", "503": "ServiceUnavailable"}.get(self._fault, "SlowDown")
            return _response(url, status, f"<Error><Code>{name}</Code></Error>")
        name = "ThrottlingException" if self._fault == "throttling" else "InternalServerError"
        return _response(url, status, json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{name}"}))


def _sent(moto: BotocoreStubber, wire: Wire, event_name: str, request: AWSPreparedRequest, **_: object) -> Any:
    return wire.answer(request, lambda: _STUB(moto, event_name, request))


def _text(request: AWSPreparedRequest) -> str:
    body = request.body
    return body.decode() if isinstance(body, bytes) else str(body or "{}")


def _response(url: str, status: int, body: str) -> AWSResponse:
    return AWSResponse(url, status, HTTPHeaders(), MockRawResponse(body))
