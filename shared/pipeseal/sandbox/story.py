"""The story that the demo tells: people at work on a pipeline, each leaving something unsealed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeseal.cloudtrail import subjects
from pipeseal.controls import codebuild_secrets, codedeploy_secrets
from pipeseal.controls.s3_sse_uploads import deny_otherwise_encrypted, deny_unencrypted
from pipeseal.controls.s3_tls import deny_insecure
from pipeseal.model import Ref
from pipeseal.model.application import Application
from pipeseal.model.bucket import Bucket
from pipeseal.model.key import Key
from pipeseal.model.pipeline import Pipeline
from pipeseal.model.project import Project
from pipeseal.model.trail import Trail, said
from pipeseal.sandbox.account import TRAIL, Account, Alert
from pipeseal.sandbox.people import ADA, GRACE, TERRAFORM, Person
from pipeseal.sandbox.records import Event
from pipeseal.sandbox.router import Delivery
from pipeseal.secrets import in_pipeline
from pipeseal.settings import Settings

SHOP = "acme-webshop-artifacts"
BILLING = "acme-billing-artifacts"
MOBILE = "acme-mobile-artifacts"
WEBSITE = "acme-website"
REVISIONS = "acme-webshop-revisions"
BUILDS = "acme-webshop-builds"


@dataclass(frozen=True, slots=True)
class Scene:
    """What one person does."""

    title: str
    person: Person
    why: str
    act: Callable[[Account, dict[str, str]], None]
    """Makes the calls; the second argument carries the ids of what was made from scene to scene."""
    letter: bool = False
    """Whether the mail is worth showing whole."""
    diff: bool = True
    """Whether the policy diff is, too."""


@dataclass(frozen=True, slots=True)
class Episode:
    """A scene as it went."""

    scene: Scene
    calls: tuple[Event, ...]
    deliveries: tuple[Delivery, ...]
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class Encore:
    """What the second delivery of the events came to."""

    deliveries: tuple[Delivery, ...]
    writes: int
    """Calls of the functions that changed a resource."""
    alerts: tuple[Alert, ...]


@dataclass(slots=True)
class Story:
    """The scenes on an open account, played one by one; *left* is how people left each resource at first."""

    account: Account
    left: dict[Ref, tuple[Fact, ...]] = field(default_factory=dict)
    _made: dict[str, str] = field(default_factory=dict)

    def play(self, scene: Scene) -> Episode:
        """Let the person of *scene* act, look at what they left, and only then let the events go out."""
        with self.account.router.held():
            scene.act(self.account, self._made)
            calls = tuple(_drained(self.account))
            for ref in _touched(self.account, calls):
                if ref not in self.left:
                    self.left[ref] = self.facts(ref)
        return Episode(scene, calls, tuple(self.account.router.settle()), tuple(self.account.alerts()))

    def again(self, calls: Iterable[Event]) -> Encore:
        """Deliver every event a second time."""
        former = self.account.writes
        for event in calls:
            self.account.router.publish(event)
        deliveries = tuple(self.account.router.settle())
        return Encore(deliveries, self.account.writes - former, tuple(self.account.alerts()))

    def facts(self, ref: Ref) -> tuple[Fact, ...]:
        """Say how the resource is now."""
        world = self.account.world
        resource = world.whole(ref)
        return tuple(_facts(world.complete(resource))) if resource else (Fact("gone", good=True),)


def _drained(account: Account) -> Iterator[Event]:
    while not account.calls.empty():
        yield account.calls.get()


def _touched(account: Account, calls: tuple[Event, ...]) -> Iterator[Ref]:
    """Yield the resources that *calls* are about, and those that they lead on to."""
    for call in calls:
        for ref in subjects(call):
            resource = account.world.whole(ref)
            yield ref
            yield from (used for used, _ in resource.uses()) if resource else ()


# ------------------------------------------------------------------------- facts


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is so with a resource; *good* is None where it is neither good nor bad."""

    text: str
    good: bool | None


