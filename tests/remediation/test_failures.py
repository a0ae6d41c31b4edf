"""Failures: errors of AWS and malformed events are raised, so that Lambda retries and then keeps the event."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.fake_account import FakeAccount, event
from tests.fake_resources import BUCKET, READERS, STRICT_SSE, TLS, create_bucket, live_statements
from tests.races.faults import DENIED
from tests.races.interception import intercepted


def test_an_aws_error_is_raised_and_the_lease_released(account: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """A temporary error is raised without an alert; the next delivery gets the lease at once and remediates."""
    create_bucket(BUCKET, READERS)
    unavailable = ClientError({"Error": {"Code": "ServiceUnavailable", "Message": "later"}}, "PutBucketPolicy")

    def fail(*_: object) -> None:
        raise unavailable

    policy_put = event("PutBucketPolicy", {"bucketName": BUCKET})
    with monkeypatch.context() as broken:
        broken.setattr("pipeseal.kinds.bucket.api.BucketAdapter.write", fail)
        with pytest.raises(ClientError, match="later"):
            account.deliver(policy_put)
    assert not account.alerts()
    assert account.deliver(policy_put)[0]["action"] == "remediated"
    assert [entry["outcome"] for entry in account.entries()] == ["remediated"]


def test_a_write_that_aws_denies_in_part_fails(account: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy is written and the encryption denied: the alert names the permission for that control alone."""
    monkeypatch.setenv("ENCRYPTION_SCOPE", "all")
    create_bucket(BUCKET, READERS)
    boto3.client("s3").delete_bucket_encryption(Bucket=BUCKET)
    policy_put = event("PutBucketPolicy", {"bucketName": BUCKET})
    with intercepted(lambda operation, _, call: DENIED(operation, call) if "PutBucketE" in operation else call()):
        (outcome,) = account.deliver(policy_put)
        (again,) = account.deliver(event("PutBucketPolicy", {"bucketName": BUCKET}))
    assert (outcome["action"], again["action"]) == ("failed", "known")
    assert live_statements() == [READERS, STRICT_SSE, TLS]
    (alert,) = account.alerts()
    refusals = {finding["control"]: finding["refusal"] for finding in alert["findings"]}
    assert "s3:PutEncryptionConfiguration is missing" in refusals.pop("S3.DEFAULT_ENCRYPTION")
    assert refusals == {"S3.SSE_UPLOADS": "", "S3.TLS": ""}
    assert alert["done"] == [
        "bucket policy: DenyUnEncryptedObjectUploads and DenyInsecureConnections added, all else kept"
    ]
    assert sorted(each["outcome"] for each in account.entries()) == ["failed", "known"]


def test_a_malformed_event_is_raised(account: FakeAccount) -> None:
    """The error message, which the dead letter contains, states what the event lacks."""
    with pytest.raises(ValueError, match="names no resource"):
        account.deliver(event("PutBucketPolicy", {}))
