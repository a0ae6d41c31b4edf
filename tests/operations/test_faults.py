"""Every command that writes, with a fault at each of its calls: all of it takes effect, or nothing does."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import boto3
import pytest
from hypothesis import settings
from moto.backends import get_backend
from tests.fake_account import ACCOUNT, REGION, FakeAccount, event
from tests.operations.commands import CHANGES, FUNCTION, SIMPLE, Arrange, Change, Run, Simple, World, queue, undo_policy
from tests.operations.fault_injection import FAULTS, TRANSIENT, Killed, ManualClock, Process

import remediate
from pipeseal.aws.clients import client
from pipeseal.clock import Clock

_FINISHING = ("the command", "an event", "the sweep")
_LAST_RETRY = 61
Record = Callable[[str, object], None]


def whole() -> bool:
    """Return whether every fault is tried at every call: under the profile "soak"."""
    return settings.get_current_profile_name() == "soak"


def sampled(number: int, every: int) -> bool:
    """Return whether the scenario of that *number* is one of those that there is time for at each change."""
    return whole() or number % every == 0


@pytest.fixture
def world(account: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return an account in which waiting takes no time, and commands share the clients."""
    clock = ManualClock()
    monkeypatch.setattr("pipeseal.runtime.Clock", lambda: Clock(clock, clock.sleep))
    monkeypatch.setattr("pipeseal.aws.sessions.open_session", lambda *_: (REGION, client))
    monkeypatch.setattr("pipeseal.aws.queues._WAIT_SECONDS", 0)
    monkeypatch.setattr(remediate, "runtime", remediate.runtime)
    return World(account, clock, monkeypatch)


def calls_of(world: World, words: tuple[str, ...]) -> list[str]:
    """Return the calls of a command in which nothing fails."""
    run = world.run(words)
    assert run.status == 0, run.stderr
    return run.calls


# ------------------------------------------------------------------- undo and apply


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_and_its_exemptions_take_effect_together(world: World, name: str, record_property: Record) -> None:
    """After a fault the resource is as before or as requested, and exempted only where the undo is recorded.

    Otherwise the ledger shows an unfinished operation, which the command, an event or the sweep finishes.
    """
    arrange = CHANGES[name]
    calls = calls_of(world, arrange(world, "scene-calm").words)
    scenarios = [(at, fault, by) for at in range(len(calls)) for fault in FAULTS for by in _FINISHING]
    results, failures = Counter[str](), list[AssertionError]()
    for number, (at, fault, by) in enumerate(scenarios):
        if not sampled(number, 23):
            continue
        where = f"{fault} at call {at}, {calls[at]}, finished by {by}"
        try:
            results[_scenario(world, arrange, (at, fault, by, f"scene-{number}"), where)] += 1
        except AssertionError as failure:
            failures.append(failure)
    survived = results.total()
    figures = f"{survived + len(failures)}, survived: {survived}; {dict(results)}"
    record_property(f"{name}: {len(calls)} calls, faults tried", figures)
    assert not failures, figures + "".join(f"\n{failure}"[:2000] for failure in failures)


def _scenario(world: World, arrange: Arrange, scenario: tuple[int, str, str, str], where: str) -> str:
    """Try one fault; return what became of the command."""
    at, fault, by, name = scenario
    world.forget()
    change = arrange(world, name)
    before = change.state()
    run = world.run(change.words, Process(world.clock, FAULTS[fault], at))
    at_first = change.state()
    open_entries = [entry.id for entry in world.entries(change.arn) if not entry.outcome]
    exempted = len(world.exemptions(change.arn))
    assert fault not in TRANSIENT or run.status == 0, (where, run.stderr)
    undone = [entry.outcome for entry in world.entries(change.arn) if entry.by_operator]
    assert exempted in (0, change.exempts), where
    assert not exempted or "undone" in undone, where
    if run.status == 0:
        assert (at_first != before, exempted, open_entries) == (True, change.exempts, []), where
    elif not open_entries:
        assert (at_first == before and not exempted) or (at_first != before and exempted == change.exempts), where
    elif not run.killed:
        _assert_reported(run, change, open_entries, where)
    if by == "the command":
        again = world.run(change.words)
        assert again.status == 0 or "already" in again.stderr, (where, again.stderr)
        assert change.state() != before, where
        assert len(world.exemptions(change.arn)) == change.exempts, where
    else:
        world.wait_for_leases()
        if by == "an event":
            world.deliver(change.news)
        else:
            world.sweep(change.kind, change.arn.rpartition("/")[2].rpartition(":")[2])
        assert (change.state() == before) == (_last_result(world, change) not in ("undone", "remediated")), where
        assert len(world.exemptions(change.arn)) == (change.exempts if change.state() != before else 0), where
    assert [entry.id for entry in world.entries(change.arn) if not entry.outcome] == [], where
    assert world.ledger.records.get(change.arn).lease_owner == "", where
    if run.status == 0:
        return "succeeded"
    return "left open" if open_entries else "ended"


