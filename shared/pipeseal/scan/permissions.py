"""What a scan must be allowed to do: the reads that controls declare, the listings, and the account's own matters."""

from __future__ import annotations

from itertools import chain
from typing import Any

from pipeseal.aws import pages
from pipeseal.controls import controls_of
from pipeseal.model import Kind
from pipeseal.scan import posture

_TAGS = ("s3:GetBucketTagging", "kms:ListResourceTags", "cloudtrail:ListTags")
"""What exemptions by tag need beside what controls read anyway."""
_READS = ("BatchGet", "Describe", "Get", "List")
# Where IAM calls an action otherwise than its operation.
_OTHERWISE = {
    "ListBuckets": "ListAllMyBuckets",
    "GetBucketEncryption": "GetEncryptionConfiguration",
}


def reads() -> list[str]:
    """Return the IAM actions that a scan uses, but for the ledger's, in order."""
    declared = (action for kind in Kind for control in controls_of(kind) for action in control.permissions)
    wanted = chain(declared, *pages.PERMISSIONS.values(), posture.PERMISSIONS, _TAGS)
    return sorted({action for action in wanted if action.partition(":")[2].startswith(_READS)})


def needed(operation: str, kind: Kind) -> str:
    """Return the IAM action that *operation* asks for in a scan of resources of that kind; "" where nobody knows."""
    name = _OTHERWISE.get(operation, operation)
    found = [action for action in reads() if action.partition(":")[2] == name]
    return next((action for action in found if action.startswith(f"{kind}:")), found[0] if found else "")


def policy(partition: str, stack: str) -> dict[str, Any]:
    """Return the least IAM policy for a scan that honours the exemptions of the stack of that name."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Look", "Effect": "Allow", "Action": reads(), "Resource": "*"},
            {
                "Sid": "Exemptions",
                "Effect": "Allow",
                "Action": "dynamodb:GetItem",
                "Resource": f"arn:{partition}:dynamodb:*:*:table/{stack}-ledger",
            },
            {
                "Sid": "KeyOfTheLedger",
                "Effect": "Allow",
                "Action": "kms:Decrypt",
                "Resource": "*",
                "Condition": {
                    "StringEquals": {"kms:EncryptionContext:aws:dynamodb:tableName": f"{stack}-ledger"},
                    "StringLike": {"kms:ViaService": "dynamodb.*"},
                },
            },
        ],
    }
