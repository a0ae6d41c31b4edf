"""CODEPIPELINE.SECRETS: no secret stands in clear in a pipeline's structure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeseal import secrets
from pipeseal.model import Control, Kind, Reason, Severity
from pipeseal.model.pipeline import Pipeline

if TYPE_CHECKING:
    from pipeseal.settings import Settings

_HOLD = "a secret stands in clear in this pipeline"


def reasons(pipeline: Pipeline, settings: Settings) -> tuple[str, ...]:
    """Say where each secret stands and what to use instead, never the value; or that a quarantine is over."""
    told = (Reason(found.sentence, found.path) for found in secrets.in_pipeline(pipeline.document))
    return (*told, *_over(pipeline, settings))


def _over(pipeline: Pipeline, settings: Settings) -> tuple[str, ...]:
    """Say that the quarantine has nothing left to be for, where that is so."""
    if not pipeline.is_held(_HOLD) or _stops(pipeline, settings):
        return ()
    return ("The pipeline is still quarantined for a secret in clear, and there is no need for that any more.",)


def _stops(pipeline: Pipeline, settings: Settings) -> bool:
    return settings.quarantine_secrets and bool(secrets.in_pipeline(pipeline.document))


def fix(pipeline: Pipeline, settings: Settings) -> Pipeline:
    """Return *pipeline* quarantined while a secret stands in it, where the operator asks for that.

    The secret itself stays: only its owner can replace it without breaking what it opens.
    """
    return pipeline.held(_HOLD) if _stops(pipeline, settings) else pipeline.released(_HOLD)


CONTROL = Control(
    id="CODEPIPELINE.SECRETS",
    title="Pipeline keeps no secret in clear",
    severity=Severity.CRITICAL,
    kinds=(Kind.PIPELINE,),
    reasons=reasons,
    fix=fix,
    advice="Rotate the secret, keep the new one in Secrets Manager and name it there; reach GitHub by a connection.",
    source="https://docs.aws.amazon.com/codepipeline/latest/userguide/data-protection.html",
    permissions=(
        "codepipeline:GetPipeline",
        "codepipeline:GetPipelineState",
        "codepipeline:DisableStageTransition",
        "codepipeline:EnableStageTransition",
    ),
)