def _last_result(world: World, change: Change) -> str:
    """Return the outcome of the last operation of an operator; "" where there is none."""
    return next((entry.outcome for entry in world.entries(change.arn) if entry.by_operator), "")


def _assert_reported(run: Run, change: Change, open_entries: list[str], where: str) -> None:
    """Assert that the error names the resource, the entry that is open, and the command that finishes it."""
    assert run.status in (3, 130), where
    for text in (change.arn, *open_entries, f"pipeseal {change.words[0]} {change.words[1]}"):
        assert text in run.stderr, (where, text, run.stderr)


# ------------------------------------------------------------ exempt, resume, redrive


@pytest.mark.parametrize("name", SIMPLE)
def test_a_repeated_command_has_no_further_effect(world: World, name: str, record_property: Record) -> None:
    """After a fault the state is that before or that after; after the same command it is that after."""
    arrange = SIMPLE[name]
    calls = calls_of(world, arrange(world, "scene-calm").words)
    scenarios = [(at, fault) for at in range(len(calls)) for fault in FAULTS]
    for number, (at, fault) in enumerate(scenarios):
        where = f"{fault} at call {at}, {calls[at]}"
        world.forget()
        simple = arrange(world, f"scene-{number}")
        run = world.run(simple.words, Process(world.clock, FAULTS[fault], at))
        assert simple.state() in simple.allowed, where
        if run.status == 0 or fault in TRANSIENT:
            assert (run.status, simple.state()) == (0, simple.allowed[-1]), (where, run.stderr)
        elif "unknown" in run.stderr:
            assert f"pipeseal {' '.join(simple.words[:2])}" in run.stderr, where
        _finish(world, simple, where)
    record_property(f"{name}: {len(calls)} calls, faults tried", f"{len(scenarios)}, survived: {len(scenarios)}")


def _finish(world: World, simple: Simple, where: str) -> None:
    for _ in range(2):
        again = world.run(simple.words)
        assert again.status in (0, 2), (where, again.stderr)
        assert simple.state() == simple.allowed[-1], where


def _dead_letters(url: str, *bodies: str) -> None:
    for body in bodies:
        boto3.client("sqs").send_message(QueueUrl=url, MessageBody=body)


def _messages(name: str) -> list[str]:
    """Return the messages of a queue, and make all of them visible."""
    found: Any = get_backend("sqs")[ACCOUNT][REGION].queues[f"pipeseal-{name}"]
    messages = [message for message in found._messages if message.id not in found.deleted_messages]  # noqa: SLF001
    for message in messages:
        message.visible_at = 0
    return [json.loads(message.body)["id"] for message in messages]


