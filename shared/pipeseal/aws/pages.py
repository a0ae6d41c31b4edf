"""A page of a listing: the resources of one kind in an account and Region, so many at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from pipeseal.model import Kind, Ref

_Item = TypeVar("_Item")

PERMISSIONS: Mapping[Kind, tuple[str, ...]] = {
    Kind.BUCKET: ("s3:ListAllMyBuckets",),
    Kind.KEY: ("kms:ListKeys", "kms:DescribeKey"),
    Kind.PIPELINE: ("codepipeline:ListPipelines",),
    Kind.APPLICATION: ("codedeploy:ListApplications", "codedeploy:BatchGetApplications"),
    Kind.PROJECT: ("codebuild:ListProjects", "codebuild:BatchGetProjects"),
    Kind.TRAIL: ("cloudtrail:ListTrails",),
}
"""IAM actions that listing needs; not one of them knows a narrower resource than all."""


class Listed(NamedTuple):
    """A resource that is there, and when it was made; *created* is None where its service does not say."""

    ref: Ref
    created: datetime | None


class Page(NamedTuple):
    """What was found, and the *token* that asks for the next page: "" on the last."""

    found: tuple[Listed, ...]
    token: str


def asking(name: str, token: str) -> dict[str, str]:
    """Return the argument *name* that asks for the page of *token*; none for the first."""
    return {name: token} if token else {}


def slices(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    """Yield *items* in pieces of *size* at most, for a call that takes no more at once."""
    return (items[start : start + size] for start in range(0, len(items), size))
