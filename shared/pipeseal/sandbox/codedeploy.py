"""What moto's CodeDeploy lacks: revisions, and deployment groups that know what they deploy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from moto.codedeploy.responses import CodeDeployResponse, _deployment_group_info
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow

if TYPE_CHECKING:
    from moto.codedeploy.models import Application, CodeDeployBackend, DeploymentGroup

_TEXTS = ("string", "appSpecContent")
_TYPES = {"S3": "s3Location", "GitHub": "gitHubLocation", "String": "string", "AppSpecContent": "appSpecContent"}
_MOST = 25
_SORTS = ("registerTime", "firstUsedTime", "lastUsedTime")

# application -> its revisions, {"location", "info"}, the oldest first
_revisions: WeakKeyDictionary[Application, list[dict[str, Any]]] = WeakKeyDictionary()
# deployment group -> what was last deployed to it
_deployed: WeakKeyDictionary[DeploymentGroup, dict[str, Any]] = WeakKeyDictionary()


def extend_moto() -> None:
    """Teach moto the calls that it lacks; harmless when done twice."""
    if "register_application_revision" in vars(CodeDeployResponse):
        return
    calls: tuple[Callable[[CodeDeployResponse], Any], ...] = (
        register_application_revision,
        list_application_revisions,
        batch_get_application_revisions,
        batch_get_deployment_groups,
    )
    for call in calls:
        setattr(CodeDeployResponse, call.__name__, call)
    setattr(CodeDeployResponse, "create_deployment", _deploying(CodeDeployResponse.create_deployment))  # noqa: B010
    setattr(CodeDeployResponse, "get_deployment_group", _knowing(CodeDeployResponse.get_deployment_group))  # noqa: B010


def register_application_revision(self: CodeDeployResponse) -> EmptyResult:
    """Answer RegisterApplicationRevision."""
    application = self.codedeploy_backend.get_application(self._get_param("applicationName"))
    _register(application, self._get_param("revision"), self._get_param("description"))
    return EmptyResult()


def list_application_revisions(self: CodeDeployResponse) -> ActionResult:
    """Answer ListApplicationRevisions: a text is named by its SHA-256 alone."""
    application = self.codedeploy_backend.get_application(self._get_param("applicationName"))
    order = self._get_param("sortBy") or "registerTime"
    if order not in _SORTS:
        raise JsonRESTError("InvalidSortByException", f"{order} is not a column to sort by")
    found = [each for each in _revisions.get(application, []) if order in each["info"]]
    found.sort(key=lambda each: each["info"][order], reverse=self._get_param("sortOrder") == "descending")
    bucket = self._get_param("s3Bucket")
    shown = [_without_text(each["location"]) for each in found]
    return ActionResult({"revisions": [each for each in shown if not bucket or _bucket(each) == bucket]})


def batch_get_application_revisions(self: CodeDeployResponse) -> ActionResult:
    """Answer BatchGetApplicationRevisions: the whole of each revision that is there."""
    name = self._get_param("applicationName")
    application = self.codedeploy_backend.get_application(name)
    asked = self._get_param("revisions")
    if len(asked) > _MOST:
        raise JsonRESTError("BatchLimitExceededException", f"The limit is {_MOST} revisions")
    known = {_mark(each["location"]): each for each in _revisions.get(application, [])}
    found = (known[mark] for mark in map(_mark, asked) if mark in known)
    infos = [{"revisionLocation": each["location"], "genericRevisionInfo": each["info"]} for each in found]
    return ActionResult({"applicationName": name, "revisions": infos})


def batch_get_deployment_groups(self: CodeDeployResponse) -> ActionResult:
    """Answer BatchGetDeploymentGroups; a group that is not there is left out."""
    backend, name = self.codedeploy_backend, self._get_param("applicationName")
    backend.get_application(name)
    there = backend.deployment_groups.get(name, {})
    found = [_group(there[group]) for group in self._get_param("deploymentGroupNames") if group in there]
    return ActionResult({"deploymentGroupsInfo": found})


def _deploying(call: Callable[[CodeDeployResponse], ActionResult]) -> Callable[[CodeDeployResponse], ActionResult]:
    """CreateDeployment registers the revision that it deploys, and its group knows of it."""

    def answer(self: CodeDeployResponse) -> ActionResult:
        revision = self._get_param("revision")
        if revision:
            _checked(revision)
        result = call(self)
        backend: CodeDeployBackend = self.codedeploy_backend
        deployment = backend.get_deployment(str(result.result["deploymentId"]))  # type: ignore[index]
        deployment.revision = _marked(revision or {})
        if revision:
            info = _register(deployment.application, revision, None)
            now = utcnow()
            info.update(firstUsedTime=info.get("firstUsedTime", now), lastUsedTime=now)
        _deployed[deployment.deployment_group] = {
            "targetRevision": deployment.revision,
            "lastAttemptedDeployment": {
                "deploymentId": deployment.deployment_id,
                "status": deployment.status,
                "createTime": deployment.create_time,
            },
        }
        return result

    return answer


def _knowing(call: Callable[[CodeDeployResponse], ActionResult]) -> Callable[[CodeDeployResponse], ActionResult]:
    """GetDeploymentGroup tells what the group deploys."""

    def answer(self: CodeDeployResponse) -> ActionResult:
        call(self)  # which checks that it is there
        group = self.codedeploy_backend.get_deployment_group(
            self._get_param("applicationName"), self._get_param("deploymentGroupName")
        )
        return ActionResult({"deploymentGroupInfo": _group(group)})

    return answer


def _group(group: DeploymentGroup) -> dict[str, Any]:
    return _deployment_group_info(group) | _deployed.get(group, {})


def _register(application: Application, revision: dict[str, Any] | None, description: str | None) -> dict[str, Any]:
    """Put *revision* into the register, once; return what is known of it."""
    _checked(revision)
    location = _marked(revision or {})
    there = _revisions.setdefault(application, [])
    for each in there:
        if _mark(each["location"]) == _mark(location):
            known: dict[str, Any] = each["info"]
            return known
    info: dict[str, Any] = {"registerTime": utcnow()} | ({"description": description} if description else {})
    there.append({"location": location, "info": info})
    return info


def _checked(revision: dict[str, Any] | None) -> None:
    if not revision:
        raise JsonRESTError("RevisionRequiredException", "The revision is required")
    part = _TYPES.get(revision.get("revisionType", ""))
    if part is None or not revision.get(part):
        raise JsonRESTError("InvalidRevisionException", "The revision is not of its type")


def _marked(revision: dict[str, Any]) -> dict[str, Any]:
    """Return a copy with the SHA-256 of each text in it."""
    made = deepcopy(revision)
    for name in _TEXTS:
        if text := (made.get(name) or {}).get("content"):
            made[name]["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    return made


def _without_text(revision: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {"sha256": value["sha256"]} if name in _TEXTS and value else value for name, value in revision.items()
    }


def _mark(revision: dict[str, Any]) -> str:
    """Return what tells *revision* from others: of a text its SHA-256."""
    return json.dumps(_without_text(_marked(revision)), sort_keys=True)


def _bucket(revision: dict[str, Any]) -> str:
    return str((revision.get("s3Location") or {}).get("bucket") or "")
