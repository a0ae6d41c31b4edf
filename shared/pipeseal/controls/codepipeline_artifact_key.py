"""CODEPIPELINE.ARTIFACT_KEY: each artifact store names a customer managed key, where the operator asks for that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeseal.model import Control, Kind, Reason, Severity
from pipeseal.model.key import Key
from pipeseal.model.pipeline import Pipeline, Store

if TYPE_CHECKING:
    from pipeseal.settings import Settings

_AWS_MANAGED = re.compile(r"(arn:[^:]*:kms:[^:]*:[^:]*:)?alias/aws/.*", re.DOTALL)


def _lacking(pipeline: Pipeline, settings: Settings) -> Iterator[Store]:
    """Yield the stores that are under no key of the customer's; one that cannot be read may be the customer's."""
    if not settings.require_customer_key:
        return
    for store in pipeline.stores:
        if not store.key or _of_aws(pipeline, store.region, store.key):
            yield store


def _of_aws(pipeline: Pipeline, region: str, name: str) -> bool:
    key = pipeline.keys.get((region, name))
    return bool(_AWS_MANAGED.fullmatch(name)) or (isinstance(key, Key) and key.manager == "AWS")


def reasons(pipeline: Pipeline, settings: Settings) -> tuple[str, ...]:
    """Say which stores are under a key that AWS manages."""
    return tuple(
        Reason(
            f"The {store} names no customer managed key, so AWS manages the key that artifacts are under.",
            f"{store.path}.encryptionKey",
        )
        for store in _lacking(pipeline, settings)
    )


def fix(pipeline: Pipeline, settings: Settings) -> Pipeline:
    """Return *pipeline* with the operator's key in each store that lacks one, where there is a key that encrypts.

    A document that must not be written back is left to its owner.
    """
    if pipeline.locked:
        return pipeline
    wanted = {store.region: settings.artifact_keys.get(store.region, "") for store in _lacking(pipeline, settings)}
    keys = {
        region: key
        for region, key in wanted.items()
        if pipeline.encrypts_under(region, key) and not _of_aws(pipeline, region, key)
    }
    return pipeline.with_keys(keys) if keys else pipeline


CONTROL = Control(
    id="CODEPIPELINE.ARTIFACT_KEY",
    title="Pipeline names a customer managed key for its artifacts",
    severity=Severity.MEDIUM,
    kinds=(Kind.PIPELINE,),
    reasons=reasons,
    fix=fix,
    advice="Name a customer managed key as the encryptionKey of each artifact store, by its id, ARN or alias ARN.",
    source="https://docs.aws.amazon.com/codepipeline/latest/userguide/S3-artifact-encryption.html",
    permissions=("codepipeline:GetPipeline", "codepipeline:UpdatePipeline", "iam:PassRole", "kms:DescribeKey"),
)
