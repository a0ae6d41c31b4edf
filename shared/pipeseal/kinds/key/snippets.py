"""The code snippets of KMS keys; pure."""

from __future__ import annotations

from collections.abc import Iterator

from pipeseal.kinds.key.value import Key
from pipeseal.snippets.part import SnippetPart


def parts(before: Key, after: Key) -> Iterator[SnippetPart]:
    """Yield what the owner's code must contain for the key to be as *after*, or to be replaced by a compliant one."""
    comments, properties, arguments = [], dict[str, object](), dict[str, object]()
    if after.status != before.status:
        comments.append("The spec of a key cannot be changed: CloudFormation and Terraform create a new key for this.")
        properties |= {"KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT"}
        arguments |= {"customer_master_key_spec": "SYMMETRIC_DEFAULT", "key_usage": "ENCRYPT_DECRYPT"}
    if after.rotates != before.rotates:
        comments.append("AWS KMS rotates the key automatically; data encrypted under it stays readable.")
        properties["EnableKeyRotation"] = arguments["enable_key_rotation"] = bool(after.rotates)
    if properties:
        yield SnippetPart(" ".join(comments), "Key", "AWS::KMS::Key", properties, "aws_kms_key", arguments)
