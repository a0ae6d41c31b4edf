"""The Deny statement that a bucket policy must contain, and the requests that it matches."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeseal.aws.documents import MutableDocument


@dataclass(frozen=True, slots=True)
class Deny:
    """A Deny statement for every principal. It also defines the requests that a verdict is about.

    *actions* are action names, which may contain wildcards. *resources* are S3 ARNs: the bucket ARN, an object ARN,
    or either followed by ``*``. *condition* is the value of the ``Condition`` element.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, object]]
    requests: str = "matching requests"
    """The requests that the statement matches, as a plural noun phrase for reasons: "HTTP requests"."""

    @property
    def statement(self) -> MutableDocument:
        """Return the statement as a JSON object, in the form of the AWS examples: a single value is not a list."""
        return {
            "Sid": self.sid,
            "Effect": "Deny",
            "Principal": "*",
            "Action": _string_or_list(self.actions),
            "Resource": _string_or_list(self.resources),
            "Condition": {operator: dict(block) for operator, block in self.condition.items()},
        }


def _string_or_list(values: tuple[str, ...]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)
