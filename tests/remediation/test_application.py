"""CodeDeploy applications: the buckets of their revisions are remediated, and secrets in them are alerted."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from tests.fake_account import ACCOUNT, REGION, FakeAccount, event, writes
from tests.fake_resources import (
    ARN,
    BUCKET,
    LENIENT_SSE,
    STRICT_SSE,
    TLS,
    create_bucket,
    create_pipeline,
    live_encryption_rule,
    live_policy,
    live_statements,
)
from tests.resources import revision

APPLICATION = f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:application:harbor"
IN_S3 = revision(bucket=BUCKET, key="app.zip", bundleType="zip")
SECRET = "Hunter2-made-up-7"
WITH_SECRET = revision(f"version: 0.0\nResources:\n  - fn:\n      Properties:\n        DB_PASSWORD: {SECRET}\n")
GROUP = {"applicationName": "harbor", "deploymentGroupName": "production"}

REGISTERED = event("RegisterApplicationRevision", {"applicationName": "harbor", "revision": IN_S3})
DEPLOYED = event("CreateDeployment", {**GROUP, "revision": IN_S3}, {"deploymentId": "d-4KX8TPVQ2"})
GROUPED = event("CreateDeploymentGroup", GROUP, {"deploymentGroupId": "6d0c27d1-53a4-4f08-9a6e-2c1b8f7e4d05"})


@pytest.fixture
def codedeploy(account: FakeAccount) -> Any:
    """Return a client of an account with a bucket without a policy, and an application with a deployment group."""
    create_bucket()
    made: Any = boto3.client("codedeploy")
    made.create_application(applicationName="harbor", computePlatform="Server")
    made.create_deployment_group(**GROUP, serviceRoleArn=f"arn:aws:iam::{ACCOUNT}:role/codedeploy")
    return made


@pytest.mark.parametrize(
    ("call", "happened"),
    [("register_application_revision", REGISTERED), ("create_deployment", DEPLOYED), ("create_deployment", GROUPED)],
    ids=["registered", "deployed", "deployed to a new group"],
)
def test_the_bucket_of_a_revision_is_remediated(
    account: FakeAccount, codedeploy: Any, call: str, happened: dict[str, Any]
) -> None:
    """The bucket requires TLS and SSE-KMS but allows uploads without a header; a second delivery does nothing."""
    target = GROUP if call == "create_deployment" else {"applicationName": "harbor"}
    getattr(codedeploy, call)(**target, revision=IN_S3)
    outcomes = account.deliver(happened)
    assert [(outcome["resource"], outcome["action"]) for outcome in outcomes] == [
        (APPLICATION, "compliant"),
        (ARN, "remediated"),
    ]
    assert live_statements() == [LENIENT_SSE, TLS]
    assert live_encryption_rule()["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    (alert,) = account.alerts()
    assert alert["controls"] == ["S3.DEFAULT_ENCRYPTION", "S3.SSE_UPLOADS", "S3.TLS"]
    assert alert["used_by"] == [APPLICATION]
    with account.calls() as calls:
        again = account.deliver(happened)
    assert [outcome["action"] for outcome in again] == ["compliant", "compliant"]
    assert not writes(calls)
    assert not account.alerts()


def test_a_revision_that_only_the_event_names_is_ignored(account: FakeAccount, codedeploy: Any) -> None:
    """What CodeDeploy does not list is not followed to a bucket."""
    outcomes = account.deliver(REGISTERED)
    assert [outcome["resource"] for outcome in outcomes] == [APPLICATION]
    assert codedeploy.list_application_revisions(applicationName="harbor")["revisions"] == []
    assert live_policy() is None


@pytest.mark.parametrize("environment", [{"STRICT_UPLOADS": "true"}, {"ENCRYPTION_SCOPE": "all"}])
def test_the_strict_statement_can_be_required_everywhere(
    account: FakeAccount, codedeploy: Any, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    """With StrictUploads or EncryptionScope=all, CodeDeploy's buckets deny uploads without a header too."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    codedeploy.register_application_revision(applicationName="harbor", revision=IN_S3)
    account.deliver(REGISTERED)
    assert live_statements() == [STRICT_SSE, TLS]


