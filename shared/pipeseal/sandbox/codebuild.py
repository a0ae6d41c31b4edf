"""Additions to moto's CodeBuild: UpdateProject, and the fields of a project that CreateProject does not store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from moto.codebuild.exceptions import InvalidInputException, ResourceNotFoundException
from moto.codebuild.responses import CodeBuildResponse
from moto.core.responses import ActionResult
from moto.core.utils import unix_time

from pipeseal.aws.documents import Document

# Fields that moto's CreateProject does not store.
_NOT_STORED = (
    *("secondarySources", "secondarySourceVersions", "secondaryArtifacts", "encryptionKey", "fileSystemLocations"),
    *("buildBatchConfig", "concurrentBuildLimit", "autoRetryLimit"),
)


def extend_moto() -> None:
    """Add the call and the fields; calling it again has no effect."""
    if "update_project" in vars(CodeBuildResponse):
        return
    setattr(CodeBuildResponse, "update_project", update_project)  # noqa: B010 - moto does not declare it
    setattr(CodeBuildResponse, "create_project", _storing_all(CodeBuildResponse.create_project))  # noqa: B010


def update_project(self: CodeBuildResponse) -> ActionResult:
    """Handle UpdateProject: a field in the request replaces the whole field of the project; the others are kept."""
    request = json.loads(self.body)
    _validate(request)
    project = self.codebuild_backend.codebuild_projects.get(request["name"])
    if project is None:
        raise ResourceNotFoundException(f"Project cannot be found: {request['name']}")
    badge = {"badge": {"badgeEnabled": request.pop("badgeEnabled")}} if "badgeEnabled" in request else {}
    project.project_metadata |= {**request, **badge, "lastModified": unix_time()}
    return ActionResult({"project": project.project_metadata})


def _storing_all(call: Callable[[CodeBuildResponse], ActionResult]) -> Callable[[CodeBuildResponse], ActionResult]:
    """Return CreateProject with validation, storing all fields."""

    def create_project(self: CodeBuildResponse) -> ActionResult:
        request = json.loads(self.body)
        _validate(request)
        result = call(self)
        stored = self.codebuild_backend.codebuild_projects[request["name"]].project_metadata
        stored |= {name: request[name] for name in _NOT_STORED if name in request}
        return result

    return create_project


def _validate(request: Document) -> None:
    """Raise InvalidInputException where encryption is disabled for artifacts that CodeBuild does not upload to S3."""
    for artifacts in _artifacts(request):
        if artifacts.get("type") != "S3" and artifacts.get("encryptionDisabled"):
            raise InvalidInputException(
                f"Invalid artifacts: encryptionDisabled is not valid for type {artifacts['type']}"
            )


def _artifacts(request: Document) -> Iterator[Document]:
    yield request.get("artifacts") or {}
    yield from request.get("secondaryArtifacts") or ()
