"""An API call to the embedded account has the record that CloudTrail writes, and the template's rules match it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pipeseal.kinds.cloudtrail import cause, subjects
from pipeseal.sandbox.account import EmbeddedAccount
from pipeseal.sandbox.event_rules import pattern_matcher
from pipeseal.sandbox.identities import ACCOUNT, ADA, GRACE, REGION, TERRAFORM, Identity, identity_of
from pipeseal.sandbox.records import ApiRequest, ApiResponse, event_of
from pipeseal.sandbox.template import Template, find_template

POLICY = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::records/*",
    },
}
ENCRYPTION = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
PATTERNS = {
    function.name: [pattern_matcher(pattern) for pattern in function.patterns]
    for function in Template(find_template(), ACCOUNT, REGION, {}).functions()
}

NO_MANAGEMENT_EVENTS = {"ReadWriteType": "All", "IncludeManagementEvents": False, "DataResources": []}

Call = Callable[[EmbeddedAccount], Any]


def recorded(account: EmbeddedAccount, call: Call) -> dict[str, Any]:
    """Return the event of *call*."""
    while not account.calls.empty():
        account.calls.get()
    call(account)
    event = account.calls.get(timeout=5)
    account.router.settle()
    return event


def matched_by(event: dict[str, Any]) -> set[str]:
    """Return the names of the functions whose rules match *event*."""
    return {name for name, matchers in PATTERNS.items() if any(matches(event) for matches in matchers)}


@pytest.fixture(scope="module")
def account(embedded: EmbeddedAccount) -> EmbeddedAccount:
    """Return an account with a bucket, a trail, an application, an asymmetric key and a multi-Region key."""
    embedded.client("s3").create_bucket(Bucket="records")
    embedded.client("codedeploy").create_application(applicationName="recorded")
    kms = embedded.client("kms")
    kms.create_alias(AliasName="alias/rsa", TargetKeyId=kms.create_key(KeySpec="RSA_2048")["KeyMetadata"]["KeyId"])
    primary = kms.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/primary", TargetKeyId=primary)
    embedded.client("cloudtrail").create_trail(Name="records", S3BucketName="records")
    return embedded


def key(account: EmbeddedAccount, alias: str) -> str:
    """Return the ID of the key with that alias."""
    metadata = account.client("kms").describe_key(KeyId=f"alias/{alias}")["KeyMetadata"]
    return str(metadata["KeyId"])


def structure(account: EmbeddedAccount) -> dict[str, Any]:
    """Return the structure of a pipeline with a plaintext token."""
    kind = {"category": "Source", "owner": "ThirdParty", "provider": "GitHub", "version": "1"}
    return {
        "name": "recorded",
        "roleArn": account.pipeline_role,
        "artifactStore": {"type": "S3", "location": "records"},
        "stages": [
            {
                "name": name,
                "actions": [{"name": "Act", "actionTypeId": kind, "configuration": {"OAuthToken": "swordfish"}}],
            }
            for name in ("Source", "Build")
        ],
    }


REVISION = {"revisionType": "S3", "s3Location": {"bucket": "records", "key": "app.zip", "bundleType": "zip"}}


def build_project(account: EmbeddedAccount) -> dict[str, Any]:
    """Return the parameters of a build project."""
    return {
        "name": "recorded",
        "source": {"type": "GITHUB", "location": "https://github.com/acme/recorded"},
        "artifacts": {"type": "S3", "location": "records"},
        "environment": {"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
        "serviceRole": account.pipeline_role,
    }


OPERATIONS: dict[str, tuple[str, Call]] = {
    "CreatePipeline": (
        "PipelineFunction",
        lambda a: a.client("codepipeline").create_pipeline(pipeline=structure(a)),
    ),
    "UpdatePipeline": (
        "PipelineFunction",
        lambda a: a.client("codepipeline").update_pipeline(pipeline=structure(a)),
    ),
    "DeletePipeline": ("PipelineFunction", lambda a: a.client("codepipeline").delete_pipeline(name="recorded")),
    "PutBucketPolicy": (
        "BucketFunction",
        lambda a: a.client("s3").put_bucket_policy(Bucket="records", Policy=json.dumps(POLICY)),
    ),
    "DeleteBucketPolicy": ("BucketFunction", lambda a: a.client("s3").delete_bucket_policy(Bucket="records")),
    "PutBucketEncryption": (
        "BucketFunction",
        lambda a: a.client("s3").put_bucket_encryption(Bucket="records", ServerSideEncryptionConfiguration=ENCRYPTION),
    ),
    "DeleteBucketEncryption": ("BucketFunction", lambda a: a.client("s3").delete_bucket_encryption(Bucket="records")),
    "CreateKey": ("KeyFunction", lambda a: a.client("kms").create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")),
    "CancelKeyDeletion": ("KeyFunction", lambda a: a.client("kms").cancel_key_deletion(KeyId=key(a, "rsa"))),
    "DisableKeyRotation": (
        "KeyFunction",
        lambda a: a.client("kms").disable_key_rotation(KeyId=key(a, "primary")),
    ),
    "EnableKey": ("KeyFunction", lambda a: a.client("kms").enable_key(KeyId=key(a, "rsa"))),
    "ReplicateKey": (
        "KeyFunction",
        lambda a: a.client("kms").replicate_key(KeyId=key(a, "primary"), ReplicaRegion="eu-west-1"),
    ),
    "CreateTrail": (
        "TrailFunction",
        lambda a: a.client("cloudtrail").create_trail(Name="recorded", S3BucketName="records"),
    ),
    "StartLogging": ("TrailFunction", lambda a: a.client("cloudtrail").start_logging(Name="records")),
    "StopLogging": ("TrailFunction", lambda a: a.client("cloudtrail").stop_logging(Name="records")),
    "PutEventSelectors": (
        "TrailFunction",
        lambda a: a.client("cloudtrail").put_event_selectors(
            TrailName="records", EventSelectors=[NO_MANAGEMENT_EVENTS]
        ),
    ),
    "UpdateTrail": (
        "TrailFunction",
        lambda a: a.client("cloudtrail").update_trail(Name="records", IncludeGlobalServiceEvents=False),
    ),
    "DeleteTrail": ("TrailFunction", lambda a: a.client("cloudtrail").delete_trail(Name="records")),
    "CreateDeploymentGroup": (
        "DeploymentFunction",
        lambda a: a.client("codedeploy").create_deployment_group(
            applicationName="recorded", deploymentGroupName="production", serviceRoleArn=a.pipeline_role
        ),
    ),
    "RegisterApplicationRevision": (
        "DeploymentFunction",
        lambda a: a.client("codedeploy").register_application_revision(applicationName="recorded", revision=REVISION),
    ),
    "CreateDeployment": (
        "DeploymentFunction",
        lambda a: a.client("codedeploy").create_deployment(
            applicationName="recorded", deploymentGroupName="production", revision=REVISION
        ),
    ),
    "CreateProject": ("ProjectFunction", lambda a: a.client("codebuild").create_project(**build_project(a))),
    "UpdateProject": (
        "ProjectFunction",
        lambda a: a.client("codebuild").update_project(name="recorded", description="changed"),
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_event_of_every_call_in_a_rule_names_its_resource(account: EmbeddedAccount, name: str) -> None:
    """Rules of one function only match the event, which can be parsed and contains no token."""
    function, call = OPERATIONS[name]
    event = recorded(account, call)
    assert event["detail"]["eventName"] == name
    assert matched_by(event) == {function}
    (ref,) = subjects(event)
    assert ref.account == ACCOUNT
    assert ref.region == ("eu-west-1" if name == "ReplicateKey" else REGION)
    assert cause(event).actor.name == "operator"
    assert "swordfish" not in json.dumps(event)


def test_every_event_name_in_a_rule_is_tested() -> None:
    """The event names in the template's patterns are the calls above."""
    functions = Template(find_template(), ACCOUNT, REGION, {}).functions()
    names = {name for each in functions for pattern in each.patterns for name in pattern["detail"]["eventName"]}
    assert names == set(OPERATIONS)


