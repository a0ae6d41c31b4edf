"""Concurrent changes: what administrators put at a given point of a remediation, and for which cause it is handled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.fake_account import event, user
from tests.fake_resources import STRICT_SSE, TLS, allow_reads, create_bucket, live_sids, live_statements, put_policy
from tests.races.faults import FirstCall, followed_by, preceded_by
from tests.races.interception import intercepted
from tests.races.workflows import BUCKET_WITHOUT_TLS

from pipeseal.exemptions import Grounds, grant

if TYPE_CHECKING:
    from tests.races.timed_account import TimedAccount

ADAS = allow_reads(sid="Adas")


def policy_put(timed: TimedAccount, *statements: dict[str, Any], **detail: Any) -> dict[str, Any]:
    """Put a policy; return its event, at the time of the clock."""
    put_policy(*statements)
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    time = f"{timed.clock():%Y-%m-%dT%H:%M:%SZ}"
    return event("PutBucketPolicy", {"bucketName": "harbor", "bucketPolicy": policy}, eventTime=time, **detail)


@pytest.mark.parametrize("exempted", [False, True])
def test_a_follow_up_is_handled_for_its_own_cause(timed: TimedAccount, exempted: bool) -> None:  # noqa: FBT001 - the case
    """The owner of the lease handles it with the actor who requested it, who is alerted or exempted."""
    create_bucket()
    now = timed.clock()
    adas = grant("S3.TLS", "*", Grounds("ada", "why", now + timedelta(days=1)), now, actor="ada")

    def request_follow_up() -> None:
        happened = policy_put(timed, ADAS, userIdentity=user("ada"))
        (outcome,) = timed.deliver(happened)
        assert outcome["action"] == "busy"
        if exempted:
            timed.runtime().ledger.exemptions.add(adas)

    graces = policy_put(timed, allow_reads(), userIdentity=user("grace"))
    with intercepted(FirstCall("Publish", preceded_by(request_follow_up))):
        outcomes = timed.deliver(graces)
    assert [outcome["action"] for outcome in outcomes] == ["remediated", "exempt" if exempted else "remediated"]
    actors = [alert["actor"]["name"] for alert in timed.account.alerts()]
    assert actors == (["grace"] if exempted else ["grace", "ada"])
    assert live_sids() == (["Adas"] if exempted else ["Adas", "DenyInsecureConnections"])


@pytest.mark.parametrize(
    ("operation", "around"),
    [("GetBucketWebsite", preceded_by), ("TransactWriteItems", followed_by)],
    ids=["before the intent", "after the intent"],
)
def test_a_put_between_read_and_write_is_restored(
    timed: TimedAccount, operation: str, around: Callable[..., Any]
) -> None:
    """Pipeseal overwrites the put, and restores its statement when the event of the put is delivered."""
    scenario = BUCKET_WITHOUT_TLS.arrange(timed, "harbor")
    events: list[dict[str, Any]] = []

    def put_by_ada() -> None:
        timed.clock.sleep(1)
        events.append(policy_put(timed, allow_reads(), ADAS, userIdentity=user("ada")))
        timed.clock.sleep(2)

    with intercepted(FirstCall(operation, around(put_by_ada))):
        timed.deliver(scenario.happened)
    assert live_sids() == ["Readers", "DenyInsecureConnections"]
    timed.clock.sleep(5)
    (outcome,) = timed.deliver(events[0])
    assert outcome["controls"] == ["S3.LOST_UPDATE"]
    assert set(live_sids()) == {"Readers", "Adas", "DenyInsecureConnections"}


def test_a_control_that_is_violated_during_the_write_is_remediated(timed: TimedAccount) -> None:
    """A policy that is put after pipeseal's write and violates one more control is remediated at once."""
    timed.environment["ENCRYPTION_SCOPE"] = "all"
    timed.environment["CONTROL_MODES"] = "S3.DEFAULT_ENCRYPTION=off"
    create_bucket("harbor", STRICT_SSE, allow_reads())
    with intercepted(FirstCall("PutBucketPolicy", followed_by(lambda: put_policy(ADAS)))):
        (outcome,) = timed.deliver(event("PutBucketPolicy", {"bucketName": "harbor"}))
    assert outcome["action"] == "remediated"
    assert ADAS in live_statements()
    assert TLS in live_statements()
    assert STRICT_SSE in live_statements()
