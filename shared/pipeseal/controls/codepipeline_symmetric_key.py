"""CODEPIPELINE.SYMMETRIC_KEY: the key of each artifact store is an enabled symmetric key for encryption."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeseal.kinds.key.value import Key, UnreadableKey
from pipeseal.kinds.pipeline.value import ArtifactStore, Pipeline
from pipeseal.model import Control, Kind, Reason, Severity, Standard
from pipeseal.text import printable

if TYPE_CHECKING:
    from pipeseal.settings import Settings

_QUARANTINE = "the key of an artifact store is not an enabled symmetric key"


def _fault(key: Key | UnreadableKey) -> str:
    match key:
        case UnreadableKey(why):
            return why
        case Key(spec=spec) if spec != "SYMMETRIC_DEFAULT":
            return f"has the key spec {spec}; CodePipeline requires SYMMETRIC_DEFAULT"
        case Key(status="Enabled", usage=usage):
            return f"has the key usage {usage}; CodePipeline requires ENCRYPT_DECRYPT"
        case Key(status=status):
            return f"has the key state {status}; CodePipeline requires Enabled"


def _unusable_keys(pipeline: Pipeline) -> Iterator[tuple[ArtifactStore, Key | UnreadableKey]]:
    """Yield the stores whose key cannot encrypt artifacts or could not be read."""
    for store in pipeline.stores:
        key = pipeline.keys.get((store.region, store.key))
        if isinstance(key, UnreadableKey) or (key and not key.can_encrypt):
            yield store, key


def reasons(pipeline: Pipeline, _settings: Settings) -> tuple[str, ...]:
    """Return what is wrong with the key of each store, or that a quarantine must end.

    A key that could not be read is reported: it is never considered compliant.
    """
    found = tuple(
        Reason(
            printable(f"The {store} uses the key {store.key}, which {_fault(key)}."), f"{store.path}.encryptionKey.id"
        )
        for store, key in _unusable_keys(pipeline)
    )
    if found or not pipeline.is_quarantined(_QUARANTINE):
        return found
    return ("The pipeline is still quarantined for an unusable artifact key, but every artifact key is usable.",)


def fix(pipeline: Pipeline, settings: Settings) -> Pipeline:
    """Return *pipeline* with the keys of ArtifactKeyArn, or quarantined if one is missing or the update loses data.

    A key that this account may not read is left, because it may be usable. A quarantine ends when all keys are usable.
    """
    unusable = list(_unusable_keys(pipeline))
    if not unusable:
        return pipeline.released(_QUARANTINE)
    regions = {store.region for store, key in unusable if not isinstance(key, UnreadableKey) or key.missing}
    if not regions:
        return pipeline
    keys = {region: settings.artifact_keys.get(region, "") for region in regions}
    if not pipeline.locked and all(pipeline.key_can_encrypt(region, key) for region, key in keys.items()):
        return fix(pipeline.with_keys(keys), settings)
    return pipeline.quarantined(_QUARANTINE)


CONTROL: Control[Pipeline] = Control(
    id="CODEPIPELINE.SYMMETRIC_KEY",
    title="Pipeline should encrypt artifacts with an enabled symmetric key",
    severity=Severity.HIGH,
    kinds=(Kind.PIPELINE,),
    reasons=reasons,
    fix=fix,
    description="Checks that the key of each artifact store of a pipeline exists, is enabled, and has the key spec "
    "SYMMETRIC_DEFAULT and the key usage ENCRYPT_DECRYPT. A store without a key uses the AWS managed key and is "
    "compliant.",
    reports="A finding states the artifact store, its key, and the property that CodePipeline does not support or that "
    "the key could not be read; or that a quarantine is still in place although every key is usable.",
    risk="The pipeline cannot encrypt its artifacts, so its executions fail, or artifacts depend on a key that is "
    "about to be deleted.",
    remediation="Sets the key in ArtifactKeyArn for the Region of the store. If that key is missing or unusable, or if "
    "the update would lose a redacted token, disables the transition into the second stage and enables it again when "
    "every key is usable. Does not change a pipeline whose key pipeseal may not read.",
    advice="Name a key with the key spec SYMMETRIC_DEFAULT and the key usage ENCRYPT_DECRYPT as the encryptionKey of "
    "the artifact store.",
    false_positives="A key of another account is reported if its key policy does not allow pipeseal to describe it. "
    "Allow kms:DescribeKey in that key policy, or exempt the pipeline.",
    source="https://docs.aws.amazon.com/codepipeline/latest/userguide/data-protection.html",
    permissions=(
        "codepipeline:GetPipeline",
        "codepipeline:GetPipelineState",
        "codepipeline:UpdatePipeline",
        "codepipeline:DisableStageTransition",
        "codepipeline:EnableStageTransition",
        "iam:PassRole",
        "kms:DescribeKey",
    ),
    parameters=("ArtifactKeyArn",),
    requirements={},
    inferred_requirements={
        Standard.NIST_800_53: ("SC-12", "SC-13"),
        Standard.PCI_DSS: ("3.6.1",),
        Standard.ISO_27001: ("A.8.24",),
    },
)
