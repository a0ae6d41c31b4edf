"""The CodePipeline adapter on moto: keys by every name, and structures that must not be written back."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.codepipeline.models import CodePipelineBackend
from tests.account import ACCOUNT, REGION, Account
from tests.resources import action, document

from pipeseal.aws import pipelines
from pipeseal.aws.clients import client
from pipeseal.model import Kind, Ref
from pipeseal.model.key import Key, Unread
from pipeseal.model.pipeline import Pipeline, Transition
from pipeseal.settings import Settings

REF = Ref(Kind.PIPELINE, ACCOUNT, REGION, "release")


@pytest.fixture(autouse=True)
def role(account: Account) -> None:
    """Give the role that the structures name."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}}]}
    boto3.client("iam").create_role(RoleName="pipeline", AssumeRolePolicyDocument=json.dumps(trust))


def read(structure: dict[str, Any]) -> Pipeline:
    """Create the pipeline and read it by the adapter."""
    boto3.client("codepipeline").create_pipeline(pipeline=structure)  # type: ignore[arg-type]
    found = pipelines.read(client, REF, None, Settings())
    assert found
    return found


def under(name: str) -> Key | Unread:
    """Return what the adapter finds behind a key's *name* in a store."""
    return read(document((REGION, "harbor", name))).keys[REGION, name]


@pytest.mark.parametrize("form", ["id", "key ARN", "alias ARN"])
def test_a_key_is_found_by_every_name(form: str) -> None:
    """A store names its key by id, by key ARN or by alias ARN."""
    kms = boto3.client("kms")
    made = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/harbor", TargetKeyId=made["KeyId"])
    alias = f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/harbor"
    found = under({"id": made["KeyId"], "key ARN": made["Arn"], "alias ARN": alias}[form])
    assert isinstance(found, Key)
    assert found.ref.arn == made["Arn"]


@pytest.mark.parametrize(("owner", "missing"), [(ACCOUNT, True), ("210987654321", False)])
def test_a_key_that_is_not_found_is_missing_only_at_home(owner: str, missing: bool) -> None:  # noqa: FBT001
    """Of another account's key nobody here can say that it does not exist."""
    found = under(f"arn:aws:kms:{REGION}:{owner}:key/1c3a5e7f-0b2d-4f68-9ace-13579bdf2468")
    assert isinstance(found, Unread)
    assert found.missing is missing


def test_a_masked_token_locks_the_structure() -> None:
    """Writing the mask back would destroy the token."""
    structure = document()
    structure["stages"][0]["actions"] = [
        {
            **action("Checkout", Owner="o", Repo="r", Branch="main", OAuthToken="gho_" + "m" * 36),
            "actionTypeId": {"category": "Source", "owner": "ThirdParty", "provider": "GitHub", "version": "1"},
        }
    ]
    assert "destroy the token" in read(structure).locked


def test_a_field_that_boto3_does_not_know_locks_the_structure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Botocore drops what its model lacks; writing the rest back would lose it."""
    assert read(document()).locked == ""
    original = CodePipelineBackend.get_pipeline

    def newer(backend: CodePipelineBackend, name: str) -> tuple[dict[str, Any], dict[str, str]]:
        structure, metadata = original(backend, name)
        return {**structure, "fieldOfTomorrow": {"kept": True}}, metadata

    monkeypatch.setattr(CodePipelineBackend, "get_pipeline", newer)
    found = pipelines.read(client, REF, None, Settings())
    assert found
    assert "does not know all of its fields" in found.locked


def test_the_tags_of_pipeline_and_buckets_are_read() -> None:
    """A bucket without tags, or one that is not there, has none."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="harbor")
    arn = "arn:aws:s3:::harbor"
    found = read(document())
    assert found.tags == {REF.arn: {}, arn: {}}
    boto3.client("codepipeline").tag_resource(resourceArn=REF.arn, tags=[{"key": "team", "value": "crew"}])
    s3.put_bucket_tagging(Bucket="harbor", Tagging={"TagSet": [{"Key": "owner", "Value": "ada"}]})
    assert reread().tags == {REF.arn: {"team": "crew"}, arn: {"owner": "ada"}}
    s3.delete_bucket(Bucket="harbor")
    assert reread().tags[arn] == {}


def test_tags_of_a_bucket_that_is_kept_from_us_are_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another account's bucket has none for us; of our own it is said."""
    refusal = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetBucketTagging")
    read(document())

    def refusing(service: str, region: str) -> Any:
        found = client(service, region)
        if service == "s3":
            monkeypatch.setattr(found, "get_bucket_tagging", Mock(side_effect=refusal))
        return found

    arn = "arn:aws:s3:::harbor"
    wanted: tuple[dict[str, str] | None, ...] = ({}, None)
    for expected in wanted:
        found = pipelines.read(refusing, REF, None, Settings())
        assert found
        assert found.tags[arn] == expected
        boto3.client("s3").create_bucket(Bucket="harbor")


def reread() -> Pipeline:
    """Read the pipeline once more."""
    found = pipelines.read(client, REF, None, Settings())
    assert found
    return found


def test_only_a_pipeline_in_violation_is_asked_for_more() -> None:
    """The operator's key is read on demand; the way into the second stage always, for it may be quarantined."""
    operators = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    found = read(document())
    assert dict(found.keys) == {}
    whole = pipelines.complete(client, found, Settings(artifact_keys={REGION: operators}))
    assert whole.transition == found.transition == Transition("Build", enabled=True)
    assert set(whole.keys) == {(REGION, operators)}
