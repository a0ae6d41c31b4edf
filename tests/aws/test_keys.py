"""The KMS adapter on moto: replicas that are still being made, and keys that are gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from tests.account import ACCOUNT, REGION, Account
from tests.resources import PIPELINE

from pipeseal.aws import keys
from pipeseal.aws.clients import client
from pipeseal.aws.memory import Memory
from pipeseal.model import Kind, Ref
from pipeseal.settings import Settings

METADATA: dict[str, Any] = {
    "Arn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/mrk-0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "KeyState": "Creating",
    "KeySpec": "RSA_2048",
    "KeyUsage": "SIGN_VERIFY",
    "CreationDate": datetime(2026, 11, 21, tzinfo=UTC),
    "MultiRegion": True,
    "MultiRegionConfiguration": {"MultiRegionKeyType": "REPLICA"},
}


class Maturing:
    """A KMS whose key is Creating for the first *times* that it is described."""

    def __init__(self, times: int) -> None:
        self.times = times

    def describe_key(self, **_: str) -> dict[str, Any]:
        self.times -= 1
        return {"KeyMetadata": {**METADATA, "KeyState": "Creating" if self.times >= 0 else "Enabled"}}


def test_a_replica_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """KMS changes the state of a replica only once it is made, some seconds later."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    kms = Maturing(3)
    found = keys.complete(lambda *_: kms, keys.described(METADATA), Settings())
    assert (found.status, found.multi_region) == ("Enabled", "REPLICA")


def test_a_replica_that_takes_long_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while the event goes back to Lambda's retries."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with pytest.raises(keys.NotReady, match="still Creating"):
        keys.complete(lambda *_: Maturing(999), keys.described(METADATA), Settings())


def test_a_key_that_is_gone_is_none(account: Account) -> None:
    """Deleted for good meanwhile."""
    assert keys.read(client, Ref(Kind.KEY, ACCOUNT, REGION, "0" * 36), None, Settings()) is None


def test_a_record_of_old_has_only_the_older_field() -> None:
    """Before 2022 a key spec stood in CustomerMasterKeySpec alone."""
    old = {name: value for name, value in METADATA.items() if name != "KeySpec"}
    assert keys.described({**old, "CustomerMasterKeySpec": "RSA_4096"}).spec == "RSA_4096"
    assert keys.described(old).spec == "unknown"


@pytest.mark.parametrize(("used", "calls"), [(False, ["DescribeKey"]), (True, ["DescribeKey", "GetKeyRotationStatus"])])
def test_rotation_is_asked_of_keys_of_artifacts_only(account: Account, used: bool, calls: list[str]) -> None:  # noqa: FBT001
    """Any other key is a matter of one call; what the ledger may speak of is there when all is asked for."""
    made = boto3.client("kms").create_key()["KeyMetadata"]
    users = {PIPELINE: ""} if used else {}
    with account.calls() as made_calls:
        key = keys.read(client, Ref(Kind.KEY, ACCOUNT, REGION, made["KeyId"]), Memory(users=users), Settings())
    assert key
    assert (made_calls, key.rotates) == (calls, False if used else None)
    assert keys.complete(client, key, Settings()).rotates is False


def test_rotation_is_turned_on_and_off(account: Account) -> None:
    """One call each way, and what is read back says so."""
    made = boto3.client("kms").create_key()["KeyMetadata"]
    ref = Ref(Kind.KEY, ACCOUNT, REGION, made["KeyId"])
    key = keys.read(client, ref, Memory(users={PIPELINE: ""}), Settings())
    assert key
    for rotates in (True, False):
        after = replace(key, rotates=rotates)
        with account.calls() as calls:
            keys.write(client, key, after)
            key = keys.reread(client, key, after)
        assert calls == [f"{'Enable' if rotates else 'Disable'}KeyRotation", "GetKeyRotationStatus"]
        assert key == after


@pytest.mark.parametrize(
    ("status", "window", "calls"),
    [("Disabled", 0, ["DisableKey"]), ("PendingDeletion", 7, ["DisableKey", "ScheduleKeyDeletion"])],
)
def test_a_key_is_disabled_before_it_is_scheduled(account: Account, status: str, window: int, calls: list[str]) -> None:
    """Disabling acts at once; the deletion takes its days."""
    made = boto3.client("kms").create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    key = keys.read(client, Ref(Kind.KEY, ACCOUNT, REGION, made["KeyId"]), None, Settings())
    assert key
    with account.calls() as made_calls:
        keys.write(client, key, replace(key, status=status, window=window))
    assert made_calls == calls
    assert keys.reread(client, key, replace(key, status=status)).status == status
