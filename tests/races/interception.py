"""The one function through which every AWS call of a test passes: to be listed, to fail, or to wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import botocore.client

Interceptor = Callable[[str, Mapping[str, Any], Callable[[], Any]], Any]
"""Takes an operation, its arguments and the function that makes the call; returns or raises what the caller gets."""


@contextmanager
def intercepted(interceptor: Interceptor) -> Iterator[None]:
    """Pass every call of every client in the block to *interceptor*."""
    call_aws = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001

    def passing(client: object, operation: str, arguments: dict[str, Any]) -> Any:
        return interceptor(operation, arguments, lambda: call_aws(client, operation, arguments))

    with patch.object(botocore.client.BaseClient, "_make_api_call", passing):
        yield
