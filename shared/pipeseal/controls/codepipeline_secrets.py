"""CODEPIPELINE.SECRETS: the structure of a pipeline contains no plaintext secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeseal import secrets
from pipeseal.controls._secret_findings import secret_reasons
from pipeseal.kinds.pipeline.value import Pipeline
from pipeseal.model import Control, Kind, Severity, Standard

if TYPE_CHECKING:
    from pipeseal.settings import Settings

_QUARANTINE = "this pipeline contains a plaintext secret"


def reasons(pipeline: Pipeline, settings: Settings) -> tuple[str, ...]:
    """Return the location of each secret and what to use instead, never the value; or that a quarantine must end."""
    found = tuple(secret_reasons(secrets.in_pipeline(pipeline.document)))
    if not pipeline.is_quarantined(_QUARANTINE) or (found and settings.quarantine_secrets):
        return found
    cause = "QuarantineSecrets is false" if found else "it no longer contains one"
    return (*found, f"The pipeline is still quarantined for a plaintext secret, but {cause}.")


def fix(pipeline: Pipeline, settings: Settings) -> Pipeline:
    """Return *pipeline* quarantined while it contains a secret and QuarantineSecrets is true; otherwise released.

    The secret itself stays: to replace it without its consumers would break the pipeline.
    """
    if settings.quarantine_secrets and secrets.in_pipeline(pipeline.document):
        return pipeline.quarantined(_QUARANTINE)
    return pipeline.released(_QUARANTINE)


CONTROL: Control[Pipeline] = Control(
    id="CODEPIPELINE.SECRETS",
    title="Pipeline should not contain plaintext secrets",
    severity=Severity.CRITICAL,
    kinds=(Kind.PIPELINE,),
    reasons=reasons,
    fix=fix,
    description="Checks the structure of each pipeline for literal secrets: access keys, tokens, passwords and "
    "credentials in URLs, in action configurations, environment variables, commands and pipeline variables.",
    reports="A finding states the location of a secret, its type and what to use instead, but never the secret; or "
    "that a quarantine is still in place although its cause is gone.",
    risk="Everyone who may read the pipeline can read the secret and use it.",
    remediation="By default pipeseal only notifies. If QuarantineSecrets is true, disables the transition into the "
    "second stage and enables it again when the secret is removed. Does not change a transition that another writer "
    "disabled.",
    advice="Rotate the secret, store the new one in Secrets Manager and reference it. Connect to GitHub through "
    "CodeConnections.",
    false_positives="A placeholder or a test value that looks like a secret is reported. Rename the field, use a "
    "reference, or exempt the pipeline.",
    source="https://docs.aws.amazon.com/codepipeline/latest/userguide/data-protection.html",
    permissions=(
        "codepipeline:GetPipeline",
        "codepipeline:GetPipelineState",
        "codepipeline:DisableStageTransition",
        "codepipeline:EnableStageTransition",
    ),
    parameters=("QuarantineSecrets",),
    requirements={},
    inferred_requirements={
        Standard.NIST_800_53: ("IA-5(7)", "SA-3"),
        Standard.PCI_DSS: ("8.3.2",),
        Standard.ISO_27001: ("A.5.17",),
        Standard.OWASP_CICD: ("CICD-SEC-6",),
    },
)
