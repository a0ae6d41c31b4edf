"""Say what S3 would refuse in a policy whose structure can be read."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeseal.policy.document import Statement
from pipeseal.policy.globs import Globs, tidy, unescaped

if TYPE_CHECKING:
    from pipeseal.policy.policy import Policy


def faults(policy: "Policy", bucket_arn: str) -> tuple[str, ...]:
    """Return why S3 would answer MalformedPolicy to *policy* on the bucket *bucket_arn*; empty where it would not."""
    return tuple(line for statement in policy.statements for line in _faults(statement, bucket_arn))


def _faults(statement: Statement, bucket_arn: str) -> Iterator[str]:
    if not statement.not_resource and not _names(statement, bucket_arn):
        yield f"{statement.name}: Resource names neither {bucket_arn} nor an object in it"
    if not statement.not_action and not Globs(tidy(text.lower()) for text in statement.actions).touch("s3:*"):
        yield f"{statement.name}: Action names no action of S3"
    for operator, key, _ in statement.condition:
        if ":" not in key:
            yield f"{statement.name}: Condition {operator} {key} is no condition key, it lacks the service's prefix"


def _names(statement: Statement, bucket_arn: str) -> bool:
    # A policy variable may stand for anything, and ``unescaped`` makes it a star.
    texts = (unescaped(text, wild=True) if statement.variables else text for text in statement.resources)
    globs = Globs(tidy(text) for text in texts)
    return globs.touch(bucket_arn) or globs.touch(f"{bucket_arn}/?*")
