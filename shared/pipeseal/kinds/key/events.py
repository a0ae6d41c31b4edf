"""The CloudTrail events of KMS keys; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pipeseal.kinds.events import (
    KindEvents,
    Reconstruction,
    Record,
    SnapshotContext,
    is_region,
    listed_arns,
    mapping,
    refs_named,
    refs_named_or_arn,
)
from pipeseal.kinds.key.value import Key
from pipeseal.model import Kind, Ref

_STATUS_AFTER = {"EnableKey": "Enabled", "ScheduleKeyDeletion": "PendingDeletion"}
"""Event name -> KeyState; after DisableKey and CancelKeyDeletion a key is disabled."""


def _created(record: Record, account: str, region: str) -> Iterator[Ref]:
    metadata = mapping(mapping(record.get("responseElements")).get("keyMetadata"))
    yield from refs_named_or_arn(Kind.KEY, account, region, metadata.get("arn") or metadata.get("keyId"))
    if not metadata:
        yield from _listed(record)


def _replica(record: Record, account: str, region: str) -> Iterator[Ref]:
    """Yield the replica key: the record is of the primary's Region; the replica has the same key ID in another one."""
    metadata = mapping(mapping(record.get("responseElements")).get("replicaKeyMetadata"))
    request = mapping(record.get("requestParameters"))
    replica_region = request.get("replicaRegion")
    if metadata.get("arn"):
        yield from refs_named_or_arn(Kind.KEY, account, region, metadata["arn"])
    elif is_region(replica_region):
        for primary in refs_named_or_arn(Kind.KEY, account, region, request.get("keyId")):
            yield replace(primary, region=str(replica_region))


def _existing(record: Record, account: str, region: str) -> Iterator[Ref]:
    for side in ("responseElements", "requestParameters"):
        found = tuple(refs_named_or_arn(Kind.KEY, account, region, mapping(record.get(side)).get("keyId")))
        if found:
            yield from found
            return
    yield from _listed(record)


def _listed(record: Record) -> Iterator[Ref]:
    for account, region, resource in listed_arns(record, "kms"):
        yield from refs_named(Kind.KEY, account, region, resource.removeprefix("key/"))


def _unseen(ref: Ref) -> Reconstruction[Key]:
    key = Key(ref, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "Enabled")
    return Reconstruction(key, frozenset({"spec", "status", "rotates"}))


def _update(known: Reconstruction[Key], name: str, request: Record, response: Record) -> Reconstruction[Key]:
    match name:
        case "CreateKey":
            return _new(known, mapping(response.get("keyMetadata")) or request)
        case "ReplicateKey":
            return _new(known, mapping(response.get("replicaKeyMetadata")))
        case "EnableKeyRotation" | "DisableKeyRotation":
            return known.with_known(rotates=name == "EnableKeyRotation")
    return known.with_known(status=_STATUS_AFTER.get(name, "Disabled"), window=0)


def _new(known: Reconstruction[Key], metadata: Record) -> Reconstruction[Key]:
    """Return a new key with KeyMetadata or CreateKey's parameters; records older than key specs have no spec."""
    if not metadata:
        return known
    spec = metadata.get("keySpec") or metadata.get("customerMasterKeySpec") or "SYMMETRIC_DEFAULT"
    regions = mapping(metadata.get("multiRegionConfiguration"))
    key = replace(
        known.resource,
        spec=str(spec),
        usage=str(metadata.get("keyUsage") or "ENCRYPT_DECRYPT"),
        status="Enabled",
        manager=str(metadata.get("keyManager") or "CUSTOMER"),
        origin=str(metadata.get("origin") or "AWS_KMS"),
        multi_region=str(regions.get("multiRegionKeyType") or ""),
    )
    rotates = False if key.rotatable else None  # KMS creates keys with automatic rotation off
    return Reconstruction(replace(key, rotates=rotates), frozenset(), known.created)


def _complete(known: Reconstruction[Key], context: SnapshotContext) -> Reconstruction[Key]:
    age = context.now - known.created if known.created else None
    return known.with_context(dependents=context.dependents, age=age)


EVENTS = KindEvents(
    kind=Kind.KEY,
    triggers={
        "CreateKey": _created,
        "ReplicateKey": _replica,
        "EnableKey": _existing,
        "CancelKeyDeletion": _existing,
        "DisableKeyRotation": _existing,
    },
    other_changes=dict.fromkeys(("EnableKeyRotation", "DisableKey", "ScheduleKeyDeletion"), _existing),
    creations=frozenset({"CreateKey", "ReplicateKey"}),
    unseen=_unseen,
    update=_update,
    complete=_complete,
)
