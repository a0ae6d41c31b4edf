"""The IAM permissions of a scan: what the controls, the listings and the account-level advice need to read."""

from __future__ import annotations

from collections.abc import Mapping

from pipeseal.aws.permissions import action_of
from pipeseal.controls import controls_of
from pipeseal.model import Kind
from pipeseal.scan import advice

_READ_PREFIXES = ("BatchGet", "Describe", "Get", "List")


def read_actions() -> list[str]:
    """Return the IAM actions that a scan needs, those for the ledger excepted, in alphabetical order."""
    actions = {action for kind in Kind for control in controls_of(kind) for action in control.permissions}
    actions |= {action for kind in Kind for action in (*kind.spec.list_permissions, kind.spec.tag_permission)}
    actions |= set(advice.PERMISSIONS)
    return sorted(action for action in actions if _name(action).startswith(_READ_PREFIXES))


def required_action(operation: str, kind: Kind) -> str:
    """Return the IAM action that *operation* requires in a scan of resources of *kind*; "" where it is unknown.

    Several services have an operation of the same name, such as ListTagsForResource: that of *kind* is preferred.
    """
    name = _name(action_of(operation)) or operation
    matching = [action for action in read_actions() if _name(action) == name]
    of_kind = [action for action in matching if action.startswith(f"{kind.spec.service}:")]
    return next(iter((*of_kind, *matching)), "")


def scan_policy(partition: str, stack: str) -> Mapping[str, object]:
    """Return the least-privilege IAM policy for a scan that applies the exemptions of the *stack* with that name."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "ReadConfiguration", "Effect": "Allow", "Action": read_actions(), "Resource": "*"},
            {
                "Sid": "ReadExemptions",
                "Effect": "Allow",
                "Action": "dynamodb:GetItem",
                "Resource": f"arn:{partition}:dynamodb:*:*:table/{stack}-ledger",
            },
            {
                "Sid": "DecryptLedger",
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


def _name(action: str) -> str:
    """Return *action* without the prefix of its service."""
    return action.partition(":")[2]
