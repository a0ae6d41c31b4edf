"""A CodePipeline pipeline as a value; its document may be malformed, as when it comes from a file; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self, TypedDict, TypeGuard

from pipeseal.aws.documents import Document, MutableDocument
from pipeseal.kinds.key.value import Key, UnreadableKey
from pipeseal.model import Action, Kind, Ref, Resource, Text, texts_of_tags
from pipeseal.secrets.redaction import holds_redaction

_REGION = re.compile(r"[a-z0-9-]{1,30}")
_FIELD = re.compile(r"[A-Za-z]{1,32}")  # matches AWS's own field names; any other name may itself be a secret
_QUARANTINE_PREFIX = "pipeseal - "
_QUARANTINE_JOIN = " and "
_SENTENCE_END = ". "
_QUARANTINE_ADVICE = "Remediate this and pipeseal lifts the quarantine. You can also enable this transition yourself."


class QuarantineReason(StrEnum):
    """Why pipeseal quarantines a pipeline, as part of the reason that CodePipeline stores with a disabled transition.

    CodePipeline accepts letters, digits, spaces and !@().*?- there, and 300 characters for the whole reason.
    """

    SECRET = "this pipeline contains a plaintext secret"  # noqa: S105 - no secret
    ARTIFACT_KEY = "the key of an artifact store is not an enabled symmetric key"


class TransitionState(TypedDict):
    """A transition as the ledger keeps it."""

    stage: str
    enabled: bool
    reason: str


class PipelineState(TypedDict):
    """What pipeseal may write of a pipeline."""

    keys: dict[str, str]
    """Region -> the key that its artifact store names, or ""."""
    transition: TransitionState | None


@dataclass(frozen=True, slots=True)
class ArtifactStore:
    """One artifact store of a pipeline; *key* is what the pipeline names: a key ID, an ARN, or ""."""

    region: str
    bucket: str
    key: str
    path: str
    """Its place in the document."""

    def __str__(self) -> str:
        """Return the store's name for use in a sentence."""
        return f"artifact store in {self.region}" if self.region else "artifact store"


@dataclass(frozen=True, slots=True)
class Transition:
    """The inbound transition of a stage."""

    stage: str
    enabled: bool
    reason: str = ""
    """Why it is disabled."""

    def state(self) -> TransitionState:
        """Return the transition as the ledger keeps it."""
        return {"stage": self.stage, "enabled": self.enabled, "reason": self.reason}

    @property
    def quarantine_reasons(self) -> frozenset[str]:
        """Why pipeseal disabled it; empty where it is enabled or another principal disabled it."""
        if self.enabled or not self.reason.startswith(_QUARANTINE_PREFIX):
            return frozenset()
        reasons, _, _ = self.reason.removeprefix(_QUARANTINE_PREFIX).partition(_SENTENCE_END)
        return frozenset(reasons.split(_QUARANTINE_JOIN))

    def quarantined(self, reasons: Iterable[str]) -> Self:
        """Return this transition disabled for *reasons*; enabled where there are none."""
        listed = _QUARANTINE_JOIN.join(sorted(reasons))
        if not listed:
            return replace(self, enabled=True, reason="")
        return replace(self, enabled=False, reason=f"{_QUARANTINE_PREFIX}{listed}{_SENTENCE_END}{_QUARANTINE_ADVICE}")


