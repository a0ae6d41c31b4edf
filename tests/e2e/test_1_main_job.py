"""Remediation in an account that enforces IAM."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.e2e import stack as sam
from tests.e2e.developer import TOKEN, Developer, document, event
from tests.e2e.every_remediation import prove_every_remediation


def test_events_remediate_every_kind_of_violation(developer: Developer) -> None:
    """Every violation is remediated, alerted and recorded, and no call is denied."""
    prove_every_remediation(developer, "first")
    assert developer.cloud.refusals() == [], "a call was denied"


def test_a_sweep_remediates_what_no_event_reported(developer: Developer) -> None:
    """The schedule and the queue alone remediate every violation, and no call is denied."""
    prove_every_remediation(developer, "swept", swept=True)
    assert developer.cloud.refusals() == [], "a call was denied"


def test_a_remediated_bucket_denies_real_requests(developer: Developer, artifact_key: str) -> None:
    """A user with all permissions is denied over HTTP and without SSE-KMS, and allowed over HTTPS with SSE-KMS."""
    under_kms: Any = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": artifact_key}
    bucket = developer.bucket("acme-artifacts")
    assert developer.upload(bucket, http=True) == 200
    developer.pipeline("webshop", bucket)
    developer.cloud.deliver()
    assert developer.upload(bucket, http=True, **under_kms) == 403
    assert developer.read(bucket, http=True) == 403
    assert developer.upload(bucket) == 403
    assert developer.upload(bucket, ServerSideEncryption="AES256") == 403
    assert developer.upload(bucket, **under_kms) == 200
    assert developer.read(bucket, http=False) == 200


def test_the_statements_of_the_bucket_owner_stay(developer: Developer) -> None:
    """The former statements are kept, and a bucket without artifacts allows uploads without SSE-KMS."""
    bucket = developer.bucket("acme-reports")
    developer.put_policy(bucket)
    (mine,) = developer.policy(bucket)["Statement"]
    developer.cloud.deliver()
    assert mine in developer.policy(bucket)["Statement"]
    assert developer.sids(bucket) == {"Mine", "DenyInsecureConnections"}
    assert developer.upload(bucket) == 200


def test_artifacts_are_encrypted_under_a_symmetric_key(developer: Developer, artifact_key: str) -> None:
    """The pipeline's symmetric key becomes its bucket's default; the operator's key replaces an asymmetric one."""
    own = developer.client("kms").create_key()["KeyMetadata"]["Arn"]
    fine = developer.pipeline("fine", developer.bucket("acme-fine"), own)
    asymmetric = developer.pipeline("asymmetric", developer.bucket("acme-asymmetric"), developer.rsa_key())
    developer.cloud.deliver()
    assert (developer.artifact_key(fine), developer.encryption("acme-fine")) == (own, ("aws:kms", own))
    assert (developer.artifact_key(asymmetric), developer.encryption("acme-asymmetric")[0]) == (artifact_key, "aws:kms")


def test_a_plaintext_token_is_alerted_and_never_repeated(developer: Developer) -> None:
    """The alert states where the token is; neither the alert nor the ledger nor a log contains it."""
    developer.pipeline("leaky", developer.bucket("acme-leaky"), token=TOKEN)
    developer.cloud.deliver()
    alerts = {alert["resource"]["name"]: alert for alert in developer.stack.alerts()}
    assert alerts["leaky"]["controls"] == ["CODEPIPELINE.SECRETS"]
    assert alerts["leaky"]["action"] == "detected"
    assert "OAuthToken" in json.dumps(alerts["leaky"])
    logs = developer.cloud.client("logs")
    written = [
        logs.filter_log_events(logGroupName=group)["events"]
        for group in developer.stack.resources("AWS::Logs::LogGroup").values()
    ]
    assert TOKEN not in json.dumps([alerts, developer.stack.entries(), written])


def test_filter_policies_select_alerts(developer: Developer) -> None:
    """A subscription with a filter policy on message attributes gets only the alerts that match."""
    topic = developer.stack.outputs["AlertTopicArn"]
    keys = sam.subscribe(developer.cloud, topic, "keys", FilterPolicy=json.dumps({"control": ["KMS.SYMMETRIC"]}))
    developer.put_policy(developer.bucket("acme-alerted"))
    key = developer.rsa_key()
    developer.cloud.deliver()
    (alert,) = developer.stack.alerts(keys)
    assert alert["resource"]["arn"] == key
    attributes = alert["attributes"]
    assert {name: attributes[name] for name in ("action", "account", "region")} == {
        "action": "rejected",
        "account": "123456789012",
        "region": "us-east-1",
    }
    assert json.loads(attributes["control"]) == ["KMS.SYMMETRIC"]
    assert attributes["severity"] in ("high", "critical")
    assert {each["resource"]["arn"] for each in developer.stack.alerts()} == {key, "arn:aws:s3:::acme-alerted"}


