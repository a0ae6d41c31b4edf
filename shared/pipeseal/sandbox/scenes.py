"""The demo's scenes: people and tools that change CI/CD resources, with something unprotected in each change."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from pipeseal.sandbox.account import EmbeddedAccount
from pipeseal.sandbox.deployment import TRAIL
from pipeseal.sandbox.identities import ADA, GRACE, TERRAFORM, Identity

WEBSHOP_BUCKET = "acme-webshop-artifacts"
_BILLING_BUCKET = "acme-billing-artifacts"
_MOBILE_BUCKET = "acme-mobile-artifacts"
_WEBSITE_BUCKET = "acme-website"
_REVISIONS_BUCKET = "acme-webshop-revisions"
_BUILDS_BUCKET = "acme-webshop-builds"
_OTHER_ACCOUNT = "arn:aws:iam::210987654321:root"
_RSA = "RSA_2048"
_TOKEN = "Qz7vN2xKw9Rb4TsLmY8c"  # made up; random, as a real token is


@dataclass(frozen=True, slots=True)
class DemoScene:
    """What one identity does."""

    title: str
    identity: Identity
    text: str
    """The sentence that continues the identity's name, and what follows from it."""
    act: Callable[[EmbeddedAccount], None]
    """Makes the calls."""
    show_email: bool = False
    show_diff: bool = True
    """Whether the policy diff is shown where the email is not."""


def _action(name: str, category: str, provider: str, owner: str = "AWS", **configuration: str) -> dict[str, object]:
    action_type = {"category": category, "owner": owner, "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": action_type, "configuration": configuration}


def _github_action(token: str) -> dict[str, object]:
    """Return a GitHub version 1 source action, which authenticates with an OAuth token."""
    return _action(
        "Fetch", "Source", "GitHub", "ThirdParty", Owner="acme", Repo="webshop", Branch="main", OAuthToken=token
    )


def _connection_action(repository: str) -> dict[str, object]:
    """Return a source action that uses a CodeConnections connection."""
    connection = "arn:aws:codeconnections:us-east-1:123456789012:connection/6f2d1a3c-0000-4000-8000-000000000000"
    configuration = {"ConnectionArn": connection, "FullRepositoryId": f"acme/{repository}", "BranchName": "main"}
    return _action("Fetch", "Source", "CodeStarSourceConnection", **configuration)


def _pipeline(
    account: EmbeddedAccount, name: str, bucket: str, source: dict[str, object], key: str = ""
) -> dict[str, object]:
    """Return the structure of a pipeline with three stages; *key* is the ARN of its artifact key, or ""."""
    build = _action("Compile", "Build", "CodeBuild", ProjectName=name)
    deploy = _action("Stack", "Deploy", "CloudFormation", ActionMode="CREATE_UPDATE", StackName=name)
    code, package = [{"name": "code"}], [{"name": "package"}]
    store = {"type": "S3", "location": bucket}
    return {
        "name": name,
        "roleArn": account.pipeline_role,
        "artifactStore": store | ({"encryptionKey": {"id": key, "type": "KMS"}} if key else {}),
        "stages": [
            {"name": "Source", "actions": [{**source, "outputArtifacts": code}]},
            {"name": "Build", "actions": [{**build, "inputArtifacts": code, "outputArtifacts": package}]},
            {"name": "Deploy", "actions": [{**deploy, "inputArtifacts": package}]},
        ],
    }


def _allow(sid: str, principal: object, action: str, bucket: str) -> dict[str, object]:
    """Return a statement that allows *action* on all objects of *bucket*."""
    resource = f"arn:aws:s3:::{bucket}/*"
    return {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource}


def _put_policy(account: EmbeddedAccount, bucket: str, policy: dict[str, object]) -> None:
    account.client("s3", GRACE).put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def _create_webshop_pipeline(account: EmbeddedAccount) -> None:
    account.client("s3", ADA).create_bucket(Bucket=WEBSHOP_BUCKET)
    structure = _pipeline(account, "webshop", WEBSHOP_BUCKET, _github_action(_TOKEN))
    account.client("codepipeline", ADA).create_pipeline(pipeline=structure)


