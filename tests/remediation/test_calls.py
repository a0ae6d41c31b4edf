"""The number of AWS calls that an event costs."""

from __future__ import annotations

import boto3
import pytest
from tests.fake_account import FakeAccount, event
from tests.fake_resources import BUCKET, READERS, create_bucket, create_pipeline, create_symmetric_key


@pytest.fixture
def artifact_bucket(account: FakeAccount) -> str:
    """Return a compliant bucket that a pipeline stores artifacts in."""
    create_bucket(BUCKET, READERS)
    create_pipeline()
    account.deliver(event("CreatePipeline", {"pipeline": {"name": "release"}}))
    return BUCKET


def test_a_compliant_artifact_bucket_costs_three_calls(account: FakeAccount, artifact_bucket: str) -> None:
    """Ledger, policy and encryption are read, and nothing is written."""
    with account.calls() as calls:
        account.deliver(event("PutBucketPolicy", {"bucketName": artifact_bucket}))
    assert calls == ["BatchGetItem", "GetBucketPolicy", "GetBucketEncryption"]


def test_remediating_an_artifact_bucket_costs_ten_calls(account: FakeAccount, artifact_bucket: str) -> None:
    """A bucket that violates every control costs ten calls, with the ledger, the read-back and the alert."""
    boto3.client("s3").delete_bucket_policy(Bucket=artifact_bucket)
    boto3.client("s3").delete_bucket_encryption(Bucket=artifact_bucket)
    with account.calls() as calls:
        account.deliver(event("DeleteBucketPolicy", {"bucketName": artifact_bucket}))
    assert len(calls) == 10, calls


def test_a_new_symmetric_key_costs_one_call(account: FakeAccount) -> None:
    """The CreateKey event of a compliant key costs one DescribeKey; the ledger is not read."""
    key = create_symmetric_key()
    with account.calls() as calls:
        account.deliver(event("CreateKey", {}, {"keyMetadata": {"arn": key}}))
    assert calls == ["DescribeKey"]
