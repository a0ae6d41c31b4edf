"""CODEBUILD.SECRETS: a build project contains no plaintext secret; notify only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeseal import secrets
from pipeseal.controls._notify_only import unchanged
from pipeseal.controls._secret_findings import secret_reasons
from pipeseal.kinds.project.value import Project
from pipeseal.model import Control, Kind, Severity, Standard

if TYPE_CHECKING:
    from pipeseal.secrets import SecretFinding
    from pipeseal.settings import Settings


def reasons(project: Project, _settings: Settings) -> tuple[str, ...]:
    """Return the location of each secret and what to use instead, never the value."""
    return tuple(dict.fromkeys(secret_reasons(_findings(project))))


def _findings(project: Project) -> Iterator[SecretFinding]:
    variables = (project.document.get("environment") or {}).get("environmentVariables") or ()
    yield from secrets.in_variables(variables, "environment.environmentVariables")
    for path, location, text in project.inline_texts():
        yield from secrets.in_text(text, path, location)
    yield from secrets.in_tags(project.document.get("tags") or (), "tags")
    yield from secrets.in_structure(project.document.get("webhook") or {}, "webhook", "webhook")


CONTROL: Control[Project] = Control(
    id="CODEBUILD.SECRETS",
    title="Build project should not contain plaintext secrets",
    severity=Severity.CRITICAL,
    kinds=(Kind.PROJECT,),
    reasons=reasons,
    fix=unchanged,
    description="Checks the plaintext environment variables, the inline buildspec and the source URLs of each build "
    "project for literal secrets: access keys, tokens, passwords and credentials in URLs.",
    reports="A finding states the location of a secret, its type and what to use instead, but never the secret.",
    risk="Everyone who may read the project can read the secret and use it.",
    remediation="None: pipeseal only notifies, because replacing the secret without its consumers would break the "
    "build.",
    advice="Rotate the secret, store the new one in Secrets Manager and reference it in a variable of type "
    "SECRETS_MANAGER. Connect to the source through CodeConnections.",
    false_positives="A placeholder or a test value that looks like a secret is reported. Rename the variable, use a "
    "reference, or exempt the project.",
    source="https://docs.aws.amazon.com/codebuild/latest/userguide/change-project.html",
    permissions=("codebuild:BatchGetProjects",),
    parameters=(),
    requirements={
        Standard.SECURITY_HUB: ("CodeBuild.1", "CodeBuild.2"),
        Standard.CONFIG_RULE: ("codebuild-project-envvar-awscred-check", "codebuild-project-source-repo-url-check"),
        Standard.NIST_800_53: ("IA-5(7)", "SA-3"),
        Standard.PCI_DSS: ("8.3.2",),
    },
    inferred_requirements={
        Standard.ISO_27001: ("A.5.17", "A.8.4"),
        Standard.OWASP_CICD: ("CICD-SEC-6",),
    },
)