def _facts(resource: Bucket | Key | Pipeline | Trail | Application | Project) -> Iterator[Fact]:
    match resource:
        case Bucket():
            yield from _bucket(resource)
        case Key():
            yield Fact(f"{resource.spec}, {resource.status}", good=resource.encrypts or resource.status != "Enabled")
        case Pipeline():
            yield from _pipeline(resource)
        case Application():
            yield _secrecy(len(codedeploy_secrets.reasons(resource, Settings())))
        case Project():
            for place in resource.places:
                yield Fact(f"{place.words} {'in clear' if place.clear else 'encrypted'}", good=not place.clear)
            yield _secrecy(len(codebuild_secrets.reasons(resource, Settings())))
        case Trail():
            yield Fact("recording", good=True) if resource.logging else Fact("not recording", good=False)
            yield from (Fact(sentence, good=False) for sentence in said(resource.gaps))


def _bucket(bucket: Bucket) -> Iterator[Fact]:
    tls = bucket.policy.verdict(deny_insecure(bucket.arn)).full
    if bucket.website:
        yield Fact("a website: plain HTTP by nature", good=None)
        return
    yield Fact("TLS only", good=True) if tls else Fact("plain HTTP accepted", good=False)
    if bucket.policy.verdict(deny_unencrypted(bucket.arn)).full:
        yield Fact("uploads under KMS only", good=True)
    elif bucket.policy.verdict(deny_otherwise_encrypted(bucket.arn)).full:
        yield Fact("uploads under KMS, named or by default", good=True)
    else:
        yield Fact("uploads without KMS", good=False)
    default = bucket.default_algorithm or "nothing"
    yield Fact(f"{default} by default", good=default.startswith("aws:kms"))


def _pipeline(pipeline: Pipeline) -> Iterator[Fact]:
    for store in pipeline.stores:
        key = pipeline.keys.get((store.region, store.key))
        if isinstance(key, Key):
            state = "" if key.status == "Enabled" else f", {key.status}"
            yield Fact(f"artifact key: {key.spec}{state}", good=key.encrypts)
        elif not store.key:
            yield Fact("artifact key: AWS managed", good=True)
    if secrets := sum(1 for _ in in_pipeline(pipeline.document)):
        yield _secrecy(secrets)
    if pipeline.transition and not pipeline.transition.enabled:
        yield Fact(f"quarantined before {pipeline.transition.stage}", good=None)


def _secrecy(secrets: int) -> Fact:
    if not secrets:
        return Fact("no secret in clear", good=True)
    return Fact(f"{secrets} secret{'s' if secrets > 1 else ''} in clear", good=False)


# ------------------------------------------------------------------------ scenes


def _action(name: str, category: str, provider: str, owner: str = "AWS", **configuration: str) -> dict[str, Any]:
    kind = {"category": category, "owner": owner, "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": kind, "configuration": configuration}


def _pipeline_of(account: Account, name: str, bucket: str, source: dict[str, Any], key: str = "") -> dict[str, Any]:
    store = {"type": "S3", "location": bucket} | ({"encryptionKey": {"id": key, "type": "KMS"}} if key else {})
    return {
        "name": name,
        "roleArn": account.pipeline_role,
        "artifactStore": store,
        "stages": [
            {"name": "Source", "actions": [{**source, "outputArtifacts": [{"name": "code"}]}]},
            {
                "name": "Build",
                "actions": [
                    {
                        **_action("Compile", "Build", "CodeBuild", ProjectName=name),
                        "inputArtifacts": [{"name": "code"}],
                        "outputArtifacts": [{"name": "package"}],
                    }
                ],
            },
            {
                "name": "Deploy",
                "actions": [
                    {
                        **_action("Stack", "Deploy", "CloudFormation", ActionMode="CREATE_UPDATE", StackName=name),
                        "inputArtifacts": [{"name": "package"}],
                    }
                ],
            },
        ],
    }


