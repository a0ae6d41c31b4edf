"""KMS keys: read, list, disable, schedule for deletion, enable rotation, and undo each of these."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pipeseal.aws.clients import Client, Clients
from pipeseal.aws.documents import Document
from pipeseal.aws.errors import code, unless
from pipeseal.aws.paging import page_argument
from pipeseal.kinds.adapter import Adapter
from pipeseal.kinds.facts import LedgerFacts
from pipeseal.kinds.key.value import Key
from pipeseal.model import Kind, Listed, Page, Ref

if TYPE_CHECKING:
    from pipeseal.clock import Clock
    from pipeseal.settings import Settings

_CREATION_SECONDS = 20
"""How long to wait for KMS to create a replica."""
_MAX_KEYS = 100
"""Keys on one page. ListKeys returns only IDs, so each key costs one more call."""


class NotReady(Exception):
    """KMS is still creating a replica key; its state cannot be changed before that has finished."""


def _listed(kms: Client, ref: Ref) -> Listed | None:
    """Return the key as listed; None for AWS managed keys and keys that are deleted or pending deletion."""
    try:
        found = unless("NotFoundException", kms.describe_key, KeyId=ref.arn)
    except ClientError as error:
        if code(error) != "AccessDeniedException":
            raise
        return Listed(ref, None)
    if found is None:
        return None
    metadata = found["KeyMetadata"]
    if metadata.get("KeyManager") == "AWS" or key_from_metadata(metadata).pending_deletion:
        return None
    return Listed(ref, metadata.get("CreationDate"))


def _with_rotation(clients: Clients, key: Key) -> Key:
    if not key.rotatable:
        return key
    found = clients("kms", key.ref.region).get_key_rotation_status(KeyId=key.ref.arn)
    return replace(key, rotates=found["KeyRotationEnabled"])


def key_from_metadata(metadata: Document) -> Key:
    """Return the Key that DescribeKey's KeyMetadata describes."""
    _, _, _, region, account, resource = metadata["Arn"].split(":", 5)
    return Key(
        ref=Ref(Kind.KEY, account, region, resource.removeprefix(Kind.KEY.spec.arn_prefix)),
        spec=metadata.get("KeySpec") or metadata.get("CustomerMasterKeySpec") or "unknown",
        usage=metadata.get("KeyUsage", "ENCRYPT_DECRYPT"),  # KMS's default
        status=metadata["KeyState"],
        manager=metadata.get("KeyManager", "CUSTOMER"),
        multi_region=metadata.get("MultiRegionConfiguration", {}).get("MultiRegionKeyType", ""),
        origin=metadata.get("Origin", "AWS_KMS"),
        age=datetime.now(UTC) - metadata["CreationDate"] if "CreationDate" in metadata else None,
    )


class KeyAdapter(Adapter[Key]):
    """See Adapter."""

    def list_page(self, clients: Clients, account: str, region: str, token: str) -> Page:
        """Return a page of the customer managed keys in *region* that are not pending deletion: a call, and one a key.

        A key that must not be described is listed too, so that the read reports the missing permission.
        """
        kms = clients("kms", region)
        found = kms.list_keys(Limit=_MAX_KEYS, **page_argument("Marker", token))
        refs = (Ref(Kind.KEY, account, region, each["KeyId"]) for each in found["Keys"])
        listed = filter(None, (_listed(kms, ref) for ref in refs))
        return Page(tuple(listed), found["NextMarker"] if found.get("Truncated") else "")

    def read(self, clients: Clients, ref: Ref, facts: LedgerFacts, _settings: Settings) -> Key | None:
        """Return the key; None where it does not exist: one call, two where *facts* name dependents."""
        found = unless("NotFoundException", clients("kms", ref.region).describe_key, KeyId=ref.arn)
        if found is None:
            return None
        key = replace(key_from_metadata(found["KeyMetadata"]), dependents=facts.dependents)
        return _with_rotation(clients, key) if key.dependents else key

    def load_details(self, clients: Clients, key: Key, settings: Settings, clock: Clock) -> Key:
        """Return *key* with `rotates` set, once KMS has created it: a replica is Creating for some seconds.

        Raises NotReady where it is still Creating after 20 seconds.
        """
        for _ in range(_CREATION_SECONDS):
            if key.status != "Creating":
                return key if key.rotates is not None else _with_rotation(clients, key)
            clock.wait(1)
            live = self.read(clients, key.ref, LedgerFacts(), settings)
            key = replace(live or key, dependents=key.dependents)
        raise NotReady(f"{key.ref.arn} is still Creating; Lambda retries the event")

    def write(self, clients: Clients, before: Key, after: Key) -> None:
        """Change the rotation; disable the key at once and then schedule its deletion, or reverse that.

        Only an undo disables rotation or enables a key, with the operator's own permissions: the functions' roles do
        not allow it.
        """
        kms = clients("kms", after.ref.region)
        if after.rotates != before.rotates:
            (kms.enable_key_rotation if after.rotates else kms.disable_key_rotation)(KeyId=after.ref.arn)
        if after.status == before.status:
            return
        if before.pending_deletion and not after.pending_deletion:
            kms.cancel_key_deletion(KeyId=after.ref.name)  # the key is Disabled then
        if after.status == "Enabled":
            kms.enable_key(KeyId=after.ref.name)
        if before.status == "Enabled":
            kms.disable_key(KeyId=after.ref.name)
        if after.window:
            kms.schedule_key_deletion(KeyId=after.ref.name, PendingWindowInDays=after.window)

    def refresh(self, clients: Clients, before: Key | None, after: Key) -> Key:
        """Return *after* with what was written as it is now; with everything where *before* is None."""
        if before is not None and after.status == before.status:
            return _with_rotation(clients, after)
        found = clients("kms", after.ref.region).describe_key(KeyId=after.ref.arn)
        live = replace(key_from_metadata(found["KeyMetadata"]), dependents=after.dependents)
        return _with_rotation(clients, live) if before is None else replace(live, rotates=after.rotates)

    def tags(self, clients: Clients, ref: Ref) -> dict[str, str]:
        """Return the key's tags."""
        pages = clients("kms", ref.region).get_paginator("list_resource_tags").paginate(KeyId=ref.arn)
        return {tag["TagKey"]: tag["TagValue"] for page in pages for tag in page.get("Tags", ())}


ADAPTER = KeyAdapter()
