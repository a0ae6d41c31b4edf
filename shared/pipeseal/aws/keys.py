"""KMS keys: what DescribeKey says of one and whether it is rotated; taking one out of service, having it rotated."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from pipeseal.aws.clients import Clients, code, unless
from pipeseal.aws.pages import Listed, Page, asking
from pipeseal.model import Kind, Ref
from pipeseal.model.key import Key

if TYPE_CHECKING:
    from pipeseal.aws.memory import Memory
    from pipeseal.settings import Settings

_REPLICA_SECONDS = 20
# ListKeys gives no more than ids, so that a page costs as many calls as it has keys.
_PAGE = 100


class NotReady(Exception):
    """A replica is still being made; KMS changes its state only afterwards."""


def page(clients: Clients, account: str, region: str, token: str) -> Page:
    """Return the keys of *region* that are *account*'s to manage and not about to be deleted: a call for each key.

    One that may not be described is among them: whoever reads it hears why.
    """
    kms = clients("kms", region)
    found = kms.list_keys(Limit=_PAGE, **asking("Marker", token))
    refs = (Ref(Kind.KEY, account, region, each["KeyId"]) for each in found["Keys"])
    listed = filter(None, (_listed(kms, ref) for ref in refs))
    return Page(tuple(listed), found["NextMarker"] if found.get("Truncated") else "")


def _listed(kms: Any, ref: Ref) -> Listed | None:
    try:
        found = unless("NotFoundException", kms.describe_key, KeyId=ref.arn)
    except ClientError as error:
        if code(error) != "AccessDeniedException":
            raise
        return Listed(ref, None)
    if found is None or found["KeyMetadata"].get("KeyManager") == "AWS" or described(found["KeyMetadata"]).dying:
        return None
    return Listed(ref, found["KeyMetadata"].get("CreationDate"))


def read(clients: Clients, ref: Ref, memory: Memory | None, _settings: Settings) -> Key | None:
    """Return the key as it is now, or None where there is none: one call, and one more for a key of artifacts."""
    found = unless("NotFoundException", clients("kms", ref.region).describe_key, KeyId=ref.arn)
    if found is None:
        return None
    key = replace(described(found["KeyMetadata"]), users=memory.users if memory else {})
    return _with_rotation(clients, key) if key.users else key


def _with_rotation(clients: Clients, key: Key) -> Key:
    if not key.rotatable:
        return key
    found = clients("kms", key.ref.region).get_key_rotation_status(KeyId=key.ref.arn)
    return replace(key, rotates=found["KeyRotationEnabled"])


def described(metadata: dict[str, Any]) -> Key:
    """Turn DescribeKey's KeyMetadata into a Key."""
    _, _, _, region, account, resource = metadata["Arn"].split(":", 5)
    return Key(
        ref=Ref(Kind.KEY, account, region, resource.removeprefix("key/")),
        spec=metadata.get("KeySpec") or metadata.get("CustomerMasterKeySpec") or "unknown",
        usage=metadata.get("KeyUsage", "ENCRYPT_DECRYPT"),  # KMS's own default
        status=metadata["KeyState"],
        manager=metadata.get("KeyManager", "CUSTOMER"),
        multi_region=metadata.get("MultiRegionConfiguration", {}).get("MultiRegionKeyType", ""),
        origin=metadata.get("Origin", "AWS_KMS"),
        age=datetime.now(UTC) - metadata["CreationDate"] if "CreationDate" in metadata else None,
    )


def complete(clients: Clients, key: Key, settings: Settings) -> Key:
    """Return *key*, rotation and all, once KMS has made it: a replica is Creating for some seconds.

    Raises NotReady after a while.
    """
    for _ in range(_REPLICA_SECONDS):
        if key.status != "Creating":
            return key if key.rotates is not None else _with_rotation(clients, key)
        time.sleep(1)
        key = replace(read(clients, key.ref, None, settings) or key, users=key.users)
    raise NotReady(f"{key.ref.arn} is still Creating; the event will be tried again")


def write(clients: Clients, before: Key, after: Key) -> None:
    """Turn rotation on or off; disable the key at once, then schedule its deletion where wanted; or bring it back.

    Only an undo turns rotation off or brings a key back, with the operator's own permissions: the functions' roles do
    not have them.
    """
    kms = clients("kms", after.ref.region)
    if after.rotates != before.rotates:
        (kms.enable_key_rotation if after.rotates else kms.disable_key_rotation)(KeyId=after.ref.arn)
    if after.status == before.status:
        return
    if before.dying and not after.dying:
        kms.cancel_key_deletion(KeyId=after.ref.name)  # which leaves the key disabled
    if after.status == "Enabled":
        kms.enable_key(KeyId=after.ref.name)
    if before.status == "Enabled":
        kms.disable_key(KeyId=after.ref.name)
    if after.window:
        kms.schedule_key_deletion(KeyId=after.ref.name, PendingWindowInDays=after.window)


def reread(clients: Clients, before: Key | None, after: Key) -> Key:
    """Return the key as it is after the write, in what was written; *before* is None where nobody knows what was."""
    if before is None:
        found = clients("kms", after.ref.region).describe_key(KeyId=after.ref.arn)
        return _with_rotation(clients, replace(described(found["KeyMetadata"]), users=after.users))
    if after.status == before.status:
        return _with_rotation(clients, after)
    found = clients("kms", after.ref.region).describe_key(KeyId=after.ref.arn)
    return replace(described(found["KeyMetadata"]), users=after.users, rotates=after.rotates)


def tags(clients: Clients, ref: Ref) -> dict[str, str]:
    """Return the key's tags."""
    pages = clients("kms", ref.region).get_paginator("list_resource_tags").paginate(KeyId=ref.arn)
    return {tag["TagKey"]: tag["TagValue"] for page in pages for tag in page.get("Tags", ())}
