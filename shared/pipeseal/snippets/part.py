"""A part of a snippet: what one resource in the owner's code must contain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class SnippetPart(NamedTuple):
    """One resource in both languages; a part without a *logical_id* consists of its comment."""

    comment: str
    logical_id: str = ""
    """The resource's name in the CloudFormation template."""
    cloudformation_type: str = ""
    properties: Mapping[str, object] = {}
    """The properties of the CloudFormation resource."""
    terraform_type: str = ""
    arguments: Mapping[str, object] = {}
    """The arguments and blocks of the Terraform resource; see terraform.lines."""
