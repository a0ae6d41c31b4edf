"""A program: every function in a real container, with every sample event of its rules, on the embedded account.

`make sam-local` runs it. SAM's own output is shown; what counts is what then has changed in the account. Exit status 0
where all of it holds.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from moto.core.base_backend import BackendDict
from moto.kms.models import kms_backends
from moto.kms.responses import KmsResponse
from moto.server import ThreadedMotoServer

from pipeseal.aws.world import World
from pipeseal.cloudtrail import cause, subjects
from pipeseal.model import Kind, Ref
from pipeseal.reconcile import reconcile
from pipeseal.sandbox import extend_moto
from pipeseal.sandbox.rules import matcher
from pipeseal.sandbox.stack import Stack

ROOT = Path(__file__).parents[2]
SAM = ROOT / ".venv-sam/bin/sam"
BUILT = ROOT / ".aws-sam/build/template.yaml"
ACCOUNT, REGION, ELSEWHERE = "123456789012", "us-east-1", "eu-west-1"
# SAM local calls every stack so.
_STACK = "local"
_HOST = "host.docker.internal"
_IMAGE = "public.ecr.aws/lambda/python:3.13-x86_64"
# Calls that break nothing: the ledger learns from them.
_QUIET = {"CreateTrail", "StartLogging", "DeletePipeline"}
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
class Account:
    """moto with the stack's own resources, reached from containers at *url*."""

    stack: Stack
    url: str

    def client(self, service: str, region: str = REGION) -> Any:
        """Return a client of somebody outside."""
        return boto3.client(
            service,  # type: ignore[call-overload]
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def reset(self) -> None:
        """Forget everything, and make what the template makes, with a subscriber."""
        BackendDict.reset()
        (table,) = self.stack.properties("AWS::DynamoDB::Table")
        wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
        own = {name: table[name] for name in wanted if name in table}
        self.client("dynamodb").create_table(TableName=self.stack.resolve(table["TableName"], "the table"), **own)
        (topic,) = self.stack.properties("AWS::SNS::Topic")
        arn = self.client("sns").create_topic(Name=self.stack.resolve(topic["TopicName"], "the topic"))["TopicArn"]
        self.client("sqs").create_queue(QueueName="subscriber")
        queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:subscriber"
        self.client("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)
        trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}}]}
        trust["Statement"][0]["Action"] = "sts:AssumeRole"
        self.client("iam").create_role(RoleName="codepipeline", AssumeRolePolicyDocument=json.dumps(trust))

    def unseal(self, ref: Ref, event: Mapping[str, Any]) -> None:
        """Make what *ref* names as the sample event left it: with something wrong, where the event breaks something."""
        call, asked = event["detail"]["eventName"], event["detail"]["requestParameters"] or {}
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
                self._pipeline(ref, asked["pipeline"])
            case Kind.APPLICATION:
                self._application(ref)
            case Kind.PROJECT:
                self._project(ref)
            case Kind.TRAIL:
                self._trail(ref, call)

    def _reconcile(self, ref: Ref, event: Mapping[str, Any]) -> None:
        """Let pipeseal see *event* outside of any container."""
        names = {
            "LEDGER_TABLE": f"{_STACK}-ledger",
            "ALERT_TOPIC_ARN": f"arn:aws:sns:{REGION}:{ACCOUNT}:{_STACK}-alerts",
        }
        list(reconcile(ref, cause(event), World({"AWS_REGION": REGION, **names}, clients=self.client)))

    def _application(self, ref: Ref) -> None:
        codedeploy, role = self.client("codedeploy", ref.region), f"arn:aws:iam::{ACCOUNT}:role/codepipeline"
        self._bucket(Ref(Kind.BUCKET, ACCOUNT, ref.region, "harbor-revisions"))
        place = {"bucket": "harbor-revisions", "key": "harbor/app-214.zip", "bundleType": "zip"}
        revision = {"revisionType": "S3", "s3Location": place}
        codedeploy.create_application(applicationName=ref.name)
        codedeploy.create_deployment_group(
            applicationName=ref.name, deploymentGroupName="harbor-production", serviceRoleArn=role
        )
        codedeploy.create_deployment(
            applicationName=ref.name, deploymentGroupName="harbor-production", revision=revision
        )

    def _project(self, ref: Ref) -> None:
        """Make the project of the sample for CreateProject, which leaves its artifacts in clear."""
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
        if call in _QUIET:
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
        """Make an asymmetric key of that very id."""
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
        # moto takes no more than the first structure, and the key that is unfit is the point here.
        kept = {name: value for name, value in document.items() if name in ("name", "stages")}
        self.client("codepipeline", ref.region).create_pipeline(
            pipeline={**kept, "roleArn": role, "artifactStore": stores[REGION]}
        )

    def wrong(self, ref: Ref, call: str) -> Iterator[str]:
        """Yield what is not as it should be after *call*: the resource, or what the ledger knows of it."""
        match ref.kind:
            case Kind.BUCKET:
                yield from self._wrong_bucket(ref)
            case Kind.KEY:
                state = self.client("kms", ref.region).describe_key(KeyId=ref.arn)["KeyMetadata"]["KeyState"]
                if state != "PendingDeletion":
                    yield f"{ref.arn} is {state}"
            case Kind.PIPELINE if call == "DeletePipeline":
                if ref.arn in self._known("harbor-artifacts"):
                    yield "the ledger still says that the bucket is the pipeline's"
            case Kind.PIPELINE:
                yield from self._wrong_pipeline(ref)
            case Kind.APPLICATION:
                yield from self._wrong_bucket(Ref(Kind.BUCKET, ACCOUNT, ref.region, "harbor-revisions"))
            case Kind.PROJECT:
                yield from self._wrong_project(ref)
            case Kind.TRAIL if call != "DeleteTrail":  # a deleted one nobody can have back: somebody is told
                yield from self._wrong_trail(ref)

    def _wrong_bucket(self, ref: Ref) -> Iterator[str]:
        s3 = self.client("s3", ref.region)
        policy = json.loads(s3.get_bucket_policy(Bucket=ref.name)["Policy"])
        sids = {each["Sid"] for each in policy["Statement"]}
        yield from sorted({"Mine", "DenyInsecureConnections", *self._uploads(ref)} - sids)
        rule = s3.get_bucket_encryption(Bucket=ref.name)["ServerSideEncryptionConfiguration"]["Rules"][0]
        if rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] != "aws:kms":
            yield f"{ref.name} is not under KMS by default"

    def _wrong_pipeline(self, ref: Ref) -> Iterator[str]:
        codepipeline = self.client("codepipeline", ref.region)
        found = codepipeline.get_pipeline(name=ref.name)["pipeline"]
        state = codepipeline.get_pipeline_state(name=ref.name)["stageStates"][1]
        if state["inboundTransitionState"]["enabled"]:
            yield f"{ref.arn} is not quarantined"
        yield from self._wrong_bucket(Ref(Kind.BUCKET, ACCOUNT, REGION, found["artifactStore"]["location"]))

    def _wrong_project(self, ref: Ref) -> Iterator[str]:
        (project,) = self.client("codebuild", ref.region).batch_get_projects(names=[ref.name])["projects"]
        if project["artifacts"].get("encryptionDisabled"):
            yield f"{ref.arn} leaves its artifacts in clear"
        yield from self._wrong_bucket(Ref(Kind.BUCKET, ACCOUNT, ref.region, project["artifacts"]["location"]))

    def _wrong_trail(self, ref: Ref) -> Iterator[str]:
        cloudtrail = self.client("cloudtrail", ref.region)
        if not cloudtrail.get_trail_status(Name=ref.name)["IsLogging"]:
            yield f"{ref.arn} does not log"
        (selector,) = cloudtrail.get_event_selectors(TrailName=ref.name)["EventSelectors"]
        if selector["ReadWriteType"] != "All":
            yield f"{ref.arn} logs {selector['ReadWriteType']}"
        if not self._known(ref.arn):
            yield f"the ledger has not learned how {ref.arn} is"

    def _uploads(self, ref: Ref) -> set[str]:
        """Return the statement about uploads where the bucket must have it: CodeDeploy's and CodeBuild's need none."""
        return set() if ref.name in ("harbor-revisions", "harbor-builds") else {"DenyUnEncryptedObjectUploads"}

    def _known(self, resource: str) -> str:
        """Return what the ledger knows of whatever has *resource* in its ARN, entries left out."""
        items = self.client("dynamodb").scan(TableName=f"{_STACK}-ledger")["Items"]
        return json.dumps(
            [item for item in items if resource in item["resource"]["S"] and item["id"]["S"].startswith("#")] or ""
        ).strip('"')

    def alerted(self) -> set[str]:
        """Return the ARNs of the resources that the subscriber heard of."""
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


