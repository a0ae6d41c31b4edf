"""Which resource: the reference that an event gives, and its ARN."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from pipeseal.kinds.registry import Kind

# Prefixes of the Regions whose ARNs name another partition than "aws".
_PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "us-isof-": "aws-iso-f",
    "eu-isoe-": "aws-iso-e",
    "eusc-": "aws-eusc",
}
_ARN_PARTS = 6


@lru_cache(maxsize=64)
def partition_of(region: str) -> str:
    """Return the partition of *region* as ARNs name it."""
    for prefix, partition in _PARTITIONS.items():
        if region.startswith(prefix):
            return partition
    return "aws"


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """A reference to one resource: all that is ever taken from an event.

    *name* is the key ID of a KMS key and the name of everything else; *account* has twelve digits.
    """

    kind: Kind
    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """Return the ARN in the form that the service documents in the Service Authorization Reference."""
        spec = self.kind.spec
        scope = "::" if spec.global_arn else f":{self.region}:{self.account}"
        return f"arn:{partition_of(self.region)}:{spec.service}{scope}:{spec.arn_prefix}{self.name}"


def kind_and_name(arn: str) -> tuple[Kind, str] | None:
    """Return the kind and the name of the resource with that *arn*; None for an ARN of no kind that pipeseal knows.

    A name may hold slashes and colons: only what the kind's ARN has before the name is removed.
    """
    parts = arn.split(":", _ARN_PARTS - 1)
    if len(parts) < _ARN_PARTS or parts[0] != "arn":
        return None
    service, resource = parts[2], parts[5]
    prefixed = sorted(Kind, key=lambda kind: -len(kind.spec.arn_prefix))
    for kind in prefixed:
        if kind.spec.service == service and resource.startswith(kind.spec.arn_prefix):
            return kind, resource.removeprefix(kind.spec.arn_prefix)
    return None