def test_a_second_delivery_does_nothing(developer: Developer) -> None:
    """The same events again cause no alert, no entry and no change of the policy."""
    bucket, key = developer.bucket("acme-again"), developer.rsa_key()
    developer.pipeline("again", bucket, key, TOKEN)
    developer.put_policy(bucket)
    events = developer.cloud.deliver()
    assert {"CreateKey", "CreatePipeline", "PutBucketPolicy"} <= {each["detail"]["eventName"] for each in events}
    assert len(developer.stack.alerts()) >= 3
    policy, entries = developer.policy(bucket), len(developer.stack.entries())
    developer.cloud.publish(*events)
    developer.cloud.deliver()
    assert developer.stack.alerts() == []
    assert (developer.policy(bucket), len(developer.stack.entries())) == (policy, entries)
    assert developer.stack.dead_letters() == []


def test_an_entry_holds_the_former_state(developer: Developer) -> None:
    """An entry holds the state before and after, the actor and the outcome."""
    bucket = developer.bucket("acme-ledger")
    developer.put_policy(bucket)
    developer.cloud.deliver()
    (alert,) = developer.stack.alerts()
    (entry,) = (entry for entry in developer.stack.entries() if entry["id"] == alert["id"])
    before, after = json.loads(entry["before"]), json.loads(entry["after"])
    assert [each["Sid"] for each in before["policy"]["Statement"]] == ["Mine"]
    assert len(after["policy"]["Statement"]) == 2
    assert entry["outcome"] == "remediated"
    assert json.loads(entry["actor"])["name"] == "ada"


def test_a_malformed_event_becomes_a_dead_letter(developer: Developer) -> None:
    """After its retries, the message holds the event and the error."""
    sent = event("s3", "PutBucketPolicy", {"bucketName": 7})
    developer.cloud.publish(sent)
    developer.cloud.settle()
    (dead_letter,) = developer.stack.dead_letters()
    assert dead_letter["requestPayload"]["detail"] == sent["detail"]
    assert "names no resource" in dead_letter["responsePayload"]["errorMessage"]
    assert developer.stack.alerts() == []


def test_an_event_that_a_rule_cannot_deliver_becomes_a_dead_letter(developer: Developer) -> None:
    """EventBridge itself sends it, encrypted under the stack's key."""
    functions = developer.cloud.client("lambda")
    name = developer.stack.resources("AWS::Lambda::Function")["KeyFunction"]
    policy = json.loads(functions.get_policy(FunctionName=name)["Policy"])
    (granted,) = policy["Statement"]
    functions.remove_permission(FunctionName=name, StatementId=granted["Sid"])
    try:
        sent = event("kms", "EnableKey", {"keyId": "11111111-2222-3333-4444-555555555555"})
        developer.cloud.publish(sent)
        developer.cloud.settle()
        (dead_letter,) = developer.stack.dead_letters()
        assert dead_letter["detail"]["eventID"] == sent["detail"]["eventID"]
    finally:
        functions.add_permission(
            FunctionName=name,
            StatementId=granted["Sid"],
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=next(iter(granted["Condition"]["ArnLike"].values())),
        )
    developer.cloud.refusals()


def test_failed_calls_and_other_services_invoke_no_function(developer: Developer) -> None:
    """The rules do not match calls that failed, or calls of the same name to other services."""
    developer.cloud.publish(
        {
            **(denied := event("s3", "PutBucketPolicy", None)),
            "detail": denied["detail"] | {"errorCode": "AccessDenied"},
        },
        {**event("kms", "CreateKey", None), "source": "aws.payment-cryptography"},
        event("osis", "UpdatePipeline", None),
    )
    developer.cloud.settle()
    assert developer.stack.dead_letters() == [], "a function was invoked, and failed because each event is malformed"


def test_the_stacks_topic_and_queue_deny_http(developer: Developer) -> None:
    """Publishing and sending over HTTP are denied even to a user with all permissions."""
    sns, sqs, outputs = developer.client("sns", http=True), developer.client("sqs", http=True), developer.stack.outputs
    with pytest.raises(ClientError, match=r"(?i)authoriz|denied"):
        sns.publish(TopicArn=outputs["AlertTopicArn"], Message="x")
    with pytest.raises(ClientError, match=r"(?i)authoriz|denied"):
        sqs.send_message(QueueUrl=outputs["DeadLetterQueueUrl"], MessageBody="x")
    developer.cloud.refusals()


def test_a_later_update_of_a_pipeline_is_remediated(developer: Developer) -> None:
    """An UpdatePipeline that introduces an asymmetric key is remediated."""
    bucket = developer.bucket("acme-changed")
    name = developer.pipeline("changed", bucket)
    developer.cloud.deliver()
    key = developer.rsa_key()
    developer.client("codepipeline").update_pipeline(pipeline=document(name, developer.role, bucket, key))
    developer.cloud.deliver()
    assert developer.artifact_key(name) != key
