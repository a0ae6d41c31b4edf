"""CodePipeline pipelines: read, list, and write their structure and the transition into the second stage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pipeseal.aws.clients import Clients, raw_responses
from pipeseal.aws.documents import MutableDocument
from pipeseal.aws.errors import code, unless
from pipeseal.aws.paging import page_argument
from pipeseal.kinds.adapter import Adapter
from pipeseal.kinds.bucket.api import ADAPTER as BUCKETS
from pipeseal.kinds.bucket.api import is_own_bucket
from pipeseal.kinds.key.api import key_from_metadata
from pipeseal.kinds.key.value import Key, UnreadableKey
from pipeseal.kinds.pipeline.value import Pipeline, Transition, redaction_lock
from pipeseal.model import Kind, Listed, Page, Ref

if TYPE_CHECKING:
    from pipeseal.clock import Clock
    from pipeseal.kinds.facts import LedgerFacts
    from pipeseal.settings import Settings

_UNREADABLE = ("NotFoundException", "AccessDeniedException", "InvalidArnException")


def _bucket_tags(clients: Clients, bucket: Ref) -> dict[str, str] | None:
    """Return the tags of an artifact bucket; {} where another account owns it or it is missing, None where denied."""
    try:
        return BUCKETS.tags(clients, bucket)
    except ClientError as error:
        if code(error) == "AccessDenied":
            return None if is_own_bucket(clients, bucket) else {}
        if code(error) != "NoSuchBucket":
            raise
        return {}


def _documents(clients: Clients, ref: Ref) -> tuple[MutableDocument, MutableDocument] | None:
    """Return the pipeline's structure as botocore parses it and as AWS returns it; None where it does not exist."""
    codepipeline = clients("codepipeline", ref.region)
    with raw_responses(codepipeline) as documents:
        found = unless("PipelineNotFoundException", codepipeline.get_pipeline, name=ref.name)
    return (found["pipeline"], documents[-1]["pipeline"]) if found else None


def _locked(document: Mapping[str, object], raw: Mapping[str, object]) -> str:
    """Return why UpdatePipeline must not be called with *document*, or "".

    botocore drops fields that it does not know; the *raw* document has them.
    """
    if document != raw:
        return "this version of boto3 does not know all of its fields, and writing it back would lose them"
    return redaction_lock(raw)


def _second_transition(clients: Clients, ref: Ref) -> Transition | None:
    """Return the inbound transition of the second stage."""
    state = clients("codepipeline", ref.region).get_pipeline_state(name=ref.name)
    for stage in state["stageStates"][1:2]:
        inbound = stage.get("inboundTransitionState", {})
        return Transition(stage["stageName"], inbound.get("enabled", True), inbound.get("disabledReason", ""))
    return None


def _read_keys(
    clients: Clients, pipeline: Ref, names: Iterable[tuple[str, str]]
) -> Iterator[tuple[tuple[str, str], Key | UnreadableKey]]:
    for region, name in names:
        yield (region, name), _read_key(clients, pipeline, region, name)


def _read_key(clients: Clients, pipeline: Ref, region: str, name: str) -> Key | UnreadableKey:
    """Return the key in *region* that a store names by ID, ARN or alias ARN."""
    owner = name.split(":")[4] if name.startswith("arn:") else pipeline.account
    try:
        return key_from_metadata(clients("kms", region).describe_key(KeyId=name)["KeyMetadata"])
    except ClientError as error:
        error_code = code(error)
        if error_code not in _UNREADABLE:
            raise
        if error_code == "NotFoundException" and owner == pipeline.account:
            return UnreadableKey("does not exist", missing=True)
        return UnreadableKey(f"could not be read ({error_code}), so its state is unknown", missing=False)


class PipelineAdapter(Adapter[Pipeline]):
    """See Adapter."""

    def list_page(self, clients: Clients, account: str, region: str, token: str) -> Page:
        """Return a page of the pipelines in *region*: one call."""
        found = clients("codepipeline", region).list_pipelines(**page_argument("nextToken", token))
        listed = (
            Listed(Ref(Kind.PIPELINE, account, region, each["name"]), each.get("created"))
            for each in found["pipelines"]
        )
        return Page(tuple(listed), found.get("nextToken", ""))

    def read(self, clients: Clients, ref: Ref, _facts: LedgerFacts, _settings: Settings) -> Pipeline | None:
        """Return the pipeline with the keys that it names; None where it does not exist."""
        found = _documents(clients, ref)
        if found is None:
            return None
        pipeline = Pipeline(ref, found[0], locked=_locked(*found))
        named = ((store.region, store.key) for store in pipeline.stores if store.key)
        return replace(
            pipeline,
            keys=dict(_read_keys(clients, ref, named)),
            # Read for a compliant pipeline too: it may still be quarantined for an earlier violation.
            transition=_second_transition(clients, ref),
            tags={ref.arn: self.tags(clients, ref)}
            | {bucket.arn: _bucket_tags(clients, bucket) for bucket in pipeline.buckets},
        )

    def load_details(self, clients: Clients, pipeline: Pipeline, settings: Settings, _clock: Clock) -> Pipeline:
        """Return *pipeline* with the operator's keys for the Regions of its stores."""
        operator_keys = {(store.region, settings.artifact_keys.get(store.region, "")) for store in pipeline.stores}
        unread = [
            (region, name) for region, name in sorted(operator_keys) if name and (region, name) not in pipeline.keys
        ]
        return replace(pipeline, keys={**pipeline.keys, **dict(_read_keys(clients, pipeline.ref, unread))})

    def write(self, clients: Clients, before: Pipeline, after: Pipeline) -> None:
        """Turn *before* into *after*: the structure, then the transition into the second stage."""
        codepipeline = clients("codepipeline", after.ref.region)
        if after.document != before.document:
            codepipeline.update_pipeline(pipeline=after.document)
        transition = after.transition
        if transition is None or transition == before.transition:
            return
        stage = {"pipelineName": after.ref.name, "stageName": transition.stage, "transitionType": "Inbound"}
        if transition.enabled:
            codepipeline.enable_stage_transition(**stage)
        else:
            codepipeline.disable_stage_transition(**stage, reason=transition.reason)

    def refresh(self, clients: Clients, before: Pipeline | None, after: Pipeline) -> Pipeline:
        """Return *after* with the structure as it is now, and with the transition where that may have been written."""
        found = _documents(clients, after.ref)
        live = replace(after, document=found[0], locked=_locked(*found)) if found else after
        if before is not None and after.transition == before.transition:
            return live
        return replace(live, transition=_second_transition(clients, after.ref))

    def tags(self, clients: Clients, ref: Ref) -> dict[str, str]:
        """Return the pipeline's tags."""
        codepipeline = clients("codepipeline", ref.region)
        pages = codepipeline.get_paginator("list_tags_for_resource").paginate(resourceArn=ref.arn)
        return {tag["key"]: tag["value"] for page in pages for tag in page.get("tags", ())}


ADAPTER = PipelineAdapter()
