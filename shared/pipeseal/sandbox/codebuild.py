"""What moto's CodeBuild lacks: UpdateProject, and all but the first few fields of a project."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from moto.codebuild.exceptions import InvalidInputException, ResourceNotFoundException
from moto.codebuild.responses import CodeBuildResponse
from moto.core.responses import ActionResult
from moto.core.utils import unix_time

# What moto forgets when a project is made.
_FORGOTTEN = (
    *("secondarySources", "secondarySourceVersions", "secondaryArtifacts", "encryptionKey", "fileSystemLocations"),
    *("buildBatchConfig", "concurrentBuildLimit", "autoRetryLimit"),
)


def extend_moto() -> None:
    """Teach moto what it lacks; harmless when done twice."""
    if "update_project" in vars(CodeBuildResponse):
        return
    setattr(CodeBuildResponse, "update_project", update_project)  # noqa: B010 - moto does not declare it
    setattr(CodeBuildResponse, "create_project", _remembering(CodeBuildResponse.create_project))  # noqa: B010


def update_project(self: CodeBuildResponse) -> ActionResult:
    """Answer UpdateProject: what is given replaces what was there whole; what is not given stays."""
    asked = json.loads(self.body)
    _check(asked)
    project = self.codebuild_backend.codebuild_projects.get(asked["name"])
    if project is None:
        raise ResourceNotFoundException(f"Project cannot be found: {asked['name']}")
    badge = {"badge": {"badgeEnabled": asked.pop("badgeEnabled")}} if "badgeEnabled" in asked else {}
    project.project_metadata |= {**asked, **badge, "lastModified": unix_time()}
    return ActionResult({"project": project.project_metadata})


def _remembering(call: Callable[[CodeBuildResponse], ActionResult]) -> Callable[[CodeBuildResponse], ActionResult]:
    def answer(self: CodeBuildResponse) -> ActionResult:
        asked = json.loads(self.body)
        _check(asked)
        result = call(self)
        made = self.codebuild_backend.codebuild_projects[asked["name"]].project_metadata
        made |= {name: asked[name] for name in _FORGOTTEN if name in asked}
        return result

    return answer


def _check(asked: dict[str, Any]) -> None:
    """Refuse what CodeBuild refuses: only what it puts in S3 itself can be left unencrypted."""
    for artifacts in _artifacts(asked):
        if artifacts.get("type") != "S3" and artifacts.get("encryptionDisabled"):
            raise InvalidInputException(f"Invalid artifacts: encryptionDisabled is not for type {artifacts['type']}")


def _artifacts(asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield asked.get("artifacts") or {}
    yield from asked.get("secondaryArtifacts") or ()
