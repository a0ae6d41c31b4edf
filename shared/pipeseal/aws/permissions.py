"""The IAM actions that API operations require, for operations whose errors do not name the action."""

from __future__ import annotations

# Most services name the action in the error message. S3 does not always, and some S3 actions have other names than
# their operations.
_ACTIONS = {
    "GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "ListBuckets": "s3:ListAllMyBuckets",
    **{name: f"s3:{name}" for name in ("GetBucketPolicy", "PutBucketPolicy", "GetBucketWebsite", "GetBucketTagging")},
    **{
        name: f"kms:{name}"
        for name in ("DescribeKey", "DisableKey", "EnableKeyRotation", "GetKeyRotationStatus", "ScheduleKeyDeletion")
    },
}


def action_of(operation: str) -> str:
    """Return the IAM action that the API *operation* requires, such as s3:ListAllMyBuckets; "" where it is unknown."""
    return _ACTIONS.get(operation, "")