def test_a_redrive_loses_no_dead_letter(world: World, record_property: Record) -> None:
    """After a fault each event is in a queue or was delivered; after the same command the queue is empty.

    The event that can never succeed is in the quarantine queue.
    """
    url = queue("dead-letters")
    queue("quarantine"), queue("sweep")

    def arrange(name: str) -> list[str]:
        url_of = {"functionArn": f"{FUNCTION}:$LATEST"}
        good = {**event("PutBucketPolicy", {"bucketName": "harbor"}), "id": f"good-{name}"}
        bad = {**event("PutBucketPolicy", None), "id": f"bad-{name}"}
        for each in (good, bad):
            body = {"id": each["id"], "requestContext": url_of, "requestPayload": each, "responsePayload": {}}
            _dead_letters(url, json.dumps(body))
        return [good["id"], bad["id"]]

    arrange("calm")
    calls = calls_of(world, ("redrive",))
    scenarios = [(at, fault) for at in range(len(calls)) for fault in FAULTS]
    tried = 0
    for number, (at, fault) in enumerate(scenarios):
        if not sampled(number, 3):
            continue
        where = f"{fault} at call {at}, {calls[at]}"
        good, bad = arrange(str(number))
        run = world.run(("redrive",), Process(world.clock, FAULTS[fault], at))
        tried += 1
        if fault in TRANSIENT:
            assert run.status == 0, (where, run.stderr)
        assert good in world.invoked or good in _messages("dead-letters"), where
        assert bad in (*_messages("dead-letters"), *_messages("quarantine")), where
        for _ in range(2):
            _messages("dead-letters")
            assert world.run(("redrive",)).status == 0, where
        assert _messages("dead-letters") == [], where
        assert good in world.invoked, where
        assert bad in _messages("quarantine"), where
    record_property(f"redrive: {len(calls)} calls, faults tried", f"{tried}, survived: {tried}")


# ------------------------------------------------------------------------- concurrency


def test_no_event_is_lost_while_an_operator_works(world: World) -> None:
    """A function that finds an operator's lease leaves the event to Lambda's retries, and remediates afterwards."""
    change = undo_policy(world, "harbor")
    before = change.state()
    killed = world.run(change.words, Process(world.clock, FAULTS["killed after"], _first(world, change, "Transact")))
    assert killed.killed
    with pytest.raises(Exception, match="in constant use by other invocations"):
        world.deliver(change.news | {"detail": {**change.news["detail"], "requestParameters": _put("harbor")}})
    world.wait_for_leases()
    world.deliver(change.news)
    assert change.state() == before
    assert [entry.outcome for entry in world.entries(change.arn)] == ["abandoned", "remediated"]


def _put(name: str) -> dict[str, Any]:
    return {"bucketName": name, "bucketPolicy": {"Version": "2012-10-17", "Statement": []}}


def _first(world: World, change: Change, operation: str) -> int:
    calls = calls_of(world, undo_policy(world, "other").words)
    assert change.arn
    return next(number for number, call in enumerate(calls) if call.startswith(operation))


# ------------------------------------------------------------------------------ alerts


def test_no_alert_is_lost_and_few_are_sent_twice(world: World, record_property: Record) -> None:
    """An alert is sent twice only where SNS's response is lost, or where the process ends right after it."""
    calm = Process(world.clock)
    _violate(world, "scene-calm", calm)
    world.account.alerts()
    published = calm.calls.index("Publish")
    faults = [name for name in FAULTS if not name.startswith("interrupted") and name != "access denied"]
    tried, twice = 0, Counter[str]()
    for at, operation in enumerate(calm.calls):
        for fault in faults:
            if not (whole() or at in (published, published + 1)):
                continue
            world.forget()
            name = f"scene-{at}-{faults.index(fault)}"
            news = _violate(world, name, Process(world.clock, FAULTS[fault], at))
            for _ in range(2):
                world.clock.sleep(_LAST_RETRY)
                world.deliver(news)
            sent = [alert["id"] for alert in world.account.alerts() if alert["resource"]["name"] == name]
            tried += 1
            where = f"{fault} at call {at}, {operation}"
            assert len(set(sent)) == 1, where
            if len(sent) > 1:
                twice[where] += len(sent) - 1
                unknown = at == published and (fault.startswith("response") or fault == "killed after")
                ended = at == published + 1 and (fault.startswith(("killed before", "outage")))
                assert unknown or ended, where
    record_property(f"alerts: {len(calm.calls)} calls, faults tried", f"{tried}, none lost, repeated: {dict(twice)}")


def _violate(world: World, name: str, process: Process) -> dict[str, Any]:
    """Create an open bucket and deliver the event of it to a function that meets a fault; return the event."""
    boto3.client("s3").create_bucket(Bucket=name)
    news = event("PutBucketPolicy", {"bucketName": name})
    with suppress(Exception, Killed):  # Lambda retries
        world.deliver(news, process)
    return news
