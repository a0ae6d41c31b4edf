"""A CodeBuild project as a value; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

from pipeseal.aws.documents import Document, MutableDocument
from pipeseal.model import Action, Kind, Ref, Resource

ProjectState = dict[str, bool]
"""What pipeseal may write of a project: OutputLocation.name -> whether builds leave the files there unencrypted."""


@dataclass(frozen=True, slots=True)
class OutputLocation:
    """Where a build writes files to S3."""

    name: str
    """"artifacts", "logs", or "secondary:" and the artifact identifier."""
    description: str
    """Its name for use in a sentence."""
    path: str
    """The place of its encryptionDisabled in the document."""
    bucket: str
    unencrypted: bool
    """Whether encryption is disabled."""


@dataclass(frozen=True, slots=True)
class Project(Resource):
    """A CodeBuild project."""

    ref: Ref
    document: Document
    """The project as BatchGetProjects returns it. It may contain secrets: it is never logged, recorded or sent."""
    locked: str = ""
    """Why UpdateProject must not be called with its artifacts or logsConfig; "" where it may be."""

    @property
    def output_locations(self) -> tuple[OutputLocation, ...]:
        """Where builds write artifacts and logs to S3; artifacts that CodePipeline stores are not included."""
        return tuple(self._output_locations())

    def _output_locations(self) -> Iterator[OutputLocation]:
        artifacts = self.document.get("artifacts") or {}
        if artifacts.get("type") == "S3":
            yield _output_location("artifacts", "artifacts", "artifacts", artifacts)
        for number, artifacts in enumerate(self.document.get("secondaryArtifacts") or ()):
            if artifacts.get("type") == "S3":
                name = _secondary_name(number, artifacts)
                description = f"secondary artifacts {name.partition(':')[2]}"
                yield _output_location(name, description, f"secondaryArtifacts[{number}]", artifacts)
        logs = (self.document.get("logsConfig") or {}).get("s3Logs") or {}
        if logs.get("status") == "ENABLED":
            yield _output_location("logs", "logs in S3", "logsConfig.s3Logs", logs)

    def inline_texts(self) -> Iterator[tuple[str, str, str]]:
        """Yield the texts that may contain secrets: (path, description of the place, text)."""
        if description := self.document.get("description"):
            yield "description", "description", description
        sources = [("source", "source", self.document.get("source") or {})]
        for number, source in enumerate(self.document.get("secondarySources") or ()):
            sources.append((f"secondarySources[{number}]", f"secondary source [{number}]", source))
        for path, description, source in sources:
            texts = {
                "location": source.get("location"),
                "buildspec": source.get("buildspec"),
                "auth.resource": (source.get("auth") or {}).get("resource"),
                "buildStatusConfig.targetUrl": (source.get("buildStatusConfig") or {}).get("targetUrl"),
            }
            yield from ((f"{path}.{name}", f"{description}, {name}", text) for name, text in texts.items() if text)

    def state(self) -> ProjectState:
        """Return for each output location whether it is unencrypted."""
        return {location.name: location.unencrypted for location in self.output_locations}

    def with_state(self, state: ProjectState) -> Self:
        """See Resource; locations that the project does not have are ignored."""
        changed = {
            name: state[name]
            for name, unencrypted in self.state().items()
            if state.get(name, unencrypted) != unencrypted
        }
        if not changed:
            return self
        document = dict(self.document)
        if "artifacts" in changed:
            document["artifacts"] = _with_encryption(document["artifacts"], disabled=changed["artifacts"])
        if secondary := document.get("secondaryArtifacts"):
            names = (_secondary_name(number, artifacts) for number, artifacts in enumerate(secondary))
            document["secondaryArtifacts"] = [
                _with_encryption(artifacts, disabled=changed[name]) if name in changed else artifacts
                for name, artifacts in zip(names, secondary, strict=True)
            ]
        if "logs" in changed:
            logs = document["logsConfig"]
            document["logsConfig"] = {**logs, "s3Logs": _with_encryption(logs["s3Logs"], disabled=changed["logs"])}
        return replace(self, document=document)

    def write_refusal(self, after: Self) -> str:
        """See Resource; a document that does not change is not written."""
        return self.locked if after.document != self.document else ""

    def same_as(self, other: Self) -> bool:
        """See Resource."""
        return self.state() == other.state()

    def describe_change(self, after: Self) -> tuple[Action, tuple[str, ...]]:
        """See Resource."""
        steps = tuple(
            f"{new.description}: encryption switched {'off' if new.unencrypted else 'on'}"
            for old, new in zip(self.output_locations, after.output_locations, strict=True)
            if old.unencrypted != new.unencrypted
        )
        return (Action.REMEDIATED if steps else Action.DETECTED), steps

    def dependencies(self) -> Iterator[tuple[Ref, str]]:
        """Yield the buckets of output locations and of the cache; CodeBuild names the key with each upload."""
        cache = self.document.get("cache") or {}
        cached = [_bucket(cache)] if cache.get("type") == "S3" else []
        for bucket in dict.fromkeys(filter(None, [*(each.bucket for each in self.output_locations), *cached])):
            yield Ref(Kind.BUCKET, self.ref.account, self.ref.region, bucket), ""


def _output_location(name: str, description: str, path: str, part: Document) -> OutputLocation:
    unencrypted = bool(part.get("encryptionDisabled"))
    return OutputLocation(name, description, f"{path}.encryptionDisabled", _bucket(part), unencrypted)


def _secondary_name(number: int, artifacts: Document) -> str:
    return f"secondary:{artifacts.get('artifactIdentifier') or number}"


def _bucket(part: Document) -> str:
    """Return the bucket of a location: its name or ARN, with or without a prefix after a slash."""
    return str(part.get("location") or "").rpartition(":")[2].partition("/")[0]


def _with_encryption(part: Document, *, disabled: bool) -> MutableDocument:
    return {**part, "encryptionDisabled": disabled}
