"""A CodeDeploy application as a value."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from pipeseal.model import Action, Kind, Ref, Text, texts_of_tags

_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Application:
    """A CodeDeploy application and what it deploys; pipeseal writes to none."""

    ref: Ref
    groups: tuple[str, ...] = ()
    """Names of its deployment groups."""
    tags: Mapping[str, str] = field(default_factory=dict)
    revisions: tuple[Mapping[str, Any], ...] = ()
    """RevisionLocations: what the groups run or last tried to, then what was registered, the newest first.

    They may hold secrets: never logged, recorded or sent.
    """
    descriptions: tuple[str, ...] = ()
    """What people wrote of the groups' last deployments."""
    connection: str = ""
    """What somebody called the connection to GitHub, where there is one."""

    def texts(self) -> Iterator[Text]:
        """Yield what people wrote into free-form fields; revisions are no such field."""
        yield Text("name", self.ref.name)
        yield from (Text(f"deploymentGroups[{number}]", name) for number, name in enumerate(self.groups))
        yield from (Text(f"descriptions[{number}]", text) for number, text in enumerate(self.descriptions))
        yield Text("gitHubAccountName", self.connection)
        yield from texts_of_tags(self.tags, "tags")

    def state(self) -> dict[str, Any]:
        """See Resource; there is nothing that pipeseal may write."""
        return {}

    def with_state(self, _state: Mapping[str, Any]) -> Self:
        """See Resource."""
        return self

    def same_as(self, _other: Self) -> bool:
        """See Resource."""
        return True

    def changed(self, _after: Self) -> tuple[Action, tuple[str, ...]]:
        """See Resource."""
        return Action.DETECTED, ()

    @property
    def users(self) -> Mapping[str, str]:
        """See Resource; nothing rests on an application."""
        return {}

    def uses(self) -> Iterator[tuple[Ref, str]]:
        """Yield each S3 bucket that a revision lies in; CodeDeploy names no key."""
        buckets = (location(revision, "s3Location").get("bucket") for revision in self.revisions)
        for bucket in dict.fromkeys(filter(None, buckets)):
            yield Ref(Kind.BUCKET, self.ref.account, self.ref.region, bucket), ""


def location(revision: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the part of a RevisionLocation under *name*, empty where it has none."""
    return revision.get(name) or {}


def contents(revision: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the texts of a revision that stand in CodeDeploy itself: (path, in words where that is, the text)."""
    for name in ("string", "appSpecContent"):
        if text := location(revision, name).get("content"):
            mark = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
            yield f"{name}.content", f"AppSpec text with the SHA-256 {mark}...", text
    github = location(revision, "gitHubLocation")
    commit = str(github.get("commitId") or "")
    said = f"GitHub revision {commit[:7]}" if _COMMIT.fullmatch(commit) else "GitHub revision"
    for name in ("repository", "commitId"):
        if text := github.get(name):
            yield f"gitHubLocation.{name}", f"{said}, {name}", text