@pytest.mark.parametrize(
    "call",
    [
        lambda a: a.client("s3").create_bucket(Bucket="fresh"),
        lambda a: a.client("s3").put_bucket_versioning(Bucket="records", VersioningConfiguration={"Status": "Enabled"}),
        lambda a: a.client("kms").disable_key(KeyId=key(a, "primary")),
        lambda a: a.client("kms").enable_key_rotation(KeyId=key(a, "primary")),
    ],
)
def test_other_calls_are_recorded_and_match_no_rule(account: EmbeddedAccount, call: Call) -> None:
    """Calls that no rule names invoke no function."""
    assert matched_by(recorded(account, call)) == set()


def test_a_failed_call_is_recorded_with_its_error_code_and_matches_no_rule(account: EmbeddedAccount) -> None:
    """The service's own error code is in the record, and responseElements is null."""
    for call, code in (
        (lambda: account.client("s3").delete_bucket_policy(Bucket="no-such-bucket"), "NoSuchBucket"),
        (lambda: account.client("kms").enable_key(KeyId="0" * 36), "NotFoundException"),
    ):

        def failing(_account: EmbeddedAccount, call: Callable[[], Any] = call) -> None:
            with pytest.raises(ClientError):
                call()

        event = recorded(account, failing)
        assert event["detail"]["errorCode"] == code
        assert event["detail"]["responseElements"] is None
        assert matched_by(event) == set()


