"""The main job as people outside see it: somebody leaves something unsealed, and what they find a moment later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError
from tests.e2e.cloud import ACCOUNT, REGION, Cloud, Credentials, eventually

from pipeseal.aws.ledger import Ledger
from pipeseal.exemptions import Grounds, grant

if TYPE_CHECKING:
    from tests.e2e.stack import Stack

TOKEN = "ghp_" + "a1B2c3D4e5F6" * 3


@dataclass(frozen=True, slots=True)
class Job:
    """Somebody at work on the account."""

    cloud: Cloud
    stack: Stack
    who: Credentials
    role: str
    """ARN of a role for pipelines."""

    def client(self, service: str, *, clear: bool = False) -> Any:
        """Return a client of the person at work."""
        return self.cloud.client(service, self.who, clear=clear)

    def excuse(self, tag: str) -> None:
        """Excuse everything that carries *tag* from everything, for a month."""
        now = datetime.now(UTC)
        exemption = grant("*", "*", Grounds("ada", "it is tagged so", now + timedelta(days=30)), now, tag=tag)
        Ledger(self.cloud.client("dynamodb"), self.stack.outputs["LedgerTableName"], lambda: now).excuse(exemption)

    def sweep(self) -> None:
        """Let CloudTrail lose what was done, and the sweep find it."""
        self.cloud.forget_calls()
        function = self.stack.resources("AWS::Lambda::Function")["SweepFunction"]
        self.cloud.client("lambda").invoke(FunctionName=function, Payload="{}")
        queue = self.stack.resources("AWS::SQS::Queue")["SweepQueue"]
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")

        def done() -> bool:
            self.cloud.settle()
            found = self.cloud.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=list(names))
            return not any(int(found["Attributes"][name]) for name in names)

        eventually(done, "the sweep has worked off its messages", 20)

    def bucket(self, name: str) -> str:
        """Make a bucket, which has no policy; return its name."""
        self.client("s3").create_bucket(Bucket=name)
        return name

    def policy(self, bucket: str) -> dict[str, Any]:
        """Return the bucket's policy; an empty one where there is none."""
        try:
            found: dict[str, Any] = json.loads(self.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
                raise
            return {"Statement": []}
        return found

    def put_policy(self, bucket: str) -> None:
        """Give the bucket a policy that forgets TLS."""
        self.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(forgetful(bucket)))

    def sids(self, bucket: str) -> set[str]:
        """Return the Sids of the bucket's policy."""
        return {statement.get("Sid", "") for statement in self.policy(bucket)["Statement"]}

    def encryption(self, bucket: str) -> tuple[str, str]:
        """Return the bucket's default: the algorithm and the key."""
        found = self.client("s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
        default = found["Rules"][0]["ApplyServerSideEncryptionByDefault"]
        return default["SSEAlgorithm"], default.get("KMSMasterKeyID", "")

    def rsa_key(self) -> str:
        """Make an asymmetric key; return its ARN."""
        made = self.client("kms").create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
        return str(made["KeyMetadata"]["Arn"])

    def key_state(self, key: str) -> str:
        """Return the state of a key."""
        return str(self.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"])

    def pipeline(self, name: str, bucket: str, key: str = "", token: str = "") -> str:
        """Make a pipeline, which holds *token* in clear; return its name."""
        self.client("codepipeline").create_pipeline(pipeline=document(name, self.role, bucket, key, token))
        return name

    def artifact_key(self, pipeline: str) -> str:
        """Return the key that the pipeline names."""
        found = self.client("codepipeline").get_pipeline(name=pipeline)["pipeline"]["artifactStore"]
        return str(found.get("encryptionKey", {}).get("id", ""))

    def closed(self, pipeline: str) -> bool:
        """Say whether the way into the pipeline's second stage is closed."""
        state = self.client("codepipeline").get_pipeline_state(name=pipeline)
        return not state["stageStates"][1]["inboundTransitionState"]["enabled"]

    def upload(self, bucket: str, *, clear: bool = False, **how: str) -> int:
        """Try to upload an object; return the HTTP status of the answer."""
        try:
            answer = self.client("s3", clear=clear).put_object(Bucket=bucket, Key="artifact", Body=b"built", **how)
        except ClientError as error:
            answer = error.response
        return int(answer["ResponseMetadata"]["HTTPStatusCode"])

    def read(self, bucket: str, *, clear: bool) -> int:
        """Try to list the bucket; return the HTTP status of the answer."""
        try:
            answer = self.client("s3", clear=clear).list_objects_v2(Bucket=bucket)
        except ClientError as error:
            answer = error.response
        return int(answer["ResponseMetadata"]["HTTPStatusCode"])


def forgetful(bucket: str) -> dict[str, Any]:
    """Return a policy that forgets TLS."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Mine",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{bucket}/*",
            }
        ],
    }


def document(name: str, role: str, bucket: str, key: str = "", token: str = "") -> dict[str, Any]:
    """Return the structure of a pipeline of two stages."""
    store = {"type": "S3", "location": bucket} | ({"encryptionKey": {"id": key, "type": "KMS"}} if key else {})
    source = {"Owner": "acme", "Repo": name, "Branch": "main"} | ({"OAuthToken": token} if token else {})
    return {
        "name": name,
        "roleArn": role,
        "artifactStore": store,
        "stages": [
            _stage("Source", "Source", "ThirdParty" if token else "AWS", "GitHub" if token else "S3", source),
            _stage("Build", "Build", "AWS", "CodeBuild", {"ProjectName": name}),
        ],
    }


def _stage(name: str, category: str, owner: str, provider: str, configuration: Mapping[str, str]) -> dict[str, Any]:
    kind = {"category": category, "owner": owner, "provider": provider, "version": "1"}
    artifacts = {"outputArtifacts" if category == "Source" else "inputArtifacts": [{"name": "code"}]}
    action = {"name": name, "actionTypeId": kind, "configuration": dict(configuration), **artifacts}
    return {"name": name, "actions": [action]}


def event(source: str, name: str, request: object) -> dict[str, Any]:
    """Return the event of a call that nobody made."""
    return {
        "source": f"aws.{source}",
        "detail-type": "AWS API Call via CloudTrail",
        "detail": {
            "eventVersion": "1.11",
            "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/ada", "userName": "ada"},
            "eventTime": "2026-11-21T09:29:58Z",
            "eventSource": f"{source}.amazonaws.com",
            "eventName": name,
            "awsRegion": REGION,
            "requestParameters": request,
            "responseElements": None,
            "eventID": str(uuid4()),
        },
    }
