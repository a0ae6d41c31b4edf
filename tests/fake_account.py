"""The fake account: moto with the resources of the stack, the handler that runs in it, and the events it receives."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import boto3
import botocore.client

import remediate

ACCOUNT = "123456789012"
REGION = "us-east-1"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "LEDGER_TABLE": "pipeseal-ledger",
    "ALERT_TOPIC_ARN": f"arn:aws:sns:{REGION}:{ACCOUNT}:pipeseal-alerts",
    "POWERTOOLS_SERVICE_NAME": "pipeseal",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
}
READS = ("BatchGet", "Get", "Describe", "List", "Head")
"""Prefixes of the operations that change nothing."""


class FakeContext:
    """The context object that Lambda passes to a handler."""

    function_name = "pipeseal"
    function_version = "$LATEST"
    memory_limit_in_mb = 512
    invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:pipeseal"
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """Return the whole timeout of 60 seconds."""
        return 60_000


class ManualClock:
    """A clock that moves only when a test moves it or the code under test sleeps; calling it returns the time."""

    def __init__(self, now: datetime = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Move the clock forward without waiting."""
        self.now += timedelta(seconds=seconds)


class FakeAccount:
    """The ledger table, the alert topic and a subscribed queue; create it inside moto's mock."""

    def __init__(self) -> None:
        """Create what template.yaml creates."""
        boto3.client("dynamodb").create_table(
            TableName=ENVIRONMENT["LEDGER_TABLE"],
            KeySchema=[{"AttributeName": "resource", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("resource", "id")],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by-id",
                    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        topic = boto3.client("sns").create_topic(Name="pipeseal-alerts")["TopicArn"]
        self.queue = boto3.client("sqs").create_queue(QueueName="subscriber")["QueueUrl"]
        queue_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:subscriber"
        boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)

    def deliver(self, event: Mapping[str, Any]) -> list[Any]:
        """Invoke the handler with *event*; return the outcomes."""
        return remediate.handler(dict(event), FakeContext())

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that the subscriber received since the last call, each with its message attributes."""
        received = []
        sqs = boto3.client("sqs")
        while messages := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                body = json.loads(message["Body"])
                attributes = {name: value["Value"] for name, value in body["MessageAttributes"].items()}
                received.append({**json.loads(body["Message"]), "attributes": attributes})
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return received

    def entries(self) -> list[dict[str, Any]]:
        """Return the ledger's entries, oldest first, with their JSON attributes parsed."""
        items = boto3.client("dynamodb").scan(TableName=ENVIRONMENT["LEDGER_TABLE"])["Items"]
        plain = [{name: str(next(iter(value.values()))) for name, value in item.items()} for item in items]
        entries = [item for item in plain if not item["id"].startswith("#")]
        return sorted(
            ({name: _parsed(value) for name, value in entry.items()} for entry in entries),
            key=lambda entry: entry["id"],
        )

    @contextmanager
    def calls(self) -> Iterator[list[str]]:
        """Record the operations that are called on AWS in the block: the list fills with their names."""
        made: list[str] = []
        call_aws = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001

        def recorded(client: object, operation: str, arguments: dict[str, Any]) -> Any:
            made.append(operation)
            return call_aws(client, operation, arguments)

        with patch.object(botocore.client.BaseClient, "_make_api_call", recorded):
            yield made


def _parsed(value: str) -> Any:
    return json.loads(value) if value[:1] in ("{", "[") or value == "null" else value


def writes(calls: list[str]) -> list[str]:
    """Return those of the operations *calls* that change something."""
    return [call for call in calls if not call.startswith(READS)]


def event(name: str, request: object, response: object = None, **detail: object) -> dict[str, Any]:
    """Return the EventBridge event of one successful call; *detail* overrides fields of the CloudTrail record."""
    service = next(service for service, names in SERVICES.items() if name in names)
    return {
        "version": "0",
        "source": f"aws.{service}",
        "detail-type": "AWS API Call via CloudTrail",
        "account": ACCOUNT,
        "region": REGION,
        "time": "2026-11-21T09:30:00Z",
        "resources": [],
        "detail": {
            "eventVersion": "1.11",
            "userIdentity": user("ada"),
            "eventTime": "2026-11-21T09:29:58Z",
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "awsRegion": REGION,
            "requestParameters": request,
            "responseElements": response,
            "eventID": str(uuid4()),
            **detail,
        },
    }


def user(name: str) -> dict[str, str]:
    """Return the userIdentity of an IAM user."""
    return {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}", "userName": name}


SERVICES = {
    "s3": ("PutBucketPolicy", "DeleteBucketPolicy", "PutBucketEncryption", "DeleteBucketEncryption"),
    "kms": ("CreateKey", "ReplicateKey", "EnableKey", "CancelKeyDeletion", "DisableKeyRotation"),
    "codepipeline": ("CreatePipeline", "UpdatePipeline", "DeletePipeline"),
    "codedeploy": ("RegisterApplicationRevision", "CreateDeployment", "CreateDeploymentGroup"),
    "codebuild": ("CreateProject", "UpdateProject"),
    "cloudtrail": ("CreateTrail", "StartLogging", "StopLogging", "DeleteTrail", "PutEventSelectors", "UpdateTrail"),
}
