"""CodeBuild projects: read, list, and write the encryption of their artifacts and logs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeseal.aws.clients import Clients, raw_responses
from pipeseal.aws.documents import Document
from pipeseal.aws.paging import page_argument, slices
from pipeseal.kinds.adapter import Adapter
from pipeseal.kinds.project.value import Project
from pipeseal.model import Kind, Listed, Page, Ref

if TYPE_CHECKING:
    from pipeseal.kinds.facts import LedgerFacts
    from pipeseal.settings import Settings

# UpdateProject replaces each of these parts completely if it is given, and keeps it otherwise.
_PARTS = ("artifacts", "secondaryArtifacts", "logsConfig")
_MAX_PROJECTS = 100
"""Projects that BatchGetProjects accepts."""


def _live(clients: Clients, ref: Ref) -> Project | None:
    codebuild = clients("codebuild", ref.region)
    with raw_responses(codebuild) as documents:
        found = codebuild.batch_get_projects(names=[ref.name])["projects"]
    if not found:
        return None
    return Project(ref, found[0], locked=_locked(found[0], documents[-1]["projects"][0]))


def _locked(document: Document, raw: Document) -> str:
    """Return why UpdateProject must not be called with parts of *document*, or "".

    botocore drops fields that it does not know; the *raw* document has them.
    """
    if all(document.get(part) == raw.get(part) for part in _PARTS):
        return ""
    return "this version of boto3 does not know all fields of its artifacts or logs, and would lose them"


class ProjectAdapter(Adapter[Project]):
    """See Adapter."""

    def list_page(self, clients: Clients, account: str, region: str, token: str) -> Page:
        """Return a page of the projects in *region*: two calls; a project deleted between the two is left out."""
        codebuild = clients("codebuild", region)
        found = codebuild.list_projects(**page_argument("nextToken", token))
        listed = (
            Listed(Ref(Kind.PROJECT, account, region, each["name"]), each.get("created"))
            for names in slices(found["projects"], _MAX_PROJECTS)
            for each in codebuild.batch_get_projects(names=list(names))["projects"]
        )
        return Page(tuple(listed), found.get("nextToken", ""))

    def read(self, clients: Clients, ref: Ref, _facts: LedgerFacts, _settings: Settings) -> Project | None:
        """Return the project; None where it does not exist: one call."""
        return _live(clients, ref)

    def write(self, clients: Clients, before: Project, after: Project) -> None:
        """Turn *before* into *after* with one call that contains only the parts that differ."""
        parts = {part: after.document[part] for part in _PARTS if after.document.get(part) != before.document.get(part)}
        if parts:
            clients("codebuild", after.ref.region).update_project(name=after.ref.name, **parts)

    def refresh(self, clients: Clients, _before: Project | None, after: Project) -> Project:
        """Return *after* as it is now; unchanged where it was deleted."""
        live = _live(clients, after.ref)
        return replace(after, document=live.document, locked=live.locked) if live else after

    def tags(self, clients: Clients, ref: Ref) -> dict[str, str]:
        """Return the project's tags; none where it was deleted."""
        found = clients("codebuild", ref.region).batch_get_projects(names=[ref.name])["projects"]
        return {tag["key"]: tag["value"] for project in found for tag in project.get("tags", ())}


ADAPTER = ProjectAdapter()
