"""The CloudTrail events of S3 buckets; pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache

from pipeseal.kinds.bucket.value import Bucket
from pipeseal.kinds.events import (
    KindEvents,
    Reconstruction,
    Record,
    SnapshotContext,
    listed_arns,
    mapping,
    refs_named,
)
from pipeseal.model import Kind, Ref
from pipeseal.policy import Policy, PolicyError
from pipeseal.settings import Scope

_SSE_KMS = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}
# The default encryption of a new bucket since 2023, and of one whose own configuration was deleted.
_SSE_S3 = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}


@lru_cache(maxsize=1)
def _deny_all() -> Policy:
    """Return a policy that satisfies every control, because it denies every request."""
    statement = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}
    return Policy.parse({"Version": "2012-10-17", "Statement": statement})


def _refs(record: Record, account: str, region: str) -> Iterator[Ref]:
    """Yield the bucket in requestParameters; only `resources`, where present, tells which account owns it."""
    name = mapping(record.get("requestParameters")).get("bucketName")
    owners = {name: owner for owner, _, name in listed_arns(record, "s3") if "/" not in name}
    if not isinstance(name, str) and len(owners) == 1:
        (name,) = owners
    owner = owners.get(name, "") if isinstance(name, str) else ""
    yield from refs_named(Kind.BUCKET, owner or account, region, name)


def _put_policy(name: str, request: Record) -> object:
    """Return the bucket policy that the call put; {} where it deleted the policy, None where it did neither."""
    if name == "DeleteBucketPolicy":
        return {}
    return request.get("bucketPolicy") if name == "PutBucketPolicy" else None


def _unseen(ref: Ref) -> Reconstruction[Bucket]:
    return Reconstruction(Bucket(ref, _deny_all(), _SSE_KMS), frozenset({"policy", "encryption", "website"}))


def _update(
    known: Reconstruction[Bucket], name: str, request: Record, _response: Record
) -> Reconstruction[Bucket] | None:
    match name:
        case "CreateBucket":
            return known.with_known(policy=Policy.parse(None), encryption=_SSE_S3, website=False)
        case "DeleteBucket":
            return None
        case "PutBucketPolicy":
            return _with_policy(known, request)
        case "DeleteBucketPolicy":
            return known.with_known(policy=Policy.parse(None))
        case "PutBucketWebsite" | "DeleteBucketWebsite":
            return known.with_known(website=name == "PutBucketWebsite")
    return _with_encryption(known, name, request)


def _with_policy(known: Reconstruction[Bucket], request: Record) -> Reconstruction[Bucket]:
    """Return the bucket with the policy in the request; older records do not hold it, so that it becomes unknown."""
    for name in ("bucketPolicy", "policy"):
        raw = request.get(name)
        if not isinstance(raw, str | Mapping) or not raw:
            continue
        try:
            return known.with_known(policy=_parsed(raw if isinstance(raw, str) else json.dumps(raw)))
        except PolicyError:
            continue
    return known.with_unknown(policy=_deny_all())


@lru_cache(maxsize=512)
def _parsed(text: str) -> Policy:
    """Parse a policy; cached, because the same policy is often put many times."""
    return Policy.parse(text)


def _with_encryption(known: Reconstruction[Bucket], name: str, request: Record) -> Reconstruction[Bucket]:
    """Return the bucket with the rules in the request, which CloudTrail converts from XML: one rule is no list."""
    if name == "DeleteBucketEncryption":
        return known.with_known(encryption=_SSE_S3)
    rules = mapping(request.get("ServerSideEncryptionConfiguration")).get("Rule")
    listed = [dict(rule) for rule in (rules if isinstance(rules, list) else [rules]) if isinstance(rule, Mapping)]
    if not listed:
        return known.with_unknown(encryption=_SSE_KMS)
    return known.with_known(encryption={"Rules": listed})


def _complete(known: Reconstruction[Bucket], context: SnapshotContext) -> Reconstruction[Bucket]:
    encrypt = bool(context.dependents) or context.settings.encryption_scope is Scope.ALL
    return known.with_context(dependents=context.dependents, requires_kms=encrypt)


EVENTS = KindEvents(
    kind=Kind.BUCKET,
    triggers=dict.fromkeys(
        ("PutBucketPolicy", "DeleteBucketPolicy", "PutBucketEncryption", "DeleteBucketEncryption"), _refs
    ),
    other_changes=dict.fromkeys(("CreateBucket", "DeleteBucket", "PutBucketWebsite", "DeleteBucketWebsite"), _refs),
    creations=frozenset({"CreateBucket"}),
    unseen=_unseen,
    update=_update,
    complete=_complete,
    put_document=_put_policy,
)
