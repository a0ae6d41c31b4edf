"""A fault at each AWS call of each flow, and the event delivered again: nothing is lost, done twice or left open."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from tests.account import Account
from tests.races.faults import PASSING, Delivery, Killed
from tests.races.flows import FLOWS, Flow, Scene, Stage, later
from tests.races.wire import Clock, tapped

import remediate

_LEASE = 61
_DELIVERIES = 3
"""Lambda's own, and the two retries of an asynchronous invocation."""


@pytest.fixture
def stage(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Give an account in which waiting takes no time."""
    clock = Clock()
    monkeypatch.setattr("time.sleep", clock.sleep)
    monkeypatch.setattr(remediate, "world", None)
    return Stage(account, clock)


def deliver(stage: Stage, flow: Flow, scene: Scene, fault: Delivery) -> str:
    """Let one delivery run into *fault*; return what is raised, in a word, "" where nothing is."""
    try:
        with tapped(fault):
            stage.seen_to(flow, scene)
    except (Killed, Exception) as raised:
        return repr(raised)
    return ""


def told(stage: Stage, scene: Scene) -> Counter[str]:
    """Return what the subscriber heard: how often each alert came, the names of resources left out."""
    return Counter(
        json.dumps([alert["id"], alert["action"], alert["resource"]["type"], alert["controls"]])
        for alert in stage.account.alerts()
    )


def without_ids(alerts: Counter[str]) -> list[Any]:
    return sorted(json.loads(each)[1:] for each in alerts)


def ledger(stage: Stage, scene: Scene) -> list[tuple[str, str]]:
    """Return the outcome of each entry; those who died before they wrote anything are not counted."""
    found = [(arn, entry) for arn in scene.arns for entry in stage.world().ledger.latest(arn, 50)]
    return sorted(
        (arn.replace(scene.name, "*"), entry.outcome) for arn, entry in found if entry.outcome != "abandoned"
    )


def held(stage: Stage, scene: Scene) -> list[str]:
    memories = stage.world().ledger.memories(scene.arns)
    return [memory.holder for memory in memories.values() if memory.holder]


def state(scene: Scene) -> str:
    return json.dumps(scene.state(), default=str).replace(scene.name, "*")


@pytest.mark.parametrize("flow", FLOWS, ids=[flow.name for flow in FLOWS])
def test_a(stage: Stage, flow: Flow) -> None:
    stage.environment.update(flow.environment)
    undisturbed = Delivery()
    scene = flow.arrange(stage, "scene-undisturbed")
    stage.account.alerts()
    assert deliver(stage, flow, scene, undisturbed) == ""
    assert undisturbed.calls
    meant = state(scene), ledger(stage, scene), without_ids(told(stage, scene))
    print(flow.name, undisturbed.calls, meant)
    bad = 0
    twice = Counter()
    for at, operation in enumerate(undisturbed.calls):
        for name, fault in PASSING.items():
            scene = flow.arrange(stage, f"scene-{at}-{list(PASSING).index(name)}")
            stage.account.alerts()
            raised = []
            for number in range(_DELIVERIES):
                r = deliver(stage, flow, scene, Delivery(at if not number else None, fault))
                raised.append(r[:100])
                if not r: break
                stage.clock.sleep(_LEASE)
            deliver(stage, flow, scene, Delivery())
            a = told(stage, scene)
            dups = [x for x, n in a.items() if n > 1]
            if dups: twice[operation, at, name] += 1
            got = state(scene), ledger(stage, scene), without_ids(a)
            if got != meant or held(stage, scene) or raised[-1]:
                bad += 1
                print("BAD", at, operation, name, raised, held(stage, scene))
                for g, m in zip(got, meant):
                    if g != m: print("     ", g, "\n     ", m)
    print("twice", dict(twice))
    assert not bad
