"""S3 buckets: read, write and list their policy, default encryption and website hosting.

Every call names the expected bucket owner, so that another account's bucket of the same name is never read or changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pipeseal.aws.clients import Clients
from pipeseal.aws.documents import MutableDocument
from pipeseal.aws.errors import code, unless
from pipeseal.aws.paging import page_argument
from pipeseal.kinds.adapter import Adapter
from pipeseal.kinds.bucket.lost_updates import with_lost_update
from pipeseal.kinds.bucket.value import Bucket
from pipeseal.model import Kind, Listed, Page, Ref
from pipeseal.policy import Policy
from pipeseal.settings import Scope

if TYPE_CHECKING:
    from pipeseal.clock import Clock
    from pipeseal.kinds.facts import LedgerFacts, PastWrite
    from pipeseal.model import Cause
    from pipeseal.settings import Settings

_DENIED = {"AccessDenied", "MethodNotAllowed", "AllAccessDisabled"}
_MAX_BUCKETS = 10_000
"""The highest MaxBuckets. S3 rejects an unpaged listing in accounts with a bucket quota above it."""


def _arguments(ref: Ref) -> dict[str, str]:
    """Return the arguments that every call about one bucket has."""
    return {"Bucket": ref.name, "ExpectedBucketOwner": ref.account}


def _policy(clients: Clients, ref: Ref) -> Policy:
    found = unless("NoSuchBucketPolicy", clients("s3", ref.region).get_bucket_policy, **_arguments(ref))
    return Policy.parse(found["Policy"] if found else None)


def _encryption(clients: Clients, ref: Ref) -> MutableDocument:
    missing = "ServerSideEncryptionConfigurationNotFoundError"
    found = unless(missing, clients("s3", ref.region).get_bucket_encryption, **_arguments(ref))
    return found["ServerSideEncryptionConfiguration"] if found else {}


def is_own_bucket(clients: Clients, ref: Ref) -> bool:
    """Return whether the account owns the bucket: after an access denied error only ListBuckets can tell."""
    pages = clients("s3", ref.region).get_paginator("list_buckets").paginate(Prefix=ref.name)
    return any(bucket["Name"] == ref.name for page in pages for bucket in page.get("Buckets", ()))


class BucketAdapter(Adapter[Bucket]):
    """See Adapter."""

    def list_page(self, clients: Clients, account: str, region: str, token: str) -> Page:
        """Return a page of the buckets in *region*: one call.

        S3 accepts BucketRegion only at that Region's own endpoint. CreationDate can be that of the last policy change.
        """
        found = clients("s3", region).list_buckets(
            MaxBuckets=_MAX_BUCKETS, BucketRegion=region, **page_argument("ContinuationToken", token)
        )
        listed = (
            Listed(Ref(Kind.BUCKET, account, region, bucket["Name"]), bucket.get("CreationDate"))
            for bucket in found.get("Buckets", ())
        )
        return Page(tuple(listed), found.get("ContinuationToken", ""))

    def read(self, clients: Clients, ref: Ref, facts: LedgerFacts, settings: Settings) -> Bucket | None:
        """Return the bucket; None where it does not exist or another account owns it: at most two calls.

        The encryption is read only where it must be KMS: *facts* name dependents, or EncryptionScope is `all`.
        """
        requires_kms = bool(facts.dependents) or settings.encryption_scope is Scope.ALL
        try:
            return Bucket(
                ref,
                policy=_policy(clients, ref),
                encryption=_encryption(clients, ref) if requires_kms else {},
                dependents=facts.dependents,
                requires_kms=requires_kms,
            )
        except ClientError as error:
            if code(error) == "NoSuchBucket" or (code(error) in _DENIED and not is_own_bucket(clients, ref)):
                return None
            raise

    def load_details(self, clients: Clients, bucket: Bucket, _settings: Settings, _clock: Clock) -> Bucket:
        """Return *bucket* with `website` set."""
        s3 = clients("s3", bucket.ref.region)
        hosting = unless("NoSuchWebsiteConfiguration", s3.get_bucket_website, **_arguments(bucket.ref))
        return replace(bucket, website=hosting is not None)

    def with_event(self, bucket: Bucket, cause: Cause, past_writes: Callable[[], tuple[PastWrite, ...]]) -> Bucket:
        """Return *bucket* with what a write by pipeseal removed from the policy that *cause* put."""
        return with_lost_update(bucket, cause, past_writes) if cause.put is not None else bucket

    def write(self, clients: Clients, before: Bucket, after: Bucket) -> None:
        """Turn *before* into *after* with the fewest calls.

        Only an undo deletes, with the operator's own permissions: the functions' roles do not allow it.
        """
        s3 = clients("s3", after.ref.region)
        if after.policy != before.policy:
            if after.policy.document is None:
                s3.delete_bucket_policy(**_arguments(after.ref))
            else:
                s3.put_bucket_policy(**_arguments(after.ref), Policy=after.policy.text)
        if after.encryption == before.encryption:
            return
        if not after.encryption:
            s3.delete_bucket_encryption(**_arguments(after.ref))
        else:
            s3.put_bucket_encryption(**_arguments(after.ref), ServerSideEncryptionConfiguration=after.encryption)

    def refresh(self, clients: Clients, before: Bucket | None, after: Bucket) -> Bucket:
        """Return *after* with what concurrent writers may have changed: one call, two where *before* is None.

        The new policy is a merge with the one that was read, so a concurrent change may be lost: it is always read back
        after a write. The encryption is read back where only that was written.
        """
        if before is None and after.requires_kms:
            after = replace(after, encryption=_encryption(clients, after.ref))
        elif before is not None and after.policy == before.policy:
            return replace(after, encryption=_encryption(clients, after.ref))
        live = _policy(clients, after.ref)
        return after if live.same_as(after.policy) else replace(after, policy=live)

    def tags(self, clients: Clients, ref: Ref) -> dict[str, str]:
        """Return the bucket's tags."""
        found = unless("NoSuchTagSet", clients("s3", ref.region).get_bucket_tagging, **_arguments(ref))
        return {tag["Key"]: tag["Value"] for tag in found["TagSet"]} if found else {}


ADAPTER = BucketAdapter()
