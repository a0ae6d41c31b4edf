"""CloudTrail records -> the resources as they were, in the model's own terms; pure.

A record tells a part of a resource. What nobody told is assumed to be as it should be, and kept apart as unknown: no
control then finds fault with what was never seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from pipeseal.model import Kind, Ref
from pipeseal.model.application import Application
from pipeseal.model.bucket import Bucket
from pipeseal.model.key import Key
from pipeseal.model.pipeline import Pipeline
from pipeseal.model.project import Project
from pipeseal.model.trail import ALL_MANAGEMENT, Trail
from pipeseal.policy import Policy, PolicyError

Record = Mapping[str, Any]

# Refuses everything, and so whatever a control may want refused.
_SEALED = Policy.parse(
    {"Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}, "Version": "2012-10-17"}
)
_UNDER_KMS = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}
# What S3 gives every bucket since 2023, and what is left when its owner takes away what they chose.
_UNDER_S3 = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}

# How CloudTrail shows a token that it will not show.
_MASKS = ("****", "HIDDEN_DUE_TO_SECURITY_REASONS")
_MASKED = "AWS masks a token in it, and writing it back would destroy the token"

_MOST_REVISIONS = 100
"""As many as one page of the register has, which is what pipeseal reads."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the records told of one resource so far."""

    resource: Any
    """The snapshot, with what is unknown as it should be."""
    unknown: frozenset[str]
    """Parts of it that no record told; empty where the whole life of the resource lies in the records."""
    born: datetime | None = None
    """When it was made, where a record tells that."""

    def told(self, *parts: str, **fields: Any) -> Known:
        """Return this with *fields* of the resource as a record has them; they and *parts* are unknown no longer."""
        return replace(self, resource=replace(self.resource, **fields), unknown=self.unknown.difference(parts, fields))

    def put_right(self, after: Any) -> Known:
        """Return this as *after*, which pipeseal would have written, has it."""
        before, state = self.resource.state(), after.state()
        unknown = self.unknown.difference(part for part in state if state[part] != before[part])
        trail = isinstance(after, Trail)  # which has learned meanwhile what it is measured by
        return replace(self, resource=self.resource.with_state(state) if trail else after, unknown=unknown)


def learned(known: Known | None, ref: Ref, record: Record, time: datetime) -> Known | None:
    """Return what is known of *ref* once *record* is; None where it is gone."""
    request, response = (_mapping(record.get(side)) for side in ("requestParameters", "responseElements"))
    name = str(record["eventName"])
    making = name in _MAKING
    former = unseen(ref) if known is None or making else known
    if making:
        former = replace(former, born=time)
    return _READ[ref.kind](former, name, request, response)


_MAKING = {
    "CreateApplication",
    "CreateBucket",
    "CreateKey",
    "CreatePipeline",
    "CreateProject",
    "CreateTrail",
    "ReplicateKey",
}


def _mapping(value: object) -> Record:
    return value if isinstance(value, Mapping) else {}


# --------------------------------------------------------------------- buckets


def _bucket(known: Known, name: str, request: Record, _response: Record) -> Known | None:
    match name:
        case "CreateBucket":
            return known.told(policy=Policy.parse(None), encryption=_UNDER_S3, website=False)
        case "DeleteBucket":
            return None
        case "PutBucketPolicy":
            return _with_policy(known, request)
        case "DeleteBucketPolicy":
            return known.told(policy=Policy.parse(None))
        case "PutBucketWebsite" | "DeleteBucketWebsite":
            return known.told(website=name == "PutBucketWebsite")
    return _with_encryption(known, name, request)


def _with_policy(known: Known, request: Record) -> Known:
    """Take the policy out of a request; older records do not hold it, and then nobody knows it any more."""
    for name in ("bucketPolicy", "policy"):
        raw = request.get(name)
        if not isinstance(raw, str | Mapping) or not raw:
            continue
        try:
            return known.told(policy=_parsed(raw if isinstance(raw, str) else json.dumps(raw)))
        except PolicyError:
            continue
    return replace(known, resource=replace(known.resource, policy=_SEALED), unknown=known.unknown | {"policy"})