def _know_replicas() -> None:
    """Teach moto the ids that AWS gives multi-Region keys: "mrk-" and 32 digits, without hyphens."""
    validate = KmsResponse._validate_cmk_id  # noqa: SLF001 - moto has no other way

    def validating(self: KmsResponse, key_id: str) -> None:
        if not (key_id.startswith("mrk-") and key_id in self.kms_backend.keys):
            validate(self, key_id)

    KmsResponse._validate_cmk_id = validating  # type: ignore[method-assign]  # noqa: SLF001


def invoke(account: Account, function: str, event: Path, *, pulled: bool) -> int:
    """Run `sam local invoke` as a person would, its output on the terminal; return its exit status."""
    port, bridge = account.url.rpartition(":")[2], account.url.removeprefix("http://").partition(":")[0]
    command: list[str | Path] = [
        SAM,
        "local",
        "invoke",
        function,
        "--event",
        event,
        "--template-file",
        BUILT,
        "--add-host",
        f"{_HOST}:{bridge}",
        "--parameter-overrides",
        f"AwsEndpointUrl=http://{_HOST}:{port}",
        "EncryptionScope=all",
        *(["--skip-pull-image"] if pulled else []),
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    signed = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
    return subprocess.run(  # noqa: S603 - the SAM CLI of our own lock file
        command,
        cwd=ROOT,
        env={**environment, **signed, "AWS_REGION": REGION, "SAM_CLI_TELEMETRY": "0"},
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=300,
    ).returncode


def prove(account: Account, function: str, event: Path, *, pulled: bool) -> list[str]:
    """Return what did not hold after *function* was given *event*; nothing where all did."""
    record = json.loads(event.read_text("utf-8"))
    account.reset()
    refs = subjects(record)
    for ref in refs:
        account.unseal(ref, record)
    wrong = [] if invoke(account, function, event, pulled=pulled) == 0 else ["sam local invoke failed"]
    call = record["detail"]["eventName"]
    wrong += [f"still: {fault}" for ref in refs for fault in account.wrong(ref, call)]
    told, to_tell = account.alerted(), {_told(ref) for ref in refs if call not in _QUIET}
    wrong += [f"nobody was told of {arn}" for arn in sorted(to_tell - told)]
    return wrong + [f"told of {arn}, and all is well" for arn in sorted(told if call in _QUIET else ())]


def prove_sweep(account: Account, function: str, event: Path, *, pulled: bool) -> list[str]:
    """Return what did not hold after the sweep was begun, or handed a message; nothing where all did."""
    account.reset()
    bucket = Ref(Kind.BUCKET, ACCOUNT, REGION, "harbor-artifacts")
    account.unseal(bucket, {"detail": {"eventName": "", "requestParameters": {}}})
    account.client("sqs").create_queue(QueueName=f"{_STACK}-sweep")
    wrong = [] if invoke(account, function, event, pulled=pulled) == 0 else ["sam local invoke failed"]
    queue, asked = f"{account.url}/{ACCOUNT}/{_STACK}-sweep", ["ApproximateNumberOfMessages"]
    waiting = account.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=asked)["Attributes"][asked[0]]
    if event.stem == "begin":
        return wrong + ([] if int(waiting) == len(Kind) else [f"{waiting} kinds are to be listed, not {len(Kind)}"])
    wrong += [f"still: {fault}" for fault in account.wrong(bucket, "")]
    return wrong + ([] if account.alerted() == {bucket.arn} else ["nobody was told"])


