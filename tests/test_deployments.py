"""CodeDeploy from outside: an event names an application, its buckets are sealed, its owner told of secrets."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.account import ACCOUNT, REGION, Account, event, writes
from tests.resources import revision

from pipeseal.controls.s3_sse_uploads import deny_otherwise_encrypted, deny_unencrypted
from pipeseal.controls.s3_tls import deny_insecure

BUCKET = "harbor"
ARN = f"arn:aws:s3:::{BUCKET}"
APPLICATION = f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:application:harbor"
TLS = deny_insecure(ARN).statement
LENIENT = deny_otherwise_encrypted(ARN).statement
STRICT = deny_unencrypted(ARN).statement
IN_S3 = revision(bucket=BUCKET, key="app.zip", bundleType="zip")
SECRET = "Hunter2-made-up-7"
WITH_SECRET = revision(f"version: 0.0\nResources:\n  - fn:\n      Properties:\n        DB_PASSWORD: {SECRET}\n")
GROUP = {"applicationName": "harbor", "deploymentGroupName": "production"}

REGISTERED = event("RegisterApplicationRevision", {"applicationName": "harbor", "revision": IN_S3})
DEPLOYED = event("CreateDeployment", {**GROUP, "revision": IN_S3}, {"deploymentId": "d-4KX8TPVQ2"})
GROUPED = event("CreateDeploymentGroup", GROUP, {"deploymentGroupId": "6d0c27d1-53a4-4f08-9a6e-2c1b8f7e4d05"})


@pytest.fixture
def codedeploy(account: Account) -> Any:
    """Give a bucket without a policy, and an application with a group."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    made: Any = boto3.client("codedeploy")
    made.create_application(applicationName="harbor", computePlatform="Server")
    made.create_deployment_group(**GROUP, serviceRoleArn=f"arn:aws:iam::{ACCOUNT}:role/codedeploy")
    return made


