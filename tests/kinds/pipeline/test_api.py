"""The CodePipeline adapter on moto: keys by every name, and structures that must not be written back."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.codepipeline.models import CodePipelineBackend
from tests.fake_account import ACCOUNT, REGION, FakeAccount
from tests.resources import action, document

from pipeseal.aws.clients import Clients, client
from pipeseal.clock import Clock
from pipeseal.kinds.facts import LedgerFacts
from pipeseal.kinds.key.value import Key, UnreadableKey
from pipeseal.kinds.pipeline.api import ADAPTER
from pipeseal.kinds.pipeline.value import Pipeline, Transition
from pipeseal.model import Kind, Ref
from pipeseal.settings import Settings

REF = Ref(Kind.PIPELINE, ACCOUNT, REGION, "release")


@pytest.fixture(autouse=True)
def role(account: FakeAccount) -> None:
    """Create the role that the structures name."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}}]}
    boto3.client("iam").create_role(RoleName="pipeline", AssumeRolePolicyDocument=json.dumps(trust))


def read(structure: dict[str, Any]) -> Pipeline:
    """Create the pipeline and read it with the adapter."""
    boto3.client("codepipeline").create_pipeline(pipeline=structure)  # type: ignore[arg-type]
    return reread()


def reread(clients: Clients = client) -> Pipeline:
    """Read the pipeline with the adapter."""
    found = ADAPTER.read(clients, REF, LedgerFacts(), Settings())
    assert found
    return found


def key_named(name: str) -> Key | UnreadableKey:
    """Return the key that the adapter reads for an artifact store that names it *name*."""
    return read(document((REGION, "harbor", name))).keys[REGION, name]


@pytest.mark.parametrize("form", ["id", "key ARN", "alias ARN"])
def test_a_key_is_found_by_every_name(form: str) -> None:
    """A store can name its key by ID, key ARN or alias ARN."""
    kms = boto3.client("kms")
    made = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/harbor", TargetKeyId=made["KeyId"])
    alias = f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/harbor"
    found = key_named({"id": made["KeyId"], "key ARN": made["Arn"], "alias ARN": alias}[form])
    assert isinstance(found, Key)
    assert found.ref.arn == made["Arn"]


@pytest.mark.parametrize(("owner", "missing"), [(ACCOUNT, True), ("210987654321", False)])
def test_only_a_key_of_this_account_can_be_missing(owner: str, missing: bool) -> None:  # noqa: FBT001
    """For another account's key a NotFoundException does not prove that it does not exist."""
    found = key_named(f"arn:aws:kms:{REGION}:{owner}:key/1c3a5e7f-0b2d-4f68-9ace-13579bdf2468")
    assert isinstance(found, UnreadableKey)
    assert found.missing is missing


def test_a_redacted_token_locks_the_structure() -> None:
    """A structure in which AWS redacted a token must not be written back."""
    structure = document()
    structure["stages"][0]["actions"] = [
        {
            **action("Checkout", Owner="o", Repo="r", Branch="main", OAuthToken="gho_" + "m" * 36),
            "actionTypeId": {"category": "Source", "owner": "ThirdParty", "provider": "GitHub", "version": "1"},
        }
    ]
    assert "destroy the token" in read(structure).locked


def test_a_field_that_boto3_does_not_know_locks_the_structure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A structure with a field that botocore drops must not be written back."""
    assert read(document()).locked == ""
    original = CodePipelineBackend.get_pipeline

    def newer(backend: CodePipelineBackend, name: str) -> tuple[dict[str, Any], dict[str, str]]:
        structure, metadata = original(backend, name)
        return {**structure, "fieldOfTomorrow": {"kept": True}}, metadata

    monkeypatch.setattr(CodePipelineBackend, "get_pipeline", newer)
    assert "does not know all of its fields" in reread().locked


def test_the_tags_of_the_pipeline_and_its_buckets_are_read() -> None:
    """A bucket without tags, or one that does not exist, has none."""
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


def test_denied_tags_are_unknown_only_for_an_own_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where access is denied, another account's bucket has no tags, and the tags of an own bucket are None."""
    refusal = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetBucketTagging")
    read(document())

    def refusing(service: str, region: str) -> Any:
        found = client(service, region)
        if service == "s3":
            monkeypatch.setattr(found, "get_bucket_tagging", Mock(side_effect=refusal))
        return found

    arn = "arn:aws:s3:::harbor"
    assert reread(refusing).tags[arn] == {}
    boto3.client("s3").create_bucket(Bucket="harbor")
    assert reread(refusing).tags[arn] is None


def test_the_operators_key_is_read_with_the_details() -> None:
    """Details add the operator's key; the transition into the second stage is read always."""
    operator_key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    found = read(document())
    assert dict(found.keys) == {}
    detailed = ADAPTER.load_details(client, found, Settings(artifact_keys={REGION: operator_key}), Clock())
    assert detailed.transition == found.transition == Transition("Build", enabled=True)
    assert set(detailed.keys) == {(REGION, operator_key)}
