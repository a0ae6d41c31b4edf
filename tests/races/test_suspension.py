"""Remediation loops: a control that is reversed repeatedly is suspended and alerted once, and resumes later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import boto3
import pytest
from tests.fake_account import event, user, writes
from tests.fake_resources import live_statements, put_policy
from tests.races.faults import TEMPORARY, FaultyInvocation, Killed
from tests.races.interception import intercepted
from tests.races.workflows import ARTIFACT_BUCKET, BUCKET_WITHOUT_TLS, Scenario

from pipeseal.clock import OutOfTime
from pipeseal.kinds.cloudtrail import is_echo

if TYPE_CHECKING:
    from tests.races.timed_account import TimedAccount

_HOUR = 3600
_OWN_ROLE = "arn:aws:iam::123456789012:role/pipeseal-bucket"


def reverse(timed: TimedAccount, scenario: Scenario) -> tuple[str, list[str]]:
    """Delete the bucket's policy and deliver the event; return the last action, and the writes to the bucket."""
    boto3.client("s3").delete_bucket_policy(Bucket=scenario.name)
    return read_again(timed, scenario)


def read_again(timed: TimedAccount, scenario: Scenario) -> tuple[str, list[str]]:
    """Deliver an event of the bucket; return the last action, and the writes to the bucket."""
    invocation = FaultyInvocation()
    with intercepted(invocation):
        (*_, outcome) = timed.deliver(event("DeleteBucketPolicy", {"bucketName": scenario.name}))
    return outcome["action"], [call for call in writes(invocation.calls) if "Bucket" in call]


def test_the_fourth_violation_within_an_hour_is_escalated(timed: TimedAccount) -> None:
    """It causes one alert and no write; each further violation extends the suspension, until an hour passes without."""
    scenario = BUCKET_WITHOUT_TLS.arrange(timed, "harbor")
    assert [reverse(timed, scenario)[0] for _ in range(3)] == ["remediated"] * 3
    timed.account.alerts()
    assert reverse(timed, scenario) == ("known", [])
    (alert,) = timed.account.alerts()
    assert (alert["action"], alert["controls"]) == ("escalated", ["S3.TLS"])
    for _ in range(3):
        timed.clock.sleep(_HOUR - 60)
        assert read_again(timed, scenario) == ("known", [])
    assert not timed.account.alerts()
    timed.clock.sleep(_HOUR + 1)
    assert read_again(timed, scenario) == ("remediated", ["PutBucketPolicy"])
    assert [alert["action"] for alert in timed.account.alerts()] == ["remediated"]
    assert all(entry["outcome"] for entry in timed.account.entries())


def test_an_operator_ends_a_suspension(timed: TimedAccount) -> None:
    """`pipeseal resume` makes the next read remediate the bucket, and restarts the count."""
    scenario = BUCKET_WITHOUT_TLS.arrange(timed, "harbor")
    assert [reverse(timed, scenario)[0] for _ in range(4)] == [*["remediated"] * 3, "known"]
    timed.runtime().ledger.records.resume(scenario.arns[0])
    assert read_again(timed, scenario) == ("remediated", ["PutBucketPolicy"])
    assert [reverse(timed, scenario)[0] for _ in range(2)] == ["remediated"] * 2


def test_slow_reversals_are_no_loop(timed: TimedAccount) -> None:
    """The limit is three remediations an hour, not three in total."""
    scenario = BUCKET_WITHOUT_TLS.arrange(timed, "harbor")
    for _ in range(6):
        assert reverse(timed, scenario)[0] == "remediated"
        timed.clock.sleep(_HOUR / 2)


def test_the_other_controls_of_the_resource_go_on(timed: TimedAccount) -> None:
    """A suspended S3.TLS does not prevent the remediation of the default encryption."""
    scenario = ARTIFACT_BUCKET.arrange(timed, "harbor")
    timed.deliver(scenario.happened)
    for _ in range(2):
        reverse(timed, scenario)
    timed.account.alerts()
    boto3.client("s3").delete_bucket_encryption(Bucket="harbor")
    assert reverse(timed, scenario)[1] == ["PutBucketEncryption"]
    alerts = [(alert["action"], alert["controls"]) for alert in timed.account.alerts()]
    assert sorted(alerts) == [("escalated", ["S3.SSE_UPLOADS", "S3.TLS"]), ("remediated", ["S3.DEFAULT_ENCRYPTION"])]


