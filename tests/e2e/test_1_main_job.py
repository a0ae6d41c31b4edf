"""The main job on an account that enforces IAM, asserted from outside."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.e2e import stack as sam
from tests.e2e.job import TOKEN, Job, document, event
from tests.e2e.whole import whole


def test_everything_left_unsealed_is_sealed(job: Job) -> None:
    """Buckets, keys and pipelines are put right, told of and recorded; every permission is needed for it."""
    whole(job, "first")
    assert job.cloud.refusals() == [], "nothing was tried that is not allowed"


def test_the_sweep_finds_what_no_event_told_of(job: Job) -> None:
    """The same is put right by the schedule alone, over the queue."""
    whole(job, "swept", swept=True)
    assert job.cloud.refusals() == [], "nothing was tried that is not allowed"


def test_the_seal_holds_against_real_requests(job: Job, artifact_key: str) -> None:
    """A user who may do anything is refused in clear and without KMS, and served over TLS with KMS."""
    under_kms: Any = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": artifact_key}
    bucket = job.bucket("acme-artifacts")
    assert job.upload(bucket, clear=True) == 200
    job.pipeline("webshop", bucket)
    job.cloud.deliver()
    assert job.upload(bucket, clear=True, **under_kms) == 403
    assert job.read(bucket, clear=True) == 403
    assert job.upload(bucket) == 403
    assert job.upload(bucket, ServerSideEncryption="AES256") == 403
    assert job.upload(bucket, **under_kms) == 200
    assert job.read(bucket, clear=False) == 200


def test_the_owners_statements_stay(job: Job) -> None:
    """What the policy said before, it says after; a bucket that holds no artifacts need not be under KMS."""
    bucket = job.bucket("acme-reports")
    job.put_policy(bucket)
    (mine,) = job.policy(bucket)["Statement"]
    job.cloud.deliver()
    assert mine in job.policy(bucket)["Statement"]
    assert job.sids(bucket) == {"Mine", "DenyInsecureConnections"}
    assert job.upload(bucket) == 200


def test_artifacts_go_under_the_pipelines_own_key(job: Job, artifact_key: str) -> None:
    """The pipeline's symmetric key becomes its bucket's default; an asymmetric one gives way to the operator's."""
    own = job.client("kms").create_key()["KeyMetadata"]["Arn"]
    fine = job.pipeline("fine", job.bucket("acme-fine"), own)
    unfit = job.pipeline("unfit", job.bucket("acme-unfit"), job.rsa_key())
    job.cloud.deliver()
    assert (job.artifact_key(fine), job.encryption("acme-fine")) == (own, ("aws:kms", own))
    assert (job.artifact_key(unfit), job.encryption("acme-unfit")[0]) == (artifact_key, "aws:kms")


def test_a_token_in_clear_is_told_and_never_written_back(job: Job) -> None:
    """The alert says where it stands; neither it, nor the ledger, nor any log holds it."""
    job.pipeline("leaky", job.bucket("acme-leaky"), token=TOKEN)
    job.cloud.deliver()
    alerts = {alert["resource"]["name"]: alert for alert in job.stack.alerts()}
    assert alerts["leaky"]["controls"] == ["CODEPIPELINE.SECRETS"]
    assert alerts["leaky"]["action"] == "detected"
    assert "OAuthToken" in json.dumps(alerts["leaky"])
    logs = job.cloud.client("logs")
    written = [
        logs.filter_log_events(logGroupName=group)["events"]
        for group in job.stack.resources("AWS::Logs::LogGroup").values()
    ]
    assert TOKEN not in json.dumps([alerts, job.stack.entries(), written])


def test_subscribers_hear_what_they_filter_for(job: Job) -> None:
    """Message attributes drive filter policies; mail gets a letter."""
    topic = job.stack.outputs["AlertTopicArn"]
    keys = sam.subscribe(job.cloud, topic, "keys", FilterPolicy=json.dumps({"control": ["KMS.SYMMETRIC"]}))
    job.put_policy(job.bucket("acme-heard"))
    key = job.rsa_key()
    job.cloud.deliver()
    (alert,) = job.stack.alerts(keys)
    assert alert["resource"]["arn"] == key
    attributes = alert["attributes"]
    assert {name: attributes[name] for name in ("action", "account", "region")} == {
        "action": "rejected",
        "account": "123456789012",
        "region": "us-east-1",
    }
    assert json.loads(attributes["control"]) == ["KMS.SYMMETRIC"]
    assert attributes["severity"] in ("high", "critical")
    assert {each["resource"]["arn"] for each in job.stack.alerts()} == {key, "arn:aws:s3:::acme-heard"}


