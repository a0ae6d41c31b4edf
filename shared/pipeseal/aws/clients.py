"""The boto clients of this process: created on first use, one for each service and Region."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http import HTTPStatus
from threading import Lock, local
from typing import Any, TypeAlias

from botocore.config import Config
from botocore.session import Session

from pipeseal.aws.documents import Document, MutableDocument

Client: TypeAlias = Any
"""The boto client of one service: botocore builds its class at run time, so it has no static type."""

Clients = Callable[[str, str], Client]
"""(service, Region) -> the boto client."""

# The timeouts are shorter than Lambda's: if AWS does not respond, the call fails with a specific error.
CONFIG = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "max_attempts": 4},
    user_agent_extra="pipeseal",
    # ListBuckets accepts BucketRegion only at a Region's own endpoint; botocore uses the global one in us-east-1.
    s3={"us_east_1_regional_endpoint": "regional"},
)


def client(service: str, region: str) -> Client:
    """Return the client of *service* in *region*; AWS_ENDPOINT_URL overrides the endpoint."""
    with _creation:
        return _created(service, region)


_creation = Lock()  # clients are safe to share between threads, creating them is not


@cache
def _created(service: str, region: str) -> Client:
    return _session().create_client(service, region_name=region, config=CONFIG)


def clear_clients() -> None:
    """Discard all clients and the credentials that they use, so that the next call reads the environment again."""
    _created.cache_clear()
    _session.cache_clear()


@cache
def _session() -> Session:
    """Return a botocore session: boto3's resources and transfers are not used and would double the import time."""
    return Session()


@contextmanager
def raw_responses(client: Client) -> Iterator[list[MutableDocument]]:
    """Collect the JSON documents that AWS returns to this thread through *client*, with fields that botocore drops.

    botocore removes every field that its service model does not define.
    """
    event = f"before-parse.{client.meta.service_model.service_name}"
    client.meta.events.register(event, _collect, unique_id="pipeseal-raw-responses")  # once: threads share the client
    documents: list[MutableDocument] = []
    _collection.documents = documents
    try:
        yield documents
    finally:
        _collection.documents = None


class _Collection(local):
    """The documents that the current thread collects; None outside `raw_responses`."""

    documents: list[MutableDocument] | None = None


_collection = _Collection()


def _collect(response_dict: Document, **_: object) -> None:
    if _collection.documents is not None and response_dict["status_code"] == HTTPStatus.OK:
        _collection.documents.append(json.loads(response_dict["body"]))
