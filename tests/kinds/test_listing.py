"""Listing resources page by page on moto: which are listed, and which calls AWS receives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.kms.models import kms_backends
from tests.fake_account import ACCOUNT, ENVIRONMENT, REGION, FakeAccount
from tests.resources import document

from pipeseal.aws.clients import client
from pipeseal.kinds.registry import Kind
from pipeseal.model import Listed, Page, Ref
from pipeseal.runtime import Runtime

ELSEWHERE = "eu-central-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/made-up"
TOKENS = {
    Kind.BUCKET: ("ContinuationToken", "ContinuationToken"),
    Kind.KEY: ("NextMarker", "Marker"),
    Kind.PIPELINE: ("nextToken", "nextToken"),
    Kind.APPLICATION: ("nextToken", "nextToken"),
    Kind.PROJECT: ("nextToken", "nextToken"),
    Kind.TRAIL: ("NextToken", "NextToken"),
}
"""The names of the page token in the response and in the request of each listing."""
EMPTY: dict[Kind, dict[str, Any]] = {
    Kind.BUCKET: {"Buckets": []},
    Kind.KEY: {"Keys": [], "Truncated": True},
    Kind.PIPELINE: {"pipelines": []},
    Kind.APPLICATION: {"applications": []},
    Kind.PROJECT: {"projects": []},
    Kind.TRAIL: {"Trails": []},
}


def _bucket(region: str) -> str:
    where: Any = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    boto3.client("s3", region).create_bucket(Bucket=f"harbor-{region}", **where)
    return f"harbor-{region}"


def _key(region: str) -> str:
    return boto3.client("kms", region).create_key()["KeyMetadata"]["KeyId"]


def _pipeline(region: str) -> str:
    made: Any = boto3.client("codepipeline", region)
    trust = '{"Statement": [{"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}}]}'
    boto3.client("iam").create_role(RoleName=f"of-{region}", AssumeRolePolicyDocument=trust)
    role = f"arn:aws:iam::{ACCOUNT}:role/of-{region}"
    made.create_pipeline(pipeline={**document((region, "harbor", "")), "name": f"at-{region}", "roleArn": role})
    return f"at-{region}"


def _application(region: str) -> str:
    boto3.client("codedeploy", region).create_application(applicationName="harbor")
    return "harbor"


def _project(region: str) -> str:
    made: Any = boto3.client("codebuild", region)
    made.create_project(
        name="harbor",
        source={"type": "GITHUB", "location": "https://github.com/acme/harbor"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=ROLE,
    )
    return "harbor"


def _trail(region: str) -> str:
    bucket = _bucket(region)
    made = boto3.client("cloudtrail", region)
    made.create_trail(Name=f"of-{region}", S3BucketName=bucket, IsMultiRegionTrail=True)
    return f"of-{region}"


MAKERS: dict[Kind, Callable[[str], str]] = {
    Kind.BUCKET: _bucket,
    Kind.KEY: _key,
    Kind.PIPELINE: _pipeline,
    Kind.APPLICATION: _application,
    Kind.PROJECT: _project,
    Kind.TRAIL: _trail,
}


def list_page(runtime: Runtime, kind: Kind, token: str = "") -> Page:
    """List a page of the account's resources of one kind."""
    return runtime.resources.list_page(kind, ACCOUNT, REGION, token)


@pytest.fixture
def runtime(account: FakeAccount) -> Runtime:
    """Return the runtime of the functions."""
    return Runtime(ENVIRONMENT)


@pytest.mark.parametrize("kind", Kind)
def test_the_resources_of_the_region_are_listed(runtime: Runtime, kind: Kind) -> None:
    """Resources of this Region are listed, with their creation time except for trails; those of others are not."""
    name = MAKERS[kind](REGION)
    MAKERS[kind](ELSEWHERE)
    found, token = list_page(runtime, kind)
    assert [each.ref for each in found] == [Ref(kind, ACCOUNT, REGION, name)]
    assert [isinstance(each.created, datetime) and each.created.tzinfo is not None for each in found] == [
        kind is not Kind.TRAIL
    ]
    assert token == ""


@pytest.mark.parametrize("kind", Kind)
def test_each_page_is_requested_with_the_token_of_the_page_before(kind: Kind) -> None:
    """The token that the service returns is sent back under the name that it accepts; a page may be empty."""
    response_name, request_name = TOKENS[kind]
    requests: list[dict[str, Any]] = []

    class Service:
        def __getattr__(self, _name: str) -> Callable[..., dict[str, Any]]:
            def listing(**arguments: Any) -> dict[str, Any]:
                requests.append(arguments)
                return {**EMPTY[kind], response_name: "next"}

            return listing

    runtime = Runtime(ENVIRONMENT, clients=lambda *_: Service())
    assert list_page(runtime, kind) == ((), "next")
    assert list_page(runtime, kind, "next") == ((), "next")
    assert [request.get(request_name) for request in requests] == [None, "next"]


