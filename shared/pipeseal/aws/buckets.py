"""S3 buckets: their policy, default encryption and website hosting.

Every call names the account that must own the bucket, so that a bucket of the same name that somebody else made
meanwhile is never touched.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from pipeseal.aws.clients import Clients, code, unless
from pipeseal.aws.pages import Listed, Page, asking
from pipeseal.model import Kind, Ref
from pipeseal.model.bucket import Bucket
from pipeseal.policy import Policy
from pipeseal.settings import Scope

if TYPE_CHECKING:
    from pipeseal.aws.memory import Memory
    from pipeseal.settings import Settings

_DENIED = {"AccessDenied", "MethodNotAllowed", "AllAccessDisabled"}
# The most that S3 lists at once. An account with a quota of more buckets must be listed page by page.
_PAGE = 10_000


def page(clients: Clients, account: str, region: str, token: str) -> Page:
    """Return the buckets of *region*, one call a page.

    S3 takes BucketRegion at that Region's own endpoint only; and to S3 a bucket may count as created when its policy
    was last changed.
    """
    found = clients("s3", region).list_buckets(
        MaxBuckets=_PAGE, BucketRegion=region, **asking("ContinuationToken", token)
    )
    listed = (
        Listed(Ref(Kind.BUCKET, account, region, bucket["Name"]), bucket.get("CreationDate"))
        for bucket in found.get("Buckets", ())
    )
    return Page(tuple(listed), found.get("ContinuationToken", ""))


def read(clients: Clients, ref: Ref, memory: Memory, settings: Settings) -> Bucket | None:
    """Return the bucket as it is now, or None where it is gone or another account's: two calls at most.

    *memory* says which pipelines keep artifacts in it; encryption is read only where it matters.
    """
    encrypt = bool(memory.users) or settings.encryption_scope is Scope.ALL
    try:
        return Bucket(
            ref,
            policy=_policy(clients, ref),
            encryption=_encryption(clients, ref) if encrypt else {},
            users=memory.users,
            encrypt=encrypt,
        )
    except ClientError as error:
        if code(error) == "NoSuchBucket" or (code(error) in _DENIED and not ours(clients, ref)):
            return None
        raise


def complete(clients: Clients, bucket: Bucket, _settings: Settings) -> Bucket:
    """Return *bucket* with what only a bucket in violation is asked for."""
    s3 = clients("s3", bucket.ref.region)
    hosting = unless("NoSuchWebsiteConfiguration", s3.get_bucket_website, **_named(bucket.ref))
    return replace(bucket, website=hosting is not None)


def write(clients: Clients, before: Bucket, after: Bucket) -> None:
    """Make *before* into *after* with the fewest calls.

    Only an undo deletes, with the operator's own permissions: the functions' roles do not have them.
    """
    s3 = clients("s3", after.ref.region)
    if after.policy != before.policy:
        if after.policy.document is None:
            s3.delete_bucket_policy(**_named(after.ref))
        else:
            s3.put_bucket_policy(**_named(after.ref), Policy=after.policy.text)
    if after.encryption == before.encryption:
        return
    if not after.encryption:
        s3.delete_bucket_encryption(**_named(after.ref))
    else:
        s3.put_bucket_encryption(**_named(after.ref), ServerSideEncryptionConfiguration=after.encryption)


def reread(clients: Clients, before: Bucket | None, after: Bucket) -> Bucket:
    """Return *after* with what others may have written meanwhile: one call.

    The policy is merged, so it is read back whenever it was written; the encryption is replaced whole. *before* is None
    where nobody knows which of the two writes were made: then both are read.
    """
    if before is None and after.encrypt:
        after = replace(after, encryption=_encryption(clients, after.ref))
    elif before is not None and after.policy == before.policy:
        return replace(after, encryption=_encryption(clients, after.ref))
    live = _policy(clients, after.ref)
    return after if live.same_as(after.policy) else replace(after, policy=live)


def tags(clients: Clients, ref: Ref) -> dict[str, str]:
    """Return the bucket's tags."""
    found = unless("NoSuchTagSet", clients("s3", ref.region).get_bucket_tagging, **_named(ref))
    return {tag["Key"]: tag["Value"] for tag in found["TagSet"]} if found else {}


def _named(ref: Ref) -> dict[str, str]:
    return {"Bucket": ref.name, "ExpectedBucketOwner": ref.account}


def _policy(clients: Clients, ref: Ref) -> Policy:
    found = unless("NoSuchBucketPolicy", clients("s3", ref.region).get_bucket_policy, **_named(ref))
    return Policy.parse(found["Policy"] if found else None)


def _encryption(clients: Clients, ref: Ref) -> dict[str, Any]:
    missing = "ServerSideEncryptionConfigurationNotFoundError"
    found = unless(missing, clients("s3", ref.region).get_bucket_encryption, **_named(ref))
    return found["ServerSideEncryptionConfiguration"] if found else {}


def ours(clients: Clients, ref: Ref) -> bool:
    """Tell a bucket that is kept from us from one that is not ours: only ours are listed."""
    pages = clients("s3", ref.region).get_paginator("list_buckets").paginate(Prefix=ref.name)
    return any(bucket["Name"] == ref.name for page in pages for bucket in page.get("Buckets", ()))
