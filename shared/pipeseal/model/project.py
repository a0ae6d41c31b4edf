"""A CodeBuild project as a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from pipeseal.model import Action, Kind, Ref


@dataclass(frozen=True, slots=True)
class Place:
    """Where a build leaves files in S3: *name* is "artifacts", "logs", or a secondary artifact's identifier."""

    name: str
    words: str
    path: str
    bucket: str
    clear: bool
    """Whether the files are left unencrypted."""


@dataclass(frozen=True, slots=True)
class Project:
    """A CodeBuild project."""

    ref: Ref
    document: Mapping[str, Any]
    """The project as BatchGetProjects gives it. It may hold secrets: never logged, recorded or sent."""
    locked: str = ""
    """Why UpdateProject must not be given `artifacts`, `secondaryArtifacts` or `logsConfig`; "" where it may."""

    @property
    def places(self) -> tuple[Place, ...]:
        """Return where builds leave artifacts and logs in S3; CodePipeline looks after what it takes over."""
        return tuple(self._places())

    def _places(self) -> Iterator[Place]:
        artifacts = self.document.get("artifacts") or {}
        if artifacts.get("type") == "S3":
            yield _place("artifacts", "artifacts", "artifacts", artifacts)
        for number, artifacts in enumerate(self.document.get("secondaryArtifacts") or ()):
            if artifacts.get("type") == "S3":
                name = _secondary(number, artifacts)
                words = f"secondary artifacts {name.partition(':')[2]}"
                yield _place(name, words, f"secondaryArtifacts[{number}]", artifacts)
        logs = (self.document.get("logsConfig") or {}).get("s3Logs") or {}
        if logs.get("status") == "ENABLED":
            yield _place("logs", "logs in S3", "logsConfig.s3Logs", logs)

    @property
    def passages(self) -> tuple[tuple[str, str, str], ...]:
        """Return what stands in the project as text: (path, in words where that is, the text)."""
        return tuple(self._passages())

    def _passages(self) -> Iterator[tuple[str, str, str]]:
        sources = [("source", "source", self.document.get("source") or {})]
        for number, source in enumerate(self.document.get("secondarySources") or ()):
            sources.append((f"secondarySources[{number}]", f"secondary source [{number}]", source))
        for path, words, source in sources:
            texts = {
                "location": source.get("location"),
                "buildspec": source.get("buildspec"),
                "auth.resource": (source.get("auth") or {}).get("resource"),
                "buildStatusConfig.targetUrl": (source.get("buildStatusConfig") or {}).get("targetUrl"),
            }
            yield from ((f"{path}.{name}", f"{words}, {name}", text) for name, text in texts.items() if text)

    def state(self) -> dict[str, Any]:
        """Return for each place whether its files are left unencrypted."""
        return {place.name: place.clear for place in self.places}

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """See Resource; a place that is not there any more stays away."""
        places = {place.name: place.clear for place in self.places}
        turned = {name: state[name] for name, clear in places.items() if state.get(name, clear) != clear}
        if not turned:
            return self
        document = dict(self.document)
        if "artifacts" in turned:
            document["artifacts"] = _turned(document["artifacts"], clear=turned["artifacts"])
        if others := document.get("secondaryArtifacts"):
            names = (_secondary(number, each) for number, each in enumerate(others))
            document["secondaryArtifacts"] = [
                _turned(each, clear=turned[name]) if name in turned else each
                for name, each in zip(names, others, strict=True)
            ]
        if "logs" in turned:
            logs = document["logsConfig"]
            document["logsConfig"] = {**logs, "s3Logs": _turned(logs["s3Logs"], clear=turned["logs"])}
        return replace(self, document=document)

    def same_as(self, other: Self) -> bool:
        """See Resource."""
        return self.state() == other.state()

    def changed(self, after: Self) -> tuple[Action, tuple[str, ...]]:
        """See Resource."""
        steps = tuple(
            f"{new.words}: encryption switched {'off' if new.clear else 'on'}"
            for old, new in zip(self.places, after.places, strict=True)
            if old.clear != new.clear
        )
        return (Action.REMEDIATED if steps else Action.DETECTED), steps

    @property
    def users(self) -> Mapping[str, str]:
        """See Resource; nothing rests on a project."""
        return {}

    def uses(self) -> Iterator[tuple[Ref, str]]:
        """Yield the bucket of every place and of the cache; under which key, CodeBuild says with each upload."""
        cache = self.document.get("cache") or {}
        cached = [_bucket(cache)] if cache.get("type") == "S3" else []
        for bucket in dict.fromkeys(filter(None, [*(place.bucket for place in self.places), *cached])):
            yield Ref(Kind.BUCKET, self.ref.account, self.ref.region, bucket), ""


def _place(name: str, words: str, path: str, part: Mapping[str, Any]) -> Place:
    return Place(name, words, f"{path}.encryptionDisabled", _bucket(part), bool(part.get("encryptionDisabled")))


def _secondary(number: int, artifacts: Mapping[str, Any]) -> str:
    return f"secondary:{artifacts.get('artifactIdentifier') or number}"


def _bucket(part: Mapping[str, Any]) -> str:
    """Return the bucket of a location: its name or ARN, with or without a prefix after a slash."""
    return str(part.get("location") or "").rpartition(":")[2].partition("/")[0]


def _turned(part: Mapping[str, Any], *, clear: bool) -> dict[str, Any]:
    return {**part, "encryptionDisabled": clear}