@dataclass(frozen=True, slots=True)
class Pipeline(Resource):
    """A CodePipeline pipeline, the keys that its artifact stores name, and the transition into its second stage."""

    ref: Ref
    document: Mapping[str, object]
    """The structure as GetPipeline returns it. It may contain secrets: it is never logged, recorded or sent."""
    keys: Mapping[tuple[str, str], Key | UnreadableKey] = field(default_factory=dict)
    """(Region, the name that the pipeline or the operator gives) -> the key."""
    locked: str = ""
    """Why UpdatePipeline must not be called with this document; "" where it may be."""
    transition: Transition | None = None
    """The transition into the second stage; None where there is no second stage, or it was not read."""
    tags: Mapping[str, Mapping[str, str] | None] = field(default_factory=dict)
    """ARN of the pipeline, and of each artifact bucket -> its tags; None where AWS denies access."""

    @property
    def stores(self) -> tuple[ArtifactStore, ...]:
        """The well-formed artifact stores, one a Region."""
        return tuple(
            ArtifactStore(region, store["location"], _key_of(store), path)
            for region, path, store in stores_of(self.document, self.ref.region)
            if is_artifact_store(store) and _REGION.fullmatch(region or "-")
        )

    @property
    def buckets(self) -> tuple[Ref, ...]:
        """The artifact buckets, one a Region."""
        return tuple(Ref(Kind.BUCKET, self.ref.account, store.region, store.bucket) for store in self.stores)

    def with_keys(self, keys: Mapping[str, str]) -> Self:
        """Return this pipeline with *keys*[region] as the key of each store; "" removes the key, no entry keeps it."""
        document: MutableDocument = dict(self.document)
        for store in self.stores:
            if store.region not in keys:
                continue
            key = keys[store.region]
            if store.path == "artifactStore":
                document["artifactStore"] = _with_key(document["artifactStore"], key)
            else:
                stores = document["artifactStores"]
                document["artifactStores"] = {**stores, store.region: _with_key(stores[store.region], key)}
        return replace(self, document=document)

    def key_can_encrypt(self, region: str, name: str) -> bool:
        """Return whether the key *name* in *region* was read and can encrypt artifacts."""
        key = self.keys.get((region, name))
        return isinstance(key, Key) and key.can_encrypt

    @property
    def quarantine_reasons(self) -> frozenset[str]:
        """Why pipeseal quarantined this pipeline; empty where it did not."""
        return self.transition.quarantine_reasons if self.transition else frozenset()

    def is_quarantined(self, reason: str) -> bool:
        """Return whether pipeseal quarantined this pipeline for *reason*."""
        return reason in self.quarantine_reasons

    def quarantined(self, reason: str) -> Self:
        """Return this pipeline quarantined for *reason*: the transition into its second stage is disabled.

        A transition that another principal disabled stays as it is, with its reason.
        """
        transition, stage = self.transition, self._second_stage
        disabled_by_others = transition and not transition.enabled and not transition.quarantine_reasons
        if not stage or disabled_by_others or self.is_quarantined(reason):
            return self
        transition = transition or Transition(stage, enabled=True)
        return replace(self, transition=transition.quarantined(self.quarantine_reasons | {reason}))

    def released(self, reason: str) -> Self:
        """Return this pipeline no longer quarantined for *reason*; without other reasons the transition is enabled."""
        if self.transition is None or not self.is_quarantined(reason):
            return self
        return replace(self, transition=self.transition.quarantined(self.quarantine_reasons - {reason}))

    @property
    def _second_stage(self) -> str:
        """The name of the second stage; "" where there is none."""
        stages = self.document.get("stages")
        match stages:
            case [_, {"name": str(name)}, *_]:
                return name
        return ""

    def texts(self) -> Iterator[Text]:
        """Yield the content of free-form fields: names, descriptions, triggers, approvals, tags."""
        yield from _free_texts(self.document)
        for arn, tags in self.tags.items():
            yield from texts_of_tags(tags or {}, "tags" if arn == self.ref.arn else f"{arn} tags")

    def state(self) -> PipelineState:
        """Return the stores' keys and the transition; never the document, which may contain secrets."""
        transition = self.transition
        return {
            "keys": {store.region: store.key for store in self.stores},
            "transition": transition.state() if transition else None,
        }

    def with_state(self, state: PipelineState) -> Self:
        """See Resource."""
        transition = Transition(**state["transition"]) if state["transition"] else None
        return replace(self.with_keys(state["keys"]), transition=transition)

    def write_refusal(self, after: Self) -> str:
        """See Resource; a document that does not change is not written."""
        return self.locked if after.document != self.document else ""

    def same_as(self, other: Self) -> bool:
        """See Resource; the reason of an enabled transition is not compared."""
        return self._comparable() == other._comparable()

    def _comparable(self) -> tuple[object, ...]:
        transition = self.transition
        if transition and transition.enabled:
            transition = replace(transition, reason="")
        return self.stores, transition

    def describe_change(self, after: Self) -> tuple[Action, tuple[str, ...]]:
        """See Resource."""
        action, steps = Action.DETECTED, []
        if after.stores != self.stores:
            action = Action.REMEDIATED
            steps += [
                f"{new}: {_describe_key_change(new.key)}"
                for old, new in zip(self.stores, after.stores, strict=True)
                if old != new
            ]
        if after.transition and after.transition != self.transition:
            action = Action.REMEDIATED if after.transition.enabled else Action.QUARANTINED
            change = _describe_transition_change(self.transition, after.transition)
            steps.append(f"transition into stage {after.transition.stage} {change}")
        return action, tuple(steps)

    def dependencies(self) -> Iterator[tuple[Ref, str]]:
        """Yield the artifact bucket of each Region with its key, then those keys; only keys that can encrypt count."""
        named = (self.keys.get((store.region, store.key)) for store in self.stores)
        keys = [key.ref if isinstance(key, Key) and key.can_encrypt else None for key in named]
        for bucket, key in zip(self.buckets, keys, strict=True):
            yield bucket, key.arn if key else ""
        for key in dict.fromkeys(keys):
            if key and key.account == self.ref.account:
                yield key, ""


