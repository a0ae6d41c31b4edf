"""Echoes: the events of pipeseal's own calls are ignored, and no other caller's event is taken for one."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fake_account import ACCOUNT, FakeAccount, event, user
from tests.fake_resources import BUCKET, READERS, create_bucket


def deliver_from(account: FakeAccount, identity: Any) -> list[dict[str, Any]]:
    """Deliver the event of a policy that *identity* put and that does not require TLS."""
    create_bucket(BUCKET, READERS)
    return account.deliver(event("PutBucketPolicy", {"bucketName": BUCKET}, userIdentity=identity))


def test_an_event_of_an_own_role_is_ignored(account: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs no call; a role whose ARN only begins like an own role's is handled."""
    role = f"arn:aws:iam::{ACCOUNT}:role/pipeseal-BucketRole-1A2B"
    monkeypatch.setenv("OWN_ROLES", f"arn:aws:iam::{ACCOUNT}:role/pipeseal-KeyRole,{role}")
    issuer = {"type": "Role", "arn": role, "userName": "pipeseal-BucketRole-1A2B"}
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/pipeseal-BucketRole-1A2B/pipeseal-BucketFunction"
    own = {"type": "AssumedRole", "arn": session, "sessionContext": {"sessionIssuer": issuer}}
    with account.calls() as calls:
        assert account.deliver(event("PutBucketPolicy", {"bucketName": BUCKET}, userIdentity=own)) == []
    assert calls == []
    other = {**own, "sessionContext": {"sessionIssuer": {**issuer, "arn": f"{role}-not"}}}
    assert deliver_from(account, other)[0]["action"] == "remediated"


@pytest.mark.parametrize(
    "identity",
    [None, {}, {"type": "Root"}, user("grace"), {"type": "AssumedRole", "sessionContext": None}, "pipeseal"],
)
def test_no_other_identity_is_taken_for_an_own_role(account: FakeAccount, identity: Any) -> None:
    """Root, a user and an unknown identity are handled, also where no own role is configured."""
    assert deliver_from(account, identity)[0]["action"] == "remediated"
