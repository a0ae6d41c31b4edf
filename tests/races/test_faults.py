"""A fault at each AWS call of each workflow, and the event again: nothing is lost, done twice or left open."""

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
from tests.races.faults import DENIED, TEMPORARY, FaultyInvocation, Killed
from tests.races.interception import Interceptor, intercepted
from tests.races.length import full_length
from tests.races.timed_account import PAST_LEASE, TimedAccount, repeated
from tests.races.workflows import ARTIFACT_BUCKET, BUCKET_WITHOUT_TLS, WORKFLOWS, Scenario, Workflow

_STUB = BotocoreStubber.__call__
_SHORT = 12
"""Calls of a workflow that is tried at each of them also in the short run."""
_DELIVERIES = 3
"""The first invocation and the two retries of an asynchronous invocation."""
_OWN_CALLS = ("BatchGetItem", "GetItem", "Query", "TransactWriteItems", "UpdateItem", "Publish")
"""Calls to the ledger and the topic: where they are denied, only the dead letters and their alarm can report it."""
_WORKFLOWS = pytest.mark.parametrize("workflow", WORKFLOWS, ids=[workflow.name for workflow in WORKFLOWS])


@dataclass(frozen=True, slots=True)
class EndState:
    """What a violation left behind."""

    state: str
    ledger: frozenset[tuple[str, str]]
    """(ARN, outcome), without entries that an operator repeats, or whose invocation ended before it wrote."""
    open: tuple[str, ...]
    """Entries without an outcome, and owners of leases."""
    alerts: tuple[str, ...]
    """Action, kind and controls of each alert."""
    ids: Counter[str]
    """How often each alert was received."""


def run(
    timed: TimedAccount, workflow: Workflow, scenario: Scenario, invocation: FaultyInvocation
) -> BaseException | None:
    """Run the workflow in one invocation; return what it raises."""
    try:
        with intercepted(invocation):
            workflow.run(timed, scenario)
    except (Killed, Exception) as raised:  # noqa: BLE001 - Lambda catches everything
        return raised
    return None


def end_state(timed: TimedAccount, scenario: Scenario) -> EndState:
    """Read everything that a violation left behind."""
    ledger = timed.runtime().ledger
    entries = [(arn, entry) for arn in scenario.arns for entry in ledger.entries.latest(arn, 50)]
    owners = [record.lease_owner for record in ledger.records.get_many(scenario.arns).values() if record.lease_owner]
    received = timed.account.alerts()
    alerts = {alert["id"] + alert["action"]: alert for alert in received}
    return EndState(
        json.dumps(scenario.state(), default=str).replace(scenario.name, "*"),
        frozenset(
            (arn.replace(scenario.name, "*"), entry.outcome)
            for arn, entry in entries
            if entry.outcome not in ("abandoned", "failed" if scenario.by_operator else "")
        ),
        (*(entry.id for _, entry in entries if not entry.outcome), *owners),
        tuple(sorted(f"{each['action']} {each['resource']['type']} {each['controls']}" for each in alerts.values())),
        Counter(alert["id"] for alert in received),
    )


def without_fault(timed: TimedAccount, workflow: Workflow) -> tuple[list[str], EndState]:
    """Return the calls of a workflow in which no call fails, and its end state."""
    timed.environment.update(workflow.environment)
    scenario = workflow.arrange(timed, "scenario-without-fault")
    timed.account.alerts()
    invocation = FaultyInvocation()
    assert run(timed, workflow, scenario, invocation) is None
    return invocation.calls, end_state(timed, scenario)


def sampled(at: int, number: int, workflow: Workflow, calls: int) -> bool:
    """Return whether the short run tries a fault at a call."""
    offset = WORKFLOWS.index(workflow)
    return (3 * at + offset) % len(TEMPORARY) == number and (calls <= _SHORT or at % 3 == offset % 3)


@_WORKFLOWS
def test_the_next_delivery_recovers_from_a_fault_at_any_call(
    timed: TimedAccount, workflow: Workflow, record_property: Callable[[str, object], None]
) -> None:
    """The end state is that of a run without fault; no entry is open and no lease held.

    The same alert is sent twice only where the invocation ended, or got no response, between sending it and recording
    the outcome: standard topics of SNS do not deduplicate.
    """
    calls, expected = without_fault(timed, workflow)
    faults = list(TEMPORARY.items())
    injected, twice = 0, Counter[str]()
    for at, operation in enumerate(calls):
        for number, (name, fault) in enumerate(faults):
            if not (full_length() or sampled(at, number, workflow, len(calls))):
                continue
            scenario = workflow.arrange(timed, f"scenario-{at}-{number}")
            timed.account.alerts()
            raised = run(timed, workflow, scenario, FaultyInvocation(at, fault))
            for _ in range(_DELIVERIES - 1):
                if raised is None:
                    break
                timed.clock.sleep(PAST_LEASE)
                raised = run(timed, workflow, scenario, FaultyInvocation())
            injected += 1
            assert raised is None, (name, at, operation)
            run(timed, workflow, scenario, FaultyInvocation())  # events are delivered at least once
            found = end_state(timed, scenario)
            context = f"{name} at call {at}, {operation}"
            assert found.state == expected.state, context
            assert found.ledger == expected.ledger, context
            assert not found.open, context
            assert found.alerts == expected.alerts, context
            if max(found.ids.values(), default=1) > 1:
                twice[f"call {at}, {operation}"] += 1
                assert operation == "Publish" or calls[at - 1] == "Publish", context
    record_property(
        f"{workflow.name}: {len(calls)} calls, faults injected",
        f"{injected}, recovered: {injected}, alerted twice: {dict(twice)}",
    )


