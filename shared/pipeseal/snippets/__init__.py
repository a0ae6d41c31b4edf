"""The code that makes a resource right, for people whose own keeps undoing it: CloudFormation and Terraform; pure.

It is derived from the resource as it is and as it should be, so that controls say what is wanted and nothing else does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from textwrap import wrap
from typing import Any, NamedTuple

from pipeseal.model import Kind
from pipeseal.model.bucket import Bucket
from pipeseal.model.key import Key
from pipeseal.model.pipeline import Pipeline, Store, Transition
from pipeseal.model.project import Project
from pipeseal.model.trail import Trail
from pipeseal.snippets import cloudformation, terraform
from pipeseal.snippets.quoting import plain
from pipeseal.snippets.terraform import Json

_LONGEST = 8_000
"""Characters of either text: an alert holds both twice over, quoted twice, and SNS takes 256 KB."""
_WIDTH = 72
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Part(NamedTuple):
    """What is to stand in one resource of somebody's code; without a *name* there is only something to say."""

    note: str
    name: str = ""
    kind: str = ""
    properties: Mapping[str, Any] = {}
    """For CloudFormation."""
    block: str = ""
    """The type of Terraform's resource."""
    body: Mapping[str, Any] = {}


def snippets(before: Any, wanted: Any, controls: Collection[str]) -> dict[str, str]:
    """Return {"cloudformation": YAML, "terraform": HCL} that turns *before* into *wanted*, as *controls* ask for.

    At least one control must be named. Each text holds only what is missing, in ASCII, at most 8,000 characters; both
    are empty where nothing is missing.
    """
    parts = list(_PARTS[before.ref.kind](before, wanted)) if before.ref.kind in _PARTS else []
    if not parts:
        return {"cloudformation": "", "terraform": ""}
    title = (
        f"{before.ref.kind.name.capitalize()} {plain(before.ref.name)} as it is wanted by {_and(sorted(controls))}. "
        "Merge this into the resources that your code has; all else in them stays."
    )
    found = {"cloudformation": _template(parts), "terraform": _configuration(parts)}
    return {name: _bounded(list(_comment(title)), list(lines), before, wanted) for name, lines in found.items()}