def test_s3_selects_the_buckets_of_the_region(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """BucketRegion and the regional endpoint make S3 leave out the buckets of other Regions, up to 10,000 a page."""
    listing = Mock(return_value={})
    monkeypatch.setattr(client("s3", REGION), "list_buckets", listing)
    assert list_page(runtime, Kind.BUCKET) == ((), "")
    listing.assert_called_once_with(MaxBuckets=10_000, BucketRegion=REGION)
    assert client("s3", "us-east-1").meta.endpoint_url == "https://s3.us-east-1.amazonaws.com", "not the global one"


def test_aws_managed_keys_and_keys_pending_deletion_are_left_out(runtime: Runtime) -> None:
    """Only customer managed keys that are not pending deletion are listed."""
    kms = boto3.client("kms")
    kept, deleted = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    aws_managed = kms.create_key()["KeyMetadata"]["KeyId"]
    kms_backends[ACCOUNT][REGION].keys[aws_managed].key_manager = "AWS"
    kms.schedule_key_deletion(KeyId=deleted)
    assert len(kms.list_keys()["Keys"]) == 3
    assert [each.ref.name for each in list_page(runtime, Kind.KEY).found] == [kept]


def test_a_key_that_must_not_be_described_is_listed(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key whose policy denies DescribeKey is listed without its creation time, and so are the others with theirs."""
    denied, other = sorted(_key(REGION) for _ in range(2))
    kms = client("kms", REGION)
    describe = kms.describe_key

    def refusing(KeyId: str) -> Any:  # noqa: N803 - boto3's name
        if KeyId.endswith(denied):
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "DescribeKey")
        return describe(KeyId=KeyId)

    monkeypatch.setattr(kms, "describe_key", refusing)
    found = {each.ref.name: each.created for each in list_page(runtime, Kind.KEY).found}
    assert found[denied] is None
    assert found[other] is not None


def test_applications_are_listed_if_one_is_deleted_concurrently(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BatchGetApplications fails for all if one does not exist; they are listed without creation times."""
    _application(REGION)
    refusal = ClientError({"Error": {"Code": "ApplicationDoesNotExistException", "Message": "gone"}}, "BatchGet")

    def refusing(**_: Any) -> None:
        raise refusal

    monkeypatch.setattr(client("codedeploy", REGION), "batch_get_applications", refusing)
    assert list_page(runtime, Kind.APPLICATION).found == (
        Listed(Ref(Kind.APPLICATION, ACCOUNT, REGION, "harbor"), None),
    )


def test_applications_are_described_in_slices_of_100(account: FakeAccount, runtime: Runtime) -> None:
    """BatchGetApplications accepts 100; moto lists all applications on one page, AWS 100."""
    codedeploy = boto3.client("codedeploy")
    for number in range(101):
        codedeploy.create_application(applicationName=f"harbor-{number}")
    with account.calls() as calls:
        found = list_page(runtime, Kind.APPLICATION).found
    assert calls == ["ListApplications", "BatchGetApplications", "BatchGetApplications"]
    assert len(found) == 101
    assert all(each.created for each in found)


def test_only_trails_of_this_account_and_home_region_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """ListTrails also returns organization trails in every member account and multi-Region trails in every Region."""
    arn = "arn:aws:cloudtrail:{}:{}:trail/{}"
    trails = [
        {"Name": name, "HomeRegion": region, "TrailARN": arn.format(region, owner, name)}
        for name, region, owner in (
            ("own", REGION, ACCOUNT),
            ("replicated", ELSEWHERE, ACCOUNT),
            ("organization", REGION, "210987654321"),
        )
    ]

    class Service:
        def list_trails(self) -> dict[str, Any]:
            return {"Trails": trails}

    found = list_page(Runtime(ENVIRONMENT, clients=lambda *_: Service()), Kind.TRAIL).found
    assert found == (Listed(Ref(Kind.TRAIL, ACCOUNT, REGION, "own"), None),)


@pytest.mark.parametrize(("topic", "calls"), [(ENVIRONMENT["ALERT_TOPIC_ARN"], []), ("alerts", ["GetCallerIdentity"])])
def test_the_account_is_that_of_the_topic_or_of_the_credentials(
    account: FakeAccount, topic: str, calls: list[str]
) -> None:
    """The functions know the topic's ARN and make no call; a command makes one call."""
    found = Runtime({**ENVIRONMENT, "ALERT_TOPIC_ARN": topic})
    with account.calls() as made:
        assert [found.account, found.account] == [ACCOUNT, ACCOUNT]
    assert made == calls
