"""The facts about a resource that the demo's final table shows, before and after pipeseal acts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatch

from pipeseal.controls import codebuild_secrets, codedeploy_secrets
from pipeseal.controls.s3_sse_uploads import deny_other_encryption, deny_unencrypted
from pipeseal.controls.s3_tls import deny_insecure
from pipeseal.kinds.application.value import Application
from pipeseal.kinds.bucket.value import Bucket
from pipeseal.kinds.key.value import Key
from pipeseal.kinds.pipeline.value import Pipeline
from pipeseal.kinds.project.value import Project
from pipeseal.kinds.trail.selectors import describe_gaps
from pipeseal.kinds.trail.value import Trail
from pipeseal.model import Resource
from pipeseal.secrets import in_pipeline
from pipeseal.settings import Settings


@dataclass(frozen=True, slots=True)
class Fact:
    """A statement about a resource; *compliant* is None where it is neither compliant nor a violation."""

    text: str
    compliant: bool | None


DELETED = Fact("deleted", compliant=True)


@singledispatch
def facts_of(resource: Resource) -> Iterator[Fact]:
    """Yield the facts about *resource*; raise NotImplementedError for a kind of resource that the demo does not use."""
    raise NotImplementedError(f"the demo shows no facts about a {type(resource).__name__}")


@facts_of.register
def _(bucket: Bucket) -> Iterator[Fact]:
    if bucket.website:
        yield Fact("website hosting: HTTP only", compliant=None)
        return
    tls = bucket.policy.verdict(deny_insecure(bucket.arn)).full
    yield Fact("TLS only", compliant=True) if tls else Fact("HTTP allowed", compliant=False)
    if bucket.policy.verdict(deny_unencrypted(bucket.arn)).full:
        yield Fact("uploads: SSE-KMS only", compliant=True)
    elif bucket.policy.verdict(deny_other_encryption(bucket.arn)).full:
        yield Fact("uploads: SSE-KMS or default encryption", compliant=True)
    else:
        yield Fact("uploads: any encryption", compliant=False)
    default = bucket.default_algorithm or "none"
    yield Fact(f"default encryption: {default}", compliant=default.startswith("aws:kms"))


@facts_of.register
def _(key: Key) -> Iterator[Fact]:
    yield Fact(f"{key.spec}, {key.status}", compliant=key.can_encrypt or key.status != "Enabled")
    if key.rotates is not None and key.can_encrypt:
        yield Fact(f"automatic rotation {'on' if key.rotates else 'off'}", compliant=key.rotates)


@facts_of.register
def _(pipeline: Pipeline) -> Iterator[Fact]:
    for store in pipeline.stores:
        key = pipeline.keys.get((store.region, store.key))
        if isinstance(key, Key):
            state = "" if key.status == "Enabled" else f", {key.status}"
            yield Fact(f"artifact key: {key.spec}{state}", compliant=key.can_encrypt)
        elif not store.key:
            yield Fact("artifact key: AWS managed", compliant=True)
    if secrets := sum(1 for _ in in_pipeline(pipeline.document)):
        yield _secrets(secrets)
    if pipeline.transition and not pipeline.transition.enabled:
        yield Fact(f"quarantined before stage {pipeline.transition.stage}", compliant=None)


@facts_of.register
def _(application: Application) -> Iterator[Fact]:
    yield _secrets(len(codedeploy_secrets.reasons(application, Settings())))


@facts_of.register
def _(project: Project) -> Iterator[Fact]:
    for location in project.output_locations:
        yield Fact(
            f"{location.description} {'unencrypted' if location.unencrypted else 'encrypted'}",
            compliant=not location.unencrypted,
        )
    yield _secrets(len(codebuild_secrets.reasons(project, Settings())))


@facts_of.register
def _(trail: Trail) -> Iterator[Fact]:
    yield Fact("logging", compliant=True) if trail.logging else Fact("not logging", compliant=False)
    yield from (Fact(sentence, compliant=False) for sentence in describe_gaps(trail.gaps))


def _secrets(count: int) -> Fact:
    if not count:
        return Fact("no plaintext secrets", compliant=True)
    return Fact(f"{count} plaintext secret{'s' if count > 1 else ''}", compliant=False)
