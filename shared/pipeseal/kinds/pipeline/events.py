"""The CloudTrail events of CodePipeline pipelines; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pipeseal.kinds.events import (
    KindEvents,
    Reconstruction,
    Record,
    SnapshotContext,
    mapping,
    refs_named,
)
from pipeseal.kinds.key.events import EVENTS as KEY_EVENTS
from pipeseal.kinds.key.value import Key
from pipeseal.kinds.pipeline.value import Pipeline, redaction_lock
from pipeseal.model import Kind, Ref


def _put(record: Record, account: str, region: str) -> Iterator[Ref]:
    for side in ("requestParameters", "responseElements"):
        pipeline = mapping(mapping(record.get(side)).get("pipeline"))
        yield from refs_named(Kind.PIPELINE, account, region, pipeline.get("name"))


def _deleted(record: Record, account: str, region: str) -> Iterator[Ref]:
    yield from refs_named(Kind.PIPELINE, account, region, mapping(record.get("requestParameters")).get("name"))


def _unseen(ref: Ref) -> Reconstruction[Pipeline]:
    return Reconstruction(Pipeline(ref, {}), frozenset({"document", "transition"}))


def _update(
    known: Reconstruction[Pipeline], name: str, request: Record, response: Record
) -> Reconstruction[Pipeline] | None:
    """Return the pipeline with the structure in the record, which is complete."""
    if name == "DeletePipeline":
        return None
    document = mapping(request.get("pipeline")) or mapping(response.get("pipeline"))
    new_parts = ("transition",) if name == "CreatePipeline" else ()
    return known.with_known(*new_parts, document=document, locked=redaction_lock(document))


def _complete(known: Reconstruction[Pipeline], context: SnapshotContext) -> Reconstruction[Pipeline]:
    """Return the pipeline with the keys that its stores and the operator name.

    "keys" is an unknown part where no record describes the key of a store, or the store names it by an alias.
    """
    pipeline, keys, unknown = known.resource, dict[tuple[str, str], Key](), known.unknown
    for store in pipeline.stores:
        for name in (store.key, context.settings.artifact_keys.get(store.region, "")):
            ref = _key_ref(pipeline.ref, store.region, name)
            found = context.snapshot_of(ref) if ref else None
            if ref:
                keys[store.region, name] = (found or KEY_EVENTS.unseen(ref)).resource
            if name and name == store.key and not found:
                unknown |= {"keys"}
    return known.with_context(keys=keys)._replace(unknown=unknown)


def _key_ref(pipeline: Ref, region: str, name: str) -> Ref | None:
    """Return the key that a store in *region* names by its key ID or ARN; None for an alias or no name."""
    match name.split(":", 5):
        case ["arn", _, "kms", key_region, account, resource] if resource.startswith("key/"):
            return Ref(Kind.KEY, account, key_region, resource.removeprefix("key/"))
        case [key_id] if key_id and "/" not in key_id:
            return Ref(Kind.KEY, pipeline.account, region, key_id)
    return None


def _without_quarantine(pipeline: Pipeline) -> Pipeline:
    return replace(pipeline, transition=None)


EVENTS = KindEvents(
    kind=Kind.PIPELINE,
    triggers={"CreatePipeline": _put, "UpdatePipeline": _put, "DeletePipeline": _deleted},
    other_changes={},
    creations=frozenset({"CreatePipeline"}),
    unseen=_unseen,
    update=_update,
    complete=_complete,
    without_quarantine=_without_quarantine,
)
