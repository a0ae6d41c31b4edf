"""A developer in the account: creates resources in violation, and reads what became of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError
from tests.e2e.cloud import ACCOUNT, REGION, Cloud, Credentials, eventually

from pipeseal.clock import Clock
from pipeseal.exemptions import Grounds, grant
from pipeseal.ledger import Ledger

if TYPE_CHECKING:
    from tests.e2e.stack import DeployedStack

TOKEN = "ghp_" + "a1B2c3D4e5F6" * 3


@dataclass(frozen=True, slots=True)
class Developer:
    """An IAM user with all permissions, and the account that they work in."""

    cloud: Cloud
    stack: DeployedStack
    credentials: Credentials
    role: str
    """ARN of a role for pipelines."""

    def client(self, service: str, *, http: bool = False) -> Any:
        """Return a client that signs as the developer."""
        return self.cloud.client(service, self.credentials, http=http)

    def exempt(self, tag: str) -> None:
        """Exempt every resource with *tag* from every control, for a month."""
        now = datetime.now(UTC)
        exemption = grant("*", "*", Grounds("ada", "its tag", now + timedelta(days=30)), now, tag=tag)
        table = self.stack.outputs["LedgerTableName"]
        Ledger(self.cloud.client("dynamodb"), table, Clock()).exemptions.add(exemption)

    def sweep(self) -> None:
        """Drop the events of all calls so far, and run a sweep to its end."""
        self.cloud.drop_events()
        function = self.stack.resources("AWS::Lambda::Function")["SweepFunction"]
        self.cloud.client("lambda").invoke(FunctionName=function, Payload="{}")
        queue = self.stack.resources("AWS::SQS::Queue")["SweepQueue"]
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")

        def done() -> bool:
            self.cloud.settle()
            found = self.cloud.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=list(names))
            return not any(int(found["Attributes"][name]) for name in names)

        eventually(done, "the sweep queue is empty", 20)

    def bucket(self, name: str) -> str:
        """Create a bucket without a policy; return its name."""
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
        """Put a policy that does not require TLS."""
        self.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy_without_tls(bucket)))

    def sids(self, bucket: str) -> set[str]:
        """Return the Sids of the bucket's policy."""
        return {statement.get("Sid", "") for statement in self.policy(bucket)["Statement"]}

    def encryption(self, bucket: str) -> tuple[str, str]:
        """Return algorithm and key of the bucket's default encryption."""
        found = self.client("s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
        default = found["Rules"][0]["ApplyServerSideEncryptionByDefault"]
        return default["SSEAlgorithm"], default.get("KMSMasterKeyID", "")

    def rsa_key(self) -> str:
        """Create an asymmetric key; return its ARN."""
        made = self.client("kms").create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
        return str(made["KeyMetadata"]["Arn"])

    def key_state(self, key: str) -> str:
        """Return the state of a key."""
        return str(self.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"])

    def pipeline(self, name: str, bucket: str, key: str = "", token: str = "") -> str:
        """Create a pipeline, with *token* in plaintext where one is given; return its name."""
        self.client("codepipeline").create_pipeline(pipeline=document(name, self.role, bucket, key, token))
        return name

    def artifact_key(self, pipeline: str) -> str:
        """Return the key that the pipeline names."""
        found = self.client("codepipeline").get_pipeline(name=pipeline)["pipeline"]["artifactStore"]
        return str(found.get("encryptionKey", {}).get("id", ""))

    def quarantined(self, pipeline: str) -> bool:
        """Return whether the transition into the pipeline's second stage is disabled."""
        state = self.client("codepipeline").get_pipeline_state(name=pipeline)
        return not state["stageStates"][1]["inboundTransitionState"]["enabled"]

    def upload(self, bucket: str, *, http: bool = False, **headers: str) -> int:
        """Upload an object; return the HTTP status of the response."""
        try:
            response = self.client("s3", http=http).put_object(Bucket=bucket, Key="artifact", Body=b"built", **headers)
        except ClientError as error:
            response = error.response
        return int(response["ResponseMetadata"]["HTTPStatusCode"])

    def read(self, bucket: str, *, http: bool) -> int:
        """List the bucket; return the HTTP status of the response."""
        try:
            response = self.client("s3", http=http).list_objects_v2(Bucket=bucket)
        except ClientError as error:
            response = error.response
        return int(response["ResponseMetadata"]["HTTPStatusCode"])


def policy_without_tls(bucket: str) -> dict[str, Any]:
    """Return a policy that does not require TLS."""
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
    """Return the event of a call that was not made."""
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
