"""CodeDeploy applications: read and list their deployment groups, tags and revisions.

An event names only the application. The current revisions are read from the deployment groups, which name their last
deployments, and from the registered revisions, which include every deployed revision in S3 or GitHub.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pipeseal.aws.clients import Client, Clients
from pipeseal.aws.documents import Document, MutableDocument
from pipeseal.aws.errors import unless
from pipeseal.aws.paging import page_argument, slices
from pipeseal.kinds.adapter import Adapter
from pipeseal.kinds.application.value import INLINE_LOCATIONS, Application, location
from pipeseal.model import Kind, Listed, Page, Ref

if TYPE_CHECKING:
    from pipeseal.kinds.facts import LedgerFacts
    from pipeseal.settings import Settings

# The most that each batch call accepts.
_MAX_APPLICATIONS = 100
_MAX_GROUPS = 100
_MAX_DEPLOYMENTS = 25
_MAX_REVISIONS = 25

_LAST_DEPLOYMENTS = ("lastAttemptedDeployment", "lastSuccessfulDeployment")


def _groups(codedeploy: Client, ref: Ref) -> Iterator[MutableDocument]:
    """Yield the deployment groups; CodeDeploy leaves out those that were deleted since they were listed."""
    pages = codedeploy.get_paginator("list_deployment_groups").paginate(applicationName=ref.name)
    every_name = [name for page in pages for name in page["deploymentGroups"]]
    for names in slices(every_name, _MAX_GROUPS):
        found = codedeploy.batch_get_deployment_groups(applicationName=ref.name, deploymentGroupNames=list(names))
        yield from found["deploymentGroupsInfo"]


def _deployments(codedeploy: Client, groups: Iterable[Document]) -> Iterator[MutableDocument]:
    """Yield the last attempted and the last successful deployment of each group."""
    named = (group.get(which) or {} for group in groups for which in _LAST_DEPLOYMENTS)
    every_id = list(dict.fromkeys(each["deploymentId"] for each in named if each.get("deploymentId")))
    for ids in slices(every_id, _MAX_DEPLOYMENTS):
        yield from codedeploy.batch_get_deployments(deploymentIds=list(ids))["deploymentsInfo"]


def _with_texts(codedeploy: Client, ref: Ref, revisions: Sequence[Document]) -> Iterator[Document]:
    """Yield *revisions* without duplicates; those with only the SHA-256 of their text get the text if available."""
    without_text = [revision for revision in revisions if _lacks_text(revision)]
    found: dict[str, Document] = {}
    for some in slices(without_text, _MAX_REVISIONS):
        answer = codedeploy.batch_get_application_revisions(applicationName=ref.name, revisions=list(some))
        located = (info["revisionLocation"] for info in answer["revisions"])
        found |= {_digest(revision): revision for revision in located if not _lacks_text(revision)}
    yield from _distinct(
        found.get(_digest(revision), revision) if _lacks_text(revision) else revision for revision in revisions
    )


def _lacks_text(revision: Document) -> bool:
    return any((text := location(revision, part)) and not text.get("content") for part in INLINE_LOCATIONS)


def _digest(revision: Document) -> str:
    return next((text["sha256"] for part in INLINE_LOCATIONS if (text := location(revision, part)).get("sha256")), "")


def _distinct(revisions: Iterable[Document]) -> list[Document]:
    return list({repr(revision): revision for revision in revisions}.values())


def _tags(codedeploy: Client, arn: str) -> dict[str, str]:
    """Return the tags of an application or a deployment group; botocore has no paginator for them."""
    found: dict[str, str] = {}
    token = ""
    while True:
        page = codedeploy.list_tags_for_resource(ResourceArn=arn, **page_argument("NextToken", token))
        found |= {tag["Key"]: tag.get("Value", "") for tag in page.get("Tags", ())}
        token = page.get("NextToken", "")
        if not token:
            return found


def _tags_of_group(codedeploy: Client, ref: Ref, group: str) -> dict[str, str]:
    """Return the tags of a deployment group, none of one that is deleted in the meantime."""
    arn = f"{ref.arn.replace(':application:', ':deploymentgroup:', 1)}/{group}"
    return unless("DeploymentGroupDoesNotExistException", _tags, codedeploy=codedeploy, arn=arn) or {}


class ApplicationAdapter(Adapter[Application]):
    """See Adapter."""

    def list_page(self, clients: Clients, account: str, region: str, token: str) -> Page:
        """Return a page of the applications in *region*: two calls."""
        codedeploy = clients("codedeploy", region)
        found = codedeploy.list_applications(**page_argument("nextToken", token))
        created: dict[str, datetime] = {}
        for names in slices(found["applications"], _MAX_APPLICATIONS):
            # If one was deleted since it was listed, CodeDeploy returns an error for all; the read shows which it is.
            missing = "ApplicationDoesNotExistException"
            answer = unless(missing, codedeploy.batch_get_applications, applicationNames=list(names))
            infos = answer["applicationsInfo"] if answer else ()
            created |= {each["applicationName"]: each["createTime"] for each in infos if "createTime" in each}
        refs = (Ref(Kind.APPLICATION, account, region, name) for name in found["applications"])
        return Page(tuple(Listed(ref, created.get(ref.name)) for ref in refs), found.get("nextToken", ""))

    def read(self, clients: Clients, ref: Ref, _facts: LedgerFacts, _settings: Settings) -> Application | None:
        """Return the application; None where it does not exist.

        Of the registered revisions only the first page is read, the latest 100.
        """
        codedeploy = clients("codedeploy", ref.region)
        found = unless("ApplicationDoesNotExistException", codedeploy.get_application, applicationName=ref.name)
        if found is None:
            return None
        groups = list(_groups(codedeploy, ref))
        deployments = list(_deployments(codedeploy, groups))
        registered = codedeploy.list_application_revisions(
            applicationName=ref.name, sortBy="registerTime", sortOrder="descending"
        )["revisions"]
        current = [group.get("targetRevision") for group in groups] + [each.get("revision") for each in deployments]
        return Application(
            ref,
            groups=tuple(group["deploymentGroupName"] for group in groups),
            group_tags=tuple(_tags_of_group(codedeploy, ref, group["deploymentGroupName"]) for group in groups),
            tags=self.tags(clients, ref),
            revisions=tuple(_with_texts(codedeploy, ref, _distinct([*filter(None, current), *registered]))),
            descriptions=tuple(filter(None, (each.get("description") for each in deployments))),
            github_account_name=found["application"].get("gitHubAccountName", ""),
        )

    def write(self, _clients: Clients, _before: Application, after: Application) -> None:
        """Raise NotImplementedError: no control changes an application."""
        raise NotImplementedError(f"{after.ref.arn}: pipeseal does not write to CodeDeploy applications")

    def refresh(self, _clients: Clients, _before: Application | None, after: Application) -> Application:
        """Return *after*: nothing was written."""
        return after

    def tags(self, clients: Clients, ref: Ref) -> dict[str, str]:
        """Return the application's tags."""
        return _tags(clients("codedeploy", ref.region), ref.arn)


ADAPTER = ApplicationAdapter()
