"""The operator's commands and stack updates: exempt, undo, apply, redrive, detect mode, delete."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.e2e import stack as sam
from tests.e2e.cloud import ACCOUNT, REGION, Cloud, eventually
from tests.e2e.developer import event

if TYPE_CHECKING:
    from tests.e2e.developer import Developer

_GROUNDS = ("--owner", "ada@example.com", "--reason", "contract", "--until", "30d")


def cli(developer: Developer, *arguments: str) -> str:
    """Run the real command with the operator's credentials; return its output."""
    tool = Path(sys.executable).with_name("pipeseal")
    done = subprocess.run(  # noqa: S603 - our own tool
        [tool, *arguments],
        env=developer.cloud.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_an_exempted_bucket_is_left_until_the_exemption_ends(developer: Developer) -> None:
    """`pipeseal exempt add` prevents the remediation until `pipeseal exempt end`."""
    bucket = developer.bucket("acme-partner")
    made = cli(
        developer,
        "exempt",
        "add",
        "--control",
        "S3.TLS",
        "--resource",
        f"arn:aws:s3:::{bucket}",
        *_GROUNDS,
        "--format",
        "json",
    )
    identity = json.loads(made)["id"]
    developer.put_policy(bucket)
    developer.cloud.deliver()
    assert developer.sids(bucket) == {"Mine"}
    assert developer.stack.alerts() == []
    cli(developer, "exempt", "end", identity)
    developer.put_policy(bucket)
    developer.cloud.deliver()
    assert "DenyInsecureConnections" in developer.sids(bucket)


def test_an_undo_restores_the_former_policy_and_it_stays(developer: Developer) -> None:
    """`pipeseal undo` restores the policy and exempts the bucket, so that the next event does not change it."""
    bucket = developer.bucket("acme-undone")
    developer.put_policy(bucket)
    before = developer.policy(bucket)
    developer.cloud.deliver()
    (alert,) = developer.stack.alerts()
    cli(developer, "undo", alert["id"], *_GROUNDS)
    assert developer.policy(bucket) == before
    developer.put_policy(bucket)
    developer.cloud.deliver()
    assert developer.policy(bucket) == before
    assert developer.stack.alerts() == []


def test_detect_mode_writes_nothing_and_the_ledger_stays(
    developer: Developer, artifact_key: str, boundary: str
) -> None:
    """A stack update to detect mode only alerts and keeps every entry; a second update enforces again."""
    entries = developer.stack.entries()
    assert entries
    kept = {"ArtifactKeyArn": artifact_key, "PermissionsBoundary": boundary}
    others = {"Architecture": "arm64", "Tracing": "Active", "AlertEmail": "ada@example.com"}
    sam.deploy(developer.cloud, developer.stack.built, **kept, **others, Mode="detect")
    try:
        for name in developer.stack.resources("AWS::Lambda::Function").values():
            function = developer.cloud.client("lambda").get_function_configuration(FunctionName=name)
            assert (function["Architectures"], function["TracingConfig"]) == (["arm64"], {"Mode": "Active"})
        bucket = developer.bucket("acme-detected")
        developer.put_policy(bucket)
        key = developer.rsa_key()
        developer.cloud.deliver()
        assert developer.sids(bucket) == {"Mine"}
        assert developer.key_state(key) == "Enabled"
        alerts = {alert["resource"]["name"]: alert for alert in developer.stack.alerts()}
        assert {alert["action"] for alert in alerts.values()} == {"detected"}
        assert alerts[bucket]["id"] in cli(developer, "history", bucket)
        cli(developer, "apply", alerts[bucket]["id"])
        assert developer.sids(bucket) == {"Mine", "DenyInsecureConnections"}
        assert [entry for entry in developer.stack.entries() if entry in entries] == entries
    finally:
        sam.deploy(
            developer.cloud,
            developer.stack.built,
            ArtifactKeyArn=artifact_key,
            PermissionsBoundary=boundary,
            Mode="enforce",
        )
    developer.put_policy(bucket)
    developer.cloud.deliver()
    assert "DenyInsecureConnections" in developer.sids(bucket)


def test_dead_letters_are_redriven(developer: Developer) -> None:
    """`pipeseal redrive` invokes the function with what failed once, and quarantines what can never succeed."""
    bucket = developer.bucket("acme-dropped")
    developer.put_policy(bucket)
    developer.cloud.drop_events()
    origin = {"account": ACCOUNT, "region": REGION}
    missed = {**event("s3", "PutBucketPolicy", {"bucketName": bucket}), **origin}
    function = developer.stack.resources("AWS::Lambda::Function")["BucketFunction"]
    arn = developer.cloud.client("lambda").get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    dead_letter = {
        "requestContext": {"functionArn": f"{arn}:$LATEST", "condition": "RetriesExhausted"},
        "requestPayload": missed,
        "responsePayload": {"errorType": "Contested", "errorMessage": "another writer kept changing it"},
    }
    queue = developer.stack.outputs["DeadLetterQueueUrl"]
    developer.cloud.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(dead_letter))
    developer.cloud.publish(event("s3", "PutBucketPolicy", None))
    developer.cloud.settle()
    for dry in (["--dry-run"], []):
        found = json.loads(cli(developer, "redrive", "--format", "json", *dry))
        assert (found["redriven"], found["quarantined"], found["left"]) == (1, 1, 0), found
    developer.cloud.settle()
    assert developer.sids(bucket) == {"Mine", "DenyInsecureConnections"}
    assert developer.stack.dead_letters() == []
    query = {
        "QueueUrl": developer.stack.outputs["QuarantineQueueUrl"],
        "AttributeNames": ["ApproximateNumberOfMessages"],
    }
    kept = developer.cloud.client("sqs").get_queue_attributes(**query)["Attributes"]
    assert kept == {"ApproximateNumberOfMessages": "1"}


