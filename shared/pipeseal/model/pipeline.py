"""A CodePipeline pipeline as a value; its document may be as odd as a file that somebody wrote by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from pipeseal.model import Action, Kind, Ref, Text, texts_of_tags
from pipeseal.model.key import Key, Unread

_REGION = re.compile(r"[a-z0-9-]{1,30}")
_FIELD = re.compile(r"[A-Za-z]{1,32}")  # AWS's own are; any other may be what must not be shown
_QUARANTINE = "pipeseal - "
_JOIN = " and "
_LIFT = ". Put that right and pipeseal lifts this quarantine. You can enable this transition yourself too."


@dataclass(frozen=True, slots=True)
class Store:
    """One artifact store of a pipeline; *key* is what the pipeline names: a key id, an ARN, or ""."""

    region: str
    bucket: str
    key: str
    path: str
    """Where it stands in the document."""

    def __str__(self) -> str:
        """Name it as a sentence does."""
        return f"artifact store in {self.region}" if self.region else "artifact store"


@dataclass(frozen=True, slots=True)
class Transition:
    """The way into a stage (DisableStageTransition's "Inbound")."""

    stage: str
    enabled: bool
    reason: str = ""

    @property
    def holds(self) -> frozenset[str]:
        """Return what pipeseal closed this way for; nothing where it is open, or somebody else closed it."""
        ours = not self.enabled and self.reason.startswith(_QUARANTINE)
        return frozenset(self.reason[len(_QUARANTINE) :].partition(_LIFT)[0].split(_JOIN)) if ours else frozenset()

    def held(self, holds: frozenset[str]) -> Self:
        """Return this way closed for *holds*, or open where there is nothing to close it for."""
        if not holds:
            return replace(self, enabled=True, reason="")
        # CodePipeline takes letters, digits and !@ ().*?- here, 300 of them.
        return replace(self, enabled=False, reason=f"{_QUARANTINE}{_JOIN.join(sorted(holds))}{_LIFT}")


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A CodePipeline pipeline, the keys that its stores name, and the way into its second stage."""

    ref: Ref
    document: Mapping[str, Any]
    """The structure as GetPipeline gives it. It may hold secrets: never logged, recorded or sent."""
    keys: Mapping[tuple[str, str], Key | Unread] = field(default_factory=dict)
    """(region, what the pipeline or the operator names) -> the key."""
    locked: str = ""
    """Why UpdatePipeline must not be given this document; "" where it may."""
    transition: Transition | None = None
    """Into the second stage; None where there is none, or nobody asked."""
    tags: Mapping[str, Mapping[str, str] | None] = field(default_factory=dict)
    """ARN of the pipeline, and of each artifact bucket -> its tags; None where AWS refuses to say."""

    @property
    def stores(self) -> tuple[Store, ...]:
        """Return the artifact stores that can be read, one a region."""
        return tuple(
            Store(region, store["location"], _key_of(store), path)
            for region, path, store in stores_of(self.document, self.ref.region)
            if is_store(store) and _REGION.fullmatch(region or "-")
        )

    @property
    def buckets(self) -> tuple[Ref, ...]:
        """Return the artifact buckets, one a region."""
        return tuple(Ref(Kind.BUCKET, self.ref.account, store.region, store.bucket) for store in self.stores)

    def with_keys(self, keys: Mapping[str, str]) -> Self:
        """Return this pipeline with the key of each region's store replaced by *keys*[region]; "" takes it out."""
        document = dict(self.document)
        for store in self.stores:
            if store.region not in keys:
                continue
            key = keys[store.region]
            if store.path == "artifactStore":
                document["artifactStore"] = _under(document["artifactStore"], key)
            else:
                stores = document["artifactStores"]
                document["artifactStores"] = {**stores, store.region: _under(stores[store.region], key)}
        return replace(self, document=document)

    def encrypts_under(self, region: str, name: str) -> bool:
        """Tell whether the key *name* is known to encrypt in *region*."""
        key = self.keys.get((region, name))
        return isinstance(key, Key) and key.encrypts

    def is_held(self, hold: str) -> bool:
        """Tell whether pipeseal keeps the way into the second stage closed for *hold*."""
        return self.transition is not None and hold in self.transition.holds

    def held(self, hold: str) -> Self:
        """Return this pipeline quarantined for *hold*: its second stage takes nothing in.

        A way that somebody else closed stays as it is, with their reason.
        """
        way, stage = self.transition, self._second
        if not stage or (way and not way.enabled and not way.holds) or self.is_held(hold):
            return self
        way = way or Transition(stage, enabled=True)
        return replace(self, transition=way.held(way.holds | {hold}))

    def released(self, hold: str) -> Self:
        """Return this pipeline no longer quarantined for *hold*: its way is open again if that was all."""
        if self.transition is None or not self.is_held(hold):
            return self
        return replace(self, transition=self.transition.held(self.transition.holds - {hold}))

    @property
    def _second(self) -> str:
        """Return the name of the second stage, "" where there is none."""
        stages = self.document.get("stages")
        match stages:
            case [_, {"name": str(name)}, *_]:
                return name
        return ""

    def texts(self) -> Iterator[Text]:
        """Yield what people wrote into free-form fields: names, descriptions, triggers, approvals, tags."""
        yield from _texts(self.document)
        for arn, tags in self.tags.items():
            yield from texts_of_tags(tags or {}, "tags" if arn == self.ref.arn else f"{arn} tags")

    def state(self) -> dict[str, Any]:
        """Return the stores' keys and the transition; never the document, which may hold secrets."""
        transition = self.transition
        return {
            "keys": {store.region: store.key for store in self.stores},
            "transition": transition
            and {"stage": transition.stage, "enabled": transition.enabled, "reason": transition.reason},
        }

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """See Resource."""
        transition = state["transition"] and Transition(**state["transition"])
        return replace(self.with_keys(state["keys"]), transition=transition)

    def same_as(self, other: Self) -> bool:
        """See Resource; the reason of a transition that is enabled means nothing."""
        return self._meaning() == other._meaning()

    def _meaning(self) -> tuple[Any, ...]:
        way = self.transition
        return self.stores, way and (way.stage, way.enabled, "" if way.enabled else way.reason)

    def changed(self, after: Self) -> tuple[Action, tuple[str, ...]]:
        """See Resource."""
        action, steps = Action.DETECTED, []
        if after.stores != self.stores:
            action = Action.REMEDIATED
            steps += [
                f"{new}: {_rekeyed(new.key)}" for old, new in zip(self.stores, after.stores, strict=True) if old != new
            ]
        if after.transition and after.transition != self.transition:
            action = Action.REMEDIATED if after.transition.enabled else Action.QUARANTINED
            steps.append(f"transition into stage {after.transition.stage} {_turned(self.transition, after.transition)}")
        return action, tuple(steps)

    @property
    def users(self) -> Mapping[str, str]:
        """See Resource; nothing rests on a pipeline."""
        return {}

    def uses(self) -> Iterator[tuple[Ref, str]]:
        """Yield the artifact bucket of every region, then the keys that they are under, of those that can encrypt."""
        named = (self.keys.get((store.region, store.key)) for store in self.stores)
        sound = [key.ref if isinstance(key, Key) and key.encrypts else None for key in named]
        for bucket, key in zip(self.buckets, sound, strict=True):
            yield bucket, key.arn if key else ""
        for key in dict.fromkeys(sound):
            if key and key.account == self.ref.account:
                yield key, ""


def stores_of(document: Mapping[str, Any], home: str) -> Iterator[tuple[str, str, Any]]:
    """Yield (region, path, store) of whatever stands where *document*, of a pipeline in *home*, has its stores."""
    stores, one = document.get("artifactStores"), document.get("artifactStore")
    by_region = stores if isinstance(stores, Mapping) else {}
    for region, store in by_region.items():
        yield region, f"artifactStores.{region}", store
    if one is not None and home not in by_region:
        yield home, "artifactStore", one


def is_store(store: object) -> bool:
    """Tell whether *store* is an artifact store: S3 is the only type, and it has a bucket."""
    if not isinstance(store, Mapping):
        return False
    bucket = store.get("location")
    return isinstance(bucket, str) and bool(bucket) and store.get("type", "S3") == "S3"


def _texts(document: Mapping[str, Any]) -> Iterator[Text]:
    """Yield the free-form fields of *document* in its order; a stack, so that no depth is too deep."""
    stack: list[tuple[str, Any, bool]] = [("", document, False)]
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
                    free or _is_free(name, value),
                )
                for number, (name, each) in enumerate(value.items())
            ]
            stack += [(place.removeprefix("."), each, of_people) for place, each, of_people in reversed(fields)]


def _is_free(name: str, owner: Mapping[str, Any]) -> bool:
    """Tell whether what stands under *name* in *owner* is people's own wording, all through."""
    match owner.get("actionTypeId"):
        case {"category": "Approval"} if name == "configuration":
            return True
    return name in ("name", "description", "namespace", "triggers")


def _key_of(store: Mapping[str, Any]) -> str:
    match store.get("encryptionKey"):
        case {"id": str(key)}:
            return key.strip()
    return ""


def _under(store: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    if _key_of(store) == key:
        return store
    others = {name: value for name, value in store.items() if name != "encryptionKey"}
    return {**others, "encryptionKey": {"id": key, "type": "KMS"}} if key else others


def _rekeyed(key: str) -> str:
    return f"key replaced by {key}" if key else "key taken out, which leaves the AWS managed key"


def _turned(before: Transition | None, after: Transition) -> str:
    if after.enabled:
        return "enabled: what passes the first stage is built and deployed again"
    if before and not before.enabled:
        return f"stays disabled, for another reason: {after.reason}"
    return "disabled: nothing is built or deployed"
