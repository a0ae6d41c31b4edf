"""Buckets: each violation is remediated, recorded in the ledger, and stated by one alert."""

from __future__ import annotations

import boto3
import pytest
from tests.fake_account import ACCOUNT, REGION, FakeAccount, event, writes
from tests.fake_resources import (
    ARN,
    BUCKET,
    READERS,
    STRICT_SSE,
    TLS,
    create_bucket,
    create_pipeline,
    live_encryption_rule,
    live_statements,
    policy_text,
)

POLICY_PUT = event("PutBucketPolicy", {"bucketName": BUCKET, "policy": ""})


@pytest.fixture
def bucket(account: FakeAccount) -> str:
    """Return a bucket whose policy does not require TLS."""
    create_bucket(BUCKET, READERS)
    return BUCKET


def host_website(bucket: str) -> None:
    """Turn on website hosting."""
    boto3.client("s3").put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "i.html"}})


def test_a_bucket_is_remediated_recorded_and_alerted(account: FakeAccount, bucket: str) -> None:
    """TLS is required beside the former statements, the ledger holds before and after, and one alert states it all."""
    (outcome,) = account.deliver(POLICY_PUT)
    assert (outcome["resource"], outcome["action"], outcome["controls"]) == (ARN, "remediated", ["S3.TLS"])
    assert live_statements() == [READERS, TLS]
    (entry,) = account.entries()
    assert entry["id"] == outcome["ledger_id"]
    assert entry["outcome"] == "remediated"
    assert [entry["before"]["policy"]["Statement"], entry["after"]["policy"]["Statement"]] == [
        [READERS],
        [READERS, TLS],
    ]
    (alert,) = account.alerts()
    assert alert["attributes"] == {
        "severity": "high",
        "action": "remediated",
        "account": ACCOUNT,
        "region": REGION,
        "control": '["S3.TLS"]',
    }
    assert (alert["id"], alert["actor"]["name"], alert["resource"]["name"]) == (entry["id"], "ada", bucket)


def test_a_second_delivery_does_nothing(account: FakeAccount, bucket: str) -> None:
    """Events are delivered at least once: the second delivery writes nothing and sends no alert."""
    account.deliver(POLICY_PUT)
    account.alerts()
    with account.calls() as calls:
        (outcome,) = account.deliver(POLICY_PUT)
    assert outcome["action"] == "compliant"
    assert not writes(calls)
    assert not account.alerts()
    assert len(account.entries()) == 1


def test_a_violation_that_returns_is_alerted_again(account: FakeAccount, bucket: str) -> None:
    """Each new violation is remediated and alerted, with an entry of its own."""
    for _ in range(2):
        boto3.client("s3").delete_bucket_policy(Bucket=bucket)
        account.deliver(event("DeleteBucketPolicy", {"bucketName": bucket, "policy": ""}))
        assert live_statements() == [TLS]
    assert len(account.alerts()) == len(account.entries()) == 2


def test_an_artifact_bucket_must_be_encrypted_too(account: FakeAccount, bucket: str) -> None:
    """A bucket that a pipeline stores artifacts in gets SSE-KMS as well as TLS; one alert lists all three controls."""
    create_pipeline()
    account.deliver(event("CreatePipeline", {"pipeline": {"name": "release"}}))
    account.alerts()
    boto3.client("s3").delete_bucket_policy(Bucket=bucket)
    boto3.client("s3").delete_bucket_encryption(Bucket=bucket)
    account.deliver(event("DeleteBucketEncryption", {"bucketName": bucket, "policy": ""}))
    assert live_statements() == [STRICT_SSE, TLS]
    assert live_encryption_rule() == {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"},
        "BucketKeyEnabled": True,
    }
    (alert,) = account.alerts()
    assert alert["controls"] == ["S3.DEFAULT_ENCRYPTION", "S3.SSE_UPLOADS", "S3.TLS"]
    assert alert["severity"] == "high"


def test_the_scope_can_be_all_buckets(account: FakeAccount, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """EncryptionScope=all encrypts a bucket that no pipeline uses."""
    monkeypatch.setenv("ENCRYPTION_SCOPE", "all")
    account.deliver(POLICY_PUT)
    assert live_statements() == [READERS, STRICT_SSE, TLS]


def test_a_website_is_alerted_once_and_not_changed(account: FakeAccount, bucket: str) -> None:
    """A bucket with website hosting is alerted as detected, and never written to, however often it is read."""
    host_website(bucket)
    actions = [account.deliver(POLICY_PUT)[0]["action"] for _ in range(3)]
    assert actions == ["detected", "known", "known"]
    assert live_statements() == [READERS]
    assert [alert["action"] for alert in account.alerts()] == ["detected"]


def test_a_website_is_remediated_on_request(account: FakeAccount, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """SealWebsites=true includes buckets with website hosting."""
    monkeypatch.setenv("SEAL_WEBSITES", "true")
    host_website(bucket)
    account.deliver(POLICY_PUT)
    assert live_statements() == [READERS, TLS]


def test_a_deleted_bucket_is_not_an_error(account: FakeAccount) -> None:
    """A bucket that was deleted before the event arrived is absent, and not alerted."""
    assert account.deliver(POLICY_PUT)[0]["action"] == "absent"
    assert not account.alerts()


def test_detect_mode_changes_no_bucket(account: FakeAccount, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The violation is recorded and alerted with the proposed change, and the bucket is not changed."""
    monkeypatch.setenv("MODE", "detect")
    (outcome,) = account.deliver(POLICY_PUT)
    assert outcome["action"] == "detected"
    assert live_statements() == [READERS]
    (alert,), (entry,) = account.alerts(), account.entries()
    assert (alert["done"], len(alert["proposed"])) == ([], 1)
    assert entry["proposed"]["policy"]["Statement"] == [READERS, TLS]


def test_a_control_can_be_turned_off(account: FakeAccount, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """ControlModes turns off the control whose ID it names."""
    monkeypatch.setenv("CONTROL_MODES", "S3.TLS=off")
    assert account.deliver(POLICY_PUT)[0]["action"] == "compliant"


def test_a_policy_that_would_be_too_large_is_not_written(account: FakeAccount, bucket: str) -> None:
    """The remediation fails, and the alert states by how many bytes the policy would exceed the limit of S3."""
    many = [{**READERS, "Sid": f"Readers{number:02}" + "x" * 303} for number in range(45)]
    boto3.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy_text(*many))
    (outcome,) = account.deliver(POLICY_PUT)
    assert outcome["action"] == "failed"
    assert live_statements() == many
    (alert,) = account.alerts()
    assert alert["action"] == "failed"
    assert "bytes" in alert["findings"][0]["refusal"]


def test_each_of_several_violations_is_alerted_once(
    account: FakeAccount, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When one violation ends, the others are not alerted again; when it returns, it is."""
    monkeypatch.setenv("MODE", "detect")
    monkeypatch.setenv("ENCRYPTION_SCOPE", "all")
    s3, seen = boto3.client("s3"), []
    for encrypted in (False, True, True, False):
        if encrypted:
            s3.put_bucket_encryption(
                Bucket=bucket,
                ServerSideEncryptionConfiguration={
                    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
                },
            )
        else:
            s3.delete_bucket_encryption(Bucket=bucket)
        (outcome,) = account.deliver(event("PutBucketEncryption", {"bucketName": bucket}))
        seen.append(outcome["action"])
    assert seen == ["detected", "known", "known", "detected"]
    assert len(account.alerts()) == 2
