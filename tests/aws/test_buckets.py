"""The S3 adapter on moto: what it reads, and that it touches no bucket of others."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from tests.account import ACCOUNT, REGION, Account

from pipeseal.aws import buckets
from pipeseal.aws.clients import client
from pipeseal.aws.memory import Memory
from pipeseal.model import Kind, Ref
from pipeseal.settings import Scope, Settings

REF = Ref(Kind.BUCKET, ACCOUNT, REGION, "harbor")
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::harbor/*"}],
}


@pytest.fixture(autouse=True)
def bucket(account: Account) -> None:
    """Give a bucket with a policy and a default encryption of its own."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="harbor")
    s3.put_bucket_policy(Bucket="harbor", Policy=json.dumps(POLICY))


def refusing(code: str) -> Any:
    """Return clients whose S3 answers *code* to GetBucketPolicy."""

    def clients(service: str, region: str) -> Any:
        made = client(service, region)

        class Refusing:
            def __getattr__(self, name: str) -> Any:
                return getattr(made, name)

            def get_bucket_policy(self, **_: str) -> None:
                raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetBucketPolicy")

        return Refusing()

    return clients


def test_encryption_is_read_only_where_it_matters(account: Account) -> None:
    """A bucket without artifacts costs one call; one with them, or any where the scope is all, two."""
    for memory, settings, expected in (
        (Memory(), Settings(), ["GetBucketPolicy"]),
        (Memory({"arn": ""}), Settings(), ["GetBucketPolicy", "GetBucketEncryption"]),
        (Memory(), Settings(encryption_scope=Scope.ALL), ["GetBucketPolicy", "GetBucketEncryption"]),
    ):
        with account.calls() as calls:
            found = buckets.read(client, REF, memory, settings)
        assert calls == expected
        assert found
        assert found.policy.document == POLICY


def test_a_bucket_kept_from_us_is_an_error() -> None:
    """Unreadable is never compliant: our own bucket that we may not read is raised, retried and told of."""
    with pytest.raises(ClientError, match="AccessDenied"):
        buckets.read(refusing("AccessDenied"), REF, Memory(), Settings())


@pytest.mark.parametrize("code", ["AccessDenied", "MethodNotAllowed", "NoSuchBucket"])
def test_a_bucket_of_others_is_none_of_ours(code: str) -> None:
    """A refusal for a bucket that is not among the account's own is no error."""
    others = Ref(Kind.BUCKET, ACCOUNT, REGION, "harb")
    assert buckets.read(refusing(code), others, Memory(), Settings()) is None


def test_every_call_names_the_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket of that name that somebody else made meanwhile answers to nothing of ours."""
    owners = []
    original = BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001

    def spied(made: object, operation: str, arguments: dict[str, Any]) -> Any:
        owners.append((operation, arguments.get("ExpectedBucketOwner")))
        return original(made, operation, arguments)

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", spied)
    found = buckets.read(client, REF, Memory({"arn": ""}), Settings())
    assert found
    found = buckets.complete(client, found, Settings())
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}
    sealed = found.__class__(found.ref, found.policy.parse({**POLICY, "Id": "Ours"}), rules)
    buckets.write(client, found, sealed)
    buckets.reread(client, found, sealed)
    assert {owner for _, owner in owners} == {ACCOUNT}


def test_what_others_wrote_meanwhile_is_read_back() -> None:
    """After a write the live policy counts, unless it means what was written."""
    found = buckets.read(client, REF, Memory(), Settings())
    assert found
    ours = found.__class__(found.ref, found.policy.parse({**POLICY, "Id": "Ours"}))
    assert buckets.reread(client, found, ours).policy.document == POLICY
    rewritten = {**POLICY, "Id": "Ours", "Statement": [{**POLICY["Statement"][0], "Action": ["s3:GetObject"]}]}  # type: ignore[dict-item]
    boto3.client("s3").put_bucket_policy(Bucket="harbor", Policy=json.dumps(rewritten))
    assert buckets.reread(client, found, ours) is ours, "S3 turns lists of one into single values as it likes"