def test_the_bucket_of_a_new_pipeline_becomes_strict_and_stays_so(account: FakeAccount, codedeploy: Any) -> None:
    """The strict statement replaces the lenient one in its place, and the next event of CodeDeploy keeps it."""
    codedeploy.register_application_revision(applicationName="harbor", revision=IN_S3)
    account.deliver(REGISTERED)
    create_pipeline()
    outcomes = account.deliver(event("CreatePipeline", {"pipeline": {"name": "release"}}))
    assert outcomes[1]["controls"] == ["S3.SSE_UPLOADS"]
    assert live_statements() == [STRICT_SSE, TLS]
    assert [outcome["action"] for outcome in account.deliver(DEPLOYED)] == ["compliant", "compliant"]
    assert live_statements() == [STRICT_SSE, TLS]


def test_a_secret_in_an_appspec_is_alerted_once(account: FakeAccount, codedeploy: Any) -> None:
    """The alert has a fingerprint, not the secret; a revision registered later does not repeat the alert."""
    codedeploy.create_deployment(**GROUP, revision=WITH_SECRET)
    outcomes = account.deliver(DEPLOYED)
    assert [(outcome["action"], outcome["controls"]) for outcome in outcomes] == [("detected", ["CODEDEPLOY.SECRETS"])]
    (alert,) = account.alerts()
    assert (alert["severity"], alert["resource"]["type"]) == ("critical", "application")
    assert SECRET not in json.dumps([outcomes, alert, account.entries()])
    codedeploy.register_application_revision(applicationName="harbor", revision=IN_S3)
    assert [outcome["action"] for outcome in account.deliver(REGISTERED)] == ["known", "remediated"]
    assert [alert["resource"]["name"] for alert in account.alerts()] == [BUCKET]


def test_an_email_address_in_a_tag_is_alerted(account: FakeAccount, codedeploy: Any) -> None:
    """Tags appear in bills and logs; the alert does not repeat the address."""
    codedeploy.tag_resource(ResourceArn=APPLICATION, Tags=[{"Key": "owner", "Value": "ines@example.com"}])
    (outcome,) = account.deliver(GROUPED)
    assert (outcome["action"], outcome["controls"]) == ("detected", ["CODEPIPELINE.FREE_TEXT"])
    assert "ines@example.com" not in json.dumps([outcome, account.alerts(), account.entries()])


def test_a_deleted_application_is_removed_from_the_graph(account: FakeAccount, codedeploy: Any) -> None:
    """Its bucket no longer holds artifacts, so only TLS is required of it."""
    codedeploy.register_application_revision(applicationName="harbor", revision=IN_S3)
    account.deliver(REGISTERED)
    # moto has no DeleteApplication
    from moto.codedeploy.models import codedeploy_backends  # noqa: PLC0415

    del codedeploy_backends[ACCOUNT][REGION].applications["harbor"]
    assert [outcome["action"] for outcome in account.deliver(REGISTERED)] == ["absent"]
    boto3.client("s3").delete_bucket_policy(Bucket=BUCKET)
    (outcome,) = account.deliver(event("DeleteBucketPolicy", {"bucketName": BUCKET}))
    assert outcome["controls"] == ["S3.TLS"]


@pytest.mark.parametrize("service", ["apigateway", "greengrass", "launchwizard"])
def test_deployments_of_other_services_are_ignored(account: FakeAccount, service: str) -> None:
    """The CreateDeployment of another service does not name an application of CodeDeploy."""
    assert account.deliver(event("CreateDeployment", {}, eventSource=f"{service}.amazonaws.com")) == []