def test_two_suspended_controls_stay_suspended(timed: TimedAccount) -> None:
    """Neither the suspension of a second control, nor a read in which only it is violated, ends the first one's."""
    timed.environment["WAR_LIMIT"] = "1"
    scenario = ARTIFACT_BUCKET.arrange(timed, "harbor")
    timed.deliver(scenario.happened)
    compliant = live_statements()
    assert reverse(timed, scenario) == ("known", [])
    boto3.client("s3").delete_bucket_encryption(Bucket="harbor")
    assert read_again(timed, scenario) == ("known", [])
    alerts = [alert["controls"] for alert in timed.account.alerts() if alert["action"] == "escalated"]
    assert alerts == [["S3.SSE_UPLOADS", "S3.TLS"], ["S3.DEFAULT_ENCRYPTION"]]
    put_policy(*compliant)
    assert read_again(timed, scenario) == ("known", [])
    assert reverse(timed, scenario) == ("known", [])
    assert not timed.account.alerts()


@pytest.mark.parametrize(
    "identity",
    [
        {"type": "Root", "arn": "arn:aws:iam::123456789012:root"},
        user("ada"),
        {"type": "Unknown"},
        {"type": "AssumedRole", "arn": _OWN_ROLE},
        {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": f"{_OWN_ROLE}-not"}}},
        {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": ""}}},
        {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": [_OWN_ROLE]}}},
        {"type": "AssumedRole", "sessionContext": {"sessionIssuer": None}},
        {"type": "AssumedRole", "sessionContext": [_OWN_ROLE]},
        {},
        None,
        "root",
    ],
    ids=repr,
)
@pytest.mark.parametrize("roles", [[_OWN_ROLE], {_OWN_ROLE}, [""], []])
def test_no_other_identity_is_an_own_role(identity: Any, roles: Any) -> None:
    """Root, IAM users, other roles and malformed identities are never taken for a role of pipeseal."""
    assert not is_echo(event("PutBucketPolicy", {}, userIdentity=identity), roles)


def test_the_event_of_an_own_call_is_ignored(timed: TimedAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event of pipeseal's own write costs no call; without OWN_ROLES it costs two reads."""
    scenario = BUCKET_WITHOUT_TLS.arrange(timed, "harbor")
    timed.deliver(scenario.happened)
    own = {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"type": "Role", "arn": _OWN_ROLE}}}
    policy = {"Version": "2012-10-17", "Statement": scenario.state()[0]}
    echo = event("PutBucketPolicy", {"bucketName": "harbor", "bucketPolicy": policy}, userIdentity=own)
    invocation = FaultyInvocation()
    with intercepted(invocation):
        timed.deliver(echo)
        assert invocation.calls == ["BatchGetItem", "GetBucketPolicy"]
        monkeypatch.setenv("OWN_ROLES", f"arn:aws:iam::123456789012:role/other,{_OWN_ROLE}")
        assert timed.deliver(echo) == []
    assert len(invocation.calls) == 2


@contextmanager
def short_of_time() -> Iterator[None]:
    """Leave invocations in the block only five seconds."""
    with patch("tests.fake_account.FakeContext.get_remaining_time_in_millis", lambda _: 5_000):
        yield


def test_a_lease_is_not_awaited_without_time(timed: TimedAccount) -> None:
    """A delivery that has no time to wait for a lease is retried, until one can take the lease over."""
    scenario = BUCKET_WITHOUT_TLS.arrange(timed, "harbor")
    with intercepted(FaultyInvocation(4, TEMPORARY["killed before the call"])), pytest.raises(Killed):
        timed.deliver(scenario.happened)
    with short_of_time(), intercepted(invocation := FaultyInvocation()), pytest.raises(OutOfTime):
        timed.deliver(scenario.happened)
    assert not writes(invocation.calls)
    timed.clock.sleep(60)
    timed.deliver(scenario.happened)
    assert scenario.state()[0][1]["Effect"] == "Deny"
    assert not timed.runtime().ledger.records.get(scenario.arns[0]).lease_owner


def test_no_remediation_begins_without_time(timed: TimedAccount) -> None:
    """No intent is recorded without the time to write; a compliant bucket is still found compliant."""
    scenario = BUCKET_WITHOUT_TLS.arrange(timed, "harbor")
    with short_of_time(), intercepted(invocation := FaultyInvocation()), pytest.raises(OutOfTime):
        timed.deliver(scenario.happened)
    assert not writes(invocation.calls)
    assert not timed.account.entries()
    timed.deliver(scenario.happened)
    with short_of_time():
        (outcome,) = timed.deliver(scenario.happened)
    assert outcome["action"] == "compliant"
