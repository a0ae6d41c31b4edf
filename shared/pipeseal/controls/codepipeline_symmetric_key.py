"""CODEPIPELINE.SYMMETRIC_KEY: the key that a pipeline's artifacts are under can encrypt, is symmetric and enabled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeseal.model import Control, Kind, Severity
from pipeseal.model.key import Key, Unread
from pipeseal.model.pipeline import Pipeline, Store, Transition

if TYPE_CHECKING:
    from pipeseal.settings import Settings

_LIFT = "Name an enabled symmetric key in the pipeline and then enable this transition to lift the quarantine."


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
    """Say what is wrong with the key of each store; what cannot be read is said, never taken for fine."""
    return tuple(
        f"The artifact store in {store.region} is under the key {store.key}, which {_fault(key)}."
        for store, key in _unsound(pipeline)
    )


def fix(pipeline: Pipeline, settings: Settings) -> Pipeline:
    """Return *pipeline* under the operator's keys, or quarantined where one is wanting or writing would do harm.

    A key that this account may not read is left: it may well be fine.
    """
    broken = [store for store, key in _unsound(pipeline) if not (isinstance(key, Unread) and not key.missing)]
    if not broken:
        return pipeline
    keys = {store.region: settings.artifact_keys.get(store.region, "") for store in broken}
    if not pipeline.locked and all(_usable(pipeline, *place) for place in keys.items()):
        return pipeline.with_keys(keys)
    return _quarantined(pipeline, broken[0])


def _usable(pipeline: Pipeline, region: str, name: str) -> bool:
    key = pipeline.keys.get((region, name))
    return isinstance(key, Key) and key.encrypts


def _quarantined(pipeline: Pipeline, store: Store) -> Pipeline:
    """Disable the way into the second stage, unless it is disabled already."""
    stages = pipeline.document.get("stages") or []
    if len(stages) < 2 or (pipeline.transition and not pipeline.transition.enabled):  # noqa: PLR2004
        return pipeline
    reason = f"pipeseal - the key of the artifact store in {store.region} is not an enabled symmetric key. {_LIFT}"
    return replace(pipeline, transition=Transition(stages[1]["name"], enabled=False, reason=reason))


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
        "iam:PassRole",
        "kms:DescribeKey",
    ),
)