def test_data_events_and_read_only_calls_are_not_delivered(account: EmbeddedAccount) -> None:
    """Calls on objects have no record, and EventBridge delivers no read-only management events."""
    s3 = account.client("s3")
    recorded(account, lambda _: s3.create_bucket(Bucket="objects"))
    s3.put_object(Bucket="objects", Key="policy", Body=b"x")
    s3.get_object(Bucket="objects", Key="policy")
    s3.list_objects_v2(Bucket="objects")
    s3.head_bucket(Bucket="objects")
    s3.get_bucket_encryption(Bucket="objects")
    assert account.calls.empty()


def test_kms_records_the_key_spec_under_both_names(account: EmbeddedAccount) -> None:
    """Request and response of CreateKey have keySpec and customerMasterKeySpec; the policy is a string."""
    detail = recorded(
        account, lambda a: a.client("kms").create_key(CustomerMasterKeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    )["detail"]
    for side in (detail["requestParameters"], detail["responseElements"]["keyMetadata"]):
        assert side["keySpec"] == side["customerMasterKeySpec"] == "ECC_NIST_P256"
    assert detail["requestParameters"]["policy"] == ""
    assert detail["responseElements"]["keyMetadata"]["aWSAccountId"] == ACCOUNT


def test_s3_records_the_policy_as_an_object_and_no_response(account: EmbeddedAccount) -> None:
    """The record of PutBucketPolicy has the parsed policy, an empty `policy`, and responseElements null."""
    _, call = OPERATIONS["PutBucketPolicy"]
    detail = recorded(account, call)["detail"]
    assert detail["requestParameters"] == {
        "bucketName": "records",
        "Host": "records.s3.us-east-1.amazonaws.com",
        "policy": "",
        "bucketPolicy": POLICY,
    }
    assert detail["responseElements"] is None
    assert detail["resources"] == [{"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::records"}]


def test_s3_records_an_xml_body_as_an_object(account: EmbeddedAccount) -> None:
    """The record of PutBucketEncryption has the configuration under the name of its XML element."""
    _, call = OPERATIONS["PutBucketEncryption"]
    parameters = recorded(account, call)["detail"]["requestParameters"]
    rule = parameters["ServerSideEncryptionConfiguration"]["Rule"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert parameters["ServerSideEncryptionConfiguration"]["xmlns"].startswith("http://s3.amazonaws.com/")
    assert parameters["encryption"] == ""


def test_a_token_is_redacted_and_the_keys_of_maps_are_kept(account: EmbeddedAccount) -> None:
    """The names in an action's configuration keep their case; the token is redacted as CloudTrail does."""
    _, call = OPERATIONS["CreatePipeline"]
    detail = recorded(account, call)["detail"]
    for side in ("requestParameters", "responseElements"):
        action = detail[side]["pipeline"]["stages"][0]["actions"][0]
        assert action["configuration"] == {"OAuthToken": "HIDDEN_DUE_TO_SECURITY_REASONS"}


@pytest.mark.parametrize(
    ("identity", "name", "mfa", "via"),
    [
        (ADA, "ada@example.com as role AWSReservedSSO_Developer_5d1c0ffee0ddba11", False, ""),
        (GRACE, "grace", True, "the AWS console"),
        (TERRAFORM, "terraform", None, "Terraform"),
        (identity_of("eve"), "eve", None, ""),
    ],
)
def test_the_access_key_id_decides_the_actor(
    account: EmbeddedAccount,
    identity: Identity,
    name: str,
    mfa: bool | None,  # noqa: FBT001
    via: str,
) -> None:
    """The record names the identity that signed the call, with MFA and tool."""
    actor = cause(recorded(account, lambda a: a.client("kms", identity).create_key())).actor
    assert (actor.name, actor.mfa, actor.via) == (name, mfa, via)


@pytest.mark.parametrize(
    ("host", "path"),
    [("127.0.0.1:5000", "/shop"), ("shop.localhost:5000", "/"), ("shop.s3.us-east-1.amazonaws.com", "/")],
)
def test_path_style_and_virtual_hosted_style_requests_have_the_same_record(host: str, path: str) -> None:
    """The bucket is in the path or in the host name."""
    authorization = "AWS4-HMAC-SHA256 Credential=ada/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host"
    request = ApiRequest("DELETE", path, "policy", {"host": host, "authorization": authorization})
    event = event_of(request, ApiResponse(204, {}), ADA, ACCOUNT, datetime(2026, 1, 1, tzinfo=UTC))
    assert event is not None
    assert event["region"] == "eu-west-1"
    assert event["time"] == event["detail"]["eventTime"] == "2026-01-01T00:00:00Z"
    assert [ref.name for ref in subjects(event)] == ["shop"]