def _github(token: str) -> dict[str, Any]:
    return _action(
        "Fetch", "Source", "GitHub", "ThirdParty", Owner="acme", Repo="webshop", Branch="main", OAuthToken=token
    )


def _connected(name: str) -> dict[str, Any]:
    connection = "arn:aws:codeconnections:us-east-1:123456789012:connection/6f2d1a3c-0000-4000-8000-000000000000"
    where = {"ConnectionArn": connection, "FullRepositoryId": f"acme/{name}", "BranchName": "main"}
    return _action("Fetch", "Source", "CodeStarSourceConnection", **where)


def _starts(account: Account, _made: dict[str, str]) -> None:
    account.client("s3", ADA).create_bucket(Bucket=SHOP)
    structure = _pipeline_of(account, "webshop", SHOP, _github("a-token-in-clear"))
    account.client("codepipeline", ADA).create_pipeline(pipeline=structure)


def _forgets_tls(account: Account, _made: dict[str, str]) -> None:
    statement = {
        "Sid": "TheTestAccountReads",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::210987654321:root"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{SHOP}/*",
    }
    document = {"Version": "2012-10-17", "Id": "webshop", "Statement": [statement]}
    account.client("s3", GRACE).put_bucket_policy(Bucket=SHOP, Policy=json.dumps(document))


def _makes_rsa_key(account: Account, made: dict[str, str]) -> None:
    kms = account.client("kms", TERRAFORM)
    request = {"KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT", "Description": "artifacts"}
    made["rsa"] = kms.create_key(**request)["KeyMetadata"]["Arn"]


def _uses_rsa_key(account: Account, made: dict[str, str]) -> None:
    account.client("s3", TERRAFORM).create_bucket(Bucket=BILLING)
    structure = _pipeline_of(account, "billing", BILLING, _connected("billing"), made["rsa"])
    account.client("codepipeline", TERRAFORM).create_pipeline(pipeline=structure)


def _moves_to_rsa_key(account: Account, made: dict[str, str]) -> None:
    structure = _pipeline_of(account, "webshop", SHOP, _github("a-token-in-clear"), made["rsa"])
    account.client("codepipeline", ADA).update_pipeline(pipeline=structure)


def _tags_a_person(account: Account, _made: dict[str, str]) -> None:
    key = account.client("kms", ADA).create_key(Description="mobile artifacts")["KeyMetadata"]["Arn"]
    account.client("s3", ADA).create_bucket(Bucket=MOBILE)
    structure = _pipeline_of(account, "mobile", MOBILE, _connected("mobile"), key)
    tags = [{"key": "contact", "value": "ada@acme.example"}]
    account.client("codepipeline", ADA).create_pipeline(pipeline=structure, tags=tags)


