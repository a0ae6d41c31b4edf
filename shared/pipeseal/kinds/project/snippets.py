"""The code snippets of CodeBuild projects; pure."""

from __future__ import annotations

from collections.abc import Iterator

from pipeseal.aws.documents import Document, MutableDocument
from pipeseal.kinds.project.value import Project
from pipeseal.snippets.part import SnippetPart
from pipeseal.snippets.terraform import snake_case

_FIELDS = ("artifactIdentifier", "status", "type", "location", "encryptionDisabled")
"""The fields that identify artifacts or logs, and the one that encrypts them."""


def parts(before: Project, after: Project) -> Iterator[SnippetPart]:
    """Yield what the owner's code must contain for the project to be as *after*."""
    old, new = before.document, after.document
    properties = MutableDocument()
    if new.get("artifacts") != old.get("artifacts"):
        properties["Artifacts"] = _output(new["artifacts"])
    if new.get("secondaryArtifacts") != old.get("secondaryArtifacts"):
        pairs = zip(old["secondaryArtifacts"], new["secondaryArtifacts"], strict=True)
        properties["SecondaryArtifacts"] = [_output(after) for before, after in pairs if after != before]
    if new.get("logsConfig") != old.get("logsConfig"):
        properties["LogsConfig"] = {"S3Logs": _output(new["logsConfig"]["s3Logs"])}
    if properties:
        yield SnippetPart(
            "Artifacts and logs in S3 are encrypted; those that are not listed here stay as they are.",
            "Project",
            "AWS::CodeBuild::Project",
            properties,
            "aws_codebuild_project",
            snake_case(properties, plural_blocks=("secondary_artifacts",)),
        )


def _output(part: Document) -> MutableDocument:
    """Return the artifacts or logs in *part* of the project, with the property names of CloudFormation."""
    return {name[:1].upper() + name[1:]: part[name] for name in _FIELDS if name in part}
