"""What happened: who caused it, and what became of a resource."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Self, TypedDict

from pipeseal.model.action import Action

if TYPE_CHECKING:
    from pipeseal.aws.documents import Document
    from pipeseal.model.plan import Plan
    from pipeseal.model.ref import Ref
    from pipeseal.model.resource import Resource


class ActorDocument(TypedDict):
    """An actor as alerts and the ledger hold it."""

    name: str
    type: str
    mfa: bool | None
    via: str
    arn: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who made a call, as far as CloudTrail's userIdentity says."""

    name: str
    kind: str
    mfa: bool | None = None
    via: str = ""
    """The service or tool that made the call for them: cloudformation.amazonaws.com, Terraform, the AWS console."""
    arn: str = ""
    """Their ARN, that of the session where they assumed a role; "" where the record has none."""

    def as_dict(self) -> ActorDocument:
        """Return the actor for alerts and the ledger."""
        return {"name": self.name, "type": self.kind, "mfa": self.mfa, "via": self.via, "arn": self.arn}


@dataclass(frozen=True, slots=True)
class Cause:
    """Why pipeseal reads a resource: a CloudTrail event, the sweep, or an operator's command."""

    id: str
    name: str
    time: datetime
    actor: Actor
    put: object = None
    """The bucket policy that the call put, where it did: text, an object, or {} where it deleted the policy."""

    def as_dict(self) -> dict[str, object]:
        """Return the cause as the ledger keeps it, without the policy."""
        return {"id": self.id, "name": self.name, "time": self.time.isoformat(), "actor": self.actor.as_dict()}

    @classmethod
    def parse(cls, document: Document) -> Self:
        """Return the cause that `as_dict` made into *document*."""
        actor = document["actor"]
        return cls(
            document["id"],
            document["name"],
            datetime.fromisoformat(document["time"]),
            Actor(actor["name"], actor["type"], actor["mfa"], actor["via"], actor.get("arn", "")),
        )


class OutcomeDocument(TypedDict):
    """An outcome as the handlers return it and the commands print it."""

    resource: str
    action: str
    controls: list[str]
    left: list[str]
    reasons: list[str]
    ledger_id: str
    exemptions: list[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one resource."""

    ref: Ref
    action: Action
    plan: Plan[Resource] | None = None
    steps: tuple[str, ...] = ()
    """What was written, in sentences."""
    entry: str = ""
    """ID of the ledger entry; "" where none was written."""
    exemptions: tuple[str, ...] = ()
    """IDs of the exemptions that applied."""

    def as_dict(self) -> OutcomeDocument:
        """Return the outcome as the handlers return it and the commands print it."""
        findings = (self.plan.findings or self.plan.exempted) if self.plan else ()
        return {
            "resource": self.ref.arn,
            "action": str(self.action),
            "controls": [finding.control.id for finding in findings],
            # Of several violations some may be remediated while others are only alerted.
            "left": [finding.control.id for finding in (self.plan.findings if self.plan else ()) if not finding.writes],
            "reasons": [
                reason for finding in findings for reason in (*finding.reasons, *filter(None, [finding.refusal]))
            ],
            "ledger_id": self.entry,
            "exemptions": list(self.exemptions),
        }