def redaction_lock(document: Mapping[str, object]) -> str:
    """Return why UpdatePipeline must not be called with *document*, because AWS redacted a value in it; else ""."""
    if holds_redaction(document):
        return "AWS redacted a token in it, and writing it back would destroy the token"
    return ""


def stores_of(document: Mapping[str, object], home: str) -> Iterator[tuple[str, str, object]]:
    """Yield (Region, path, store) of each artifact store in *document*, well-formed or not; *home* is its Region."""
    stores, store_at_home = document.get("artifactStores"), document.get("artifactStore")
    by_region = stores if isinstance(stores, Mapping) else {}
    for region, store in by_region.items():
        yield region, f"artifactStores.{region}", store
    if store_at_home is not None and home not in by_region:
        yield home, "artifactStore", store_at_home


def is_artifact_store(store: object) -> TypeGuard[Document]:
    """Return whether *store* is a well-formed artifact store: it names a bucket, and its type, if given, is S3."""
    if not isinstance(store, Mapping):
        return False
    bucket = store.get("location")
    return isinstance(bucket, str) and bool(bucket) and store.get("type", "S3") == "S3"


def _free_texts(document: Mapping[str, object]) -> Iterator[Text]:
    """Yield the free-form fields of *document* in its order; with a stack, so that no depth exceeds a limit."""
    stack: list[tuple[str, object, bool]] = [("", document, False)]
    while stack:
        path, value, free = stack.pop()
        if isinstance(value, str) and free:
            yield Text(path, value)
        elif isinstance(value, list):
            stack += [(f"{path}[{number}]", each, free) for number, each in enumerate(value)][::-1]
        elif isinstance(value, Mapping):
            fields = [
                (
                    f"{path}.{name}" if _FIELD.fullmatch(name) else f"{path}[#{number}]",
                    each,
                    free or _is_free_form(name, value),
                )
                for number, (name, each) in enumerate(value.items())
            ]
            stack += [(place.removeprefix("."), each, is_free) for place, each, is_free in reversed(fields)]


def _is_free_form(name: str, owner: Mapping[str, object]) -> bool:
    """Return whether the field *name* of *owner*, with everything in it, is free-form."""
    match owner.get("actionTypeId"):
        case {"category": "Approval"} if name == "configuration":
            return True
    return name in ("name", "description", "namespace", "triggers")


def _key_of(store: Mapping[str, object]) -> str:
    match store.get("encryptionKey"):
        case {"id": str(key)}:
            return key.strip()
    return ""


def _with_key(store: Mapping[str, object], key: str) -> Mapping[str, object]:
    if _key_of(store) == key:
        return store
    others = {name: value for name, value in store.items() if name != "encryptionKey"}
    return {**others, "encryptionKey": {"id": key, "type": "KMS"}} if key else others


def _describe_key_change(key: str) -> str:
    return f"key replaced by {key}" if key else "key removed, so the AWS managed key is used"


def _describe_transition_change(before: Transition | None, after: Transition) -> str:
    if after.enabled:
        return "enabled: changes that pass the first stage are built and deployed again"
    if before and not before.enabled:
        return f"stays disabled, for another reason: {after.reason}"
    return "disabled: nothing is built or deployed"
