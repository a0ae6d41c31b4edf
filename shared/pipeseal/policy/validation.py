"""Find the elements that S3 rejects in a policy whose structure is valid."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeseal.policy.document import Statement
from pipeseal.policy.globs import PatternSet, action_pattern
from pipeseal.policy.partitions import possible_resources

if TYPE_CHECKING:
    from pipeseal.policy.policy import Policy


def validation_errors(policy: "Policy", bucket_arn: str) -> tuple[str, ...]:
    """Return the reasons why PutBucketPolicy on *bucket_arn* rejects *policy* with MalformedPolicy; empty if valid."""
    return tuple(line for statement in policy.statements for line in _errors(statement, bucket_arn))


def _errors(statement: Statement, bucket_arn: str) -> Iterator[str]:
    resources = PatternSet(possible_resources(statement))
    if not (statement.not_resource or resources.overlaps(bucket_arn) or resources.overlaps(f"{bucket_arn}/?*")):
        yield f"{statement.label}: Resource does not match {bucket_arn} or an object in it"
    if not (statement.not_action or PatternSet(map(action_pattern, statement.actions)).overlaps("s3:*")):
        yield f"{statement.label}: Action does not match an S3 action"
    for operator, key, _ in statement.condition:
        if ":" not in key:
            yield f"{statement.label}: Condition {operator} {key}: the condition key has no service prefix"
