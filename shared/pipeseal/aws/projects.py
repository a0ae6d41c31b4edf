"""CodeBuild projects: what they are, and what they leave in S3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeseal.aws.clients import Clients, as_sent
from pipeseal.aws.pages import Listed, Page, asking, slices
from pipeseal.model import Kind, Ref
from pipeseal.model.project import Project

if TYPE_CHECKING:
    from pipeseal.aws.memory import Memory
    from pipeseal.settings import Settings

# UpdateProject replaces each of these whole where it is given, and leaves alone what is not given.
_PARTS = ("artifacts", "secondaryArtifacts", "logsConfig")
_AT_ONCE = 100


def page(clients: Clients, account: str, region: str, token: str) -> Page:
    """Return the projects of *region*, two calls a page; one that was deleted in between is left out."""
    codebuild = clients("codebuild", region)
    found = codebuild.list_projects(**asking("nextToken", token))
    listed = (
        Listed(Ref(Kind.PROJECT, account, region, each["name"]), each.get("created"))
        for some in slices(found["projects"], _AT_ONCE)
        for each in codebuild.batch_get_projects(names=list(some))["projects"]
    )
    return Page(tuple(listed), found.get("nextToken", ""))


def read(clients: Clients, ref: Ref, _memory: Memory | None, _settings: Settings) -> Project | None:
    """Return the project as it is now, or None where there is none: one call."""
    return _live(clients, ref)


def _live(clients: Clients, ref: Ref) -> Project | None:
    codebuild = clients("codebuild", ref.region)
    with as_sent(codebuild) as sent:
        found = codebuild.batch_get_projects(names=[ref.name])["projects"]
    if not found:
        return None
    return Project(ref, found[0], locked=_locked(found[0], sent[-1]["projects"][0]))


def _locked(document: Mapping[str, Any], sent: Mapping[str, Any]) -> str:
    """Say why UpdateProject must not be given parts of *document*, or "".

    botocore drops what its model does not know; what AWS *sent* tells whether anything is missing.
    """
    if all(document.get(part) == sent.get(part) for part in _PARTS):
        return ""
    return "this version of boto3 does not know all fields of its artifacts or logs, and would lose them"


def complete(_clients: Clients, project: Project, _settings: Settings) -> Project:
    """Return *project*: all of it was read."""
    return project


def write(clients: Clients, before: Project, after: Project) -> None:
    """Make *before* into *after* with one call that gives only the parts that differ."""
    parts = {part: after.document[part] for part in _PARTS if after.document.get(part) != before.document.get(part)}
    if parts:
        clients("codebuild", after.ref.region).update_project(name=after.ref.name, **parts)


def reread(clients: Clients, _before: Project | None, after: Project) -> Project:
    """Return *after* as it is now."""
    live = _live(clients, after.ref)
    return replace(after, document=live.document, locked=live.locked) if live else after


def tags(clients: Clients, ref: Ref) -> dict[str, str]:
    """Return the project's tags; none of one that is gone."""
    found = clients("codebuild", ref.region).batch_get_projects(names=[ref.name])["projects"]
    return {tag["key"]: tag["value"] for project in found for tag in project.get("tags", ())}
