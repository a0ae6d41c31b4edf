"""CodeDeploy applications: their groups, tags, and the revisions that they deploy.

An event names the application alone. What a deployment brought is read from its groups, which name the deployment they
last attempted, and from the register of revisions, where every deployed revision in S3 or GitHub stands as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipeseal.aws.clients import Clients, unless
from pipeseal.aws.pages import Listed, Page, asking, slices
from pipeseal.model import Kind, Ref
from pipeseal.model.application import Application, location

if TYPE_CHECKING:
    from pipeseal.aws.memory import Memory
    from pipeseal.settings import Settings

# What each call takes at once.
_APPLICATIONS = 100
_GROUPS = 100
_DEPLOYMENTS = 25
_REVISIONS = 25
_TEXTS = ("string", "appSpecContent")


def page(clients: Clients, account: str, region: str, token: str) -> Page:
    """Return the applications of *region*, two calls a page."""
    codedeploy = clients("codedeploy", region)
    found = codedeploy.list_applications(**asking("nextToken", token))
    created: dict[str, datetime] = {}
    for some in slices(found["applications"], _APPLICATIONS):
        # One that was deleted meanwhile has CodeDeploy refuse all of them; reading them tells which.
        missing = "ApplicationDoesNotExistException"
        answer = unless(missing, codedeploy.batch_get_applications, applicationNames=list(some))
        infos = answer["applicationsInfo"] if answer else ()
        created |= {each["applicationName"]: each["createTime"] for each in infos if "createTime" in each}
    refs = (Ref(Kind.APPLICATION, account, region, name) for name in found["applications"])
    return Page(tuple(Listed(ref, created.get(ref.name)) for ref in refs), found.get("nextToken", ""))


def read(clients: Clients, ref: Ref, _memory: Memory | None, _settings: Settings) -> Application | None:
    """Return the application as it is now, or None where there is none.

    Of the register the first page counts, the hundred revisions that came last.
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
        tags=tags(clients, ref),
        revisions=tuple(_whole(codedeploy, ref, _distinct([*filter(None, current), *registered]))),
        descriptions=tuple(filter(None, (each.get("description") for each in deployments))),
        connection=found["application"].get("gitHubAccountName", ""),
    )


def _groups(codedeploy: Any, ref: Ref) -> Iterator[dict[str, Any]]:
    """Yield the deployment groups; one that is deleted meanwhile is left out by CodeDeploy."""
    pages = codedeploy.get_paginator("list_deployment_groups").paginate(applicationName=ref.name)
    names = [name for page in pages for name in page["deploymentGroups"]]
    for some in slices(names, _GROUPS):
        found = codedeploy.batch_get_deployment_groups(applicationName=ref.name, deploymentGroupNames=list(some))
        yield from found["deploymentGroupsInfo"]


def _deployments(codedeploy: Any, groups: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what each group last attempted and last brought to an end."""
    named = (group.get(which) or {} for group in groups for which in _LAST)
    ids = list(dict.fromkeys(each["deploymentId"] for each in named if each.get("deploymentId")))
    for some in slices(ids, _DEPLOYMENTS):
        yield from codedeploy.batch_get_deployments(deploymentIds=list(some))["deploymentsInfo"]


_LAST = ("lastAttemptedDeployment", "lastSuccessfulDeployment")


def tags(clients: Clients, ref: Ref) -> dict[str, str]:
    """Return the application's tags; botocore has no paginator for them."""
    codedeploy, token = clients("codedeploy", ref.region), ""
    found: dict[str, str] = {}
    while True:
        page = codedeploy.list_tags_for_resource(ResourceArn=ref.arn, **asking("NextToken", token))
        found |= {tag["Key"]: tag.get("Value", "") for tag in page.get("Tags", ())}
        token = page.get("NextToken", "")
        if not token:
            return found


def _whole(codedeploy: Any, ref: Ref, revisions: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield *revisions*, those that name their text by its SHA-256 alone with the text, where CodeDeploy tells it."""
    bare = [revision for revision in revisions if _bare(revision)]
    texts: dict[str, Mapping[str, Any]] = {}
    for some in slices(bare, _REVISIONS):
        found = codedeploy.batch_get_application_revisions(applicationName=ref.name, revisions=list(some))
        located = (info["revisionLocation"] for info in found["revisions"])
        texts |= {_mark(revision): revision for revision in located if not _bare(revision)}
    yield from _distinct(
        [texts.get(_mark(revision), revision) if _bare(revision) else revision for revision in revisions]
    )


def _bare(revision: Mapping[str, Any]) -> bool:
    return any((text := location(revision, name)) and not text.get("content") for name in _TEXTS)


def _mark(revision: Mapping[str, Any]) -> str:
    return next((text["sha256"] for name in _TEXTS if (text := location(revision, name)).get("sha256")), "")


def _distinct(revisions: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return list({repr(revision): revision for revision in revisions}.values())


def complete(_clients: Clients, application: Application, _settings: Settings) -> Application:
    """Return *application*: all of it was read."""
    return application


def write(_clients: Clients, _before: Application, after: Application) -> None:
    """Raise: no control changes an application."""
    raise NotImplementedError(f"{after.ref.arn} is only watched")


def reread(_clients: Clients, _before: Application | None, after: Application) -> Application:
    """Return *after*: nothing was written."""
    return after
