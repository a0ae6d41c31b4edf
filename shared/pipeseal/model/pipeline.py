"""A CodePipeline pipeline as a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from pipeseal.model import Action, Kind, Ref
from pipeseal.model.key import Key, Unread


@dataclass(frozen=True, slots=True)
class Store:
    """One artifact store of a pipeline; *key* is what the pipeline names: a key id, an ARN, or ""."""

    region: str
    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class Transition:
    """The way into a stage (DisableStageTransition's "Inbound")."""

    stage: str
    enabled: bool
    reason: str = ""


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
    """Into the second stage; None where nobody asked yet."""

    @property
    def stores(self) -> tuple[Store, ...]:
        """Return the artifact stores, one a region."""
        stores = self.document.get("artifactStores") or {self.ref.region: self.document.get("artifactStore") or {}}
        return tuple(
            Store(region, store["location"], (store.get("encryptionKey") or {}).get("id", ""))
            for region, store in stores.items()
            if store.get("type") == "S3" and store.get("location")
        )

    def with_keys(self, keys: Mapping[str, str]) -> Self:
        """Return this pipeline with the key of each region's store replaced by *keys*[region]; "" takes it out."""
        document = dict(self.document)
        if stores := document.get("artifactStores"):
            document["artifactStores"] = {
                region: _under(store, keys[region]) if region in keys else store for region, store in stores.items()
            }
        elif self.ref.region in keys:
            document["artifactStore"] = _under(document["artifactStore"], keys[self.ref.region])
        return replace(self, document=document)

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
                f"artifact store in {new.region}: {_rekeyed(new.key)}"
                for old, new in zip(self.stores, after.stores, strict=True)
                if old != new
            ]
        if after.transition and after.transition != self.transition:
            action = Action.QUARANTINED
            steps.append(f"transition into stage {after.transition.stage} {_turned(after.transition)}")
        return action, tuple(steps)

    @property
    def users(self) -> Mapping[str, str]:
        """See Resource; nothing rests on a pipeline."""
        return {}

    def uses(self) -> Iterator[tuple[Ref, str]]:
        """Yield the artifact bucket of every region and the key that it is under, where that one can encrypt."""
        for store in self.stores:
            key = self.keys.get((store.region, store.key))
            sound = key.ref if isinstance(key, Key) and key.encrypts else None
            yield Ref(Kind.BUCKET, self.ref.account, store.region, store.bucket), sound.arn if sound else ""
            if sound and sound.account == self.ref.account:
                yield sound, ""


def _under(store: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    if (store.get("encryptionKey") or {}).get("id", "") == key:
        return store
    others = {name: value for name, value in store.items() if name != "encryptionKey"}
    return {**others, "encryptionKey": {"id": key, "type": "KMS"}} if key else others


def _rekeyed(key: str) -> str:
    return f"key replaced by {key}" if key else "key taken out, which leaves the AWS managed key"


def _turned(way: Transition) -> str:
    return "enabled" if way.enabled else "disabled: nothing is built or deployed"
