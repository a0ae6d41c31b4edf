"""Keys: new asymmetric keys are rejected, old ones are alerted, and keys of artifacts are rotated."""

from __future__ import annotations

import boto3
import pytest
from tests.fake_account import ACCOUNT, REGION, FakeAccount, event
from tests.fake_resources import (
    create_asymmetric_key,
    create_bucket,
    create_pipeline,
    create_symmetric_key,
    key_state,
    under_key,
)

RELEASE = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:release"


@pytest.mark.parametrize(
    ("environment", "state"), [({}, "PendingDeletion"), ({"KEY_REJECTION": "disable"}, "Disabled")]
)
def test_a_new_asymmetric_key_is_rejected(
    account: FakeAccount, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], state: str
) -> None:
    """A new RSA key is disabled, and scheduled for deletion unless KeyRejection is disable; one alert is sent."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    key = create_asymmetric_key()
    created = event("CreateKey", {}, {"keyMetadata": {"arn": key}})
    assert [account.deliver(created)[0]["action"] for _ in range(2)] == ["rejected", "compliant"]
    assert key_state(key) == state
    assert [alert["action"] for alert in account.alerts()] == ["rejected"]


def test_an_old_asymmetric_key_is_only_alerted(account: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that may have encrypted data already stays enabled when it is enabled."""
    key = create_asymmetric_key()
    monkeypatch.setattr("pipeseal.controls.kms_symmetric._young", lambda _key: False)
    enabled = event("EnableKey", {"keyId": key.rpartition("/")[2]})
    assert [account.deliver(enabled)[0]["action"] for _ in range(2)] == ["detected", "known"]
    assert key_state(key) == "Enabled"
    assert len(account.alerts()) == 1


def test_the_key_of_artifacts_is_rotated(account: FakeAccount) -> None:
    """The event of a pipeline turns on the rotation of its key; later events of the key itself do the same."""
    create_bucket()
    kms = boto3.client("kms")
    key = create_symmetric_key()
    create_pipeline(store=under_key(key))
    assert account.deliver(event("CreatePipeline", {"pipeline": {"name": "release"}}))[-1]["controls"] == [
        "KMS.ROTATION"
    ]
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    kms.disable_key_rotation(KeyId=key)
    account.alerts()
    disabled = event("DisableKeyRotation", {"keyId": key.rpartition("/")[2]})
    assert [account.deliver(disabled)[0]["action"] for _ in range(2)] == ["remediated", "compliant"]
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    (alert,) = account.alerts()
    assert alert["used_by"] == [RELEASE]