@lru_cache(maxsize=512)
def _parsed(text: str) -> Policy:
    """Parse a policy once: who writes one mostly writes the same again."""
    return Policy.parse(text)


def _with_encryption(known: Known, name: str, request: Record) -> Known:
    if name == "DeleteBucketEncryption":
        return known.told(encryption=_UNDER_S3)
    rules = _mapping(request.get("ServerSideEncryptionConfiguration")).get("Rule")
    listed = [dict(rule) for rule in (rules if isinstance(rules, list) else [rules]) if isinstance(rule, Mapping)]
    if not listed:
        unknown = known.unknown | {"encryption"}
        return replace(known, resource=replace(known.resource, encryption=_UNDER_KMS), unknown=unknown)
    return known.told(encryption={"Rules": listed})


# ------------------------------------------------------------------------ keys


def _key(known: Known, name: str, request: Record, response: Record) -> Known | None:
    match name:
        case "CreateKey":
            return _new_key(known, _mapping(response.get("keyMetadata")) or request)
        case "ReplicateKey":
            return _new_key(known, _mapping(response.get("replicaKeyMetadata")))
        case "EnableKeyRotation" | "DisableKeyRotation":
            return known.told(rotates=name == "EnableKeyRotation")
    status = {"EnableKey": "Enabled", "ScheduleKeyDeletion": "PendingDeletion"}.get(name, "Disabled")
    return known.told(status=status, window=0)


def _new_key(known: Known, metadata: Record) -> Known:
    """Read KeyMetadata, or CreateKey's parameters; the oldest records have no spec, for there was only one."""
    if not metadata:
        return known
    spec = metadata.get("keySpec") or metadata.get("customerMasterKeySpec") or "SYMMETRIC_DEFAULT"
    replicas = _mapping(metadata.get("multiRegionConfiguration"))
    found = replace(
        known.resource,
        spec=str(spec),
        usage=str(metadata.get("keyUsage") or "ENCRYPT_DECRYPT"),
        status="Enabled",
        manager=str(metadata.get("keyManager") or "CUSTOMER"),
        origin=str(metadata.get("origin") or "AWS_KMS"),
        multi_region=str(replicas.get("multiRegionKeyType") or ""),
    )
    rotates = False if found.rotatable else None  # as KMS makes them
    return Known(replace(found, rotates=rotates), frozenset(), known.born)


# ------------------------------------------- pipelines, applications, projects


def _pipeline(known: Known, name: str, request: Record, response: Record) -> Known | None:
    """Take the structure, which a record holds whole."""
    if name == "DeletePipeline":
        return None
    document = _mapping(request.get("pipeline")) or _mapping(response.get("pipeline"))
    text = json.dumps(document)
    made = ("transition",) if name == "CreatePipeline" else ()
    return known.told(*made, document=document, locked=_MASKED if any(mask in text for mask in _MASKS) else "")


def _application(known: Known, name: str, request: Record, _response: Record) -> Known | None:
    """Take revisions, groups and descriptions as they come, the newest first."""
    match name:
        case "DeleteApplication":
            return None
        case "CreateApplication":
            return replace(known, unknown=frozenset())
    was: Application = known.resource
    revision = _mapping(request.get("revision"))
    group, text = request.get("deploymentGroupName"), request.get("description")
    revisions = [revision, *(each for each in was.revisions if each != revision)] if revision else was.revisions
    return replace(
        known,
        resource=replace(
            was,
            revisions=tuple(revisions[:_MOST_REVISIONS]),
            groups=tuple(dict.fromkeys((*was.groups, group))) if isinstance(group, str) else was.groups,
            descriptions=(text,) if isinstance(text, str) else was.descriptions,
        ),
    )


def _project(known: Known, name: str, request: Record, response: Record) -> Known | None:
    """Take the project from the answer, which has all of it, or what the request says of it."""
    if name == "DeleteProject":
        return None
    if document := _mapping(response.get("project")):
        return known.told(document=document)
    changed = known.told(document={**known.resource.document, **request})
    return changed if name == "CreateProject" else replace(changed, unknown=known.unknown)


