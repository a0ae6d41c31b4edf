"""CODEPIPELINE.ARTIFACT_KEY: each artifact store names a customer managed key, if RequireCustomerKey is true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeseal.kinds.key.value import Key
from pipeseal.kinds.pipeline.value import ArtifactStore, Pipeline
from pipeseal.model import Control, Kind, Reason, Severity, Standard

if TYPE_CHECKING:
    from pipeseal.settings import Settings

_AWS_MANAGED_ALIAS = re.compile(r"(arn:[^:]*:kms:[^:]*:[^:]*:)?alias/aws/.*", re.DOTALL)


def _stores_without_customer_key(pipeline: Pipeline, settings: Settings) -> Iterator[ArtifactStore]:
    """Yield the stores with no key or an AWS managed key; a key that cannot be read may be customer managed."""
    if not settings.require_customer_key:
        return
    for store in pipeline.stores:
        if not store.key or _is_aws_managed(pipeline, store.region, store.key):
            yield store


def _is_aws_managed(pipeline: Pipeline, region: str, name: str) -> bool:
    key = pipeline.keys.get((region, name))
    return bool(_AWS_MANAGED_ALIAS.fullmatch(name)) or (isinstance(key, Key) and key.manager == "AWS")


def reasons(pipeline: Pipeline, settings: Settings) -> tuple[str, ...]:
    """Return a sentence for each store that names no customer managed key."""
    return tuple(
        Reason(
            f"The {store} names no customer managed key; an AWS managed key encrypts its artifacts.",
            f"{store.path}.encryptionKey",
        )
        for store in _stores_without_customer_key(pipeline, settings)
    )


def fix(pipeline: Pipeline, settings: Settings) -> Pipeline:
    """Return *pipeline* with the key of ArtifactKeyArn in each such store, where that key can encrypt artifacts.

    Unchanged where UpdatePipeline would lose data.
    """
    if pipeline.locked:
        return pipeline
    regions = [store.region for store in _stores_without_customer_key(pipeline, settings)]
    keys = {region: settings.artifact_keys.get(region, "") for region in regions}
    usable = {
        region: key
        for region, key in keys.items()
        if pipeline.key_can_encrypt(region, key) and not _is_aws_managed(pipeline, region, key)
    }
    return pipeline.with_keys(usable) if usable else pipeline


CONTROL: Control[Pipeline] = Control(
    id="CODEPIPELINE.ARTIFACT_KEY",
    title="Pipeline should encrypt artifacts with a customer managed key",
    severity=Severity.MEDIUM,
    kinds=(Kind.PIPELINE,),
    reasons=reasons,
    fix=fix,
    description="If RequireCustomerKey is true, checks that each artifact store of a pipeline names a customer managed "
    "key. A key that pipeseal cannot read counts as customer managed; CODEPIPELINE.SYMMETRIC_KEY reports it.",
    reports="A finding states the Region of an artifact store that names no customer managed key.",
    risk="You cannot restrict, rotate or disable an AWS managed key, and cannot share the artifacts across accounts.",
    remediation="Sets the key in ArtifactKeyArn for the Region of the store if it is an enabled symmetric key. "
    "Otherwise, or if the update would lose a redacted token, pipeseal only notifies.",
    advice="Name a customer managed key as the encryptionKey of each artifact store, by its ID, ARN or alias ARN.",
    false_positives="Pipelines for which an AWS managed key is acceptable are reported. Exempt them.",
    source="https://docs.aws.amazon.com/codepipeline/latest/userguide/S3-artifact-encryption.html",
    permissions=("codepipeline:GetPipeline", "codepipeline:UpdatePipeline", "iam:PassRole", "kms:DescribeKey"),
    parameters=("ArtifactKeyArn", "RequireCustomerKey"),
    requirements={},
    inferred_requirements={
        Standard.NIST_800_53: (
            *("AU-9", "CA-9(1)", "CM-3(6)", "SC-7(10)", "SC-12(2)", "SC-13", "SC-28", "SC-28(1)", "SI-7(6)"),
        ),
        Standard.NIST_800_171: ("3.8.9", "3.13.11", "3.13.16"),
        Standard.PCI_DSS: ("3.5.1",),
        Standard.ISO_27001: ("A.8.11", "A.8.24"),
    },
)
