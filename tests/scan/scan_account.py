"""An account with resources of every kind, many of them in violation; and scan reports made by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import boto3
from tests.fake_account import ACCOUNT, REGION
from tests.resources import action, document

from pipeseal.controls.s3_tls import deny_insecure
from pipeseal.exemptions import Exemption
from pipeseal.model import Kind, Ref
from pipeseal.scan.report import Advice, AdviceAnswer, ScanReport, ScanViolation, UnreadResource

OTHER_REGION = "eu-central-1"
UNENCRYPTED = {"type": "S3", "location": "harbor-builds", "encryptionDisabled": True}
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def create_bucket(name: str, region: str = REGION, *, require_tls: bool = False) -> str:
    """Create a bucket, with a policy that denies plaintext requests where *require_tls*; return its ARN."""
    location: Any = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3 = boto3.client("s3", region)
    s3.create_bucket(Bucket=name, **location)
    arn = f"arn:aws:s3:::{name}"
    if require_tls:
        policy = {"Version": "2012-10-17", "Statement": [deny_insecure(arn).statement]}
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    return arn


def create_pipeline(structure: dict[str, Any]) -> str:
    """Create a pipeline and its role; return the ARN of the pipeline."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}}]}
    boto3.client("iam").create_role(RoleName="pipeline", AssumeRolePolicyDocument=json.dumps(trust))
    boto3.client("codepipeline").create_pipeline(pipeline=structure)  # type: ignore[arg-type]
    return f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{structure['name']}"


def create_resources() -> dict[str, str]:
    """Create resources of every kind; return their ARNs by the names that the tests use."""
    keys = {region: boto3.client("kms", region).create_key()["KeyMetadata"]["Arn"] for region in (REGION, OTHER_REGION)}
    asymmetric = boto3.client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    structure = document((REGION, "harbor", keys[REGION]), (OTHER_REGION, "harbor-abroad", keys[OTHER_REGION]))
    structure["stages"][0]["actions"][0] = action("Checkout", BranchName="main", DB_PASSWORD="made-up-but-literal-9")
    arns = {
        "artifacts": create_bucket("harbor", require_tls=True),
        "artifacts in other region": create_bucket("harbor-abroad", OTHER_REGION),
        "plain": create_bucket("plain"),
        "tls": create_bucket("tls", require_tls=True),
        "unrelated in other region": create_bucket("unrelated", OTHER_REGION),
        "trail logs": create_bucket("harbor-trail", require_tls=True),
        "key": keys[REGION],
        "key in other region": keys[OTHER_REGION],
        "asymmetric": asymmetric,
        "pipeline": create_pipeline(structure),
        "project": f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/harbor",
        "application": f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:application:harbor",
        "trail": f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/harbor",
    }
    codebuild: Any = boto3.client("codebuild")
    codebuild.create_project(
        name="harbor",
        source={"type": "GITHUB", "location": "https://github.com/acme/harbor"},
        artifacts=UNENCRYPTED,
        environment={"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=f"arn:aws:iam::{ACCOUNT}:role/build",
    )
    _create_application()
    cloudtrail = boto3.client("cloudtrail")
    cloudtrail.create_trail(Name="harbor", S3BucketName="harbor-trail", IsMultiRegionTrail=True)
    cloudtrail.start_logging(Name="harbor")
    cloudtrail.stop_logging(Name="harbor")
    return arns


def _create_application() -> None:
    codedeploy: Any = boto3.client("codedeploy")
    codedeploy.create_application(applicationName="harbor", computePlatform="Lambda")
    codedeploy.create_deployment_group(
        applicationName="harbor", deploymentGroupName="production", serviceRoleArn=f"arn:aws:iam::{ACCOUNT}:role/deploy"
    )
    codedeploy.create_deployment(
        applicationName="harbor",
        deploymentGroupName="production",
        revision={"revisionType": "String", "string": {"content": "version: 0.0\nResources: []"}},
    )


REF = Ref(Kind.BUCKET, ACCOUNT, REGION, "harbor")
EXEMPTION = Exemption("ex-1", "S3.*", "*", "ada@example.com", "a partner without TLS", NOON.replace(year=2027))


def report(*violations: ScanViolation, unreadable: tuple[UnreadResource, ...] = (), **fields: Any) -> ScanReport:
    """Make a report of five buckets, scanned at noon."""
    advice = Advice(
        "MACIE.ENABLED",
        "Amazon Macie enabled",
        AdviceAnswer.UNKNOWN,
        "AWS refused",
        "Enable it.",
        "https://example.com",
    )
    return ScanReport(
        **{
            "account": ACCOUNT,
            "region": REGION,
            "time": NOON,
            "scanned": {Kind.BUCKET: 5},
            "violations": violations,
            "unreadable": unreadable,
            "advice": (advice,),
            **fields,
        }
    )
