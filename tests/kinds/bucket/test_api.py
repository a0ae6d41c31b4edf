"""The S3 adapter on moto: what it reads, and that it never touches another account's bucket."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from tests.fake_account import ACCOUNT, REGION, FakeAccount

from pipeseal.aws.clients import client
from pipeseal.clock import Clock
from pipeseal.kinds.bucket.api import ADAPTER
from pipeseal.kinds.facts import LedgerFacts
from pipeseal.model import Kind, Ref
from pipeseal.policy import Policy
from pipeseal.settings import Scope, Settings

REF = Ref(Kind.BUCKET, ACCOUNT, REGION, "harbor")
POLICY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::harbor/*"}],
}


@pytest.fixture(autouse=True)
def bucket(account: FakeAccount) -> None:
    """Create a bucket with a policy."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="harbor")
    s3.put_bucket_policy(Bucket="harbor", Policy=json.dumps(POLICY))


def refusing(code: str) -> Any:
    """Return clients whose S3 returns the error *code* for GetBucketPolicy."""

    def clients(service: str, region: str) -> Any:
        made = client(service, region)

        class Refusing:
            def __getattr__(self, name: str) -> Any:
                return getattr(made, name)

            def get_bucket_policy(self, **_: str) -> None:
                raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetBucketPolicy")

        return Refusing()

    return clients


def test_encryption_is_read_only_where_it_must_be_kms(account: FakeAccount) -> None:
    """A bucket costs one call; a bucket with dependents, or any bucket if EncryptionScope is all, costs two."""
    for facts, settings, expected in (
        (LedgerFacts(), Settings(), ["GetBucketPolicy"]),
        (LedgerFacts({"arn": ""}), Settings(), ["GetBucketPolicy", "GetBucketEncryption"]),
        (LedgerFacts(), Settings(encryption_scope=Scope.ALL), ["GetBucketPolicy", "GetBucketEncryption"]),
    ):
        with account.calls() as calls:
            found = ADAPTER.read(client, REF, facts, settings)
        assert calls == expected
        assert found
        assert found.policy.document == POLICY


def test_a_denied_read_of_an_own_bucket_raises() -> None:
    """A bucket of this account that must not be read raises, and is never taken for a missing one."""
    with pytest.raises(ClientError, match="AccessDenied"):
        ADAPTER.read(refusing("AccessDenied"), REF, LedgerFacts(), Settings())


@pytest.mark.parametrize("code", ["AccessDenied", "MethodNotAllowed", "NoSuchBucket"])
def test_another_accounts_bucket_is_none(code: str) -> None:
    """Access denied to a bucket that the account does not list means that another account owns it."""
    ref = Ref(Kind.BUCKET, ACCOUNT, REGION, "harb")
    assert ADAPTER.read(refusing(code), ref, LedgerFacts(), Settings()) is None


def test_every_call_names_the_expected_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    """All calls of read, details, write and refresh have ExpectedBucketOwner."""
    owners = []
    original = BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001

    def recording(made: object, operation: str, arguments: dict[str, Any]) -> Any:
        owners.append((operation, arguments.get("ExpectedBucketOwner")))
        return original(made, operation, arguments)

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", recording)
    found = ADAPTER.read(client, REF, LedgerFacts({"arn": ""}), Settings())
    assert found
    found = ADAPTER.load_details(client, found, Settings(), Clock())
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}
    after = replace(found, policy=Policy.parse({**POLICY, "Id": "New"}), encryption=rules)
    ADAPTER.write(client, found, after)
    ADAPTER.refresh(client, found, after)
    assert {owner for _, owner in owners} == {ACCOUNT}


def test_refresh_returns_the_live_policy() -> None:
    """A concurrent change is returned; a live policy that is equivalent to the one written is not."""
    found = ADAPTER.read(client, REF, LedgerFacts(), Settings())
    assert found
    after = replace(found, policy=Policy.parse({**POLICY, "Id": "New"}))
    assert ADAPTER.refresh(client, found, after).policy.document == POLICY
    equivalent = {**POLICY, "Id": "New", "Statement": [{**POLICY["Statement"][0], "Action": ["s3:GetObject"]}]}
    boto3.client("s3").put_bucket_policy(Bucket="harbor", Policy=json.dumps(equivalent))
    assert ADAPTER.refresh(client, found, after) is after, "S3 may return a list of one value as the value alone"
