"""CODEPIPELINE.SYMMETRIC_KEY: the key that a pipeline's artifacts are under can encrypt, is symmetric and enabled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeseal.model import Control, Kind, Reason, Severity
from pipeseal.model.key import Key, Unread
from pipeseal.model.pipeline import Pipeline, Store

if TYPE_CHECKING:
    from pipeseal.settings import Settings

_HOLD = "the key of an artifact store is not an enabled symmetric key"


def _fault(key: Key | Unread) -> str:
    match key:
        case Unread(why):
            return why
        case Key(spec=spec) if spec != "SYMMETRIC_DEFAULT":
            return f"has the key spec {spec}, and CodePipeline supports symmetric keys only"
        case Key(status="Enabled", usage=usage):
            return f"is for {usage}, not for ENCRYPT_DECRYPT"
        case Key(status=status):
            return f"is {status}"


def _unsound(pipeline: Pipeline) -> Iterator[tuple[Store, Key | Unread]]:
    """Yield the stores whose key is no artifact key, the ones that could not be read among them."""
    for store in pipeline.stores:
        key = pipeline.keys.get((store.region, store.key))
        if isinstance(key, Unread) or (key and not key.encrypts):
            yield store, key


def reasons(pipeline: Pipeline, _settings: Settings) -> tuple[str, ...]:
    """Say what is wrong with the key of each store, or that a quarantine is over.

    What cannot be read is said, never taken for fine.
    """
    found = tuple(
        Reason(f"The {store} is under the key {store.key}, which {_fault(key)}.", f"{store.path}.encryptionKey.id")
        for store, key in _unsound(pipeline)
    )
    if found or not pipeline.is_held(_HOLD):
        return found
    return ("The pipeline is still quarantined for the key of an artifact store, and every key is in order now.",)


def fix(pipeline: Pipeline, settings: Settings) -> Pipeline:
    """Return *pipeline* under the operator's keys, or quarantined where one is wanting or writing would do harm.

    A key that this account may not read is left: it may well be fine. A quarantine ends when all keys are in order.
    """
    unsound = list(_unsound(pipeline))
    if not unsound:
        return pipeline.released(_HOLD)
    broken = {store.region for store, key in unsound if not (isinstance(key, Unread) and not key.missing)}
    if not broken:
        return pipeline
    keys = {region: settings.artifact_keys.get(region, "") for region in broken}
    if not pipeline.locked and all(pipeline.encrypts_under(*place) for place in keys.items()):
        return fix(pipeline.with_keys(keys), settings)
    return pipeline.held(_HOLD)


CONTROL = Control(
    id="CODEPIPELINE.SYMMETRIC_KEY",
    title="Pipeline encrypts artifacts under an enabled symmetric key",
    severity=Severity.HIGH,
    kinds=(Kind.PIPELINE,),
    reasons=reasons,
    fix=fix,
    advice="Name a key of spec SYMMETRIC_DEFAULT and usage ENCRYPT_DECRYPT as the artifact store's encryptionKey.",
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
)