def _replace_webshop_policy(account: EmbeddedAccount) -> None:
    statement = _allow("TestAccountReadsArtifacts", {"AWS": _OTHER_ACCOUNT}, "s3:GetObject", WEBSHOP_BUCKET)
    _put_policy(account, WEBSHOP_BUCKET, {"Version": "2012-10-17", "Id": "webshop", "Statement": [statement]})


def _create_rsa_key(account: EmbeddedAccount) -> None:
    request = {"KeySpec": _RSA, "KeyUsage": "ENCRYPT_DECRYPT", "Description": "artifacts"}
    account.client("kms", TERRAFORM).create_key(**request)


def _rsa_key(account: EmbeddedAccount) -> str:
    """Return the ARN of the key that `_create_rsa_key` created."""
    kms = account.client("kms")
    keys = (kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"])
    return next(str(key["Arn"]) for key in keys if key["KeySpec"] == _RSA)


def _create_billing_pipeline(account: EmbeddedAccount) -> None:
    account.client("s3", TERRAFORM).create_bucket(Bucket=_BILLING_BUCKET)
    structure = _pipeline(account, "billing", _BILLING_BUCKET, _connection_action("billing"), _rsa_key(account))
    account.client("codepipeline", TERRAFORM).create_pipeline(pipeline=structure)


def _change_webshop_key(account: EmbeddedAccount) -> None:
    structure = _pipeline(account, "webshop", WEBSHOP_BUCKET, _github_action(_TOKEN), _rsa_key(account))
    account.client("codepipeline", ADA).update_pipeline(pipeline=structure)


def _deploy_from_s3(account: EmbeddedAccount) -> None:
    account.client("s3", ADA).create_bucket(Bucket=_REVISIONS_BUCKET)
    codedeploy = account.client("codedeploy", ADA)
    codedeploy.create_application(applicationName="webshop", computePlatform="Server")
    group = {"applicationName": "webshop", "deploymentGroupName": "production"}
    codedeploy.create_deployment_group(**group, serviceRoleArn=account.pipeline_role)
    location = {"bucket": _REVISIONS_BUCKET, "key": "webshop-7.zip", "bundleType": "zip"}
    codedeploy.create_deployment(**group, revision={"revisionType": "S3", "s3Location": location})


def _register_revision(account: EmbeddedAccount) -> None:
    codedeploy = account.client("codedeploy", GRACE)
    codedeploy.create_application(applicationName="prices", computePlatform="Lambda")
    content = "version: 0.0\nResources:\n  - prices:\n      Properties:\n        DB_PASSWORD: a-plaintext-password\n"
    revision = {"revisionType": "String", "string": {"content": content}}
    codedeploy.register_application_revision(applicationName="prices", revision=revision)


def _create_build_project(account: EmbeddedAccount) -> None:
    account.client("s3", TERRAFORM).create_bucket(Bucket=_BUILDS_BUCKET)
    account.client("codebuild", TERRAFORM).create_project(
        name="webshop",
        source={"type": "GITHUB", "location": "https://github.com/acme/webshop"},
        artifacts={"type": "S3", "location": _BUILDS_BUCKET, "packaging": "ZIP", "encryptionDisabled": True},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [{"name": "NPM_TOKEN", "value": _TOKEN}],
        },
        serviceRole=account.pipeline_role,
    )


def _create_mobile_pipeline(account: EmbeddedAccount) -> None:
    key = account.client("kms", ADA).create_key(Description="mobile artifacts")["KeyMetadata"]["Arn"]
    account.client("s3", ADA).create_bucket(Bucket=_MOBILE_BUCKET)
    structure = _pipeline(account, "mobile", _MOBILE_BUCKET, _connection_action("mobile"), key)
    tags = [{"key": "contact", "value": "ada@acme.example"}]
    account.client("codepipeline", ADA).create_pipeline(pipeline=structure, tags=tags)