# ---------------------------------------------------------------------- trails

# GetTrail's name of a setting -> that of UpdateTrail's and CreateTrail's request, where it is another.
_ASKED = {
    "S3BucketName": "s3BucketName",
    "S3KeyPrefix": "s3KeyPrefix",
    "IncludeGlobalServiceEvents": "includeGlobalServiceEvents",
    "IsMultiRegionTrail": "isMultiRegionTrail",
    "LogFileValidationEnabled": "logFileValidationEnabled",
    "CloudWatchLogsLogGroupArn": "cloudWatchLogsLogGroupArn",
    "CloudWatchLogsRoleArn": "cloudWatchLogsRoleArn",
    "KmsKeyId": "kmsKeyId",
    "IsOrganizationTrail": "isOrganizationTrail",
}
_SWITCHES = ("IncludeGlobalServiceEvents", "IsMultiRegionTrail", "LogFileValidationEnabled")


def _trail(known: Known, name: str, request: Record, response: Record) -> Known | None:
    trail = replace(known, resource=replace(known.resource, hint=name, exists=name != "DeleteTrail"))
    match name:
        case "CreateTrail":
            settings = _settings(response or request)
            return trail.told(logging=False, fresh=True, selectors=ALL_MANAGEMENT, settings=settings)
        case "UpdateTrail":
            return trail.told(
                settings={**_assumed(known), **_settings(response)} if response else known.resource.settings
            )
        case "DeleteTrail":
            return trail.told(logging=False, selectors={})
        case "PutEventSelectors":
            return _with_selectors(trail, request)
    return trail.told(logging=name == "StartLogging", fresh=False)


def _settings(record: Record) -> dict[str, Any]:
    return {ours: record[theirs] for ours, theirs in _ASKED.items() if record.get(theirs) is not None}


def _assumed(known: Known) -> dict[str, Any]:
    """Return the switches that an answer which does not name them is taken to have on."""
    return dict.fromkeys(_SWITCHES, True) if "settings" in known.unknown else dict(known.resource.settings)


def _with_selectors(trail: Known, request: Record) -> Known:
    for form in ("EventSelectors", "AdvancedEventSelectors"):
        found = request.get(form[0].lower() + form[1:])
        if isinstance(found, list) and found:
            return trail.told(selectors={form: _capitals(found)})
    return trail


def _capitals(value: Any) -> Any:
    """Spell names as the API does; CloudTrail begins them with a small letter."""
    if isinstance(value, Mapping):
        return {str(name)[:1].upper() + str(name)[1:]: _capitals(each) for name, each in value.items()}
    return [_capitals(each) for each in value] if isinstance(value, list) else value


# -------------------------------------------------------------------- strangers


def _known(resource: Any, *unknown: str) -> Known:
    return Known(resource, frozenset(unknown))


def unseen(ref: Ref) -> Known:
    """Return what is known of a resource that no record spoke of yet: nothing."""
    return _STRANGERS[ref.kind](ref)


_STRANGERS: Mapping[Kind, Callable[[Ref], Known]] = {
    Kind.BUCKET: lambda ref: _known(Bucket(ref, _SEALED, _UNDER_KMS), "policy", "encryption", "website"),
    Kind.KEY: lambda ref: _known(
        Key(ref, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "Enabled"), "spec", "status", "rotates"
    ),
    Kind.PIPELINE: lambda ref: _known(Pipeline(ref, {}), "document", "transition"),
    Kind.APPLICATION: lambda ref: _known(Application(ref), "revisions"),
    Kind.PROJECT: lambda ref: _known(Project(ref, {}), "document"),
    Kind.TRAIL: lambda ref: _known(Trail(ref), "logging", "selectors", "settings"),
}

_READ: Mapping[Kind, Callable[[Known, str, Record, Record], Known | None]] = {
    Kind.BUCKET: _bucket,
    Kind.KEY: _key,
    Kind.PIPELINE: _pipeline,
    Kind.APPLICATION: _application,
    Kind.PROJECT: _project,
    Kind.TRAIL: _trail,
}