def _told(ref: Ref) -> str:
    """Return the ARN of the resource that the alert is about: of an application, it is the bucket of its revisions."""
    return "arn:aws:s3:::harbor-revisions" if ref.kind is Kind.APPLICATION else ref.arn


def main(pattern: str) -> int:
    """Print what SAM prints, a line for each event, and the count."""
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "info"], capture_output=True, check=False).returncode:  # noqa: S603
        print("sam local needs a Docker engine, and none answers here", file=sys.stderr)
        return 2
    inspect = [docker, "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]
    bridge = subprocess.run(inspect, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    pulled = subprocess.run([docker, "image", "inspect", _IMAGE], capture_output=True, check=False).returncode == 0  # noqa: S603
    extend_moto()
    _know_replicas()
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(ip_address=bridge, port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        account = Account(Stack(ROOT / "template.yaml", ACCOUNT, REGION, {}, _STACK), f"http://{bridge}:{port}")
        failed, passed = 0, 0
        for function, event in pairs(account.stack, pattern):
            print(f"\n=== {function} with {event.relative_to(ROOT)}", flush=True)
            started = time.monotonic()
            proved = prove_sweep if event.parent.name == "sweep" else prove
            wrong = proved(account, function, event, pulled=pulled)
            print("\n".join(wrong) or "sealed, recorded and told", f"({time.monotonic() - started:.0f} s)", flush=True)
            failed, passed = failed + bool(wrong), passed + (not wrong)
    finally:
        server.stop()
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def pairs(stack: Stack, pattern: str) -> Iterator[tuple[str, Path]]:
    """Yield every function with every sample event that it is given and whose name matches *pattern*."""
    for function in stack.functions():
        rules = [matcher(pattern) for pattern in function.patterns]
        for event in sorted((ROOT / "events").glob(f"{pattern}.json")):
            if any(matches(json.loads(event.read_text("utf-8"))) for matches in rules):
                yield function.name, event
    for event in sorted((ROOT / "events/sweep").glob(f"{pattern}.json")):
        yield "SweepFunction", event


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "*"))
