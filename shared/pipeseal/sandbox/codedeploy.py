"""Additions to moto's CodeDeploy: application revisions, and the revisions that deployment groups deploy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from moto.codedeploy.responses import CodeDeployResponse, _deployment_group_info
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow

from pipeseal.aws.documents import Document, MutableDocument

if TYPE_CHECKING:
    from moto.codedeploy.models import Application, CodeDeployBackend, DeploymentGroup

_CONTENT_FIELDS = ("string", "appSpecContent")
_LOCATION_FIELDS = {
    "S3": "s3Location",
    "GitHub": "gitHubLocation",
    "String": "string",
    "AppSpecContent": "appSpecContent",
}
_MAX_REVISIONS = 25
_SORT_COLUMNS = ("registerTime", "firstUsedTime", "lastUsedTime")

# Application -> its revisions, each {"location": RevisionLocation, "info": GenericRevisionInfo}, the oldest first.
_revisions: WeakKeyDictionary[Application, list[MutableDocument]] = WeakKeyDictionary()
# Deployment group -> the fields of its last deployment.
_last_deployments: WeakKeyDictionary[DeploymentGroup, MutableDocument] = WeakKeyDictionary()


def extend_moto() -> None:
    """Add the calls; calling it again has no effect."""
    if "register_application_revision" in vars(CodeDeployResponse):
        return
    calls: tuple[Callable[[CodeDeployResponse], object], ...] = (
        register_application_revision,
        list_application_revisions,
        batch_get_application_revisions,
        batch_get_deployment_groups,
    )
    for call in calls:
        setattr(CodeDeployResponse, call.__name__, call)
    setattr(CodeDeployResponse, "create_deployment", _registering(CodeDeployResponse.create_deployment))  # noqa: B010
    setattr(CodeDeployResponse, "get_deployment_group", _with_last_deployment(CodeDeployResponse.get_deployment_group))  # noqa: B010


def register_application_revision(self: CodeDeployResponse) -> EmptyResult:
    """Handle RegisterApplicationRevision."""
    application = self.codedeploy_backend.get_application(self._get_param("applicationName"))
    _register(application, self._get_param("revision"), self._get_param("description"))
    return EmptyResult()


def list_application_revisions(self: CodeDeployResponse) -> ActionResult:
    """Handle ListApplicationRevisions; content is listed by its SHA-256 only."""
    application = self.codedeploy_backend.get_application(self._get_param("applicationName"))
    order = self._get_param("sortBy") or "registerTime"
    if order not in _SORT_COLUMNS:
        raise JsonRESTError("InvalidSortByException", f"{order} is not a column to sort by")
    found = [each for each in _revisions.get(application, []) if order in each["info"]]
    found.sort(key=lambda each: each["info"][order], reverse=self._get_param("sortOrder") == "descending")
    bucket = self._get_param("s3Bucket")
    listed = [_without_content(each["location"]) for each in found]
    return ActionResult({"revisions": [each for each in listed if not bucket or _bucket(each) == bucket]})


def batch_get_application_revisions(self: CodeDeployResponse) -> ActionResult:
    """Handle BatchGetApplicationRevisions; revisions that do not exist are omitted."""
    name = self._get_param("applicationName")
    application = self.codedeploy_backend.get_application(name)
    requested = self._get_param("revisions")
    if len(requested) > _MAX_REVISIONS:
        raise JsonRESTError("BatchLimitExceededException", f"The limit is {_MAX_REVISIONS} revisions")
    registered = {_digest(each["location"]): each for each in _revisions.get(application, [])}
    found = (registered[each] for each in map(_digest, requested) if each in registered)
    infos = [{"revisionLocation": each["location"], "genericRevisionInfo": each["info"]} for each in found]
    return ActionResult({"applicationName": name, "revisions": infos})


def batch_get_deployment_groups(self: CodeDeployResponse) -> ActionResult:
    """Handle BatchGetDeploymentGroups; groups that do not exist are omitted."""
    backend, name = self.codedeploy_backend, self._get_param("applicationName")
    backend.get_application(name)
    groups = backend.deployment_groups.get(name, {})
    found = [_group(groups[group]) for group in self._get_param("deploymentGroupNames") if group in groups]
    return ActionResult({"deploymentGroupsInfo": found})


def _registering(call: Callable[[CodeDeployResponse], ActionResult]) -> Callable[[CodeDeployResponse], ActionResult]:
    """Return CreateDeployment with registration of the revision and a record of the deployment in its group."""

    def create_deployment(self: CodeDeployResponse) -> ActionResult:
        revision = self._get_param("revision")
        if revision:
            _validate(revision)
        result = call(self)
        backend: CodeDeployBackend = self.codedeploy_backend
        deployment = backend.get_deployment(str(result.result["deploymentId"]))  # type: ignore[index]
        deployment.revision = _with_sha256(revision or {})
        if revision:
            info = _register(deployment.application, revision, None)
            now = utcnow()
            info.update(firstUsedTime=info.get("firstUsedTime", now), lastUsedTime=now)
        _last_deployments[deployment.deployment_group] = {
            "targetRevision": deployment.revision,
            "lastAttemptedDeployment": {
                "deploymentId": deployment.deployment_id,
                "status": deployment.status,
                "createTime": deployment.create_time,
            },
        }
        return result

    return create_deployment


def _with_last_deployment(
    call: Callable[[CodeDeployResponse], ActionResult],
) -> Callable[[CodeDeployResponse], ActionResult]:
    """Return GetDeploymentGroup with the fields of the last deployment."""

    def get_deployment_group(self: CodeDeployResponse) -> ActionResult:
        call(self)  # raises where the group does not exist
        group = self.codedeploy_backend.get_deployment_group(
            self._get_param("applicationName"), self._get_param("deploymentGroupName")
        )
        return ActionResult({"deploymentGroupInfo": _group(group)})

    return get_deployment_group


def _group(group: DeploymentGroup) -> MutableDocument:
    return _deployment_group_info(group) | _last_deployments.get(group, {})


def _register(application: Application, revision: MutableDocument | None, description: str | None) -> MutableDocument:
    """Register *revision* unless it is registered already; return its GenericRevisionInfo."""
    _validate(revision)
    location = _with_sha256(revision or {})
    registered = _revisions.setdefault(application, [])
    for each in registered:
        if _digest(each["location"]) == _digest(location):
            existing: MutableDocument = each["info"]
            return existing
    info: MutableDocument = {"registerTime": utcnow()} | ({"description": description} if description else {})
    registered.append({"location": location, "info": info})
    return info


def _validate(revision: Document | None) -> None:
    """Raise the error of CodeDeploy where there is no revision, or not the field that its type requires."""
    if not revision:
        raise JsonRESTError("RevisionRequiredException", "The revision is required")
    field = _LOCATION_FIELDS.get(revision.get("revisionType", ""))
    if field is None or not revision.get(field):
        raise JsonRESTError("InvalidRevisionException", "The revision does not match its type")


def _with_sha256(revision: MutableDocument) -> MutableDocument:
    """Return a copy of *revision* with the SHA-256 of its content."""
    copy = deepcopy(revision)
    for name in _CONTENT_FIELDS:
        if content := (copy.get(name) or {}).get("content"):
            copy[name]["sha256"] = hashlib.sha256(content.encode()).hexdigest()
    return copy


def _without_content(revision: Document) -> MutableDocument:
    """Return *revision* with only the SHA-256 of its content."""
    return {
        name: {"sha256": value["sha256"]} if name in _CONTENT_FIELDS and value else value
        for name, value in revision.items()
    }


def _digest(revision: MutableDocument) -> str:
    """Return a string that is equal for equal revisions, whether they hold the content or its SHA-256."""
    return json.dumps(_without_content(_with_sha256(revision)), sort_keys=True)


def _bucket(revision: Document) -> str:
    return str((revision.get("s3Location") or {}).get("bucket") or "")
