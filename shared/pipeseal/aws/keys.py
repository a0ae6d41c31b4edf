"""KMS keys: what DescribeKey says of one, and taking one out of service."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeseal.aws.clients import Clients, unless
from pipeseal.model import Kind, Ref
from pipeseal.model.key import Key

if TYPE_CHECKING:
    from pipeseal.aws.ledger import Memory
    from pipeseal.settings import Settings

_REPLICA_SECONDS = 20


class NotReady(Exception):
    """A replica is still being made; KMS changes its state only afterwards."""


def read(clients: Clients, ref: Ref, memory: Memory | None, _settings: Settings) -> Key | None:
    """Return the key as it is now, or None where there is none: one call."""
    found = unless("NotFoundException", clients("kms", ref.region).describe_key, KeyId=ref.arn)
    return replace(described(found["KeyMetadata"]), users=memory.users if memory else {}) if found else None


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
        age=datetime.now(UTC) - metadata["CreationDate"] if "CreationDate" in metadata else None,
    )


def complete(clients: Clients, key: Key, settings: Settings) -> Key:
    """Return *key* once KMS has made it: a replica is Creating for some seconds. Raises NotReady after a while."""
    for _ in range(_REPLICA_SECONDS):
        if key.status != "Creating":
            return key
        time.sleep(1)
        key = read(clients, key.ref, None, settings) or key
    raise NotReady(f"{key.ref.arn} is still Creating; the event will be tried again")


def write(clients: Clients, before: Key, after: Key) -> None:
    """Disable the key at once, then schedule its deletion where *after* wants one; or bring it back.

    Only an undo brings a key back, with the operator's own permissions: the functions' roles do not have them.
    """
    if after.status == before.status:
        return
    kms = clients("kms", after.ref.region)
    if before.dying and not after.dying:
        kms.cancel_key_deletion(KeyId=after.ref.name)  # which leaves the key disabled
    if after.status == "Enabled":
        kms.enable_key(KeyId=after.ref.name)
    if before.status == "Enabled":
        kms.disable_key(KeyId=after.ref.name)
    if after.window:
        kms.schedule_key_deletion(KeyId=after.ref.name, PendingWindowInDays=after.window)


def reread(clients: Clients, _before: Key, after: Key) -> Key:
    """Return the key as it is after the write."""
    found = clients("kms", after.ref.region).describe_key(KeyId=after.ref.arn)
    return described(found["KeyMetadata"])
