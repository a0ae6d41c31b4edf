"""Deployment into the embedded account: the resources of template.yaml, and those that the account has before it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from pipeseal.aws.clients import Client
from pipeseal.controls.s3_tls import deny_insecure
from pipeseal.sandbox.identities import ACCOUNT, REGION
from pipeseal.sandbox.template import Template

TRAIL = "acme-trail"
TRAIL_BUCKET = "acme-trail-records"
_TRUST_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
_TABLE_PROPERTIES = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")

MakeClient = Callable[[str], Client]
"""Returns a client of a service."""


@dataclass(frozen=True, slots=True)
class Prerequisites:
    """What an account has before pipeseal is deployed."""

    pipeline_role: str
    """ARN."""
    artifact_key: str
    """ARN."""


@dataclass(frozen=True, slots=True)
class StackResources:
    """The physical IDs of the stack's resources, and of the queue that is subscribed to its topic."""

    ledger_table: str
    topic_arn: str
    dead_letter_queue: str
    """URL."""
    subscribed_queue: str
    """URL."""


def create_prerequisites(client: MakeClient) -> Prerequisites:
    """Create a role for pipelines, a KMS key for artifacts, and a trail: without one EventBridge gets no API calls."""
    role = client("iam").create_role(RoleName="codepipeline", AssumeRolePolicyDocument=json.dumps(_TRUST_POLICY))
    kms = client("kms")
    key = kms.create_key(Description="artifacts of all pipelines")["KeyMetadata"]["Arn"]
    kms.enable_key_rotation(KeyId=key)
    _create_trail(client)
    return Prerequisites(role["Role"]["Arn"], key)


def _create_trail(client: MakeClient) -> None:
    client("s3").create_bucket(Bucket=TRAIL_BUCKET)
    statement = deny_insecure(f"arn:aws:s3:::{TRAIL_BUCKET}").statement
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    client("s3").put_bucket_policy(Bucket=TRAIL_BUCKET, Policy=json.dumps(policy))
    client("cloudtrail").create_trail(
        Name=TRAIL, S3BucketName=TRAIL_BUCKET, IsMultiRegionTrail=True, EnableLogFileValidation=True
    )
    client("cloudtrail").start_logging(Name=TRAIL)


def create_stack(template: Template, client: MakeClient) -> StackResources:
    """Create the table, the topic and the queues of *template*, and a queue that is subscribed to the topic."""
    sqs = client("sqs")
    (table,) = template.properties("AWS::DynamoDB::Table")
    (topic,) = template.properties("AWS::SNS::Topic")
    table_name = template.resolve(table["TableName"], "the table's name")
    definition = {name: table[name] for name in _TABLE_PROPERTIES if name in table}
    client("dynamodb").create_table(TableName=table_name, **definition)
    topic_name = template.resolve(topic["TopicName"], "the topic's name")
    topic_arn = client("sns").create_topic(Name=topic_name)["TopicArn"]
    names = [template.resolve(each["QueueName"], "a queue's name") for each in template.properties("AWS::SQS::Queue")]
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in names}
    subscribed = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    endpoint = f"arn:aws:sqs:{REGION}:{ACCOUNT}:subscriber"
    client("sns").subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=endpoint)
    (dead_letter_queue,) = (url for name, url in urls.items() if name.endswith("-dead-letters"))
    return StackResources(table_name, topic_arn, dead_letter_queue, subscribed)
