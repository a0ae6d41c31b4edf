"""What CloudTrail records tell of the resources of one kind: each kind's `events` module has an instance; pure.

Record contents: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, NamedTuple

from pipeseal.model import Kind, R, Ref

if TYPE_CHECKING:
    from pipeseal.settings import Settings

Record = Mapping[str, object]

NamedRefs = Callable[[Record, str, str], Iterator[Ref]]
"""(record, account, region) -> the resources that the record names."""

_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}")


class Reconstruction(NamedTuple, Generic[R]):
    """A resource as CloudTrail records describe it so far."""

    resource: R
    """The snapshot; its unknown parts have values that violate no control."""
    unknown: frozenset[str]
    """The parts that no record has described; empty where the records cover the resource since its creation."""
    created: datetime | None = None
    """When the resource was created; None where no record tells."""

    def with_known(self, *parts: str, **fields: object) -> Reconstruction[R]:
        """Return this with *fields* of the resource replaced; these fields, and *parts*, are now known."""
        return self._with(fields, self.unknown.difference(parts, fields))

    def with_unknown(self, **fields: object) -> Reconstruction[R]:
        """Return this with *fields* of the resource replaced by values that violate no control, and unknown."""
        return self._with(fields, self.unknown.union(fields))

    def with_context(self, **fields: object) -> Reconstruction[R]:
        """Return this with *fields* of the resource replaced; what is known of it stays the same."""
        unchanged = all(getattr(self.resource, name) == value for name, value in fields.items())
        return self if unchanged else self._with(fields, self.unknown)

    def remediated(self, after: R) -> Reconstruction[R]:
        """Return this as it is once pipeseal has written *after*: the parts that were written are known."""
        before, state = self.resource.state(), after.state()
        written = (part for part in state if state[part] != before[part])
        return Reconstruction(after, self.unknown.difference(written), self.created)

    def _with(self, fields: Mapping[str, object], unknown: frozenset[str]) -> Reconstruction[R]:
        resource: Any = self.resource  # a dataclass, which the base class Resource is not
        return Reconstruction(replace(resource, **fields), unknown, self.created)


class SnapshotContext(NamedTuple):
    """What a snapshot of a resource contains that its own records do not tell."""

    settings: Settings
    now: datetime
    dependents: Mapping[str, str]
    """See Resource.dependents."""
    baseline: Mapping[str, object]
    """The last compliant state; see Resource.new_baseline."""
    snapshot_of: Callable[[Ref], Reconstruction[Any] | None]
    """Returns another resource as pipeseal would have read it now; None where no record describes it."""


Update = Callable[[Reconstruction[R], str, Record, Record], Reconstruction[R] | None]
"""(reconstruction, event name, requestParameters, responseElements) -> the reconstruction after the call.

None where the call deleted the resource.
"""

Complete = Callable[[Reconstruction[R], SnapshotContext], Reconstruction[R]]
"""Returns the reconstruction with the fields that come from the context: dependents, age, keys, baseline."""


def _no_document(_name: str, _request: Record) -> None:
    return None


def _unchanged(known: Reconstruction[R], _context: SnapshotContext) -> Reconstruction[R]:
    return known


def _never_quarantined(resource: R) -> R:
    return resource


class KindEvents(NamedTuple, Generic[R]):
    """The CloudTrail events of one kind of resource."""

    kind: Kind
    triggers: Mapping[str, NamedRefs]
    """Name of each call that can cause a violation -> the resources it names; a rule of the template matches it."""
    other_changes: Mapping[str, NamedRefs]
    """The same for the calls that change such a resource and cause no violation: only backtest reads them."""
    creations: frozenset[str]
    """Event names of the calls that create the resource."""
    unseen: Callable[[Ref], Reconstruction[R]]
    """Returns the reconstruction of a resource that no record describes."""
    update: Update[R]
    complete: Complete[R] = _unchanged
    put_document: Callable[[str, Record], object] = _no_document
    """(event name, requestParameters) -> the document for Cause.put; None where the call put none."""
    without_quarantine: Callable[[R], R] = _never_quarantined
    """Returns the resource as if pipeseal had never quarantined it."""

    @property
    def source(self) -> str:
        """Return the eventSource of the kind's service."""
        return event_source(self.kind)

    def updated(
        self, known: Reconstruction[R] | None, ref: Ref, record: Record, now: datetime
    ) -> Reconstruction[R] | None:
        """Return the reconstruction of *ref* after the call in *record*, made at *now*; None where it deleted *ref*.

        *known* is the reconstruction before the call; None where no record describes the resource.
        """
        name = str(record["eventName"])
        former = known or self.unseen(ref)
        if name in self.creations:
            former = self.unseen(ref)._replace(created=now)
        request, response = mapping(record.get("requestParameters")), mapping(record.get("responseElements"))
        return self.update(former, name, request, response)


# ------------------------------------------------------------ reading of records


def event_source(kind: Kind) -> str:
    """Return the eventSource of the calls to the service of *kind*."""
    return f"{kind.spec.service}.amazonaws.com"


def mapping(value: object) -> Record:
    """Return *value* where it is a JSON object, else an empty one: any field of a record may have any type."""
    return value if isinstance(value, Mapping) else {}


def is_region(text: object) -> bool:
    """Return whether *text* has the form of an AWS Region code."""
    return isinstance(text, str) and _REGION.fullmatch(text) is not None


def arn_parts(text: object, service: str) -> tuple[str, str, str] | None:
    """Return (account, region, resource) where *text* is an ARN of *service*; else None."""
    match text.split(":", 5) if isinstance(text, str) else ():
        case ["arn", _, found, region, account, resource] if found == service:
            return account, region, resource
    return None


def listed_arns(record: Record, service: str) -> Iterator[tuple[str, str, str]]:
    """Yield (account, region, resource) of each ARN of *service* in the record's `resources`."""
    resources = record.get("resources")
    for resource in map(mapping, resources if isinstance(resources, list) else ()):
        if parts := arn_parts(resource.get("ARN"), service):
            account, region, name = parts
            yield account or str(resource.get("accountId") or ""), region, name


def refs_named(kind: Kind, account: str, region: str, name: object) -> Iterator[Ref]:
    """Yield the resource called *name*, where its service accepts such a name."""
    if isinstance(name, str) and re.fullmatch(kind.spec.name_pattern, name):
        yield Ref(kind, account, region, name)


def refs_named_or_arn(kind: Kind, account: str, region: str, value: object) -> Iterator[Ref]:
    """Yield the resource that *value* gives by its name or by its ARN, which may be of another account or Region."""
    if parts := arn_parts(value, kind.spec.service):
        account, region, resource = parts
        value = resource.removeprefix(kind.spec.arn_prefix)
    yield from refs_named(kind, account, region, value)
