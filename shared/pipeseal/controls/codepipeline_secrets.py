"""CODEPIPELINE.SECRETS: no secret stands in clear in a pipeline's structure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeseal import secrets
from pipeseal.model import Control, Kind, Severity
from pipeseal.model.pipeline import Pipeline

if TYPE_CHECKING:
    from pipeseal.settings import Settings


def reasons(pipeline: Pipeline, _settings: Settings) -> tuple[str, ...]:
    """Say where each secret stands and what to use instead; never the value."""
    return tuple(f"{found.where}: {found.what}; {found.advice}." for found in secrets.in_pipeline(pipeline.document))


def fix(pipeline: Pipeline, _settings: Settings) -> Pipeline:
    """Return *pipeline* as it is: only its owner can replace a secret without breaking what it opens."""
    return pipeline


CONTROL = Control(
    id="CODEPIPELINE.SECRETS",
    title="Pipeline keeps no secret in clear",
    severity=Severity.CRITICAL,
    kinds=(Kind.PIPELINE,),
    reasons=reasons,
    fix=fix,
    advice="Rotate the secret, keep the new one in Secrets Manager and name it there; reach GitHub by a connection.",
    source="https://docs.aws.amazon.com/codepipeline/latest/userguide/data-protection.html",
    permissions=("codepipeline:GetPipeline",),
)