def _and(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _bounded(title: list[str], lines: list[str], before: Any, wanted: Any) -> str:
    text = "\n".join([*title, *lines, ""])
    if len(text) <= _LONGEST:
        return text
    _, steps = before.changed(wanted)
    said = plain(f"The code has {len(text)} characters, too many for a message. {'; '.join(steps)}.")
    return "\n".join([*title, *_comment(said if len(said) < _LONGEST // 2 else said[: _LONGEST // 2] + "..."), ""])


def _comment(text: str) -> Iterator[str]:
    yield from (f"# {line}" for line in wrap(text, _WIDTH, break_on_hyphens=False))


def _template(parts: Iterable[Part]) -> Iterator[str]:
    started = False
    for part in parts:
        if part.name and not started:
            yield "Resources:"
            started = True
        yield from (f"  {line}" for line in _comment(part.note))
        if part.name:
            resource = {part.name: {"Type": part.kind, "Properties": part.properties}}
            yield from (f"  {line}" for line in cloudformation.lines(resource))


def _configuration(parts: Iterable[Part]) -> Iterator[str]:
    for part in parts:
        yield ""
        yield from _comment(part.note)
        if part.name:
            yield f'resource "{part.block}" "this" {{'
            yield from (f"  {line}" for line in terraform.lines(part.body))
            yield "}"


# ----------------------------------------------------------------- bucket, key


def _of_bucket(before: Bucket, wanted: Bucket) -> Iterator[Part]:
    name = before.ref.name
    added, removed = wanted.policy.beyond(before.policy), before.policy.beyond(wanted.policy)
    sids = {each.get("Sid") for each in added}
    out = [plain(str(each.get("Sid") or "the one without Sid")) for each in removed if each.get("Sid") not in sids]
    leaving = f" Take these statements out: {', '.join(out)}." if out else ""
    if added:
        version = {name: value for name, value in (wanted.policy.document or {}).items() if name == "Version"}
        document = {**version, "Statement": list(added)}
        yield Part(
            "A bucket has one policy: keep the statements that yours has and add these; one of the same Sid is "
            f"replaced.{leaving}",
            "BucketPolicy",
            "AWS::S3::BucketPolicy",
            {"Bucket": name, "PolicyDocument": document},
            "aws_s3_bucket_policy",
            {"bucket": name, "policy": Json(document)},
        )
    elif leaving:
        yield Part(leaving.strip())
    if wanted.encryption != before.encryption and wanted.encryption.get("Rules"):
        rules = wanted.encryption["Rules"]
        yield Part(
            "What arrives without a header of its own is encrypted so.",
            "Bucket",
            "AWS::S3::Bucket",
            {
                "BucketName": name,
                "BucketEncryption": {"ServerSideEncryptionConfiguration": [_rule(each) for each in rules]},
            },
            "aws_s3_bucket_server_side_encryption_configuration",
            {"bucket": name, "rule": [_snake(_unnested(each)) for each in rules]},
        )


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return *rule* of S3's as CloudFormation spells it."""
    default = "ApplyServerSideEncryptionByDefault"
    return {name.removeprefix("Apply") if name == default else name: value for name, value in rule.items()}


def _unnested(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return *rule* of S3's with the list that Terraform has no block for."""
    blocked = rule.get("BlockedEncryptionTypes")
    return {**rule, "BlockedEncryptionTypes": blocked["EncryptionType"]} if blocked else dict(rule)


def _of_key(before: Key, wanted: Key) -> Iterator[Part]:
    notes, properties, body = [], dict[str, Any](), dict[str, Any]()
    if wanted.status != before.status:
        notes.append("A key has its spec for life: with this one CloudFormation and Terraform make another key.")
        properties |= {"KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT"}
        body |= {"customer_master_key_spec": "SYMMETRIC_DEFAULT", "key_usage": "ENCRYPT_DECRYPT"}
    if wanted.rotates != before.rotates:
        notes.append("KMS rotates the key by itself; what is encrypted under it stays readable.")
        properties["EnableKeyRotation"] = body["enable_key_rotation"] = bool(wanted.rotates)
    if properties:
        yield Part(" ".join(notes), "Key", "AWS::KMS::Key", properties, "aws_kms_key", body)


# ----------------------------------------------------- pipeline, project, trail


def _of_pipeline(before: Pipeline, wanted: Pipeline) -> Iterator[Part]:
    changed = [new for old, new in zip(before.stores, wanted.stores, strict=True) if old != new]
    if changed:
        single = changed[0].path == "artifactStore"
        yield Part(
            "Artifacts are under this key, which is symmetric and enabled. Stores of other Regions stay as they are.",
            "Pipeline",
            "AWS::CodePipeline::Pipeline",
            {"ArtifactStore": _store(changed[0])}
            if single
            else {"ArtifactStores": [{"Region": each.region, "ArtifactStore": _store(each)} for each in changed]},
            "aws_codepipeline",
            {
                "artifact_store": [
                    ({} if single else {"region": each.region}) | _snake(_store(each)) for each in changed
                ]
            },
        )
    way = wanted.transition
    if way and not way.enabled and way != before.transition:
        yield Part(_instead(way))


def _instead(way: Transition) -> str:
    """Say what to change in the place of a transition that is to stay closed."""
    changes = [
        "take each secret that stands in clear out of the pipeline and refer to it in AWS Secrets Manager"
        if "secret" in hold
        else "give each artifact store an EncryptionKey that is enabled and has the key spec SYMMETRIC_DEFAULT"
        for hold in sorted(way.holds)
    ]
    return (
        f"The way into stage {plain(way.stage)} is closed on purpose, and code that opens it puts nothing right. "
        f"Instead {_and(changes)}: pipeseal then opens the way by itself."
    )


def _store(store: Store) -> dict[str, Any]:
    key = {"EncryptionKey": {"Id": store.key, "Type": "KMS"}} if store.key else {}
    return {"Type": "S3", "Location": store.bucket, **key}


def _of_project(before: Project, wanted: Project) -> Iterator[Part]:
    old, new = before.document, wanted.document
    properties = dict[str, Any]()
    if new.get("artifacts") != old.get("artifacts"):
        properties["Artifacts"] = _place(new["artifacts"])
    if new.get("secondaryArtifacts") != old.get("secondaryArtifacts"):
        pairs = zip(old["secondaryArtifacts"], new["secondaryArtifacts"], strict=True)
        properties["SecondaryArtifacts"] = [_place(now) for was, now in pairs if now != was]
    if new.get("logsConfig") != old.get("logsConfig"):
        properties["LogsConfig"] = {"S3Logs": _place(new["logsConfig"]["s3Logs"])}
    if properties:
        yield Part(
            "What builds leave in S3 is encrypted; places that are not named here stay as they are.",
            "Project",
            "AWS::CodeBuild::Project",
            properties,
            "aws_codebuild_project",
            _snake(properties),
        )


def _place(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tells a place of CodeBuild's from others, and whether it is in clear, as CloudFormation spells it."""
    names = ("artifactIdentifier", "status", "type", "location", "encryptionDisabled")
    return {name[:1].upper() + name[1:]: part[name] for name in names if name in part}


def _of_trail(before: Trail, wanted: Trail) -> Iterator[Part]:
    logging = {"IsLogging": wanted.logging} if wanted.logging != before.logging else {}
    selectors = _filled(wanted.selectors) if wanted.selectors != before.selectors else {}
    if logging or selectors:
        yield Part(
            "The trail keeps what it kept.",
            "Trail",
            "AWS::CloudTrail::Trail",
            {"TrailName": before.ref.name, **logging, **selectors},
            "aws_cloudtrail",
            {
                "name": before.ref.name,
                **({"enable_logging": wanted.logging} if logging else {}),
                **_snake(selectors),
            },
        )


def _filled(value: Any) -> Any:
    """Return *value* without the empty lists that AWS gives where there is nothing."""
    if isinstance(value, Mapping):
        return {name: _filled(each) for name, each in value.items() if each not in ([], None)}
    return [_filled(each) for each in value] if isinstance(value, list) else value


def _snake(value: Any) -> Any:
    """Return *value* named as Terraform does; a list of objects becomes blocks, which are named in the singular."""
    if isinstance(value, Mapping):
        return {_spelt(name, each): _snake(each) for name, each in value.items()}
    return [_snake(each) for each in value] if isinstance(value, list) else value


def _spelt(name: str, value: Any) -> str:
    spelt = _HUMP.sub("_", name).lower()
    blocks = isinstance(value, list) and any(isinstance(each, Mapping) for each in value)
    return spelt.removesuffix("s") if blocks and spelt != "secondary_artifacts" else spelt


_PARTS: Mapping[Kind, Callable[[Any, Any], Iterator[Part]]] = {
    Kind.BUCKET: _of_bucket,
    Kind.KEY: _of_key,
    Kind.PIPELINE: _of_pipeline,
    Kind.PROJECT: _of_project,
    Kind.TRAIL: _of_trail,
}
