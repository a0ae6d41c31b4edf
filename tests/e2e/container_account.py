"""The account of the containers: moto with the resources of the stack, where a sample event finds its resources."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from moto.core.base_backend import BackendDict
from moto.kms.models import kms_backends
from moto.kms.responses import KmsResponse

from pipeseal.kinds.cloudtrail import cause
from pipeseal.model import Kind, Ref
from pipeseal.remediation.reconcile import reconcile
from pipeseal.runtime import Runtime
from pipeseal.sandbox.template import Template

ROOT = Path(__file__).parents[2]
ACCOUNT, REGION = "123456789012", "us-east-1"
STACK = "local"
"""The name that SAM local gives to every stack."""
WITHOUT_VIOLATION = {"CreateTrail", "StartLogging", "DeletePipeline"}
"""Calls that violate no control: they only update the ledger."""

_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Mine",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::BUCKET/*",
        }
    ],
}


@dataclass(frozen=True, slots=True)
class ContainerAccount:
    """moto with the resources of the stack, which containers reach at *url*."""

    stack: Template
    url: str

    def client(self, service: str, region: str = REGION) -> Any:
        """Return a client of moto."""
        return boto3.client(
            service,  # type: ignore[call-overload]
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def reset(self) -> None:
        """Delete everything, and create what the template creates, with a subscriber."""
        BackendDict.reset()
        (table,) = self.stack.properties("AWS::DynamoDB::Table")
        used = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
        own = {name: table[name] for name in used if name in table}
        self.client("dynamodb").create_table(TableName=self.stack.resolve(table["TableName"], "the table"), **own)
        (topic,) = self.stack.properties("AWS::SNS::Topic")
        arn = self.client("sns").create_topic(Name=self.stack.resolve(topic["TopicName"], "the topic"))["TopicArn"]
        self.client("sqs").create_queue(QueueName="subscriber")
        queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:subscriber"
        self.client("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)
        trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}}]}
        trust["Statement"][0]["Action"] = "sts:AssumeRole"
        self.client("iam").create_role(RoleName="codepipeline", AssumeRolePolicyDocument=json.dumps(trust))

    def arrange(self, ref: Ref, event: Mapping[str, Any]) -> None:
        """Create the resource *ref* as the sample event left it: in violation, unless the call violates nothing."""
        call, request = event["detail"]["eventName"], event["detail"]["requestParameters"] or {}
        match ref.kind:
            case Kind.BUCKET:
                self._bucket(ref)
            case Kind.KEY:
                self._rsa_key(ref)
            case Kind.PIPELINE if call == "DeletePipeline":
                made = json.loads((ROOT / "events/create_pipeline.json").read_text("utf-8"))
                self._pipeline(ref, made["detail"]["requestParameters"]["pipeline"])
                self._reconcile(ref, made)
                self.alerted()
                self.client("codepipeline", ref.region).delete_pipeline(name=ref.name)
            case Kind.PIPELINE:
                self._pipeline(ref, request["pipeline"])
            case Kind.APPLICATION:
                self._application(ref)
            case Kind.PROJECT:
                self._project(ref)
            case Kind.TRAIL:
                self._trail(ref, call)

    def _reconcile(self, ref: Ref, event: Mapping[str, Any]) -> None:
        """Handle *event* in this process, outside of any container."""
        names = {
            "LEDGER_TABLE": f"{STACK}-ledger",
            "ALERT_TOPIC_ARN": f"arn:aws:sns:{REGION}:{ACCOUNT}:{STACK}-alerts",
        }
        list(reconcile(ref, cause(event), Runtime({"AWS_REGION": REGION, **names}, clients=self.client)))

    def _application(self, ref: Ref) -> None:
        codedeploy, role = self.client("codedeploy", ref.region), f"arn:aws:iam::{ACCOUNT}:role/codepipeline"
        self._bucket(Ref(Kind.BUCKET, ACCOUNT, ref.region, "harbor-revisions"))
        location = {"bucket": "harbor-revisions", "key": "harbor/app-214.zip", "bundleType": "zip"}
        revision = {"revisionType": "S3", "s3Location": location}
        codedeploy.create_application(applicationName=ref.name)
        codedeploy.create_deployment_group(
            applicationName=ref.name, deploymentGroupName="harbor-production", serviceRoleArn=role
        )
        codedeploy.create_deployment(
            applicationName=ref.name, deploymentGroupName="harbor-production", revision=revision
        )

    def _project(self, ref: Ref) -> None:
        """Create the project of the sample for CreateProject, which has unencrypted artifacts."""
        made = json.loads((ROOT / "events/create_project.json").read_text("utf-8"))["detail"]["requestParameters"]
        kept = ("name", "source", "artifacts", "environment", "serviceRole")
        self._bucket(Ref(Kind.BUCKET, ACCOUNT, ref.region, made["artifacts"]["location"]))
        self.client("codebuild", ref.region).create_project(**{name: made[name] for name in kept})

    def _trail(self, ref: Ref, call: str) -> None:
        self.client("s3").create_bucket(Bucket="harbor-trail-records")
        cloudtrail = self.client("cloudtrail", ref.region)
        cloudtrail.create_trail(
            Name=ref.name,
            S3BucketName="harbor-trail-records",
            IsMultiRegionTrail=True,
            EnableLogFileValidation=True,
        )
        cloudtrail.start_logging(Name=ref.name)
        if call in WITHOUT_VIOLATION:
            return
        self._reconcile(ref, json.loads((ROOT / "events/start_logging.json").read_text("utf-8")))
        match call:
            case "StopLogging":
                cloudtrail.stop_logging(Name=ref.name)
            case "DeleteTrail":
                cloudtrail.delete_trail(Name=ref.name)
            case "UpdateTrail":
                cloudtrail.update_trail(Name=ref.name, IsMultiRegionTrail=False, EnableLogFileValidation=False)
            case "PutEventSelectors":
                narrow = [{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}]
                cloudtrail.put_event_selectors(TrailName=ref.name, EventSelectors=narrow)

    def _bucket(self, ref: Ref) -> None:
        where = {} if ref.region == REGION else {"CreateBucketConfiguration": {"LocationConstraint": ref.region}}
        s3 = self.client("s3", ref.region)
        s3.create_bucket(Bucket=ref.name, **where)
        s3.put_bucket_policy(Bucket=ref.name, Policy=json.dumps(_POLICY).replace("BUCKET", ref.name))

    def _rsa_key(self, ref: Ref) -> None:
        """Create an asymmetric key with that ID."""
        made = self.client("kms", ref.region).create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
        backend = kms_backends[ACCOUNT][ref.region]
        key = backend.keys.pop(made["KeyMetadata"]["KeyId"])
        key.id, key.arn = ref.name, ref.arn
        backend.keys[ref.name] = key

    def _pipeline(self, ref: Ref, document: Mapping[str, Any]) -> None:
        role = f"arn:aws:iam::{ACCOUNT}:role/codepipeline"
        stores = document.get("artifactStores") or {REGION: document["artifactStore"]}
        for region, store in stores.items():
            self._bucket(Ref(Kind.BUCKET, ACCOUNT, region, store["location"]))
        self._rsa_key(key := Ref(Kind.KEY, ACCOUNT, REGION, "7d0f3c1e-52a8-4b6f-9f0d-6e2b8c4a1d37"))
        under = {"encryptionKey": {"id": key.arn, "type": "KMS"}}
        stores = {region: {**store, **(under if region == REGION else {})} for region, store in stores.items()}
        # moto accepts only these fields, and the asymmetric key is what matters here.
        kept = {name: value for name, value in document.items() if name in ("name", "stages")}
        self.client("codepipeline", ref.region).create_pipeline(
            pipeline={**kept, "roleArn": role, "artifactStore": stores[REGION]}
        )

    def faults(self, ref: Ref, call: str) -> Iterator[str]:
        """Yield what is not as expected after *call*, in the resource or in the ledger."""
        match ref.kind:
            case Kind.BUCKET:
                yield from self._faults_of_bucket(ref)
            case Kind.KEY:
                state = self.client("kms", ref.region).describe_key(KeyId=ref.arn)["KeyMetadata"]["KeyState"]
                if state != "PendingDeletion":
                    yield f"{ref.arn} is {state}"
            case Kind.PIPELINE if call == "DeletePipeline":
                if ref.arn in self._records("harbor-artifacts"):
                    yield "the bucket still has the pipeline as a dependent in the ledger"
            case Kind.PIPELINE:
                yield from self._faults_of_pipeline(ref)
            case Kind.APPLICATION:
                yield from self._faults_of_bucket(Ref(Kind.BUCKET, ACCOUNT, ref.region, "harbor-revisions"))
            case Kind.PROJECT:
                yield from self._faults_of_project(ref)
            case Kind.TRAIL if call != "DeleteTrail":  # a deleted trail is only alerted
                yield from self._faults_of_trail(ref)

    def _faults_of_bucket(self, ref: Ref) -> Iterator[str]:
        s3 = self.client("s3", ref.region)
        policy = json.loads(s3.get_bucket_policy(Bucket=ref.name)["Policy"])
        sids = {each["Sid"] for each in policy["Statement"]}
        yield from sorted({"Mine", "DenyInsecureConnections", *self._uploads(ref)} - sids)
        rule = s3.get_bucket_encryption(Bucket=ref.name)["ServerSideEncryptionConfiguration"]["Rules"][0]
        if rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] != "aws:kms":
            yield f"{ref.name} has no SSE-KMS default encryption"

    def _faults_of_pipeline(self, ref: Ref) -> Iterator[str]:
        codepipeline = self.client("codepipeline", ref.region)
        found = codepipeline.get_pipeline(name=ref.name)["pipeline"]
        state = codepipeline.get_pipeline_state(name=ref.name)["stageStates"][1]
        if state["inboundTransitionState"]["enabled"]:
            yield f"{ref.arn} is not quarantined"
        yield from self._faults_of_bucket(Ref(Kind.BUCKET, ACCOUNT, REGION, found["artifactStore"]["location"]))

    def _faults_of_project(self, ref: Ref) -> Iterator[str]:
        (project,) = self.client("codebuild", ref.region).batch_get_projects(names=[ref.name])["projects"]
        if project["artifacts"].get("encryptionDisabled"):
            yield f"{ref.arn} has unencrypted artifacts"
        yield from self._faults_of_bucket(Ref(Kind.BUCKET, ACCOUNT, ref.region, project["artifacts"]["location"]))

    def _faults_of_trail(self, ref: Ref) -> Iterator[str]:
        cloudtrail = self.client("cloudtrail", ref.region)
        if not cloudtrail.get_trail_status(Name=ref.name)["IsLogging"]:
            yield f"{ref.arn} does not log"
        (selector,) = cloudtrail.get_event_selectors(TrailName=ref.name)["EventSelectors"]
        if selector["ReadWriteType"] != "All":
            yield f"{ref.arn} logs {selector['ReadWriteType']}"
        if not self._records(ref.arn):
            yield f"the ledger has no record of {ref.arn}"

    def _uploads(self, ref: Ref) -> set[str]:
        """Return the Sid of the strict statement, which buckets of CodeDeploy and CodeBuild do not have."""
        return set() if ref.name in ("harbor-revisions", "harbor-builds") else {"DenyUnEncryptedObjectUploads"}

    def _records(self, resource: str) -> str:
        """Return the ledger's records of resources with *resource* in their ARN, as JSON; "" where there are none."""
        items = self.client("dynamodb").scan(TableName=f"{STACK}-ledger")["Items"]
        return json.dumps(
            [item for item in items if resource in item["resource"]["S"] and item["id"]["S"].startswith("#")] or ""
        ).strip('"')

    def alerted(self) -> set[str]:
        """Return the ARNs of the resources that were alerted since the last time."""
        found = set()
        while (
            messages := self.client("sqs")
            .receive_message(QueueUrl=f"{self.url}/{ACCOUNT}/subscriber", MaxNumberOfMessages=10)
            .get("Messages")
        ):
            for message in messages:
                found.add(json.loads(json.loads(message["Body"])["Message"])["resource"]["arn"])
                self.client("sqs").delete_message(
                    QueueUrl=f"{self.url}/{ACCOUNT}/subscriber", ReceiptHandle=message["ReceiptHandle"]
                )
        return found


def accept_multi_region_keys() -> None:
    """Make moto accept the IDs of multi-Region keys: "mrk-" and 32 hexadecimal digits, without hyphens."""
    validate = KmsResponse._validate_cmk_id  # noqa: SLF001 - moto has no public function

    def validating(self: KmsResponse, key_id: str) -> None:
        if not (key_id.startswith("mrk-") and key_id in self.kms_backend.keys):
            validate(self, key_id)

    KmsResponse._validate_cmk_id = validating  # type: ignore[method-assign]  # noqa: SLF001
