"""CODEDEPLOY.SECRETS: the revisions of an application contain no plaintext secret; notify only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeseal import secrets
from pipeseal.controls._notify_only import unchanged
from pipeseal.controls._secret_findings import secret_reasons
from pipeseal.kinds.application.value import Application, inline_texts
from pipeseal.model import Control, Kind, Severity, Standard

if TYPE_CHECKING:
    from pipeseal.secrets import SecretFinding
    from pipeseal.settings import Settings


def reasons(application: Application, _settings: Settings) -> tuple[str, ...]:
    """Return the location of each secret and what to use instead, never the value; a duplicate revision counts once."""
    return tuple(dict.fromkeys(secret_reasons(_findings(application))))


def _findings(application: Application) -> Iterator[SecretFinding]:
    for number, revision in enumerate(application.revisions):
        for path, location, text in inline_texts(revision):
            yield from secrets.in_text(text, f"revisions[{number}].{path}", location)


CONTROL: Control[Application] = Control(
    id="CODEDEPLOY.SECRETS",
    title="Application revisions should not contain plaintext secrets",
    severity=Severity.CRITICAL,
    kinds=(Kind.APPLICATION,),
    reasons=reasons,
    fix=unchanged,
    description="Checks the inline AppSpec content and the GitHub location of the revisions that an application has "
    "deployed or registered for literal secrets. The content of revisions in S3 is not checked.",
    reports="A finding states the location of a secret, its type and what to use instead, but never the secret. The "
    "first digits of its SHA-256 hash identify AppSpec content.",
    risk="Everyone who may read the application can read the secret and use it, for as long as CodeDeploy keeps the "
    "revision.",
    remediation="None: pipeseal only notifies, because CodeDeploy does not support changing a revision.",
    advice="Rotate the secret, store the new one in Secrets Manager and retrieve it in the function or lifecycle hook. "
    "Then deploy a revision without it.",
    false_positives="A placeholder or a test value that looks like a secret is reported. Exempt the application until "
    "the revision is no longer listed.",
    source="https://docs.aws.amazon.com/codedeploy/latest/userguide/data-protection.html",
    permissions=(
        "codedeploy:GetApplication",
        "codedeploy:ListDeploymentGroups",
        "codedeploy:BatchGetDeploymentGroups",
        "codedeploy:BatchGetDeployments",
        "codedeploy:ListApplicationRevisions",
        "codedeploy:BatchGetApplicationRevisions",
    ),
    parameters=(),
    requirements={},
    inferred_requirements={
        Standard.NIST_800_53: ("IA-5(7)", "SA-3"),
        Standard.PCI_DSS: ("8.3.2",),
        Standard.ISO_27001: ("A.5.17",),
        Standard.OWASP_CICD: ("CICD-SEC-6",),
    },
)
