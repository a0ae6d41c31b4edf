"""Listing page by page: what is there, what is ours, and what AWS is asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.kms.models import kms_backends
from tests.account import ACCOUNT, ENVIRONMENT, REGION, Account
from tests.resources import document

from pipeseal.aws.clients import client
from pipeseal.aws.pages import Listed
from pipeseal.aws.world import World
from pipeseal.model import Kind, Ref

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
"""Under which name each service's listing gives a token, and under which it takes one."""
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


@pytest.fixture
def world(account: Account) -> World:
    """Give the account as the functions see it."""
    return World(ENVIRONMENT)


@pytest.mark.parametrize("kind", Kind)
def test_what_is_in_the_region_is_listed(world: World, kind: Kind) -> None:
    """With the time of its making, where its service knows one; what is in another Region is not."""
    name = MAKERS[kind](REGION)
    MAKERS[kind](ELSEWHERE)
    found, token = world.page(kind)
    assert [each.ref for each in found] == [Ref(kind, ACCOUNT, REGION, name)]
    assert [isinstance(each.created, datetime) and each.created.tzinfo is not None for each in found] == [
        kind is not Kind.TRAIL
    ]
    assert token == ""


@pytest.mark.parametrize("kind", Kind)
def test_every_page_is_asked_for_by_the_token_of_the_last(kind: Kind) -> None:
    """The token is what the service gave, and is given back to it as it takes it; a page may be empty."""
    given, taken = TOKENS[kind]
    asked: list[dict[str, Any]] = []

    class Service:
        def __getattr__(self, _name: str) -> Callable[..., dict[str, Any]]:
            def listing(**arguments: Any) -> dict[str, Any]:
                asked.append(arguments)
                return {**EMPTY[kind], given: "next"}

            return listing

    world = World(ENVIRONMENT, clients=lambda *_: Service())
    assert world.page(kind) == ((), "next")
    assert world.page(kind, "next") == ((), "next")
    assert [arguments.get(taken) for arguments in asked] == [None, "next"]


def test_the_region_of_buckets_is_asked_of_s3(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account may have 10,000 buckets in other Regions; S3 leaves them out itself, page by page."""
    listing = Mock(return_value={})
    monkeypatch.setattr(client("s3", REGION), "list_buckets", listing)
    assert world.page(Kind.BUCKET) == ((), "")
    listing.assert_called_once_with(MaxBuckets=10_000, BucketRegion=REGION)
    assert client("s3", "us-east-1").meta.endpoint_url == "https://s3.us-east-1.amazonaws.com", "not the global one"


def test_keys_of_aws_and_keys_that_go_are_left_out(world: World) -> None:
    """Nobody can change a key that AWS manages, and one that waits for its deletion is dealt with."""
    kms = boto3.client("kms")
    stays, goes = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    of_aws = kms.create_key()["KeyMetadata"]["KeyId"]
    kms_backends[ACCOUNT][REGION].keys[of_aws].key_manager = "AWS"
    kms.schedule_key_deletion(KeyId=goes)
    assert len(kms.list_keys()["Keys"]) == 3
    assert [each.ref.name for each in world.page(Kind.KEY).found] == [stays]


def test_a_key_that_may_not_be_described_is_listed_all_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its policy keeps us out; whoever reads it then says so, and all others are there too."""
    kept, other = sorted(_key(REGION) for _ in range(2))
    kms = client("kms", REGION)
    describe = kms.describe_key

    def refusing(KeyId: str) -> Any:  # noqa: N803 - boto3's name
        if KeyId.endswith(kept):
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "DescribeKey")
        return describe(KeyId=KeyId)

    monkeypatch.setattr(kms, "describe_key", refusing)
    found = {each.ref.name: each.created for each in world.page(Kind.KEY).found}
    assert found[kept] is None
    assert found[other] is not None


def test_applications_are_listed_even_if_one_is_gone_meanwhile(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """CodeDeploy then refuses to say anything of the hundred; they are listed without their time."""
    _application(REGION)
    refusal = ClientError({"Error": {"Code": "ApplicationDoesNotExistException", "Message": "gone"}}, "BatchGet")

    def refusing(**_: Any) -> None:
        raise refusal

    monkeypatch.setattr(client("codedeploy", REGION), "batch_get_applications", refusing)
    assert world.page(Kind.APPLICATION).found == (Listed(Ref(Kind.APPLICATION, ACCOUNT, REGION, "harbor"), None),)


def test_applications_are_described_a_hundred_at_once(account: Account, world: World) -> None:
    """CodeDeploy takes no more; moto lists all on one page, AWS a hundred."""
    codedeploy = boto3.client("codedeploy")
    for number in range(101):
        codedeploy.create_application(applicationName=f"harbor-{number}")
    with account.calls() as calls:
        found = world.page(Kind.APPLICATION).found
    assert calls == ["ListApplications", "BatchGetApplications", "BatchGetApplications"]
    assert len(found) == 101
    assert all(each.created for each in found)


def test_a_trail_of_others_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """An organisation's trail shows in every account of it, and a trail of every Region in every Region."""
    arn = "arn:aws:cloudtrail:{}:{}:trail/{}"
    trails = [
        {"Name": name, "HomeRegion": region, "TrailARN": arn.format(region, owner, name)}
        for name, region, owner in (
            ("ours", REGION, ACCOUNT),
            ("shadow", ELSEWHERE, ACCOUNT),
            ("organisation", REGION, "210987654321"),
        )
    ]

    class Service:
        def list_trails(self) -> dict[str, Any]:
            return {"Trails": trails}

    found = World(ENVIRONMENT, clients=lambda *_: Service()).page(Kind.TRAIL).found
    assert found == (Listed(Ref(Kind.TRAIL, ACCOUNT, REGION, "ours"), None),)


@pytest.mark.parametrize(("topic", "calls"), [(ENVIRONMENT["ALERT_TOPIC_ARN"], []), ("alerts", ["GetCallerIdentity"])])
def test_the_account_is_that_of_the_topic_or_of_the_credentials(account: Account, topic: str, calls: list[str]) -> None:
    """The functions need not ask; an operator's tool asks once."""
    seen = World({**ENVIRONMENT, "ALERT_TOPIC_ARN": topic})
    with account.calls() as made:
        assert [seen.account, seen.account] == [ACCOUNT, ACCOUNT]
    assert made == calls
