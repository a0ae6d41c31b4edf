"""A CodeDeploy application as a value; pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self, TypedDict

from pipeseal.aws.documents import Document
from pipeseal.model import Action, Kind, Ref, Resource, Text, texts_of_tags

INLINE_LOCATIONS = ("string", "appSpecContent")
"""Parts of a RevisionLocation that contain the text of an AppSpec file."""
_COMMIT = re.compile(r"[0-9a-f]{40}")


class ApplicationState(TypedDict):
    """What pipeseal may write of an application: nothing."""


@dataclass(frozen=True, slots=True)
class Application(Resource):
    """A CodeDeploy application and the revisions that it deploys; pipeseal never writes to one."""

    ref: Ref
    groups: tuple[str, ...] = ()
    """Names of its deployment groups."""
    group_tags: tuple[Mapping[str, str], ...] = ()
    """The tags of each group, in the order of *groups*."""
    tags: Mapping[str, str] = field(default_factory=dict)
    revisions: tuple[Document, ...] = ()
    """RevisionLocations: the groups' current and last attempted revisions, then the registered ones, newest first.

    They may contain secrets: they are never logged, recorded or sent.
    """
    descriptions: tuple[str, ...] = ()
    """Descriptions of the groups' last deployments."""
    github_account_name: str = ""
    """The name that was given to the application's connection to GitHub; "" without one."""

    def texts(self) -> Iterator[Text]:
        """Yield the content of free-form fields; revisions are not among them."""
        yield Text("name", self.ref.name)
        yield from (Text(f"deploymentGroups[{number}]", name) for number, name in enumerate(self.groups))
        yield from (Text(f"descriptions[{number}]", text) for number, text in enumerate(self.descriptions))
        yield Text("gitHubAccountName", self.github_account_name)
        yield from texts_of_tags(self.tags, "tags")
        for number, tags in enumerate(self.group_tags):
            yield from texts_of_tags(tags, f"deploymentGroups[{number}].tags")

    def state(self) -> ApplicationState:
        """See Resource."""
        return {}

    def with_state(self, _state: ApplicationState) -> Self:
        """See Resource."""
        return self

    def same_as(self, _other: Self) -> bool:
        """See Resource."""
        return True

    def describe_change(self, _after: Self) -> tuple[Action, tuple[str, ...]]:
        """See Resource."""
        return Action.DETECTED, ()

    def dependencies(self) -> Iterator[tuple[Ref, str]]:
        """Yield each S3 bucket that contains a revision; CodeDeploy names no key."""
        buckets = (location(revision, "s3Location").get("bucket") for revision in self.revisions)
        for bucket in dict.fromkeys(filter(None, buckets)):
            yield Ref(Kind.BUCKET, self.ref.account, self.ref.region, bucket), ""


def location(revision: Document, part: str) -> Document:
    """Return the *part* of a RevisionLocation, such as s3Location; empty where it has none."""
    return revision.get(part) or {}


def inline_texts(revision: Document) -> Iterator[tuple[str, str, str]]:
    """Yield the texts of a revision that CodeDeploy itself stores: (path, description of the place, text)."""
    for part in INLINE_LOCATIONS:
        if text := location(revision, part).get("content"):
            digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
            yield f"{part}.content", f"AppSpec text with the SHA-256 {digest}...", text
    github = location(revision, "gitHubLocation")
    commit = str(github.get("commitId") or "")
    description = f"GitHub revision {commit[:7]}" if _COMMIT.fullmatch(commit) else "GitHub revision"
    for name in ("repository", "commitId"):
        if text := github.get(name):
            yield f"gitHubLocation.{name}", f"{description}, {name}", text
