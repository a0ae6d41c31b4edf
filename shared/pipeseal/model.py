"""The nouns: what a resource is, what a control says of it, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, Protocol, Self

from pipeseal.policy import Deny, Policy, PolicyTooLarge

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from pipeseal.settings import Mode, Settings

# Regions whose ARNs say another partition than "aws".
_PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "us-isof-": "aws-iso-f",
    "eu-isoe-": "aws-iso-e",
    "eusc-": "aws-eusc",
}


def partition_of(region: str) -> str:
    """Return the partition that *region* lies in, as ARNs spell it."""
    for prefix, partition in _PARTITIONS.items():
        if region.startswith(prefix):
            return partition
    return "aws"


class Kind(StrEnum):
    """The kinds of resource that controls speak about; the value is the service, as control files begin."""

    BUCKET = "s3"
    KEY = "kms"
    PIPELINE = "codepipeline"


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """Which resource: all that is ever taken from an event.

    *name* is the bucket's name, the key's id or the pipeline's name; *account* has twelve digits.
    """

    kind: Kind
    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """Return the resource's ARN in its service's own form."""
        start = f"arn:{partition_of(self.region)}:{self.kind}"
        match self.kind:
            case Kind.BUCKET:
                return f"{start}:::{self.name}"
            case Kind.KEY:
                return f"{start}:{self.region}:{self.account}:key/{self.name}"
            case Kind.PIPELINE:
                return f"{start}:{self.region}:{self.account}:{self.name}"


class Severity(IntEnum):
    """How bad a violation is; ordered, so that the worst of several can be taken."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


class Action(StrEnum):
    """What became of a resource. The first five are alerted, under these names by contract."""

    REMEDIATED = "remediated"
    REJECTED = "rejected"
    QUARANTINED = "quarantined"
    DETECTED = "detected"
    FAILED = "failed"
    COMPLIANT = "compliant"
    ABSENT = "absent"
    """Gone by now, or another account's."""
    KNOWN = "known"
    """As bad as it was when the last alert told of it."""
    BUSY = "busy"
    """Another delivery is at work on the resource and will look once more."""
    EXEMPT = "exempt"
    """Everything that is wrong with it is excused; nothing is written and nobody told."""
    UNDONE = "undone"
    """An operator took back what was done to it."""


class Refused(Exception):
    """A control knows what is wrong and must not put it right; the text says why and what to do."""


class Resource(Protocol):
    """What every kind of resource can say of itself."""

    @property
    def ref(self) -> Ref:
        """Which resource this is."""

    def state(self) -> dict[str, Any]:
        """Return what the ledger keeps: all that pipeseal may write, and nothing else."""

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """Return this resource as *state* says, which `state` of the same resource returned; all else is kept."""

    def same_as(self, other: Self) -> bool:
        """Say whether AWS, asked for either of two snapshots of one resource, would mean the same `state`."""

    def changed(self, after: Self) -> tuple[Action, tuple[str, ...]]:
        """Name what turning this resource into *after* is, and say it in sentences."""

    def leads_to(self) -> Iterator[Ref]:
        """Yield the resources that this one's data rests on."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """An S3 bucket: what pipeseal may write (policy, default encryption) and what it must know to do so."""

    ref: Ref
    policy: Policy
    encryption: Mapping[str, Any] = field(default_factory=dict)
    """ServerSideEncryptionConfiguration as GetBucketEncryption gives it; empty where there is none."""
    pipelines: Mapping[str, str] = field(default_factory=dict)
    """ARN of each pipeline that keeps artifacts here -> ARN of the key it names, or ""."""
    encrypt: bool = False
    """Whether the bucket must be encrypted under KMS: it holds artifacts, or all buckets must be."""
    website: bool | None = None
    """Whether website hosting is on; None where nobody asked yet."""

    @property
    def arn(self) -> str:
        """Return the bucket's ARN."""
        return self.ref.arn

    def requiring(self, deny: Deny) -> Self:
        """Return this bucket with *deny* in its policy; itself where the policy denies as much already.

        Raises Refused where the policy would grow past what S3 takes.
        """
        try:
            policy = self.policy.require(deny)
        except PolicyTooLarge as excess:
            raise Refused(str(excess)) from excess
        return self if policy == self.policy else replace(self, policy=policy)

    def state(self) -> dict[str, Any]:
        """Return the policy document (None where there is none) and the encryption configuration."""
        return {"policy": self.policy.document, "encryption": dict(self.encryption)}

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """See Resource."""
        return replace(self, policy=Policy.parse(state["policy"]), encryption=state["encryption"])

    def same_as(self, other: Self) -> bool:
        """See Resource; policies are compared by what they mean to S3."""
        return self.policy.same_as(other.policy) and self.encryption == other.encryption

    def changed(self, after: Self) -> tuple[Action, tuple[str, ...]]:
        """See Resource."""
        steps = []
        if after.policy != self.policy:
            steps.append(f"bucket policy: {_rewritten(self.policy, after.policy)}")
        if after.encryption != self.encryption:
            steps.append(f"default encryption: {_reset(after.encryption)}")
        return (Action.REMEDIATED if steps else Action.DETECTED), tuple(steps)

    def leads_to(self) -> Iterator[Ref]:
        """See Resource; a bucket is the end of the way."""
        yield from ()