def statements() -> list[dict[str, Any]]:
    """Return the statements of the bucket's live policy."""
    return list(json.loads(boto3.client("s3").get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"])


def default_encryption() -> str:
    """Return what the bucket's live default encryption is."""
    (rule,) = boto3.client("s3").get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    return str(rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"])


def pipeline_in(bucket: str) -> None:
    """Create the pipeline release, which keeps its artifacts in *bucket*."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}}]}
    role = boto3.client("iam").create_role(RoleName="pipeline", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    kind = {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"}
    structure: Any = {
        "name": "release",
        "roleArn": role["Arn"],
        "artifactStore": {"type": "S3", "location": bucket},
        "stages": [{"name": name, "actions": [{"name": "Act", "actionTypeId": kind}]} for name in ("Source", "Build")],
    }
    boto3.client("codepipeline").create_pipeline(pipeline=structure)


@pytest.mark.parametrize(
    ("call", "happened"),
    [("register_application_revision", REGISTERED), ("create_deployment", DEPLOYED), ("create_deployment", GROUPED)],
    ids=["registered", "deployed", "deployed to a new group"],
)
def test_the_bucket_of_a_revision_is_sealed(
    account: Account, codedeploy: Any, call: str, happened: dict[str, Any]
) -> None:
    """TLS, KMS by default, and no other encryption; an upload without a header goes on working; one alert."""
    place = GROUP if call == "create_deployment" else {"applicationName": "harbor"}
    getattr(codedeploy, call)(**place, revision=IN_S3)
    outcomes = account.deliver(happened)
    assert [(outcome["resource"], outcome["action"]) for outcome in outcomes] == [
        (APPLICATION, "compliant"),
        (ARN, "remediated"),
    ]
    assert statements() == [LENIENT, TLS]
    assert default_encryption() == "aws:kms"
    (alert,) = account.alerts()
    assert alert["controls"] == ["S3.DEFAULT_ENCRYPTION", "S3.SSE_UPLOADS", "S3.TLS"]
    assert alert["used_by"] == [APPLICATION]
    with account.calls() as calls:
        again = account.deliver(happened)
    assert [outcome["action"] for outcome in again] == ["compliant", "compliant"]
    assert not writes(calls)
    assert not account.alerts()


def test_the_event_is_not_believed(account: Account, codedeploy: Any) -> None:
    """A revision that only an event speaks of leads nowhere."""
    outcomes = account.deliver(REGISTERED)
    assert [outcome["resource"] for outcome in outcomes] == [APPLICATION]
    assert codedeploy.list_application_revisions(applicationName="harbor")["revisions"] == []
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        statements()


@pytest.mark.parametrize("environment", [{"STRICT_UPLOADS": "true"}, {"ENCRYPTION_SCOPE": "all"}])
def test_an_operator_can_have_the_strict_form_everywhere(
    account: Account, codedeploy: Any, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    """StrictUploads, or EncryptionScope=all, refuses an upload without a header in CodeDeploy's buckets too."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    codedeploy.register_application_revision(applicationName="harbor", revision=IN_S3)
    account.deliver(REGISTERED)
    assert statements() == [STRICT, TLS]


def test_a_bucket_that_becomes_a_pipelines_is_made_strict_and_stays_so(account: Account, codedeploy: Any) -> None:
    """The lenient statement is replaced where it stood, and CodeDeploy's next event leaves the strict one."""
    codedeploy.register_application_revision(applicationName="harbor", revision=IN_S3)
    account.deliver(REGISTERED)
    pipeline_in(BUCKET)
    outcomes = account.deliver(event("CreatePipeline", {"pipeline": {"name": "release"}}))
    assert outcomes[1]["controls"] == ["S3.SSE_UPLOADS"]
    assert statements() == [STRICT, TLS]
    assert [outcome["action"] for outcome in account.deliver(DEPLOYED)] == ["compliant", "compliant"]
    assert statements() == [STRICT, TLS]


def test_a_secret_in_appspec_text_is_told_of_once(account: Account, codedeploy: Any) -> None:
    """Alert only, with a fingerprint; nothing secret leaves CodeDeploy, and other revisions change nothing about it."""
    codedeploy.create_deployment(**GROUP, revision=WITH_SECRET)
    outcomes = account.deliver(DEPLOYED)
    assert [(outcome["action"], outcome["controls"]) for outcome in outcomes] == [("detected", ["CODEDEPLOY.SECRETS"])]
    (alert,) = account.alerts()
    assert (alert["severity"], alert["resource"]["type"]) == ("critical", "application")
    assert SECRET not in json.dumps([outcomes, alert, account.entries()])
    codedeploy.register_application_revision(applicationName="harbor", revision=IN_S3)
    assert [outcome["action"] for outcome in account.deliver(REGISTERED)] == ["known", "remediated"]
    assert [alert["resource"]["name"] for alert in account.alerts()] == [BUCKET]


def test_a_mail_address_in_a_tag_is_told_of(account: Account, codedeploy: Any) -> None:
    """Names, groups and tags end up in bills and logs; alert only, without the address."""
    codedeploy.tag_resource(ResourceArn=APPLICATION, Tags=[{"Key": "owner", "Value": "ines@example.com"}])
    (outcome,) = account.deliver(GROUPED)
    assert (outcome["action"], outcome["controls"]) == ("detected", ["CODEPIPELINE.FREE_TEXT"])
    assert "ines@example.com" not in json.dumps([outcome, account.alerts(), account.entries()])


def test_an_application_that_is_gone_leaves_its_bucket_alone(account: Account, codedeploy: Any) -> None:
    """The graph forgets it, and so the bucket holds no artifacts any more."""
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
def test_other_services_deploy_too(account: Account, service: str) -> None:
    """Their CreateDeployment is none of ours."""
    assert account.deliver(event("CreateDeployment", {}, eventSource=f"{service}.amazonaws.com")) == []
