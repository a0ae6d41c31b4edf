"""Every way in which pipeseal writes, or tells: how to make the violation, and how to see that it is seen to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import local
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError
from tests.account import ACCOUNT, ENVIRONMENT, REGION, Account, Context, event

import remediate
from pipeseal.amendment import Declined
from pipeseal.aws.clients import client
from pipeseal.aws.world import World
from pipeseal.exemptions import Grounds
from pipeseal.undo import carry_out, reversal

if TYPE_CHECKING:
    from tests.races.wire import Clock

Event = dict[str, Any]
_PIPELINE = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:release"
_LONG = 45
_PROCESS = local()
"""What a process has made on its first event; here each thread is one."""
_TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}}]}


@dataclass(frozen=True, slots=True)
class Scene:
    """A violation that was just made."""

    name: str
    """What the names of its resources have in common, and no other scene's have."""
    arns: tuple[str, ...]
    """The resources that are to be seen to."""
    news: Event
    """The event that tells of it."""
    state: Callable[[], Any]
    retried: bool = False
    """Whether who sees to it is a person, who tries again by hand where it failed."""
    """Returns how the resources are now."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One way through the service."""

    name: str
    arrange: Callable[[Stage, str], Scene]
    environment: Mapping[str, str] = field(default_factory=dict)
    act: Callable[[Stage, Scene], None] | None = None
    """What is done about it, where that is not the handler's to do."""


@dataclass(frozen=True, slots=True)
class Stage:
    """An account under a clock of its own."""

    account: Account
    clock: Clock
    environment: dict[str, str] = field(default_factory=dict)
    sleep: Callable[[float], None] | None = None
    """How to wait, where that is more than to move the clock."""

    def world(self) -> World:
        """Make the world of one invocation."""
        return World({**ENVIRONMENT, **self.environment}, client, self.clock, self.sleep or self.clock.sleep)

    def deliver(self, news: Event) -> list[dict[str, Any]]:
        """Hand *news* to the handler, in a process of its own."""
        _PROCESS.world = self.world()
        remediate.world = lambda: _PROCESS.world  # type: ignore[assignment]
        return remediate.handler(news, Context())

    def seen_to(self, flow: Flow, scene: Scene) -> None:
        """Do what the flow does."""
        if flow.act:
            flow.act(self, scene)
        else:
            self.deliver(scene.news)


def later(news: Event) -> Event:
    """Return another event of the same kind, as the next one to touch the resource makes."""
    request = news["detail"]["requestParameters"]
    return event(news["detail"]["eventName"], request, news["detail"]["responseElements"])


