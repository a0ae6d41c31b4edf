"""The results of the steps in a remediation: what the next step takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeseal.model import Action, Outcome

if TYPE_CHECKING:
    from pipeseal.ledger.records import ResourceRecord
    from pipeseal.model import Cause, Plan, Ref, Resource


class Detection(NamedTuple):
    """A resource as it was read; *resource* is None where it is gone or another account's."""

    ref: Ref
    cause: Cause
    resource: Resource | None
    record: ResourceRecord


@dataclass(frozen=True, slots=True)
class Proceed:
    """The resource was handled; where its action is busy, the owner of the lease was asked to read it again."""

    outcome: Outcome
    dependencies: tuple[Ref, ...] = ()
    """Resources to handle next, because this one depends on them."""
    follow_ups: tuple[Cause, ...] = ()
    """Causes for which to read this resource again."""

    def after(self, follow_ups: tuple[Cause, ...]) -> Proceed:
        """Return this with *follow_ups* ahead of its own."""
        return replace(self, follow_ups=(*follow_ups, *self.follow_ups))


@dataclass(frozen=True, slots=True)
class Retry:
    """Another invocation worked on the resource in the meantime: it must be read again."""

    follow_ups: tuple[Cause, ...] = ()
    """Causes for which that invocation was asked to read the resource again."""


Step = Proceed | Retry


def proceed(resource: Resource, action: Action, plan: Plan[Resource], **known: Any) -> Proceed:
    """Return that *resource* was handled with *action*; *known* are further fields of the outcome."""
    dependencies = tuple(ref for ref, _ in resource.dependencies())
    return Proceed(Outcome(resource.ref, action, plan, **known), dependencies)
