"""Types of the JSON documents whose fields are not known to the type checker."""

from collections.abc import Mapping
from typing import Any, TypeAlias

Document: TypeAlias = Mapping[str, Any]
"""A JSON object that is only read: a policy, a CloudTrail record, a part of a response of AWS, the state of a resource.

The values are Any because AWS, the resource owner or the kind of resource defines which fields there are and what they
hold. Code that only passes such an object on, or checks each value itself, takes a Mapping[str, object] instead.
"""

MutableDocument: TypeAlias = dict[str, Any]
"""A new JSON object that the caller may change; its values are Any for the same reason."""
