"""The code snippets of S3 buckets; pure."""

from __future__ import annotations

from collections.abc import Iterator

from pipeseal.aws.documents import Document, MutableDocument
from pipeseal.kinds.bucket.value import Bucket
from pipeseal.snippets.part import SnippetPart
from pipeseal.snippets.quoting import ascii_line
from pipeseal.snippets.terraform import Json, snake_case

_DEFAULT = "ApplyServerSideEncryptionByDefault"


def parts(before: Bucket, after: Bucket) -> Iterator[SnippetPart]:
    """Yield what the owner's code must contain for the bucket to be as *after*."""
    yield from _policy(before, after)
    if after.encryption != before.encryption and after.encryption.get("Rules"):
        yield _encryption(after)


def _policy(before: Bucket, after: Bucket) -> Iterator[SnippetPart]:
    added, removed = after.policy.statements_not_in(before.policy), before.policy.statements_not_in(after.policy)
    sids = {each.get("Sid") for each in added}
    obsolete = [
        ascii_line(str(each.get("Sid") or "the statement without Sid"))
        for each in removed
        if each.get("Sid") not in sids
    ]
    removal = f"Remove these statements: {', '.join(obsolete)}." if obsolete else ""
    if added:
        version = {name: value for name, value in (after.policy.document or {}).items() if name == "Version"}
        document = {**version, "Statement": list(added)}
        comment = (
            "A bucket has one policy: keep its statements and add these; each replaces the statement with the same Sid."
        )
        yield SnippetPart(
            f"{comment} {removal}".strip(),
            "BucketPolicy",
            "AWS::S3::BucketPolicy",
            {"Bucket": before.ref.name, "PolicyDocument": document},
            "aws_s3_bucket_policy",
            {"bucket": before.ref.name, "policy": Json(document)},
        )
    elif removal:
        yield SnippetPart(removal)


def _encryption(after: Bucket) -> SnippetPart:
    rules = after.encryption["Rules"]
    return SnippetPart(
        "The default encryption of objects that are uploaded without an encryption header.",
        "Bucket",
        "AWS::S3::Bucket",
        {
            "BucketName": after.ref.name,
            "BucketEncryption": {"ServerSideEncryptionConfiguration": [_cloudformation_rule(each) for each in rules]},
        },
        "aws_s3_bucket_server_side_encryption_configuration",
        {"bucket": after.ref.name, "rule": [snake_case(_terraform_rule(each)) for each in rules]},
    )


def _cloudformation_rule(rule: Document) -> MutableDocument:
    """Return the API's *rule* with the property names of CloudFormation."""
    return {(name.removeprefix("Apply") if name == _DEFAULT else name): value for name, value in rule.items()}


def _terraform_rule(rule: Document) -> MutableDocument:
    """Return the API's *rule* without the level of nesting that Terraform's block does not have."""
    blocked = rule.get("BlockedEncryptionTypes")
    return {**rule, "BlockedEncryptionTypes": blocked["EncryptionType"]} if blocked else dict(rule)
