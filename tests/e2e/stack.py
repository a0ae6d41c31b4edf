"""The real template in the account: `sam build`, `sam deploy`, `sam delete`, and what the deployed stack produces."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from tests.e2e.cloud import ACCOUNT, REGION, ROOT, Cloud

NAME = "pipeseal"
SAM = ROOT / ".venv-sam/bin/sam"
_ARTIFACTS = "sam-artifacts"


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """A deployed stack."""

    cloud: Cloud
    built: Path
    """The output folder of `sam build`."""
    subscriber: str
    """URL of a queue that is subscribed to every alert."""

    @property
    def outputs(self) -> dict[str, str]:
        """Return the stack's outputs."""
        (described,) = self.cloud.client("cloudformation").describe_stacks(StackName=NAME)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", ())}

    def resources(self, kind: str) -> dict[str, str]:
        """Return the physical IDs of the resources of the type *kind*, by logical ID."""
        found = self.cloud.client("cloudformation").describe_stack_resources(StackName=NAME)["StackResources"]
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found if each["ResourceType"] == kind}

    def alerts(self, queue: str = "") -> list[dict[str, Any]]:
        """Return and delete the alerts in the queue, each with its message attributes."""
        found = []
        for body in self._drained(queue or self.subscriber):
            notification = json.loads(body)
            attributes = {name: value["Value"] for name, value in notification.get("MessageAttributes", {}).items()}
            found.append({**json.loads(notification["Message"]), "attributes": attributes})
        return found

    def dead_letters(self) -> list[dict[str, Any]]:
        """Return and delete the messages in the dead-letter queue."""
        return [json.loads(body) for body in self._drained(self.outputs["DeadLetterQueueUrl"])]

    def _drained(self, queue: str) -> Iterator[str]:
        sqs = self.cloud.client("sqs")
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                yield message["Body"]

    def entries(self) -> list[dict[str, str]]:
        """Return the ledger's entries, oldest first, with values as text."""
        pages = self.cloud.client("dynamodb").get_paginator("scan").paginate(TableName=self.outputs["LedgerTableName"])
        items = [
            {name: next(iter(value.values())) for name, value in item.items()}
            for page in pages
            for item in page["Items"]
        ]
        return sorted((item for item in items if not item["id"].startswith("#")), key=lambda item: item["id"])


def build(cloud: Cloud) -> Path:
    """Run `sam build`; return its output folder, which is in the account's folder."""
    built = cloud.folder / "built"
    _sam(cloud, "build", "--build-dir", built, env={"LAYER_PYTHON": str(SAM.parent / "python")})
    return built


def deploy(cloud: Cloud, built: Path, **parameters: str) -> DeployedStack:
    """Run `sam deploy`, which creates or updates the stack, and subscribe a queue to the alerts."""
    s3 = cloud.client("s3")
    if _ARTIFACTS not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=_ARTIFACTS)
    values = {"AwsEndpointUrl": cloud.url, **parameters}
    _sam(
        cloud,
        "deploy",
        "--template-file",
        built / "template.yaml",
        "--stack-name",
        NAME,
        "--s3-bucket",
        _ARTIFACTS,
        "--capabilities",
        "CAPABILITY_IAM",
        "--no-confirm-changeset",
        "--no-progressbar",
        "--parameter-overrides",
        *(f"{name}={value}" for name, value in values.items()),
    )
    stack = DeployedStack(cloud, built, "")
    queue = subscribe(cloud, stack.outputs["AlertTopicArn"], "subscriber")
    cloud.drop_events()
    return DeployedStack(cloud, built, queue)


def delete(cloud: Cloud) -> None:
    """Run `sam delete`."""
    _sam(cloud, "delete", "--stack-name", NAME, "--no-prompts", "--region", REGION)


def subscribe(cloud: Cloud, topic: str, name: str, **attributes: str) -> str:
    """Subscribe a queue whose policy allows the topic to send to it; return its URL. Idempotent."""
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
            }
        ],
    }
    made = cloud.client("sqs").create_queue(QueueName=name, Attributes={"Policy": json.dumps(policy)})
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    return str(made["QueueUrl"])


def _sam(cloud: Cloud, *arguments: object, env: dict[str, str] | None = None) -> None:
    """Run the SAM CLI against the account; raise RuntimeError with its output where it fails."""
    done = subprocess.run(  # noqa: S603 - the SAM CLI of our own lock file
        [SAM, *map(str, arguments)],
        cwd=ROOT,
        env={**cloud.environment, "SAM_CLI_TELEMETRY": "0", **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    with (cloud.folder / "sam.log").open("a") as log:
        log.write(done.stdout)
    if done.returncode:
        shown = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
        reasons = "\n".join(_reasons(cloud))
        raise RuntimeError(f"sam {arguments[0]} failed ({done.returncode}):\n{shown[-4000:]}\n{reasons}")


def _reasons(cloud: Cloud) -> Iterator[str]:
    """Yield the reasons that CloudFormation states for resources that it could not create."""
    try:
        events = cloud.client("cloudformation").describe_stack_events(StackName=NAME)["StackEvents"]
    except ClientError:
        return
    for event in events:
        if event["ResourceStatus"].endswith("FAILED"):
            yield f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
