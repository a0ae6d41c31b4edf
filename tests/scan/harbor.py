"""An account with something of every kind in it, much of it wrong; and reports made by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import boto3
from tests.account import ACCOUNT, REGION
from tests.resources import action, document

from pipeseal.controls.s3_tls import deny_insecure
from pipeseal.exemptions import Exemption
from pipeseal.model import Kind, Ref
from pipeseal.scan.report import Advice, Answer, Report, Unseen, Violation

ELSEWHERE = "eu-central-1"
CLEAR = {"type": "S3", "location": "harbor-builds", "encryptionDisabled": True}
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def bucket(name: str, region: str = REGION, *, sealed: bool = False) -> str:
    """Make a bucket; one that is *sealed* refuses requests in clear. Return its ARN."""
    where: Any = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3 = boto3.client("s3", region)
    s3.create_bucket(Bucket=name, **where)
    arn = f"arn:aws:s3:::{name}"
    if sealed:
        policy = {"Version": "2012-10-17", "Statement": [deny_insecure(arn).statement]}
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    return arn


def pipeline(structure: dict[str, Any]) -> str:
    """Make the role and the pipeline; return its ARN."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}}]}
    boto3.client("iam").create_role(RoleName="pipeline", AssumeRolePolicyDocument=json.dumps(trust))
    boto3.client("codepipeline").create_pipeline(pipeline=structure)  # type: ignore[arg-type]
    return f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{structure['name']}"


def fill() -> dict[str, str]:
    """Make something of every kind; return what the tests name -> its ARN."""
    keys = {region: boto3.client("kms", region).create_key()["KeyMetadata"]["Arn"] for region in (REGION, ELSEWHERE)}
    asymmetric = boto3.client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    structure = document((REGION, "harbor", keys[REGION]), (ELSEWHERE, "harbor-abroad", keys[ELSEWHERE]))
    structure["stages"][0]["actions"][0] = action("Checkout", BranchName="main", DB_PASSWORD="made-up-but-literal-9")
    made = {
        "artifacts": bucket("harbor", sealed=True),
        "abroad": bucket("harbor-abroad", ELSEWHERE),
        "plain": bucket("plain"),
        "sealed": bucket("sealed", sealed=True),
        "elsewhere": bucket("elsewhere", ELSEWHERE),
        "records": bucket("harbor-trail", sealed=True),
        "key": keys[REGION],
        "key abroad": keys[ELSEWHERE],
        "asymmetric": asymmetric,
        "pipeline": pipeline(structure),
        "project": f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/harbor",
        "application": f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:application:harbor",
        "trail": f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/harbor",
    }
    project: Any = boto3.client("codebuild")
    project.create_project(
        name="harbor",
        source={"type": "GITHUB", "location": "https://github.com/acme/harbor"},
        artifacts=CLEAR,
        environment={"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=f"arn:aws:iam::{ACCOUNT}:role/build",
    )
    _deploy()
    cloudtrail = boto3.client("cloudtrail")
    cloudtrail.create_trail(Name="harbor", S3BucketName="harbor-trail", IsMultiRegionTrail=True)
    cloudtrail.start_logging(Name="harbor")
    cloudtrail.stop_logging(Name="harbor")
    return made


def _deploy() -> None:
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


def report(*violations: Violation, unreadable: tuple[Unseen, ...] = (), **fields: Any) -> Report:
    """Make a report of five buckets at noon."""
    told = Advice("MACIE.ENABLED", "Macie looks", Answer.UNKNOWN, "AWS refused", "Enable it.", "https://example.com")
    return Report(
        **{
            "account": ACCOUNT,
            "region": REGION,
            "time": NOON,
            "scanned": {Kind.BUCKET: 5},
            "violations": violations,
            "unreadable": unreadable,
            "advice": (told,),
            **fields,
        }
    )
