"""CODEBUILD.ARTIFACT_ENCRYPTION: what a build leaves in S3, artifacts and logs, is encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeseal.model import Control, Kind, Reason, Refused, Severity
from pipeseal.model.project import Project

if TYPE_CHECKING:
    from pipeseal.settings import Settings


def reasons(project: Project, _settings: Settings) -> tuple[str, ...]:
    """Say what is left unencrypted, and where."""
    return tuple(
        Reason(f"Encryption of the {place.words} is disabled, in the bucket {place.bucket or 'unnamed'}.", place.path)
        for place in project.places
        if place.clear
    )


def fix(project: Project, _settings: Settings) -> Project:
    """Return *project* with encryption switched on wherever it was off. Raises Refused where writing would do harm."""
    fixed = project.with_state({place.name: False for place in project.places})
    if fixed is not project and project.locked:
        raise Refused(f"The project was not written to: {project.locked}; switch encryption on by hand.")
    return fixed


CONTROL = Control(
    id="CODEBUILD.ARTIFACT_ENCRYPTION",
    title="Build project encrypts its artifacts and logs",
    severity=Severity.HIGH,
    kinds=(Kind.PROJECT,),
    reasons=reasons,
    fix=fix,
    advice="Leave encryptionDisabled out of the project's artifacts, secondaryArtifacts and s3Logs, or make it false.",
    source="https://docs.aws.amazon.com/codebuild/latest/userguide/security-encryption.html",
    permissions=("codebuild:BatchGetProjects", "codebuild:UpdateProject", "iam:PassRole"),
)