def _invites_a_partner(account: Account, _made: dict[str, str]) -> None:
    s3 = account.client("s3", GRACE)
    document = json.loads(s3.get_bucket_policy(Bucket=MOBILE)["Policy"])
    partner = {
        "Sid": "ThePartnerDelivers",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::210987654321:root"},
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::{MOBILE}/*",
    }
    document["Statement"].insert(0, partner)
    s3.put_bucket_policy(Bucket=MOBILE, Policy=json.dumps(document))


def _opens_website(account: Account, _made: dict[str, str]) -> None:
    s3 = account.client("s3", GRACE)
    s3.create_bucket(Bucket=WEBSITE)
    s3.put_bucket_website(Bucket=WEBSITE, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    statement = {
        "Sid": "EverybodyReads",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{WEBSITE}/*",
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket=WEBSITE, Policy=json.dumps(document))


def _stops_recording(account: Account, _made: dict[str, str]) -> None:
    account.client("cloudtrail", GRACE).stop_logging(Name=TRAIL)


def _deploys(account: Account, _made: dict[str, str]) -> None:
    account.client("s3", ADA).create_bucket(Bucket=REVISIONS)
    codedeploy = account.client("codedeploy", ADA)
    codedeploy.create_application(applicationName="webshop", computePlatform="Server")
    group = {"applicationName": "webshop", "deploymentGroupName": "production"}
    codedeploy.create_deployment_group(**group, serviceRoleArn=account.pipeline_role)
    place = {"bucket": REVISIONS, "key": "webshop-7.zip", "bundleType": "zip"}
    codedeploy.create_deployment(**group, revision={"revisionType": "S3", "s3Location": place})


def _registers(account: Account, _made: dict[str, str]) -> None:
    codedeploy = account.client("codedeploy", GRACE)
    codedeploy.create_application(applicationName="prices", computePlatform="Lambda")
    text = "version: 0.0\nResources:\n  - prices:\n      Properties:\n        DB_PASSWORD: a-password-in-clear\n"
    revision = {"revisionType": "String", "string": {"content": text}}
    codedeploy.register_application_revision(applicationName="prices", revision=revision)


def _builds(account: Account, _made: dict[str, str]) -> None:
    account.client("s3", TERRAFORM).create_bucket(Bucket=BUILDS)
    account.client("codebuild", TERRAFORM).create_project(
        name="webshop",
        source={"type": "GITHUB", "location": "https://github.com/acme/webshop"},
        artifacts={"type": "S3", "location": BUILDS, "packaging": "ZIP", "encryptionDisabled": True},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [{"name": "NPM_TOKEN", "value": "a-token-in-clear"}],
        },
        serviceRole=account.pipeline_role,
    )


SCENES = (
    Scene(
        "A pipeline for the web shop",
        ADA,
        "She makes a bucket for its artifacts, and hands the pipeline her GitHub token as it is.",
        _starts,
    ),
    Scene(
        "A policy that forgets TLS",
        GRACE,
        "She lets the test account read the artifacts. PutBucketPolicy replaces the whole policy, seal included.",
        _forgets_tls,
        letter=True,
    ),
    Scene(
        "A key of the wrong kind",
        TERRAFORM,
        "Somebody copied a module that makes RSA keys.",
        _makes_rsa_key,
        letter=True,
    ),
    Scene(
        "A pipeline under that key",
        TERRAFORM,
        "The billing pipeline names the key from the scene before. The operator has an artifact key to give.",
        _uses_rsa_key,
        diff=False,
    ),
    Scene(
        "The web shop follows suit",
        ADA,
        "Same key, but AWS masks her token: to write the pipeline back would destroy it.",
        _moves_to_rsa_key,
    ),
    Scene(
        "A deployment",
        ADA,
        "CodeDeploy takes the revision from a bucket that she uploads to by hand, so that must go on working.",
        _deploys,
    ),
    Scene(
        "A revision that says too much",
        GRACE,
        "Her AppSpec text has the database password in it, and CodeDeploy keeps every revision.",
        _registers,
    ),
    Scene(
        "A build in clear",
        TERRAFORM,
        "Somebody switched encryption off to get at the artifacts, and left a token among the variables.",
        _builds,
        diff=False,
    ),
    Scene(
        "A mail address, and a key that never changes",
        ADA,
        "She tags the pipeline of the mobile app with her address, and the key that she made for it is not rotated.",
        _tags_a_person,
        diff=False,
    ),
    Scene(
        "A partner who may do more than deliver",
        GRACE,
        "She keeps the seal this time, and lets another account do anything with the artifacts.",
        _invites_a_partner,
    ),
    Scene("A website", GRACE, "It is meant to be public, and S3 serves websites over plain HTTP only.", _opens_website),
    Scene(
        "The cameras go dark",
        GRACE,
        "CloudTrail costs money, so she stops it. Nobody would see what happens next, pipeseal as little as others.",
        _stops_recording,
    ),
)