def _allow_partner(account: EmbeddedAccount) -> None:
    policy = json.loads(account.client("s3", GRACE).get_bucket_policy(Bucket=_MOBILE_BUCKET)["Policy"])
    policy["Statement"].insert(0, _allow("PartnerUploads", {"AWS": _OTHER_ACCOUNT}, "s3:*", _MOBILE_BUCKET))
    _put_policy(account, _MOBILE_BUCKET, policy)


def _create_website(account: EmbeddedAccount) -> None:
    s3 = account.client("s3", GRACE)
    s3.create_bucket(Bucket=_WEBSITE_BUCKET)
    s3.put_bucket_website(Bucket=_WEBSITE_BUCKET, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    statement = _allow("PublicRead", "*", "s3:GetObject", _WEBSITE_BUCKET)
    _put_policy(account, _WEBSITE_BUCKET, {"Version": "2012-10-17", "Statement": [statement]})


def _stop_trail(account: EmbeddedAccount) -> None:
    account.client("cloudtrail", GRACE).stop_logging(Name=TRAIL)


SCENES = (
    DemoScene(
        "Pipeline with a plaintext token",
        ADA,
        "creates an artifact bucket and a pipeline. The source action contains her GitHub token in plaintext.",
        _create_webshop_pipeline,
    ),
    DemoScene(
        "Bucket policy that does not require TLS",
        GRACE,
        "allows the test account to read the artifacts. PutBucketPolicy replaces the whole policy, including the "
        "statements that pipeseal added.",
        _replace_webshop_policy,
        show_email=True,
    ),
    DemoScene(
        "Asymmetric KMS key",
        TERRAFORM,
        "creates an RSA key. CodePipeline supports symmetric keys only.",
        _create_rsa_key,
        show_email=True,
    ),
    DemoScene(
        "Pipeline with the asymmetric key",
        TERRAFORM,
        "creates the billing pipeline with the RSA key. pipeseal replaces it with the key in the ArtifactKeyArn "
        "parameter.",
        _create_billing_pipeline,
        show_diff=False,
    ),
    DemoScene(
        "Pipeline that cannot be updated",
        ADA,
        "changes the web shop pipeline to the RSA key. CodePipeline masks her token in responses, so an update by "
        "pipeseal would overwrite the token with the mask. pipeseal quarantines the pipeline instead.",
        _change_webshop_key,
    ),
    DemoScene(
        "Deployment from S3",
        ADA,
        "deploys a revision from a bucket that she uploads to manually. The new bucket policy still allows uploads "
        "without an encryption header, because the default encryption applies to them.",
        _deploy_from_s3,
    ),
    DemoScene(
        "AppSpec file with a password",
        GRACE,
        "registers a revision whose AppSpec content contains a database password. CodeDeploy has no API call that "
        "deletes a revision, so pipeseal only notifies the subscribers.",
        _register_revision,
    ),
    DemoScene(
        "Build project with unencrypted artifacts",
        TERRAFORM,
        "creates a build project with artifact encryption disabled and a token in a plaintext environment variable.",
        _create_build_project,
        show_diff=False,
    ),
    DemoScene(
        "Email address in a tag, key without rotation",
        ADA,
        "tags the mobile app's pipeline with her email address. Automatic rotation of its artifact key is off.",
        _create_mobile_pipeline,
        show_diff=False,
    ),
    DemoScene(
        "Write access for another account",
        GRACE,
        "keeps the statements that pipeseal added and allows another account all actions on the artifacts.",
        _allow_partner,
    ),
    DemoScene(
        "Public website",
        GRACE,
        "creates a bucket for a public website. S3 website endpoints support HTTP only, so pipeseal only notifies the "
        "subscribers.",
        _create_website,
    ),
    DemoScene(
        "Stopped trail",
        GRACE,
        "stops the trail to reduce costs. EventBridge delivers API calls only while a trail is logging, so pipeseal "
        "restarts it.",
        _stop_trail,
    ),
)
