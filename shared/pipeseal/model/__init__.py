"""The nouns: what a resource is, what a control says of it, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

if TYPE_CHECKING:
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


@lru_cache(maxsize=64)
def partition_of(region: str) -> str:
    """Return the partition that *region* lies in, as ARNs spell it."""
    for prefix, partition in _PARTITIONS.items():
        if region.startswith(prefix):
            return partition
    return "aws"


def printable(text: str) -> str:
    """Return *text*, which others wrote, without what a log or a terminal would take for more than text."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


class Kind(StrEnum):
    """The kinds of resource that controls speak about; the value is the service, as control files begin."""

    BUCKET = "s3"
    KEY = "kms"
    PIPELINE = "codepipeline"
    APPLICATION = "codedeploy"
    PROJECT = "codebuild"
    TRAIL = "cloudtrail"


_BEFORE_NAME = {
    Kind.KEY: "key/",
    Kind.APPLICATION: "application:",
    Kind.PROJECT: "project/",
    Kind.TRAIL: "trail/",
}


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """Which resource: all that is ever taken from an event.

    *name* is a key's id, and everything else's name; *account* has twelve digits.
    """

    kind: Kind
    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """Return the resource's ARN in its service's own form."""
        place = "::" if self.kind is Kind.BUCKET else f":{self.region}:{self.account}"
        return f"arn:{partition_of(self.region)}:{self.kind}{place}:{_BEFORE_NAME.get(self.kind, '')}{self.name}"


class Severity(IntEnum):
    """How bad a violation is; ordered, so that the worst of several can be taken."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


class Action(StrEnum):
    """What became of a resource. The first six are alerted, under these names by contract."""

    REMEDIATED = "remediated"
    REJECTED = "rejected"
    QUARANTINED = "quarantined"
    DETECTED = "detected"
    FAILED = "failed"
    ESCALATED = "escalated"
    """Somebody keeps undoing what is put right, so pipeseal leaves it to people."""
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
    ABANDONED = "abandoned"
    """Whoever was at work died before the first write; the next one began anew."""


class Refused(Exception):
    """A control knows what is wrong and must not put it right; the text says why and what to do."""


class Reason(str):
    """A sentence that says what is wrong; *path* leads to the place in the resource's document, where it has one."""

    __slots__ = ("path",)

    path: str

    def __new__(cls, text: str, path: str = "") -> Self:
        """Make the reason out of its sentence."""
        made = super().__new__(cls, text)
        made.path = path
        return made


class Text(NamedTuple):
    """What people wrote into a free-form field; *name* is that of the field where they chose it, as they do a tag's."""

    path: str
    text: str
    name: str = ""


def texts_of_tags(tags: Mapping[str, str], path: str) -> Iterator[Text]:
    """Yield keys and values of *tags*; those that begin with aws: are AWS's own."""
    for number, (key, value) in enumerate(tags.items()):
        if not key.startswith("aws:"):
            yield Text(f"{path}[{number}].key", key)
            yield Text(f"{path}[{number}].value", value, key)


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

    @property
    def users(self) -> Mapping[str, str]:
        """ARN of each resource that keeps data here, or under it -> ARN of the key that it names, or ""."""

    def uses(self) -> Iterator[tuple[Ref, str]]:
        """Yield the resources that this one's data rests on, each with the ARN of the key there, or ""."""


@dataclass(frozen=True, slots=True)
class Control:
    """One rule: a pure, idempotent function from a resource to the resource as it should be.

    *reasons* says what is wrong, a sentence each; *fix* returns the resource put right, or unchanged where a
    person must do that, and may raise Refused. Both take the operator's settings.
    """

    id: str
    title: str
    severity: Severity
    kinds: tuple[Kind, ...]
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
    rested: tuple[Finding, ...] = ()
    """What controls find wrong that gave up because somebody keeps undoing it; it was told of when they did."""

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
    arn: str = ""
    """Their ARN; that of the role's session where they come through a role; "" where the record has none."""

    def as_dict(self) -> dict[str, Any]:
        """Return the actor as alerts and the ledger name it."""
        return {"name": self.name, "type": self.kind, "mfa": self.mfa, "via": self.via, "arn": self.arn}


@dataclass(frozen=True, slots=True)
class Cause:
    """What made pipeseal look: one CloudTrail event, or the sweep."""

    id: str
    name: str
    time: datetime
    actor: Actor
    put: Any = None
    """The bucket policy that the call put, where it did: text, an object, or {} where it deleted the policy."""

    def as_dict(self) -> dict[str, Any]:
        """Return the cause as the ledger keeps it, without what it put."""
        return {"id": self.id, "name": self.name, "time": self.time.isoformat(), "actor": self.actor.as_dict()}

    @classmethod
    def parse(cls, known: Mapping[str, Any]) -> Self:
        """Return the cause that `as_dict` made into *known*."""
        who = known["actor"]
        actor = Actor(who["name"], who["type"], who["mfa"], who["via"], who.get("arn", ""))
        return cls(known["id"], known["name"], datetime.fromisoformat(known["time"]), actor)


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
            # Of several things wrong with a resource some may be put right while others are only told of.
            "left": [finding.control.id for finding in (self.plan.findings if self.plan else ()) if not finding.writes],
            "reasons": [
                reason for finding in findings for reason in (*finding.reasons, *filter(None, [finding.refusal]))
            ],
            "ledger_id": self.entry,
            "exemptions": list(self.exemptions),
        }


class Look(NamedTuple):
    """What one look at a resource came to."""

    outcome: Outcome
    uses: tuple[tuple[Ref, str], ...] = ()
    """What it leads on to."""
    again: tuple[Cause, ...] = ()
    """Why to look once more."""