@pytest.mark.parametrize(
    "workflow", [workflow for workflow in WORKFLOWS if not workflow.act], ids=lambda workflow: workflow.name
)
def test_a_missing_permission_is_named_in_one_alert(timed: TimedAccount, workflow: Workflow) -> None:
    """The alert is not repeated for each event; the first event after the permission was granted is remediated."""
    calls, expected = without_fault(timed, workflow)
    for operation in dict.fromkeys(calls):
        if operation in _OWN_CALLS or (
            not full_length() and "Bucket" in operation and workflow not in (BUCKET_WITHOUT_TLS, ARTIFACT_BUCKET)
        ):
            continue
        scenario = workflow.arrange(timed, f"scenario-{operation.lower()}")
        timed.account.alerts()
        with intercepted(denying(operation)):
            for happened in (scenario.happened, scenario.happened, repeated(scenario.happened)):
                timed.deliver(happened)
        stated = [
            reason
            for alert in timed.account.alerts()
            for finding in alert["findings"]
            if alert["action"] == "failed" or finding["control"] in _REPORTED_AS_REASON
            for reason in (finding["refusal"] or finding["reasons"][0],)
            if _ACTIONS.get(operation, operation) in reason
        ]
        assert len(dict.fromkeys(stated)) == 1, (operation, stated)
        timed.deliver(repeated(scenario.happened))
        found = end_state(timed, scenario)
        assert found.state == expected.state, operation
        assert not found.open, operation


_ACTIONS = {
    "GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "GetBucketTagging": "tags",
}
_REPORTED_AS_REASON = ("CODEPIPELINE.FREE_TEXT",)
"""Controls that read the tags of buckets; where that is denied, the pipeline is still handled."""


def denying(denied: str) -> Interceptor:
    """Return an interceptor that denies one operation."""
    return lambda operation, _, call: DENIED(operation, call) if operation == denied else call()


def test_nothing_is_written_without_the_ledger(timed: TimedAccount) -> None:
    """Without the ledger no resource is changed, without the topic no entry is completed; the error is raised."""
    for operation in ("BatchGetItem", "TransactWriteItems", "Publish"):
        scenario = BUCKET_WITHOUT_TLS.arrange(timed, f"scenario-{operation.lower()}")
        before = scenario.state()
        with intercepted(denying(operation)), pytest.raises(ClientError, match="AccessDenied"):
            timed.deliver(scenario.happened)
        assert (scenario.state() == before) == (operation != "Publish")
        timed.deliver(scenario.happened)
        found = end_state(timed, scenario)
        assert (found.open, found.alerts) == ((), ("remediated bucket ['S3.TLS']",))


@pytest.mark.parametrize("fault", ["throttling", "503", "500", "request lost", "response lost"])
def test_botocore_retries_a_short_fault(timed: TimedAccount, fault: str) -> None:
    """A fault of the connection that ends before the second attempt causes neither an error nor a second alert."""
    workflow = ARTIFACT_BUCKET
    calls, expected = without_fault(timed, workflow)
    for at in range(0, len(calls), 1 if full_length() else 3):
        scenario = workflow.arrange(timed, f"scenario-{at}")
        timed.account.alerts()
        connection = FaultyConnection(at, fault)
        with intercepted(connection.called), patch.object(BotocoreStubber, "__call__", connection.sent):
            timed.deliver(scenario.happened)
        assert connection.failed
        found = end_state(timed, scenario)
        assert (found.state, found.ledger, found.alerts) == (expected.state, expected.ledger, expected.alerts)
        assert set(found.ids.values()) == {2 if fault == "response lost" and calls[at] == "Publish" else 1}
        assert not found.open


class FaultyConnection:
    """Makes the first attempt at the call numbered *at* fail, before AWS handles it or ("response lost") after."""

    def __init__(self, at: int, fault: str) -> None:
        self.failed = False
        self._left, self._fault = at, fault
        self._handled_tokens: set[str] = set()
        self.sent = partialmethod(_sent, self)

    def called(self, _operation: str, _arguments: Mapping[str, Any], call: Callable[[], Any]) -> Any:
        """See Interceptor."""
        self._left -= 1
        return call()

    def respond(self, request: AWSPreparedRequest, send: Callable[[], Any]) -> Any:
        """Respond in place of AWS, once; *send* returns the response of moto."""
        url, ledger = str(request.url), "dynamodb" in str(request.url)
        token = json.loads(_text(request)).get("ClientRequestToken", "") if ledger else ""
        if token in self._handled_tokens:  # DynamoDB is idempotent here, moto is not
            return _response(url, 200, "{}")
        if self.failed or self._left >= 0:
            return send()
        self.failed = True
        if self._fault == "response lost":
            send()
            self._handled_tokens |= {token} - {""}
            raise ReadTimeoutError(endpoint_url=url)
        if self._fault == "request lost":
            raise ConnectTimeoutError(endpoint_url=url)
        status = {"500": 500, "503": 503}.get(self._fault, 400 if ledger else 503)
        if not ledger:
            name = {"500": "InternalError", "503": "ServiceUnavailable"}.get(self._fault, "SlowDown")
            return _response(url, status, f"<Error><Code>{name}</Code></Error>")
        name = "ThrottlingException" if self._fault == "throttling" else "InternalServerError"
        return _response(url, status, json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{name}"}))


def _sent(
    moto: BotocoreStubber, connection: FaultyConnection, event_name: str, request: AWSPreparedRequest, **_: object
) -> Any:
    return connection.respond(request, lambda: _STUB(moto, event_name, request))


def _text(request: AWSPreparedRequest) -> str:
    body = request.body
    return body.decode() if isinstance(body, bytes) else str(body or "{}")


def _response(url: str, status: int, body: str) -> AWSResponse:
    return AWSResponse(url, status, HTTPHeaders(), MockRawResponse(body))
