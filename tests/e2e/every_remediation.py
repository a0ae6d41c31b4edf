"""One violation of every kind is created and remediated, which needs every permission of every role."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.e2e.cloud import ACCOUNT, REGION, Credentials
from tests.e2e.developer import TOKEN, Developer, document, event, policy_without_tls
from tests.event_cases import PATTERNS

OTHER_ACCOUNT = Credentials("210987654321", "")
"""The root user of another account."""


def prove_every_remediation(developer: Developer, number: str, *, swept: bool = False) -> None:
    """Create one violation of every kind and check that it is remediated; raise AssertionError with what was not.

    Events report the violations; where *swept*, they are dropped and a sweep finds them. Every permission of every role
    is needed for one or the other, which least_privilege.py shows. An exemption by tag makes all tags be read.
    """
    detect = developer.sweep if swept else partial(developer.cloud.deliver, echoes=False)
    _delete_logs(developer)
    developer.exempt(f"exempt={number}")
    key, own = developer.rsa_key(), developer.client("kms").create_key()["KeyMetadata"]["Arn"]
    plain = developer.bucket(f"plain-{number}")
    developer.put_policy(plain)
    masked = developer.pipeline(f"masked-{number}", developer.bucket(f"masked-{number}"), key, TOKEN)
    rekeyed = developer.pipeline(f"rekeyed-{number}", developer.bucket(f"rekeyed-{number}"), key)
    labelled = developer.bucket(f"own-{number}")
    developer.client("s3").put_bucket_tagging(Bucket=labelled, Tagging={"TagSet": [{"Key": "token", "Value": TOKEN}]})
    developer.pipeline(labelled, labelled, own)
    foreign = f"foreign-{number}"
    developer.cloud.client("s3", OTHER_ACCOUNT).create_bucket(Bucket=foreign)
    foreign_pipeline = developer.pipeline(f"foreign-store-{number}", foreign)
    revisions, trail = _application(developer, number, foreign), _trail(developer, number)
    built = _project(developer, number, foreign)
    detect()  # without echoes: they would make another function remediate what the first one did not
    by_resource = {alert["resource"]["arn"]: alert for alert in _alerts(developer)}
    alerts = {name: alert["action"] for name, alert in by_resource.items()}
    expected = {
        key: "rejected",
        own: "remediated",
        _bucket(plain): "remediated",
        _bucket(masked): "remediated",
        _bucket(rekeyed): "remediated",
        _bucket(revisions): "remediated",
        _bucket(built): "remediated",
        f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{masked}": "quarantined",
        f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{rekeyed}": "remediated",
        f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{labelled}": "detected",
        f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:application:app-{number}": "detected",
        f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/build-{number}": "remediated",
    }
    relevant = {name: action for name, action in alerts.items() if name in expected}
    assert relevant == expected, {name: (relevant.get(name), expected[name]) for name in expected}
    findings = json.dumps(by_resource[f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{labelled}"]["findings"])
    assert "a credential (" in findings, "the tags of the artifact bucket were not read"
    assert developer.key_state(key) == "PendingDeletion"
    assert developer.client("kms").get_key_rotation_status(KeyId=own)["KeyRotationEnabled"]
    assert developer.quarantined(masked)
    assert developer.artifact_key(rekeyed) not in ("", key)
    for bucket in (plain, masked, rekeyed, revisions, built):
        assert "DenyInsecureConnections" in developer.sids(bucket)
    for bucket in (masked, rekeyed, revisions, built):
        assert developer.encryption(bucket)[0] == "aws:kms"
    for bucket in (masked, rekeyed):
        assert "DenyUnEncryptedObjectUploads" in developer.sids(bucket)
    (project,) = developer.client("codebuild").batch_get_projects(names=[f"build-{number}"])["projects"]
    assert not project["artifacts"].get("encryptionDisabled")
    assert _bucket(foreign) not in alerts, "a bucket of another account was alerted"
    developer.cloud.deliver()
    echoed = summaries(_alerts(developer))
    assert echoed == [], f"events of the functions' own calls caused alerts: {echoed}"
    _violate_again(developer, masked, own, trail, detect)
    if swept:
        _dead_letter_of_the_sweep(developer)
    else:
        _dead_letters_of_events(developer, foreign, foreign_pipeline)
    _check_logs(developer, swept=swept)


def _application(developer: Developer, number: str, foreign: str) -> str:
    """Create an application that is deployed from a bucket; return the bucket.

    It has another revision in a bucket of another account, and one with a token in its AppSpec.
    """
    bucket, codedeploy, name = developer.bucket(f"revisions-{number}"), developer.client("codedeploy"), f"app-{number}"
    codedeploy.create_application(applicationName=name)
    codedeploy.create_deployment_group(applicationName=name, deploymentGroupName="all", serviceRoleArn=developer.role)
    location = {"bucket": bucket, "key": "app.zip", "bundleType": "zip"}
    revision = {"revisionType": "S3", "s3Location": location}
    codedeploy.create_deployment(applicationName=name, deploymentGroupName="all", revision=revision)
    codedeploy.register_application_revision(
        applicationName=name, revision={"revisionType": "S3", "s3Location": {**location, "bucket": foreign}}
    )
    text = {"content": f"version: 0.0\nenvironment:\n  GITHUB_TOKEN: {TOKEN}\n"}
    codedeploy.register_application_revision(
        applicationName=name, revision={"revisionType": "AppSpecContent", "appSpecContent": text}
    )
    return bucket


def _project(developer: Developer, number: str, foreign: str) -> str:
    """Create a build project with unencrypted artifacts; return the bucket that they go to.

    A second project has encrypted artifacts in a bucket of another account.
    """
    bucket = developer.bucket(f"built-{number}")
    machine = {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"}
    for name, location, unencrypted in ((f"build-{number}", bucket, True), (f"build-foreign-{number}", foreign, False)):
        developer.client("codebuild").create_project(
            name=name,
            source={"type": "S3", "location": f"{bucket}/source.zip"},
            artifacts={"type": "S3", "location": location, "encryptionDisabled": unencrypted},
            environment=machine,
            serviceRole=developer.role,
        )
    return bucket


def _trail(developer: Developer, number: str) -> str:
    """Create a trail that logs; return its name."""
    name = f"trail-{number}"
    developer.cloud.moto("s3").create_bucket(Bucket=name)
    cloudtrail = developer.client("cloudtrail")
    cloudtrail.create_trail(Name=name, S3BucketName=name)
    cloudtrail.start_logging(Name=name)
    return name


def _violate_again(developer: Developer, bucket: str, key: str, trail: str, detect: Callable[[], object]) -> None:
    """Violate what was remediated, so that the functions of the other kinds of resources detect it."""
    # An event with a policy that the bucket does not have makes pipeseal search the ledger for a lost update.
    other_policy = {
        "Version": "2012-10-17",
        "Statement": [{**policy_without_tls(bucket)["Statement"][0], "Sid": "Gone"}],
    }
    developer.cloud.publish(event("s3", "PutBucketPolicy", {"bucketName": bucket, "bucketPolicy": other_policy}))
    developer.cloud.settle()
    cloudtrail, kms = developer.client("cloudtrail"), developer.client("kms")
    developer.client("s3").delete_bucket_encryption(Bucket=bucket)
    kms.disable_key_rotation(KeyId=key)
    cloudtrail.stop_logging(Name=trail)
    cloudtrail.put_event_selectors(
        TrailName=trail, EventSelectors=[{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}]
    )
    compliant = document(bucket, developer.role, bucket, key)
    developer.client("codepipeline").update_pipeline(pipeline=compliant)
    detect()
    assert not developer.quarantined(bucket), "the quarantine of a compliant pipeline did not end"
    assert developer.encryption(bucket)[0] == "aws:kms"
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    assert cloudtrail.get_trail_status(Name=trail)["IsLogging"]
    (selector,) = cloudtrail.get_event_selectors(TrailName=trail)["EventSelectors"]
    assert selector["ReadWriteType"] == "All"
    alerts = {(name, controls) for name, _, controls in summaries(_alerts(developer))}
    assert alerts >= {
        (_bucket(bucket), ("S3.DEFAULT_ENCRYPTION",)),
        (key, ("KMS.ROTATION",)),
        (f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{trail}", ("CLOUDTRAIL.LOGGING",)),
    }


def _dead_letters_of_events(developer: Developer, foreign: str, foreign_pipeline: str) -> None:
    """A malformed event for each function becomes a dead letter; events of another account's resources do not."""
    assert developer.stack.dead_letters() == []
    developer.cloud.publish(event("s3", "PutBucketPolicy", {"bucketName": foreign}))
    developer.cloud.publish(event("codepipeline", "UpdatePipeline", {"pipeline": {"name": foreign_pipeline}}))
    developer.cloud.settle()
    assert developer.stack.dead_letters() == []
    assert _alerts(developer) == [], "a resource of another account was alerted"
    malformed = {
        name: event(rule["source"][0].removeprefix("aws."), rule["detail"]["eventName"][0], None)
        for name, (rule, *_) in PATTERNS.items()
        if name in developer.stack.resources("AWS::Lambda::Function")
    }
    developer.cloud.publish(*malformed.values())
    developer.cloud.settle()
    dead = {each["requestPayload"]["source"] for each in developer.stack.dead_letters()}
    assert dead == {each["source"] for each in malformed.values()}