def _policy(name: str) -> Any:
    try:
        return json.loads(boto3.client("s3").get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    except ClientError:
        return None


def _encryption(name: str) -> Any:
    try:
        return boto3.client("s3").get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    except ClientError:
        return None


def _bucket_state(name: str) -> Any:
    return _policy(name), _encryption(name)


def _readers(name: str, sid: str = "Readers") -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{name}/*",
    }


def _bucket(name: str, *statements: dict[str, Any]) -> str:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=name)
    if statements:
        text = json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))
        s3.put_bucket_policy(Bucket=name, Policy=text)
    return f"arn:aws:s3:::{name}"


def _open_bucket(_stage: Stage, name: str) -> Scene:
    arn = _bucket(name, _readers(name))
    return Scene(name, (arn,), event("PutBucketPolicy", {"bucketName": name}), lambda: _bucket_state(name))


def _artifact_bucket(stage: Stage, name: str) -> Scene:
    arn = _bucket(name)
    boto3.client("s3").delete_bucket_encryption(Bucket=name)
    stage.world().ledger.relink(f"{_PIPELINE}-{name}", {}, {arn: ""})
    return Scene(name, (arn,), event("DeleteBucketEncryption", {"bucketName": name}), lambda: _bucket_state(name))


def _long_policy(_stage: Stage, name: str) -> Scene:
    many = [_readers(name, f"Readers{number:02}" + "x" * 303) for number in range(_LONG)]
    arn = _bucket(name, *many)
    return Scene(name, (arn,), event("PutBucketPolicy", {"bucketName": name}), lambda: _bucket_state(name))


def _unfit_key() -> str:
    made = boto3.client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    return made["Arn"]


def _new_key(_stage: Stage, _name: str) -> Scene:
    arn = _unfit_key()

    def state() -> Any:
        return boto3.client("kms").describe_key(KeyId=arn)["KeyMetadata"]["KeyState"]

    return Scene(arn.rpartition("/")[2], (arn,), event("CreateKey", {}, {"keyMetadata": {"arn": arn}}), state)


def _role() -> str:
    iam = boto3.client("iam")
    with suppress(ClientError):  # it is there from the last time
        iam.create_role(RoleName="pipeline", AssumeRolePolicyDocument=json.dumps(_TRUST))
    return f"arn:aws:iam::{ACCOUNT}:role/pipeline"


def _pipeline(_stage: Stage, name: str) -> Scene:
    bucket = _bucket(name)
    kind = {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"}
    key = _unfit_key()
    structure: Any = {
        "name": name,
        "roleArn": _role(),
        "artifactStore": {"type": "S3", "location": name, "encryptionKey": {"id": key, "type": "KMS"}},
        "stages": [
            {"name": each, "actions": [{"name": each, "actionTypeId": kind, "configuration": {"ProjectName": "one"}}]}
            for each in ("Source", "Build")
        ],
    }
    codepipeline = boto3.client("codepipeline")
    codepipeline.create_pipeline(pipeline=structure)

    def state() -> Any:
        found: Any = codepipeline.get_pipeline(name=name)["pipeline"]
        ways = codepipeline.get_pipeline_state(name=name)["stageStates"]
        open_ways = [each.get("inboundTransitionState", {}).get("enabled") for each in ways]
        fit = found["artifactStore"]["encryptionKey"]["id"] != key
        return fit, found["artifactStore"]["location"], open_ways, _bucket_state(name)

    arns = (f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{name}", bucket, key)
    return Scene(name, arns, event("CreatePipeline", {"pipeline": {"name": name}}), state)


def _operators_key(stage: Stage, name: str) -> Scene:
    if "ARTIFACT_KEY_ARN" not in stage.environment:
        kms = boto3.client("kms")
        arn = stage.environment["ARTIFACT_KEY_ARN"] = kms.create_key()["KeyMetadata"]["Arn"]
        kms.enable_key_rotation(KeyId=arn)
    scene = _pipeline(stage, name)
    return Scene(scene.name, (*scene.arns[:2], stage.environment["ARTIFACT_KEY_ARN"]), scene.news, scene.state)


def _trail(stage: Stage, name: str) -> Scene:
    arn = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{name}"
    _bucket(f"{name}-log")
    cloudtrail = boto3.client("cloudtrail")
    cloudtrail.create_trail(Name=name, S3BucketName=f"{name}-log", IsMultiRegionTrail=True)
    cloudtrail.start_logging(Name=name)
    stage.deliver(event("StartLogging", {"name": arn}))
    cloudtrail.stop_logging(Name=name)

    def state() -> Any:
        return cloudtrail.get_trail_status(Name=name)["IsLogging"]

    return Scene(name, (arn,), event("StopLogging", {"name": arn}), state)


def _project(_stage: Stage, name: str) -> Scene:
    bucket = _bucket(name)
    codebuild = boto3.client("codebuild")
    codebuild.create_project(
        name=name,
        source={"type": "GITHUB", "location": "https://github.com/acme/harbor"},
        artifacts={"type": "S3", "location": name, "packaging": "ZIP", "encryptionDisabled": True},
        environment={"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=f"arn:aws:iam::{ACCOUNT}:role/build",
    )

    def state() -> Any:
        (found,) = codebuild.batch_get_projects(names=[name])["projects"]
        return found["artifacts"], _bucket_state(name)

    arn = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{name}"
    return Scene(name, (arn, bucket), event("UpdateProject", {"name": name}), state)


def _sealed_bucket(stage: Stage, name: str) -> Scene:
    scene = _open_bucket(stage, name)
    stage.deliver(scene.news)
    return replace(scene, retried=True)


def _undo(stage: Stage, scene: Scene) -> None:
    world = stage.world()
    entries = [each for each in world.ledger.latest(scene.arns[0], 20) if not each.undoes]
    grounds = Grounds("ada", "the scanner cannot do TLS", world.clock() + timedelta(days=30))
    try:
        carry_out(reversal(entries[0].id, grounds, world), world)
    except Declined as declined:
        if "taken back already" not in str(declined):
            raise


FLOWS = (
    Flow("bucket, TLS", _open_bucket),
    Flow("artifact bucket, whole", _artifact_bucket),
    Flow("asymmetric key", _new_key),
    Flow("pipeline, operator's key", _operators_key),
    Flow("pipeline, quarantine", _pipeline),
    Flow("trail stopped", _trail),
    Flow("CodeBuild encryption", _project),
    Flow("detect mode", _open_bucket, {"MODE": "detect"}),
    Flow("policy too large", _long_policy),
    Flow("undo", _sealed_bucket, act=_undo),
)
