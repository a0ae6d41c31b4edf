"""CODEBUILD.ARTIFACT_ENCRYPTION: a build project encrypts the artifacts and logs that it stores in S3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeseal.kinds.project.value import Project
from pipeseal.model import Control, Kind, Reason, Refused, Severity, Standard
from pipeseal.text import printable

if TYPE_CHECKING:
    from pipeseal.settings import Settings


def reasons(project: Project, _settings: Settings) -> tuple[str, ...]:
    """Return a sentence for each place in which encryption is disabled."""
    return tuple(
        Reason(
            printable(f"Encryption is disabled for {place.description} (bucket {place.bucket or 'unknown'})."),
            place.path,
        )
        for place in project.output_locations
        if place.unencrypted
    )


def fix(project: Project, _settings: Settings) -> Project:
    """Return *project* with encryption enabled everywhere; raises Refused if UpdateProject would lose data."""
    fixed = project.with_state({place.name: False for place in project.output_locations})
    if fixed is not project and project.locked:
        raise Refused(f"The project was not changed: {project.locked}. Set encryptionDisabled to false in it yourself.")
    return fixed


CONTROL: Control[Project] = Control(
    id="CODEBUILD.ARTIFACT_ENCRYPTION",
    title="Build project should encrypt artifacts and logs",
    severity=Severity.HIGH,
    kinds=(Kind.PROJECT,),
    reasons=reasons,
    fix=fix,
    description="Checks that encryption is not disabled for the artifacts, secondary artifacts and logs that a build "
    "project stores in S3. Logs that are not enabled and artifacts that CodePipeline manages are not checked.",
    reports="A finding states where encryption is disabled, with the bucket.",
    risk="CodeBuild uploads artifacts or logs without its KMS key. If the bucket default is SSE-S3, permission to read "
    "the bucket is enough to read them.",
    remediation="Sets encryptionDisabled to false with UpdateProject and keeps the rest of the project. Does not "
    "change a project if the update would lose fields that the installed version of boto3 does not know.",
    advice="Remove encryptionDisabled from artifacts, secondaryArtifacts and s3Logs of the project, or set it to "
    "false.",
    false_positives="A project that publishes files, such as a static website, disables encryption intentionally. "
    "Exempt the project.",
    source="https://docs.aws.amazon.com/codebuild/latest/userguide/security-encryption.html",
    permissions=("codebuild:BatchGetProjects", "codebuild:UpdateProject", "iam:PassRole"),
    parameters=(),
    requirements={
        Standard.SECURITY_HUB: ("CodeBuild.3",),
        Standard.CONFIG_RULE: ("codebuild-project-s3-logs-encrypted",),
        Standard.NIST_800_53: ("CA-9(1)", "CM-3(6)", "SC-13", "SC-28", "SC-28(1)", "SI-7(6)"),
        Standard.PCI_DSS: ("10.3.2",),
        Standard.ISO_27001: ("A.8.15", "A.8.24"),
    },
    inferred_requirements={},
)
