"""One of everything left unsealed, and found sealed: no permission of any role can be missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.e2e.cloud import ACCOUNT, REGION, Credentials
from tests.e2e.job import TOKEN, Job, document, event, forgetful
from tests.event_cases import PATTERNS

STRANGER = Credentials("210987654321", "")
"""The root of another account."""


def whole(job: Job, number: str, *, swept: bool = False) -> None:
    """Leave one of everything unsealed and find it sealed; raise AssertionError, saying what was not done.

    Events tell of it, or, where it is *swept*, none does. Every permission of every role is needed for one or the
    other, and that is what least_privilege.py shows. An exemption that hangs on a tag has all tags read.
    """
    find = job.sweep if swept else partial(job.cloud.deliver, echoes=False)
    _forget_logs(job)
    job.excuse(f"excused={number}")
    key, own = job.rsa_key(), job.client("kms").create_key()["KeyMetadata"]["Arn"]
    plain = job.bucket(f"plain-{number}")
    job.put_policy(plain)
    masked = job.pipeline(f"masked-{number}", job.bucket(f"masked-{number}"), key, TOKEN)
    rekeyed = job.pipeline(f"rekeyed-{number}", job.bucket(f"rekeyed-{number}"), key)
    labelled = job.bucket(f"own-{number}")
    job.client("s3").put_bucket_tagging(Bucket=labelled, Tagging={"TagSet": [{"Key": "token", "Value": TOKEN}]})
    job.pipeline(labelled, labelled, own)
    theirs = f"theirs-{number}"
    job.cloud.client("s3", STRANGER).create_bucket(Bucket=theirs)
    abroad = job.pipeline(f"abroad-{number}", theirs)
    revisions, trail = _application(job, number, theirs), _trail(job, number)
    built = _project(job, number, theirs)
    find()  # what one function leaves undone, another would do when the echo comes
    heard = {alert["resource"]["arn"]: alert for alert in _alerts(job)}
    alerts = {name: alert["action"] for name, alert in heard.items()}
    wanted = {
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
    heard_of = {name: action for name, action in alerts.items() if name in wanted}
    assert heard_of == wanted, {name: (heard_of.get(name), wanted[name]) for name in wanted}
    said = json.dumps(heard[f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{labelled}"]["findings"])
    assert "a credential (" in said, "the tags of the artifact bucket were read"
    assert job.key_state(key) == "PendingDeletion"
    assert job.client("kms").get_key_rotation_status(KeyId=own)["KeyRotationEnabled"]
    assert job.closed(masked)
    assert job.artifact_key(rekeyed) not in ("", key)
    for bucket in (plain, masked, rekeyed, revisions, built):
        assert "DenyInsecureConnections" in job.sids(bucket)
    for bucket in (masked, rekeyed, revisions, built):
        assert job.encryption(bucket)[0] == "aws:kms"
    for bucket in (masked, rekeyed):
        assert "DenyUnEncryptedObjectUploads" in job.sids(bucket)
    (project,) = job.client("codebuild").batch_get_projects(names=[f"build-{number}"])["projects"]
    assert not project["artifacts"].get("encryptionDisabled")
    assert _bucket(theirs) not in alerts, "another account's bucket is none of ours"
    job.cloud.deliver()
    echoed = told(_alerts(job))
    assert echoed == [], f"told because a call of the functions came back as an event: {echoed}"
    _again(job, masked, own, trail, find)
    if swept:
        _failed_sweep(job)
    else:
        _given_up(job, theirs, abroad)
    _logged(job, swept=swept)


def _application(job: Job, number: str, theirs: str) -> str:
    """Make an application that is deployed from a bucket; return the bucket.

    Other revisions of it are in a bucket of somebody else, and a text with a token.
    """
    bucket, codedeploy, name = job.bucket(f"revisions-{number}"), job.client("codedeploy"), f"app-{number}"
    codedeploy.create_application(applicationName=name)
    codedeploy.create_deployment_group(applicationName=name, deploymentGroupName="all", serviceRoleArn=job.role)
    place = {"bucket": bucket, "key": "app.zip", "bundleType": "zip"}
    revision = {"revisionType": "S3", "s3Location": place}
    codedeploy.create_deployment(applicationName=name, deploymentGroupName="all", revision=revision)
    codedeploy.register_application_revision(
        applicationName=name, revision={"revisionType": "S3", "s3Location": {**place, "bucket": theirs}}
    )
    text = {"content": f"version: 0.0\nenvironment:\n  GITHUB_TOKEN: {TOKEN}\n"}
    codedeploy.register_application_revision(
        applicationName=name, revision={"revisionType": "AppSpecContent", "appSpecContent": text}
    )
    return bucket


def _project(job: Job, number: str, theirs: str) -> str:
    """Make a build project that leaves its artifacts in clear; return the bucket that they go to.

    Another one keeps them, encrypted, in a bucket of somebody else.
    """
    bucket = job.bucket(f"built-{number}")
    machine = {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"}
    for name, place, clear in ((f"build-{number}", bucket, True), (f"build-abroad-{number}", theirs, False)):
        job.client("codebuild").create_project(
            name=name,
            source={"type": "S3", "location": f"{bucket}/source.zip"},
            artifacts={"type": "S3", "location": place, "encryptionDisabled": clear},
            environment=machine,
            serviceRole=job.role,
        )
    return bucket


def _trail(job: Job, number: str) -> str:
    """Make a trail that logs; return its name."""
    name = f"trail-{number}"
    job.cloud.moto("s3").create_bucket(Bucket=name)
    cloudtrail = job.client("cloudtrail")
    cloudtrail.create_trail(Name=name, S3BucketName=name)
    cloudtrail.start_logging(Name=name)
    return name


def _again(job: Job, bucket: str, key: str, trail: str, find: Callable[[], object]) -> None:
    """Break what was sealed: other functions than those that sealed it find it broken."""
    # An event that shows a policy which is not there makes the ledger be asked whether it was overtaken.
    shown = {"Version": "2012-10-17", "Statement": [{**forgetful(bucket)["Statement"][0], "Sid": "Gone"}]}
    job.cloud.publish(event("s3", "PutBucketPolicy", {"bucketName": bucket, "bucketPolicy": shown}))
    job.cloud.settle()
    cloudtrail, kms = job.client("cloudtrail"), job.client("kms")
    job.client("s3").delete_bucket_encryption(Bucket=bucket)
    kms.disable_key_rotation(KeyId=key)
    cloudtrail.stop_logging(Name=trail)
    cloudtrail.put_event_selectors(
        TrailName=trail, EventSelectors=[{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}]
    )
    mended = document(bucket, job.role, bucket, key)
    job.client("codepipeline").update_pipeline(pipeline=mended)
    find()
    assert not job.closed(bucket), "what was wrong with the pipeline is mended, and the quarantine ends"
    assert job.encryption(bucket)[0] == "aws:kms"
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    assert cloudtrail.get_trail_status(Name=trail)["IsLogging"]
    (selector,) = cloudtrail.get_event_selectors(TrailName=trail)["EventSelectors"]
    assert selector["ReadWriteType"] == "All"
    alerts = {(name, controls) for name, _, controls in told(_alerts(job))}
    assert alerts >= {
        (_bucket(bucket), ("S3.DEFAULT_ENCRYPTION",)),
        (key, ("KMS.ROTATION",)),
        (f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{trail}", ("CLOUDTRAIL.LOGGING",)),
    }


def _given_up(job: Job, theirs: str, abroad: str) -> None:
    """Events that say nothing end in the dead letters, one a function; another account's bucket does not."""
    assert job.stack.dead_letters() == []
    job.cloud.publish(event("s3", "PutBucketPolicy", {"bucketName": theirs}))
    job.cloud.publish(event("codepipeline", "UpdatePipeline", {"pipeline": {"name": abroad}}))
    job.cloud.settle()
    assert job.stack.dead_letters() == []
    assert _alerts(job) == [], "nobody is told of what is none of ours"
    nothing = {
        name: event(rule["source"][0].removeprefix("aws."), rule["detail"]["eventName"][0], None)
        for name, (rule, *_) in PATTERNS.items()
        if name in job.stack.resources("AWS::Lambda::Function")
    }
    job.cloud.publish(*nothing.values())
    job.cloud.settle()
    dead = {letter["requestPayload"]["source"] for letter in job.stack.dead_letters()}
    assert dead == {each["source"] for each in nothing.values()}


