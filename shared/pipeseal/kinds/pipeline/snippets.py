"""The code snippets of CodePipeline pipelines; pure."""

from __future__ import annotations

from collections.abc import Iterator

from pipeseal.kinds.pipeline.value import ArtifactStore, Pipeline, Transition
from pipeseal.snippets.part import SnippetPart
from pipeseal.snippets.quoting import ascii_line
from pipeseal.snippets.terraform import snake_case
from pipeseal.text import conjoin


def parts(before: Pipeline, after: Pipeline) -> Iterator[SnippetPart]:
    """Yield what the owner's code must contain for the pipeline to be as *after*, or what ends its quarantine."""
    changed = [new for old, new in zip(before.stores, after.stores, strict=True) if old != new]
    if changed:
        yield _stores(changed)
    transition = after.transition
    if transition and not transition.enabled and transition != before.transition:
        yield SnippetPart(_end_of_quarantine(transition))


def _stores(changed: list[ArtifactStore]) -> SnippetPart:
    is_single = changed[0].path == "artifactStore"
    properties: dict[str, object] = (
        {"ArtifactStore": _store(changed[0])}
        if is_single
        else {"ArtifactStores": [{"Region": each.region, "ArtifactStore": _store(each)} for each in changed]}
    )
    blocks = [({} if is_single else {"region": each.region}) | snake_case(_store(each)) for each in changed]
    return SnippetPart(
        "Artifacts are encrypted under this enabled symmetric key. Stores in other Regions stay as they are.",
        "Pipeline",
        "AWS::CodePipeline::Pipeline",
        properties,
        "aws_codepipeline",
        {"artifact_store": blocks},
    )


def _end_of_quarantine(transition: Transition) -> str:
    """Return what the owner changes so that pipeseal enables the *transition* again."""
    changes = [
        "move each plaintext secret from the pipeline to AWS Secrets Manager and refer to it there"
        if "secret" in hold
        else "give each artifact store an EncryptionKey that is enabled and has the key spec SYMMETRIC_DEFAULT"
        for hold in sorted(transition.quarantine_reasons)
    ]
    return (
        f"pipeseal disabled the transition into stage {ascii_line(transition.stage)}. Code that enables it does not "
        f"resolve the violation. Instead, {conjoin(changes)}: pipeseal then enables the transition."
    )


def _store(store: ArtifactStore) -> dict[str, object]:
    key = {"EncryptionKey": {"Id": store.key, "Type": "KMS"}} if store.key else {}
    return {"Type": "S3", "Location": store.bucket, **key}
