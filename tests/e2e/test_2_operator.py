"""What the operator does afterwards: take back, excuse, look only, update."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.e2e import stack as sam
from tests.e2e.cloud import ACCOUNT, REGION, Cloud, eventually
from tests.e2e.job import event

if TYPE_CHECKING:
    from tests.e2e.job import Job

_GROUNDS = ("--owner", "ada@example.com", "--reason", "contract", "--until", "30d")


def cli(job: Job, *arguments: str) -> str:
    """Run the real tool with the operator's credentials; return what it printed."""
    tool = Path(sys.executable).with_name("pipeseal")
    done = subprocess.run(  # noqa: S603 - our own tool
        [tool, *arguments],
        env=job.cloud.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_what_is_excused_is_left_alone_until_the_exemption_ends(job: Job) -> None:
    """`pipeseal exempt add`, then `exempt end`."""
    bucket = job.bucket("acme-partner")
    made = cli(
        job,
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
    job.put_policy(bucket)
    job.cloud.deliver()
    assert job.sids(bucket) == {"Mine"}
    assert job.stack.alerts() == []
    cli(job, "exempt", "end", identity)
    job.put_policy(bucket)
    job.cloud.deliver()
    assert "DenyInsecureConnections" in job.sids(bucket)


def test_an_undo_puts_back_what_was_there_and_stays(job: Job) -> None:
    """`pipeseal undo` restores the policy, excuses the bucket, and the next event leaves it so."""
    bucket = job.bucket("acme-undone")
    job.put_policy(bucket)
    before = job.policy(bucket)
    job.cloud.deliver()
    (alert,) = job.stack.alerts()
    cli(job, "undo", alert["id"], *_GROUNDS)
    assert job.policy(bucket) == before
    job.put_policy(bucket)
    job.cloud.deliver()
    assert job.policy(bucket) == before
    assert job.stack.alerts() == []


def test_detect_mode_tells_and_writes_nothing_and_the_ledger_stays(job: Job, artifact_key: str, boundary: str) -> None:
    """A stack update with another Mode keeps every entry; a second one brings enforcement back."""
    entries = job.stack.entries()
    assert entries
    kept = {"ArtifactKeyArn": artifact_key, "PermissionsBoundary": boundary}
    others = {"Architecture": "arm64", "Tracing": "Active", "AlertEmail": "ada@example.com"}
    sam.deploy(job.cloud, job.stack.built, **kept, **others, Mode="detect")
    try:
        for name in job.stack.resources("AWS::Lambda::Function").values():
            function = job.cloud.client("lambda").get_function_configuration(FunctionName=name)
            assert (function["Architectures"], function["TracingConfig"]) == (["arm64"], {"Mode": "Active"})
        bucket = job.bucket("acme-watched")
        job.put_policy(bucket)
        key = job.rsa_key()
        job.cloud.deliver()
        assert job.sids(bucket) == {"Mine"}
        assert job.key_state(key) == "Enabled"
        alerts = {alert["resource"]["name"]: alert for alert in job.stack.alerts()}
        assert {alert["action"] for alert in alerts.values()} == {"detected"}
        assert alerts[bucket]["id"] in cli(job, "history", bucket)
        cli(job, "apply", alerts[bucket]["id"])
        assert job.sids(bucket) == {"Mine", "DenyInsecureConnections"}
        assert [entry for entry in job.stack.entries() if entry in entries] == entries
    finally:
        sam.deploy(
            job.cloud, job.stack.built, ArtifactKeyArn=artifact_key, PermissionsBoundary=boundary, Mode="enforce"
        )
    job.put_policy(bucket)
    job.cloud.deliver()
    assert "DenyInsecureConnections" in job.sids(bucket)


def test_dead_letters_are_put_through_again(job: Job) -> None:
    """`pipeseal redrive` has what failed once done after all, and puts aside what never can be."""
    bucket = job.bucket("acme-forgotten")
    job.put_policy(bucket)
    job.cloud.forget_calls()
    where = {"account": ACCOUNT, "region": REGION}
    missed = {**event("s3", "PutBucketPolicy", {"bucketName": bucket}), **where}
    function = job.stack.resources("AWS::Lambda::Function")["BucketFunction"]
    arn = job.cloud.client("lambda").get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    letter = {
        "requestContext": {"functionArn": f"{arn}:$LATEST", "condition": "RetriesExhausted"},
        "requestPayload": missed,
        "responsePayload": {"errorType": "Contested", "errorMessage": "somebody else kept writing"},
    }
    queue = job.stack.outputs["DeadLetterQueueUrl"]
    job.cloud.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(letter))
    job.cloud.publish(event("s3", "PutBucketPolicy", None))
    job.cloud.settle()
    for dry in (["--dry-run"], []):
        found = json.loads(cli(job, "redrive", "--format", "json", *dry))
        assert (found["redriven"], found["quarantined"], found["left"]) == (1, 1, 0), found
    job.cloud.settle()
    assert job.sids(bucket) == {"Mine", "DenyInsecureConnections"}
    assert job.stack.dead_letters() == []
    asked = {"QueueUrl": job.stack.outputs["QuarantineQueueUrl"], "AttributeNames": ["ApproximateNumberOfMessages"]}
    kept = job.cloud.client("sqs").get_queue_attributes(**asked)["Attributes"]
    assert kept == {"ApproximateNumberOfMessages": "1"}


def test_what_is_kept_is_under_one_customer_managed_key(job: Job) -> None:
    """Topic, queue, table and log groups name it; logs are kept for as long as the parameter says."""
    key = job.cloud.client("kms").describe_key(KeyId="alias/pipeseal")["KeyMetadata"]["Arn"]
    outputs = job.stack.outputs
    topic = job.cloud.client("sns").get_topic_attributes(TopicArn=outputs["AlertTopicArn"])["Attributes"]
    sqs = job.cloud.client("sqs")
    queue = sqs.get_queue_attributes(QueueUrl=outputs["DeadLetterQueueUrl"], AttributeNames=["All"])["Attributes"]
    table = job.cloud.client("dynamodb").describe_table(TableName=outputs["LedgerTableName"])["Table"]
    groups = job.cloud.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/pipeseal-")["logGroups"]
    found = {topic["KmsMasterKeyId"], queue["KmsMasterKeyId"], table["SSEDescription"]["KMSMasterKeyArn"]}
    assert found | {group["kmsKeyId"] for group in groups} == {key}
    assert {group["retentionInDays"] for group in groups} == {365}
    assert len(groups) == len(job.stack.resources("AWS::Lambda::Function"))


def test_every_role_is_within_the_boundary(job: Job, boundary: str) -> None:
    """All that the tests before saw was done within it."""
    iam = job.cloud.client("iam")
    for role in job.stack.resources("AWS::IAM::Role").values():
        assert iam.get_role(RoleName=role)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary


def test_alarms_publish_to_the_topic(job: Job) -> None:
    """Every alarm of the stack does."""
    alarms = job.cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert {alarm["AlarmName"] for alarm in alarms} >= set(job.stack.resources("AWS::CloudWatch::Alarm").values())
    assert {tuple(alarm["AlarmActions"]) for alarm in alarms} == {(job.stack.outputs["AlertTopicArn"],)}


@pytest.fixture(scope="module")
def deleted(worker: Job) -> Cloud:
    """Give the account after `sam delete`; no test that needs the stack may follow."""
    worker.cloud.deliver()
    worker.bucket("acme-left")
    worker.put_policy("acme-left")
    worker.cloud.deliver()
    sam.delete(worker.cloud)
    return worker.cloud


def test_removal_leaves_what_was_sealed_sealed(deleted: Cloud, worker: Job) -> None:
    """`sam delete` takes the functions away, and no bucket's policy."""
    assert deleted.client("lambda").list_functions()["Functions"] == []
    assert worker.sids("acme-left") == {"Mine", "DenyInsecureConnections"}
    assert worker.read("acme-left", clear=True) == 403


def test_removal_leaves_the_ledger_and_its_key(deleted: Cloud) -> None:
    """What was put right, and how it was before, outlives the stack."""
    dynamodb = deleted.client("dynamodb")
    table = eventually(lambda: dynamodb.describe_table(TableName="pipeseal-ledger")["Table"], "the table stays")
    assert table["TableStatus"] == "ACTIVE"
    assert dynamodb.scan(TableName="pipeseal-ledger")["Count"] > 0
    key = table["SSEDescription"]["KMSMasterKeyArn"]
    assert deleted.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