def _failed_sweep(job: Job) -> None:
    """What the sweep fails on for good comes to the dead letters, and nothing else did."""
    assert job.stack.dead_letters() == []
    function = job.stack.resources("AWS::Lambda::Function")["SweepFunction"]
    nothing = {"Records": "none"}
    job.cloud.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(nothing))
    job.cloud.settle()
    (letter,) = job.stack.dead_letters()
    assert letter["requestPayload"] == nothing


def _logged(job: Job, *, swept: bool) -> None:
    """Every function has written to the log group that it was given, since last time."""
    groups = {group: streams for group, streams in _streams(job).items() if swept is group.endswith("SweepFunction")}
    silent = [group for group, streams in groups.items() if not streams]
    assert not silent, f"nothing in {silent}"


def _forget_logs(job: Job) -> None:
    for group, streams in _streams(job).items():
        for stream in streams:
            job.cloud.client("logs").delete_log_stream(logGroupName=group, logStreamName=stream)


def _streams(job: Job) -> dict[str, list[str]]:
    logs = job.cloud.client("logs")
    return {
        group: [each["logStreamName"] for each in logs.describe_log_streams(logGroupName=group)["logStreams"]]
        for group in job.stack.resources("AWS::Logs::LogGroup").values()
    }


def _alerts(job: Job) -> list[dict[str, Any]]:
    """Return the alerts since last time; none of them may be of something that pipeseal was refused."""
    alerts = job.stack.alerts()
    refused = [reason for alert in alerts if alert["action"] == "failed" for reason in _reasons(alert)]
    assert not refused, refused[0]
    return alerts


def _reasons(alert: dict[str, Any]) -> list[str]:
    return [finding["refusal"] or finding["reasons"][0] for finding in alert["findings"]]


def told(alerts: list[dict[str, Any]]) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return what each alert is about: the resource, what was done, and for which controls."""
    return [(alert["resource"]["arn"], alert["action"], tuple(alert["controls"])) for alert in alerts]


def _bucket(name: str) -> str:
    return f"arn:aws:s3:::{name}"
