"""Every way in which pipeseal writes or alerts: how to create the violation, and how to observe its remediation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
from tests.fake_account import ACCOUNT, REGION, event
from tests.fake_resources import (
    allow_reads,
    create_bucket,
    create_pipeline,
    key_state,
    live_encryption,
    live_pipeline,
    live_policy,
    under_key,
)

from pipeseal.exemptions import Grounds
from pipeseal.model import Actor
from pipeseal.operations.amendment import Declined, carry_out
from pipeseal.operations.undo import plan_undo

if TYPE_CHECKING:
    from tests.races.timed_account import Event, TimedAccount

_PIPELINE = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:release"
_MANY = 45
"""Statements of a policy to which S3 would not let another one be added."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A violation that was just created."""

    name: str
    """What the names of its resources contain, and those of no other scenario."""
    arns: tuple[str, ...]
    """The resources in violation."""
    happened: Event
    """The event that reports it."""
    state: Callable[[], Any]
    """Returns the state of the resources."""
    by_operator: bool = False
    """Whether an operator acts on it, who repeats by hand what failed."""


@dataclass(frozen=True, slots=True)
class Workflow:
    """One way through the service."""

    name: str
    arrange: Callable[[TimedAccount, str], Scenario]
    environment: Mapping[str, str] = field(default_factory=dict)
    act: Callable[[TimedAccount, Scenario], None] | None = None
    """What an operator does; None where the handler acts."""

    def run(self, timed: TimedAccount, scenario: Scenario) -> None:
        """Have the violation handled."""
        if self.act:
            self.act(timed, scenario)
        else:
            timed.deliver(scenario.happened)


def _bucket_state(name: str) -> Any:
    return (live_policy(name) or {}).get("Statement"), live_encryption(name)


def _bucket_scenario(call: str, name: str, arn: str) -> Scenario:
    return Scenario(name, (arn,), event(call, {"bucketName": name}), lambda: _bucket_state(name))


def _bucket_without_tls(_timed: TimedAccount, name: str) -> Scenario:
    return _bucket_scenario("PutBucketPolicy", name, create_bucket(name, allow_reads(name)))


def _artifact_bucket(timed: TimedAccount, name: str) -> Scenario:
    arn = create_bucket(name)
    boto3.client("s3").delete_bucket_encryption(Bucket=name)
    timed.runtime().ledger.records.set_dependencies(f"{_PIPELINE}-{name}", {}, {arn: ""})
    return _bucket_scenario("DeleteBucketEncryption", name, arn)


def _long_policy(_timed: TimedAccount, name: str) -> Scenario:
    many = [allow_reads(name, f"Readers{number:02}" + "x" * 303) for number in range(_MANY)]
    return _bucket_scenario("PutBucketPolicy", name, create_bucket(name, *many))


def _create_signing_key() -> str:
    """Create an asymmetric key of elliptic curves, which is faster than RSA; return its ARN."""
    made = boto3.client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    return made["Arn"]


def _new_key(_timed: TimedAccount, _name: str) -> Scenario:
    arn = _create_signing_key()
    created = event("CreateKey", {}, {"keyMetadata": {"arn": arn}})
    return Scenario(arn.rpartition("/")[2], (arn,), created, lambda: key_state(arn))


def _pipeline(_timed: TimedAccount, name: str) -> Scenario:
    bucket, key = create_bucket(name), _create_signing_key()
    create_pipeline(name, {"location": name, **under_key(key)})

    def state() -> Any:
        store = live_pipeline(name)["artifactStore"]
        stages = boto3.client("codepipeline").get_pipeline_state(name=name)["stageStates"]
        enabled = [each.get("inboundTransitionState", {}).get("enabled") for each in stages]
        return store["encryptionKey"]["id"] != key, store["location"], enabled, _bucket_state(name)

    arns = (f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{name}", bucket, key)
    return Scenario(name, arns, event("CreatePipeline", {"pipeline": {"name": name}}), state)


def _pipeline_with_operators_key(timed: TimedAccount, name: str) -> Scenario:
    if "ARTIFACT_KEY_ARN" not in timed.environment:
        kms = boto3.client("kms")
        arn = timed.environment["ARTIFACT_KEY_ARN"] = kms.create_key()["KeyMetadata"]["Arn"]
        kms.enable_key_rotation(KeyId=arn)
    scenario = _pipeline(timed, name)
    return replace(scenario, arns=(*scenario.arns[:2], timed.environment["ARTIFACT_KEY_ARN"]))


def _stopped_trail(timed: TimedAccount, name: str) -> Scenario:
    arn = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{name}"
    create_bucket(f"{name}-log")
    cloudtrail = boto3.client("cloudtrail")
    cloudtrail.create_trail(Name=name, S3BucketName=f"{name}-log", IsMultiRegionTrail=True)
    cloudtrail.start_logging(Name=name)
    timed.deliver(event("StartLogging", {"name": arn}))
    cloudtrail.stop_logging(Name=name)
    stopped = event("StopLogging", {"name": arn})
    return Scenario(name, (arn,), stopped, lambda: cloudtrail.get_trail_status(Name=name)["IsLogging"])


def _project(_timed: TimedAccount, name: str) -> Scenario:
    bucket = create_bucket(name)
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
    return Scenario(name, (arn, bucket), event("UpdateProject", {"name": name}), state)


def _remediated_bucket(timed: TimedAccount, name: str) -> Scenario:
    scenario = _bucket_without_tls(timed, name)
    timed.deliver(scenario.happened)
    return replace(scenario, by_operator=True)


def _undo(timed: TimedAccount, scenario: Scenario) -> None:
    runtime = timed.runtime()
    entries = [each for each in runtime.ledger.entries.latest(scenario.arns[0], 20) if not each.undoes]
    grounds = Grounds("ada", "the scanner cannot do TLS", runtime.clock.now() + timedelta(days=30))
    try:
        carry_out(plan_undo(entries[0].id, grounds, runtime), Actor(grounds.owner, "operator"), runtime)
    except Declined as declined:
        if "already undone" not in str(declined):
            raise


BUCKET_WITHOUT_TLS = Workflow("bucket, TLS", _bucket_without_tls)
ARTIFACT_BUCKET = Workflow("artifact bucket, every control", _artifact_bucket)

WORKFLOWS = (
    BUCKET_WITHOUT_TLS,
    ARTIFACT_BUCKET,
    Workflow("asymmetric key", _new_key),
    Workflow("pipeline, operator's key", _pipeline_with_operators_key),
    Workflow("pipeline, quarantine", _pipeline),
    Workflow("trail stopped", _stopped_trail),
    Workflow("CodeBuild encryption", _project),
    Workflow("detect mode", _bucket_without_tls, {"MODE": "detect"}),
    Workflow("policy too large", _long_policy),
    Workflow("undo", _remediated_bucket, act=_undo),
)