def _dead_letter_of_the_sweep(developer: Developer) -> None:
    """An event that the sweep cannot handle becomes the only dead letter."""
    assert developer.stack.dead_letters() == []
    function = developer.stack.resources("AWS::Lambda::Function")["SweepFunction"]
    malformed = {"Records": "none"}
    developer.cloud.client("lambda").invoke(
        FunctionName=function, InvocationType="Event", Payload=json.dumps(malformed)
    )
    developer.cloud.settle()
    (dead_letter,) = developer.stack.dead_letters()
    assert dead_letter["requestPayload"] == malformed


def _check_logs(developer: Developer, *, swept: bool) -> None:
    """Check that every function wrote to its own log group."""
    groups = {
        group: streams for group, streams in _streams(developer).items() if swept is group.endswith("SweepFunction")
    }
    silent = [group for group, streams in groups.items() if not streams]
    assert not silent, f"no log in {silent}"


def _delete_logs(developer: Developer) -> None:
    for group, streams in _streams(developer).items():
        for stream in streams:
            developer.cloud.client("logs").delete_log_stream(logGroupName=group, logStreamName=stream)


def _streams(developer: Developer) -> dict[str, list[str]]:
    logs = developer.cloud.client("logs")
    return {
        group: [each["logStreamName"] for each in logs.describe_log_streams(logGroupName=group)["logStreams"]]
        for group in developer.stack.resources("AWS::Logs::LogGroup").values()
    }


def _alerts(developer: Developer) -> list[dict[str, Any]]:
    """Return the alerts since the last time; none of them may report a permission that is missing."""
    alerts = developer.stack.alerts()
    refused = [reason for alert in alerts if alert["action"] == "failed" for reason in _reasons(alert)]
    assert not refused, refused[0]
    return alerts


def _reasons(alert: dict[str, Any]) -> list[str]:
    return [finding["refusal"] or finding["reasons"][0] for finding in alert["findings"]]


def summaries(alerts: list[dict[str, Any]]) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return resource, action and controls of each alert."""
    return [(alert["resource"]["arn"], alert["action"], tuple(alert["controls"])) for alert in alerts]


def _bucket(name: str) -> str:
    return f"arn:aws:s3:::{name}"