def _rewritten(before: Policy, after: Policy) -> str:
    """Say how a policy became another: statements that are there before and after are not named."""
    if after.document is None:
        return "deleted, for there was none"
    added, removed = after.sids_beyond(before), before.sids_beyond(after)
    parts = [
        f"{' and '.join(sid or 'a statement without Sid' for sid in sids)} {what}"
        for sids, what in ((added, "added"), ([sid for sid in removed if sid not in added], "taken out"))
        if sids
    ]
    return ", ".join([*parts, "all else kept"])


def _reset(encryption: Mapping[str, Any]) -> str:
    if not encryption:
        return "deleted, for there was none"
    defaults = (rule.get("ApplyServerSideEncryptionByDefault") or {} for rule in encryption.get("Rules", ()))
    algorithm = next(filter(None, (default.get("SSEAlgorithm") for default in defaults)), "nothing")
    return f"set to {'AWS KMS' if algorithm == 'aws:kms' else algorithm}, everything else in it kept"


@dataclass(frozen=True, slots=True)
class Key:
    """A KMS key in the terms of DescribeKey's KeyMetadata."""

    ref: Ref
    spec: str
    usage: str
    status: str
    """KeyState: Enabled, Disabled, PendingDeletion, Creating..."""
    manager: str = "CUSTOMER"
    multi_region: str = ""
    """PRIMARY, REPLICA, or "" for a key of a single Region."""
    age: timedelta | None = None
    """Time since its creation when it was read; None where KMS does not say."""
    window: int = 0
    """Days between scheduling and deletion, where a deletion is wanted; else 0."""

    @property
    def encrypts(self) -> bool:
        """Whether CodePipeline can encrypt artifacts under this key."""
        return (self.spec, self.usage, self.status) == ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "Enabled")

    @property
    def dying(self) -> bool:
        """Whether its deletion is scheduled; a primary waits for its replicas to go first."""
        return self.status in ("PendingDeletion", "PendingReplicaDeletion")

    def state(self) -> dict[str, Any]:
        """Return the key's state and the days to its deletion."""
        return {"status": self.status, "window": self.window}

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """See Resource."""
        return replace(self, status=state["status"], window=state["window"])

    def same_as(self, other: Self) -> bool:
        """See Resource; KMS does not say how many days were asked for."""
        return self.status == other.status or (self.dying and other.dying)

    def changed(self, after: Self) -> tuple[Action, tuple[str, ...]]:
        """See Resource."""
        steps = []
        if after.status != self.status:
            if self.status == "Enabled":
                steps.append("key disabled: nothing can encrypt or sign with it")
            if after.window:
                steps.append(f"key scheduled for deletion in {after.window} days; until then it can be had back")
            if self.dying and not after.dying:
                steps.append("deletion of the key cancelled")
            if after.status == "Enabled":
                steps.append("key enabled")
        return (Action.REJECTED if steps else Action.DETECTED), tuple(steps)

    def leads_to(self) -> Iterator[Ref]:
        """See Resource; a key is the end of the way."""
        yield from ()


@dataclass(frozen=True, slots=True)
class Unread:
    """A key that a pipeline names and that could not be read."""

    why: str
    missing: bool
    """True where KMS says that there is no such key in this account; False where it refuses to say."""


