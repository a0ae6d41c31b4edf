"""An account on moto with the stack's own resources, and what a test asks of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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


class Context:
    """What Lambda tells a handler of itself."""

    function_name = "pipeseal"
    function_version = "$LATEST"
    memory_limit_in_mb = 512
    invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:pipeseal"
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """Return what is left of a minute that has just begun."""
        return 60_000


class Account:
    """The stack's table, topic and a subscriber's queue; made inside moto's mock."""

    def __init__(self) -> None:
        """Make what template.yaml makes."""
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

    def deliver(self, event: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Hand *event* to the real handler; return the outcomes."""
        return remediate.handler(dict(event), Context())

    def alerts(self) -> list[dict[str, Any]]:
        """Return what the subscriber has received since the last time: the alert with its message attributes."""
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
        """Return the ledger's entries, oldest first, with their JSON read."""
        items = boto3.client("dynamodb").scan(TableName=ENVIRONMENT["LEDGER_TABLE"])["Items"]
        plain = [{name: str(next(iter(value.values()))) for name, value in item.items()} for item in items]
        entries = [item for item in plain if not item["id"].startswith("#")]
        return sorted(
            ({name: _read(value) for name, value in entry.items()} for entry in entries), key=lambda entry: entry["id"]
        )

    @contextmanager
    def calls(self) -> Iterator[list[str]]:
        """Count what is asked of AWS meanwhile: the list fills with operation names."""
        made: list[str] = []
        ask = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001

        def counted(client: object, operation: str, arguments: dict[str, Any]) -> Any:
            made.append(operation)
            return ask(client, operation, arguments)

        with patch.object(botocore.client.BaseClient, "_make_api_call", counted):
            yield made


def _read(value: str) -> Any:
    return json.loads(value) if value[:1] in ("{", "[") or value == "null" else value


def writes(calls: list[str]) -> list[str]:
    """Return those *calls* that change something."""
    return [call for call in calls if not call.startswith(READS)]


def event(name: str, request: object, response: object = None, **detail: object) -> dict[str, Any]:
    """Make the EventBridge event of one successful call; *detail* overrides fields of the CloudTrail record."""
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
            "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/ada", "userName": "ada"},
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


SERVICES = {
    "s3": ("PutBucketPolicy", "DeleteBucketPolicy", "PutBucketEncryption", "DeleteBucketEncryption"),
    "kms": ("CreateKey", "ReplicateKey", "EnableKey", "CancelKeyDeletion", "DisableKeyRotation"),
    "codepipeline": ("CreatePipeline", "UpdatePipeline", "DeletePipeline"),
    "codedeploy": ("RegisterApplicationRevision", "CreateDeployment", "CreateDeploymentGroup"),
    "codebuild": ("CreateProject", "UpdateProject"),
    "cloudtrail": ("CreateTrail", "StartLogging", "StopLogging", "DeleteTrail", "PutEventSelectors", "UpdateTrail"),
}