def test_all_data_of_the_stack_is_encrypted_under_its_key(developer: Developer) -> None:
    """Topic, queue, table and log groups use the stack's key; logs are kept for as long as the parameter states."""
    key = developer.cloud.client("kms").describe_key(KeyId="alias/pipeseal")["KeyMetadata"]["Arn"]
    outputs = developer.stack.outputs
    topic = developer.cloud.client("sns").get_topic_attributes(TopicArn=outputs["AlertTopicArn"])["Attributes"]
    sqs = developer.cloud.client("sqs")
    queue = sqs.get_queue_attributes(QueueUrl=outputs["DeadLetterQueueUrl"], AttributeNames=["All"])["Attributes"]
    table = developer.cloud.client("dynamodb").describe_table(TableName=outputs["LedgerTableName"])["Table"]
    groups = developer.cloud.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/pipeseal-")["logGroups"]
    found = {topic["KmsMasterKeyId"], queue["KmsMasterKeyId"], table["SSEDescription"]["KMSMasterKeyArn"]}
    assert found | {group["kmsKeyId"] for group in groups} == {key}
    assert {group["retentionInDays"] for group in groups} == {365}
    assert len(groups) == len(developer.stack.resources("AWS::Lambda::Function"))


def test_every_role_is_within_the_boundary(developer: Developer, boundary: str) -> None:
    """Each role has the boundary, so the tests before ran within it."""
    iam = developer.cloud.client("iam")
    for role in developer.stack.resources("AWS::IAM::Role").values():
        assert iam.get_role(RoleName=role)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary


def test_alarms_publish_to_the_topic(developer: Developer) -> None:
    """The alert topic is the only action of every alarm of the stack."""
    alarms = developer.cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert {alarm["AlarmName"] for alarm in alarms} >= set(developer.stack.resources("AWS::CloudWatch::Alarm").values())
    assert {tuple(alarm["AlarmActions"]) for alarm in alarms} == {(developer.stack.outputs["AlertTopicArn"],)}


@pytest.fixture(scope="module")
def deleted(shared_developer: Developer) -> Cloud:
    """Return the account after `sam delete`; no test that needs the stack may follow."""
    shared_developer.cloud.deliver()
    shared_developer.bucket("acme-left")
    shared_developer.put_policy("acme-left")
    shared_developer.cloud.deliver()
    sam.delete(shared_developer.cloud)
    return shared_developer.cloud


def test_deleting_the_stack_keeps_remediations(deleted: Cloud, shared_developer: Developer) -> None:
    """`sam delete` deletes the functions, and changes no bucket policy."""
    assert deleted.client("lambda").list_functions()["Functions"] == []
    assert shared_developer.sids("acme-left") == {"Mine", "DenyInsecureConnections"}
    assert shared_developer.read("acme-left", http=True) == 403


def test_deleting_the_stack_keeps_the_ledger_and_its_key(deleted: Cloud) -> None:
    """The table with all former states, and the key that encrypts it, are retained."""
    dynamodb = deleted.client("dynamodb")
    table = eventually(lambda: dynamodb.describe_table(TableName="pipeseal-ledger")["Table"], "the table exists")
    assert table["TableStatus"] == "ACTIVE"
    assert dynamodb.scan(TableName="pipeseal-ledger")["Count"] > 0
    key = table["SSEDescription"]["KMSMasterKeyArn"]
    assert deleted.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