@dataclass(frozen=True, slots=True)
class Store:
    """One artifact store of a pipeline; *key* is what the pipeline names: a key id, an ARN, or ""."""

    region: str
    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class Transition:
    """The way into a stage (DisableStageTransition's "Inbound")."""

    stage: str
    enabled: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A CodePipeline pipeline, the keys that its stores name, and the way into its second stage."""

    ref: Ref
    document: Mapping[str, Any]
    """The structure as GetPipeline gives it. It may hold secrets: never logged, recorded or sent."""
    keys: Mapping[tuple[str, str], Key | Unread] = field(default_factory=dict)
    """(region, what the pipeline or the operator names) -> the key."""
    locked: str = ""
    """Why UpdatePipeline must not be given this document; "" where it may."""
    transition: Transition | None = None
    """Into the second stage; None where nobody asked yet."""

    @property
    def stores(self) -> tuple[Store, ...]:
        """Return the artifact stores, one a region."""
        stores = self.document.get("artifactStores") or {self.ref.region: self.document.get("artifactStore") or {}}
        return tuple(
            Store(region, store["location"], (store.get("encryptionKey") or {}).get("id", ""))
            for region, store in stores.items()
            if store.get("type") == "S3" and store.get("location")
        )

    def with_keys(self, keys: Mapping[str, str]) -> Self:
        """Return this pipeline with the key of each region's store replaced by *keys*[region]; "" takes it out."""
        document = dict(self.document)
        if stores := document.get("artifactStores"):
            document["artifactStores"] = {
                region: _under(store, keys[region]) if region in keys else store for region, store in stores.items()
            }
        elif self.ref.region in keys:
            document["artifactStore"] = _under(document["artifactStore"], keys[self.ref.region])
        return replace(self, document=document)

    def state(self) -> dict[str, Any]:
        """Return the stores' keys and the transition; never the document, which may hold secrets."""
        transition = self.transition
        return {
            "keys": {store.region: store.key for store in self.stores},
            "transition": transition
            and {"stage": transition.stage, "enabled": transition.enabled, "reason": transition.reason},
        }

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """See Resource."""
        transition = state["transition"] and Transition(**state["transition"])
        return replace(self.with_keys(state["keys"]), transition=transition)

    def same_as(self, other: Self) -> bool:
        """See Resource; the reason of a transition that is enabled means nothing."""
        return self._meaning() == other._meaning()

    def _meaning(self) -> tuple[Any, ...]:
        way = self.transition
        return self.stores, way and (way.stage, way.enabled, "" if way.enabled else way.reason)

    def changed(self, after: Self) -> tuple[Action, tuple[str, ...]]:
        """See Resource."""
        action, steps = Action.DETECTED, []
        if after.stores != self.stores:
            action = Action.REMEDIATED
            steps += [
                f"artifact store in {new.region}: {_rekeyed(new.key)}"
                for old, new in zip(self.stores, after.stores, strict=True)
                if old != new
            ]
        if after.transition and after.transition != self.transition:
            action = Action.QUARANTINED
            steps.append(f"transition into stage {after.transition.stage} {_turned(after.transition)}")
        return action, tuple(steps)

    def leads_to(self) -> Iterator[Ref]:
        """Yield the artifact bucket of every region."""
        for bucket, _ in self.uses():
            yield bucket

    def uses(self) -> Iterator[tuple[Ref, str]]:
        """Yield each artifact bucket with the ARN of the key it is under; "" where that is no key to encrypt with."""
        for store in self.stores:
            key = self.keys.get((store.region, store.key))
            yield (
                Ref(Kind.BUCKET, self.ref.account, store.region, store.bucket),
                key.ref.arn if isinstance(key, Key) and key.encrypts else "",
            )


def _under(store: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    if (store.get("encryptionKey") or {}).get("id", "") == key:
        return store
    others = {name: value for name, value in store.items() if name != "encryptionKey"}
    return {**others, "encryptionKey": {"id": key, "type": "KMS"}} if key else others


def _rekeyed(key: str) -> str:
    return f"key replaced by {key}" if key else "key taken out, which leaves the AWS managed key"


def _turned(way: Transition) -> str:
    return "enabled" if way.enabled else "disabled: nothing is built or deployed"


@dataclass(frozen=True, slots=True)
class Control:
    """One rule: a pure, idempotent function from a resource to the resource as it should be.

    *reasons* says what is wrong, a sentence each; *fix* returns the resource put right, or unchanged where a
    person must do that, and may raise Refused. Both take the operator's settings.
    """

    id: str
    title: str
    severity: Severity
    kind: Kind
    reasons: Callable[[Any, Settings], tuple[str, ...]]
    fix: Callable[[Any, Settings], Any]
    advice: str
    """What the owner changes in their own code so that it does not come back."""
    source: str
    """The AWS document that asks for it."""
    permissions: tuple[str, ...]
    """IAM actions that detecting and putting right need."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A control that found something wrong with one resource."""

    control: Control
    mode: Mode
    reasons: tuple[str, ...]
    refusal: str = ""
    """Why it could not be put right, where that is so."""
    writes: bool = False
    """Whether putting it right changes the resource."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is wrong with a resource, and the resource as it should be."""

    before: Any
    after: Any
    """What will be written: *before* with every enforced control folded over it."""
    wanted: Any
    """What would be written were every control enforced; detect mode records it."""
    findings: tuple[Finding, ...]
    spared: tuple[Finding, ...] = ()
    """What excused controls find wrong: nothing is put right for it, and nobody is told."""

    @property
    def refused(self) -> bool:
        """Whether something should be put right and cannot be."""
        return any(finding.refusal for finding in self.findings)

    @property
    def severity(self) -> Severity:
        """Return the worst severity; the plan must have findings."""
        return max(finding.control.severity for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it, as far as CloudTrail knows."""

    name: str
    kind: str
    mfa: bool | None = None
    via: str = ""
    """The service or tool that acted for them: cloudformation.amazonaws.com, Terraform, the console."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What made pipeseal look: one CloudTrail event."""

    id: str
    name: str
    time: datetime
    actor: Actor


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one resource."""

    ref: Ref
    action: Action
    plan: Plan | None = None
    steps: tuple[str, ...] = ()
    entry: str = ""
    """Id of the ledger entry, where one was written."""
    exemptions: tuple[str, ...] = ()
    """Ids of the exemptions that were used."""

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as the handlers return it and the tools print it."""
        findings = (self.plan.findings or self.plan.spared) if self.plan else ()
        return {
            "resource": self.ref.arn,
            "action": str(self.action),
            "controls": [finding.control.id for finding in findings],
            "reasons": [
                reason for finding in findings for reason in (*finding.reasons, *filter(None, [finding.refusal]))
            ],
            "ledger_id": self.entry,
            "exemptions": list(self.exemptions),
        }
