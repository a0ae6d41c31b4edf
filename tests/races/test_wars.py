"""Somebody keeps undoing what is put right: pipeseal stops, says so once, and begins again when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from tests.account import event, writes
from tests.races.faults import PASSING, Delivery, Killed
from tests.races.flows import FLOWS, Scene, Stage
from tests.races.wire import tapped

from pipeseal.aws.world import OutOfTime
from pipeseal.cloudtrail import is_echo

_HOUR = 3600
_OURS = "arn:aws:iam::123456789012:role/pipeseal-bucket"


def breaks(stage: Stage, scene: Scene) -> tuple[str, list[str]]:
    """Break a bucket's seal; return what comes of it and what is written then."""
    boto3.client("s3").delete_bucket_policy(Bucket=scene.name)
    return looks(stage, scene)


def looks(stage: Stage, scene: Scene) -> tuple[str, list[str]]:
    """Look at a bucket; return what comes of it and what is written to it then."""
    seen = Delivery()
    with tapped(seen):
        (*_, outcome) = stage.deliver(event("DeleteBucketPolicy", {"bucketName": scene.name}))
    return outcome["action"], [call for call in writes(seen.calls) if "Bucket" in call]


def test_the_fourth_time_within_an_hour_is_escalated(stage: Stage) -> None:
    """One alert and no write; it goes on being known, and each time prolongs it, until an hour was quiet."""
    scene = FLOWS[0].arrange(stage, "harbor")
    assert [breaks(stage, scene)[0] for _ in range(3)] == ["remediated"] * 3
    stage.account.alerts()
    assert breaks(stage, scene) == ("known", [])
    (alert,) = stage.account.alerts()
    assert (alert["action"], alert["controls"]) == ("escalated", ["S3.TLS"])
    for _ in range(3):
        stage.clock.sleep(_HOUR - 60)
        assert looks(stage, scene) == ("known", [])
    assert not stage.account.alerts()
    stage.clock.sleep(_HOUR + 1)
    assert looks(stage, scene) == ("remediated", ["PutBucketPolicy"])
    assert [alert["action"] for alert in stage.account.alerts()] == ["remediated"]
    assert all(entry["outcome"] for entry in stage.account.entries())


def test_an_operator_ends_a_war(stage: Stage) -> None:
    """`pipeseal resume` has it put right at the next look, and counts anew."""
    scene = FLOWS[0].arrange(stage, "harbor")
    assert [breaks(stage, scene)[0] for _ in range(4)] == [*["remediated"] * 3, "known"]
    stage.world().ledger.resume(scene.arns[0])
    assert looks(stage, scene) == ("remediated", ["PutBucketPolicy"])
    assert [breaks(stage, scene)[0] for _ in range(2)] == ["remediated"] * 2


def test_what_is_slow_is_no_war(stage: Stage) -> None:
    """Three times an hour is the limit, not three times."""
    scene = FLOWS[0].arrange(stage, "harbor")
    for _ in range(6):
        assert breaks(stage, scene)[0] == "remediated"
        stage.clock.sleep(_HOUR / 2)


def test_the_other_controls_of_the_resource_go_on(stage: Stage) -> None:
    """Whoever fights over TLS finds the encryption put right all the same."""
    scene = FLOWS[1].arrange(stage, "harbor")
    stage.deliver(scene.news)
    for _ in range(2):
        breaks(stage, scene)
    stage.account.alerts()
    boto3.client("s3").delete_bucket_encryption(Bucket="harbor")
    assert breaks(stage, scene)[1] == ["PutBucketEncryption"]
    told = [(alert["action"], alert["controls"]) for alert in stage.account.alerts()]
    assert sorted(told) == [("escalated", ["S3.SSE_UPLOADS", "S3.TLS"]), ("remediated", ["S3.DEFAULT_ENCRYPTION"])]


@pytest.mark.parametrize(
    "identity",
    [
        {"type": "Root", "arn": "arn:aws:iam::123456789012:root"},
        {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/ada", "userName": "ada"},
        {"type": "Unknown"},
        {"type": "AssumedRole", "arn": _OURS},
        {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": f"{_OURS}-not"}}},
        {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": ""}}},
        {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": [_OURS]}}},
        {"type": "AssumedRole", "sessionContext": {"sessionIssuer": None}},
        {"type": "AssumedRole", "sessionContext": [_OURS]},
        {},
        None,
        "root",
    ],
    ids=repr,
)
@pytest.mark.parametrize("roles", [[_OURS], {_OURS}, [""], []])
def test_nobody_else_counts_as_pipeseal(identity: Any, roles: Any) -> None:
    """Root, IAM users, and whoever the record does not name, are never taken for our own role."""
    assert not is_echo(event("PutBucketPolicy", {}, userIdentity=identity), roles)


def test_our_own_role_is_known(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pipeseal itself did comes back as an event and costs nothing; without the variable, two reads."""
    scene = FLOWS[0].arrange(stage, "harbor")
    stage.deliver(scene.news)
    own = {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"type": "Role", "arn": _OURS}}}
    policy = {"Version": "2012-10-17", "Statement": scene.state()[0]}
    echo = event("PutBucketPolicy", {"bucketName": "harbor", "bucketPolicy": policy}, userIdentity=own)
    seen = Delivery()
    with tapped(seen):
        stage.deliver(echo)
        assert seen.calls == ["BatchGetItem", "GetBucketPolicy"]
        monkeypatch.setenv("OWN_ROLES", f"arn:aws:iam::123456789012:role/other,{_OURS}")
        assert stage.deliver(echo) == []
    assert len(seen.calls) == 2


@contextmanager
def hurried() -> Iterator[None]:
    """Leave invocations five seconds meanwhile."""
    with patch("tests.account.Context.get_remaining_time_in_millis", lambda _: 5_000):
        yield


def test_without_time_nobody_is_waited_for(stage: Stage) -> None:
    """The event of one that died goes back to Lambda as often as there is no time; the next delivery sees to it."""
    scene = FLOWS[0].arrange(stage, "harbor")
    with tapped(Delivery(4, PASSING["killed right before"])), pytest.raises(Killed):
        stage.deliver(scene.news)
    with hurried(), tapped(seen := Delivery()), pytest.raises(OutOfTime):
        stage.deliver(scene.news)
    assert not writes(seen.calls)
    stage.clock.sleep(60)
    stage.deliver(scene.news)
    assert scene.state()[0][1]["Effect"] == "Deny"
    assert not stage.world().ledger.memory(scene.arns[0]).holder


def test_without_time_nothing_is_begun(stage: Stage) -> None:
    """No intent without the time to carry it out; what is sound is still found to be so."""
    scene = FLOWS[0].arrange(stage, "harbor")
    with hurried(), tapped(seen := Delivery()), pytest.raises(OutOfTime):
        stage.deliver(scene.news)
    assert not writes(seen.calls)
    assert not stage.account.entries()
    stage.deliver(scene.news)
    with hurried():
        (outcome,) = stage.deliver(scene.news)
    assert outcome["action"] == "compliant"
