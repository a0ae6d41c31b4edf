"""What the ledger knows of one resource, as a value; pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from pipeseal.aws.documents import Document
from pipeseal.exemptions import Exemption

DEPENDENT = "dependent:"
"""Prefix of the attribute that names a dependent; its value is the ARN of the key there, or ""."""
DEPENDENCY = "dependency:"

Times = Mapping[str, tuple[datetime, ...]]
"""Control ID -> times."""

EPOCH = datetime.fromtimestamp(0, UTC)
_NONE: Document = MappingProxyType({})


class ResourceRecord(NamedTuple):
    """What is known of one resource."""

    dependents: Mapping[str, str] = _NONE
    """ARN of each resource that depends on it -> ARN of the key that it names, or ""."""
    dependencies: Mapping[str, str] = _NONE
    """ARN of each resource that it depends on -> the same."""
    baseline: Document = _NONE
    """The last compliant state, for kinds that are compared with it."""
    alerted: frozenset[str] = frozenset()
    """Fingerprints of the reasons that were alerted and are still violated."""
    version: int = 0
    """How many leases were completed: a lease is granted only to an invocation that read the current version."""
    lease_owner: str = ""
    """ID of the entry whose invocation holds the lease, or ended without a release."""
    lease_expires: datetime = EPOCH
    alert_sent: str = ""
    """ID of the entry whose alert was sent although its outcome could not be stored."""
    remediations: Times = _NONE
    """When each control remediated the resource, recent times only."""
    suspended: Mapping[str, datetime] = _NONE
    """Suspended control -> when it was last seen violated."""
    exempted: Mapping[str, str] = _NONE
    """Control -> digest of the state that an actor with an exemption left."""
    exemptions: tuple[Exemption, ...] = ()
    """All exemptions of the stack, ended ones included."""
    read_at: datetime = EPOCH
    """When the read of the resource began that this record belongs to."""


def record_of(item: Document, exemptions: tuple[Exemption, ...]) -> ResourceRecord:
    """Return the record that the DynamoDB *item* holds; an empty item is a resource of which nothing is known."""
    texts = {name: value["S"] for name, value in item.items() if "S" in value}
    numbers = {name: value["N"] for name, value in item.items() if "N" in value}
    return ResourceRecord(
        dependents=_with_prefix(DEPENDENT, texts),
        dependencies=_with_prefix(DEPENDENCY, texts),
        baseline=json.loads(texts.get("baseline", "{}")),
        alerted=frozenset(texts.get("alerted", "").split()),
        version=int(numbers.get("version", "0")),
        lease_owner=texts.get("lease_owner", ""),
        alert_sent=texts.get("alert_sent", ""),
        lease_expires=datetime.fromtimestamp(float(numbers.get("lease_expires", "0")), UTC),
        remediations={
            control: tuple(map(datetime.fromisoformat, times))
            for control, times in json.loads(texts.get("remediations", "{}")).items()
        },
        suspended={
            control: datetime.fromisoformat(last) for control, last in json.loads(texts.get("suspended", "{}")).items()
        },
        exempted=json.loads(texts.get("exempted", "{}")),
        exemptions=exemptions,
    )


def _with_prefix(prefix: str, texts: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(prefix): value for name, value in texts.items() if name.startswith(prefix)}


def alerted_text(fingerprints: Iterable[str]) -> str:
    """Return ResourceRecord.alerted as the ledger stores it."""
    return " ".join(sorted(fingerprints))


def remediations_text(remediations: Times) -> str:
    """Return ResourceRecord.remediations as the ledger stores it."""
    return json.dumps({control: [time.isoformat() for time in times] for control, times in remediations.items()})


def suspended_text(suspended: Mapping[str, datetime]) -> str:
    """Return ResourceRecord.suspended as the ledger stores it."""
    return json.dumps({control: last.isoformat() for control, last in suspended.items()})
