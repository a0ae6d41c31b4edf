"""The KMS adapter on moto: replicas that are being created, rotation, and scheduled deletion."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from tests.fake_account import ACCOUNT, REGION, FakeAccount
from tests.resources import PIPELINE

from pipeseal.aws.clients import client
from pipeseal.clock import Clock
from pipeseal.kinds.facts import LedgerFacts
from pipeseal.kinds.key.api import ADAPTER, NotReady, key_from_metadata
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


class SlowKms:
    """A KMS whose key is Creating the first *times* that it is described."""

    def __init__(self, times: int) -> None:
        self.times = times

    def describe_key(self, **_: str) -> dict[str, Any]:
        self.times -= 1
        return {"KeyMetadata": {**METADATA, "KeyState": "Creating" if self.times >= 0 else "Enabled"}}


def test_details_wait_until_a_replica_is_created() -> None:
    """A replica that is Creating is read every second until it is Enabled."""
    kms, waited = SlowKms(3), list[float]()
    clock = Clock(sleep=waited.append)
    found = ADAPTER.load_details(lambda *_: kms, key_from_metadata(METADATA), Settings(), clock)
    assert (found.status, found.multi_region) == ("Enabled", "REPLICA")
    assert waited == [1, 1, 1, 1]


def test_a_replica_that_is_not_created_in_time_raises() -> None:
    """A replica that stays Creating raises NotReady, so that Lambda retries the event."""
    kms = SlowKms(999)
    with pytest.raises(NotReady, match="still Creating"):
        ADAPTER.load_details(lambda *_: kms, key_from_metadata(METADATA), Settings(), Clock(sleep=lambda _: None))


def test_a_deleted_key_is_none(account: FakeAccount) -> None:
    """A key that no longer exists is read as None."""
    assert ADAPTER.read(client, Ref(Kind.KEY, ACCOUNT, REGION, "0" * 36), LedgerFacts(), Settings()) is None


def test_the_deprecated_name_of_the_key_spec_is_read() -> None:
    """Without KeySpec the spec is that of CustomerMasterKeySpec; without both it is unknown."""
    old = {name: value for name, value in METADATA.items() if name != "KeySpec"}
    assert key_from_metadata({**old, "CustomerMasterKeySpec": "RSA_4096"}).spec == "RSA_4096"
    assert key_from_metadata(old).spec == "unknown"


@pytest.mark.parametrize(("used", "calls"), [(False, ["DescribeKey"]), (True, ["DescribeKey", "GetKeyRotationStatus"])])
def test_rotation_is_read_only_of_keys_with_dependents(account: FakeAccount, used: bool, calls: list[str]) -> None:  # noqa: FBT001
    """A key without dependents costs one call; loading the details reads its rotation."""
    made = boto3.client("kms").create_key()["KeyMetadata"]
    dependents = {PIPELINE: ""} if used else {}
    with account.calls() as made_calls:
        key = ADAPTER.read(
            client, Ref(Kind.KEY, ACCOUNT, REGION, made["KeyId"]), LedgerFacts(dependents=dependents), Settings()
        )
    assert key
    assert (made_calls, key.rotates) == (calls, False if used else None)
    assert ADAPTER.load_details(client, key, Settings(), Clock()).rotates is False


def test_rotation_is_turned_on_and_off(account: FakeAccount) -> None:
    """Each change is one call, and refresh returns the live rotation."""
    made = boto3.client("kms").create_key()["KeyMetadata"]
    ref = Ref(Kind.KEY, ACCOUNT, REGION, made["KeyId"])
    key = ADAPTER.read(client, ref, LedgerFacts(dependents={PIPELINE: ""}), Settings())
    assert key
    for rotates in (True, False):
        after = replace(key, rotates=rotates)
        with account.calls() as calls:
            ADAPTER.write(client, key, after)
            key = ADAPTER.refresh(client, key, after)
        assert calls == [f"{'Enable' if rotates else 'Disable'}KeyRotation", "GetKeyRotationStatus"]
        assert key == after


@pytest.mark.parametrize(
    ("status", "window", "calls"),
    [("Disabled", 0, ["DisableKey"]), ("PendingDeletion", 7, ["DisableKey", "ScheduleKeyDeletion"])],
)
def test_a_key_is_disabled_before_its_deletion_is_scheduled(
    account: FakeAccount, status: str, window: int, calls: list[str]
) -> None:
    """Disabling takes effect at once, so it comes first."""
    made = boto3.client("kms").create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    key = ADAPTER.read(client, Ref(Kind.KEY, ACCOUNT, REGION, made["KeyId"]), LedgerFacts(), Settings())
    assert key
    with account.calls() as made_calls:
        ADAPTER.write(client, key, replace(key, status=status, window=window))
    assert made_calls == calls
    assert ADAPTER.refresh(client, key, replace(key, status=status)).status == status