def test_a_second_delivery_changes_nothing_and_tells_nobody(job: Job) -> None:
    """The same events again: no alert, no entry in the ledger, no other policy."""
    bucket, key = job.bucket("acme-again"), job.rsa_key()
    job.pipeline("again", bucket, key, TOKEN)
    job.put_policy(bucket)
    events = job.cloud.deliver()
    assert {"CreateKey", "CreatePipeline", "PutBucketPolicy"} <= {each["detail"]["eventName"] for each in events}
    assert len(job.stack.alerts()) >= 3
    policy, entries = job.policy(bucket), len(job.stack.entries())
    job.cloud.publish(*events)
    job.cloud.deliver()
    assert job.stack.alerts() == []
    assert (job.policy(bucket), len(job.stack.entries())) == (policy, entries)
    assert job.stack.dead_letters() == []


def test_the_ledger_remembers_how_it_was(job: Job) -> None:
    """An entry holds the resource before and after, what was wrong, who did it, and the outcome."""
    bucket = job.bucket("acme-ledger")
    job.put_policy(bucket)
    job.cloud.deliver()
    (alert,) = job.stack.alerts()
    (entry,) = (entry for entry in job.stack.entries() if entry["id"] == alert["id"])
    before, after = json.loads(entry["before"]), json.loads(entry["after"])
    assert [each["Sid"] for each in before["policy"]["Statement"]] == ["Mine"]
    assert len(after["policy"]["Statement"]) == 2
    assert entry["outcome"] == "remediated"
    assert json.loads(entry["actor"])["name"] == "ada"


def test_a_malformed_event_reaches_the_dead_letters_and_says_why(job: Job) -> None:
    """After its retries; the message holds the event."""
    sent = event("s3", "PutBucketPolicy", {"bucketName": 7})
    job.cloud.publish(sent)
    job.cloud.settle()
    (letter,) = job.stack.dead_letters()
    assert letter["requestPayload"]["detail"] == sent["detail"]
    assert "names no resource" in letter["responsePayload"]["errorMessage"]
    assert job.stack.alerts() == []


def test_what_a_rule_cannot_deliver_reaches_the_dead_letters(job: Job) -> None:
    """EventBridge itself puts it there, under the stack's key."""
    functions = job.cloud.client("lambda")
    name = job.stack.resources("AWS::Lambda::Function")["KeyFunction"]
    policy = json.loads(functions.get_policy(FunctionName=name)["Policy"])
    (granted,) = policy["Statement"]
    functions.remove_permission(FunctionName=name, StatementId=granted["Sid"])
    try:
        sent = event("kms", "EnableKey", {"keyId": "11111111-2222-3333-4444-555555555555"})
        job.cloud.publish(sent)
        job.cloud.settle()
        (letter,) = job.stack.dead_letters()
        assert letter["detail"]["eventID"] == sent["detail"]["eventID"]
    finally:
        functions.add_permission(
            FunctionName=name,
            StatementId=granted["Sid"],
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=next(iter(granted["Condition"]["ArnLike"].values())),
        )
    job.cloud.refusals()


def test_look_alikes_wake_nobody(job: Job) -> None:
    """Refused calls and other services' calls of the same name reach no function."""
    job.cloud.client("logs")
    job.cloud.publish(
        {
            **(refused := event("s3", "PutBucketPolicy", None)),
            "detail": refused["detail"] | {"errorCode": "AccessDenied"},
        },
        {**event("kms", "CreateKey", None), "source": "aws.payment-cryptography"},
        event("osis", "UpdatePipeline", None),
    )
    job.cloud.settle()
    assert job.stack.dead_letters() == [], "each of them is malformed: a function that saw it would have failed"


def test_our_own_topic_and_queue_refuse_plaintext(job: Job) -> None:
    """Even somebody who may do anything."""
    sns, sqs, outputs = job.client("sns", clear=True), job.client("sqs", clear=True), job.stack.outputs
    with pytest.raises(ClientError, match=r"(?i)authoriz|denied"):
        sns.publish(TopicArn=outputs["AlertTopicArn"], Message="x")
    with pytest.raises(ClientError, match=r"(?i)authoriz|denied"):
        sqs.send_message(QueueUrl=outputs["DeadLetterQueueUrl"], MessageBody="x")
    job.cloud.refusals()


def test_a_pipeline_that_was_sealed_can_be_changed_again(job: Job) -> None:
    """UpdatePipeline by its owner is looked at anew."""
    bucket = job.bucket("acme-changed")
    name = job.pipeline("changed", bucket)
    job.cloud.deliver()
    key = job.rsa_key()
    job.client("codepipeline").update_pipeline(pipeline=document(name, job.role, bucket, key))
    job.cloud.deliver()
    assert job.artifact_key(name) != key
