"""CodePipeline pipelines: their structure, the keys of their artifact stores, and the way into a stage."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from pipeseal.aws import buckets
from pipeseal.aws.clients import Clients, as_sent, code, unless
from pipeseal.aws.keys import described
from pipeseal.aws.pages import Listed, Page, asking
from pipeseal.model import Kind, Ref
from pipeseal.model.key import Key, Unread
from pipeseal.model.pipeline import Pipeline, Transition

if TYPE_CHECKING:
    from pipeseal.aws.memory import Memory
    from pipeseal.settings import Settings

# How AWS shows a token that it will not show: writing it back would put the mask in the token's place.
_MASKS = ("****", "HIDDEN_DUE_TO_SECURITY_REASONS")


def page(clients: Clients, account: str, region: str, token: str) -> Page:
    """Return the pipelines of *region*, one call a page."""
    found = clients("codepipeline", region).list_pipelines(**asking("nextToken", token))
    listed = (
        Listed(Ref(Kind.PIPELINE, account, region, each["name"]), each.get("created")) for each in found["pipelines"]
    )
    return Page(tuple(listed), found.get("nextToken", ""))


def read(clients: Clients, ref: Ref, _memory: Memory | None, _settings: Settings) -> Pipeline | None:
    """Return the pipeline as it is now with the keys that it names, or None where there is none."""
    found = _document(clients, ref)
    if found is None:
        return None
    document, sent = found
    pipeline = Pipeline(ref, document, locked=_locked(document, sent))
    named = ((store.region, store.key) for store in pipeline.stores if store.key)
    return replace(
        pipeline,
        keys=dict(_keys(clients, pipeline, named)),
        # The way is read of a sound pipeline too: it may still be quarantined for what was wrong with it.
        transition=_second(clients, ref),
        tags={ref.arn: tags(clients, ref)} | {bucket.arn: _bucket_tags(clients, bucket) for bucket in pipeline.buckets},
    )


def tags(clients: Clients, ref: Ref) -> dict[str, str]:
    """Return the pipeline's tags."""
    pages = clients("codepipeline", ref.region).get_paginator("list_tags_for_resource").paginate(resourceArn=ref.arn)
    return {tag["key"]: tag["value"] for page in pages for tag in page.get("tags", ())}


def _bucket_tags(clients: Clients, bucket: Ref) -> dict[str, str] | None:
    """Return the tags of an artifact bucket, none of one that is gone or another account's; None where refused."""
    try:
        return buckets.tags(clients, bucket)
    except ClientError as error:
        if code(error) == "AccessDenied":
            return None if buckets.ours(clients, bucket) else {}
        if code(error) != "NoSuchBucket":
            raise
        return {}


def _document(clients: Clients, ref: Ref) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the pipeline's structure as botocore understands it and as AWS sent it, or None where there is none."""
    codepipeline = clients("codepipeline", ref.region)
    with as_sent(codepipeline) as sent:
        found = unless("PipelineNotFoundException", codepipeline.get_pipeline, name=ref.name)
    return (found["pipeline"], sent[-1]["pipeline"]) if found else None


def _locked(document: Mapping[str, Any], sent: Mapping[str, Any]) -> str:
    """Say why UpdatePipeline must not be given *document*, or "".

    botocore drops what its model does not know; what AWS *sent* tells whether anything is missing.
    """
    if document != sent:
        return "this version of boto3 does not know all of its fields, and writing it back would lose them"
    text = json.dumps(sent)
    if any(mask in text for mask in _MASKS):
        return "AWS masks a token in it, and writing it back would destroy the token"
    return ""


def complete(clients: Clients, pipeline: Pipeline, settings: Settings) -> Pipeline:
    """Return *pipeline* with what only one in violation is asked for: the operator's keys."""
    wanted = {(store.region, settings.artifact_keys.get(store.region, "")) for store in pipeline.stores}
    keys = _keys(clients, pipeline, (place for place in sorted(wanted) if place[1] and place not in pipeline.keys))
    return replace(pipeline, keys={**pipeline.keys, **dict(keys)})


def _second(clients: Clients, ref: Ref) -> Transition | None:
    """Return the way into the second stage."""
    state = clients("codepipeline", ref.region).get_pipeline_state(name=ref.name)
    for stage in state["stageStates"][1:2]:
        way = stage.get("inboundTransitionState", {})
        return Transition(stage["stageName"], way.get("enabled", True), way.get("disabledReason", ""))
    return None


def _keys(
    clients: Clients, pipeline: Pipeline, places: Iterator[tuple[str, str]]
) -> Iterator[tuple[tuple[str, str], Key | Unread]]:
    for region, name in places:
        yield (region, name), _key(clients, pipeline.ref, region, name)


def _key(clients: Clients, pipeline: Ref, region: str, name: str) -> Key | Unread:
    """Describe the key that a store in *region* names by id, ARN or alias ARN."""
    owner = name.split(":")[4] if name.startswith("arn:") else pipeline.account
    try:
        return described(clients("kms", region).describe_key(KeyId=name)["KeyMetadata"])
    except ClientError as error:
        answer = code(error)
        if answer not in ("NotFoundException", "AccessDeniedException", "InvalidArnException"):
            raise
        if answer == "NotFoundException" and owner == pipeline.account:
            return Unread("does not exist", missing=True)
        return Unread(f"could not be read ({answer}), so nobody knows whether it is fine", missing=False)


def write(clients: Clients, before: Pipeline, after: Pipeline) -> None:
    """Make *before* into *after*: the structure, then the way into the second stage."""
    codepipeline = clients("codepipeline", after.ref.region)
    if after.document != before.document:
        codepipeline.update_pipeline(pipeline=after.document)
    way = after.transition
    if way is None or way == before.transition:
        return
    place = {"pipelineName": after.ref.name, "stageName": way.stage, "transitionType": "Inbound"}
    if way.enabled:
        codepipeline.enable_stage_transition(**place)
    else:
        codepipeline.disable_stage_transition(**place, reason=way.reason)


def reread(clients: Clients, before: Pipeline | None, after: Pipeline) -> Pipeline:
    """Return *after* with the structure, and the way into the second stage where it was written, as they are now.

    *before* is None where nobody knows what was written.
    """
    found = _document(clients, after.ref)
    live = replace(after, document=found[0], locked=_locked(*found)) if found else after
    if before is not None and after.transition == before.transition:
        return live
    return replace(live, transition=_second(clients, after.ref))
