"""The clients of this process: made on first use, one for each service and Region."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http import HTTPStatus
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

Clients = Callable[[str, str], Any]

# Below Lambda's own time-out, so that an AWS that does not answer is an error with a name.
CONFIG = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "max_attempts": 4},
    user_agent_extra="pipeseal",
)


@cache
def client(service: str, region: str) -> Any:
    """Return the client of *service* in *region*; the endpoint is the environment's (AWS_ENDPOINT_URL) or AWS's."""
    return _session().create_client(service, region_name=region, config=CONFIG)


def forget() -> None:
    """Forget every client and the credentials behind them; no function in Lambda outlives its own."""
    client.cache_clear()
    _session.cache_clear()


@cache
def _session() -> Session:
    """Return boto3's own foundation: its resources and transfers, never used here, would double the import."""
    return Session()


def code(error: ClientError) -> str:
    """Return the code that AWS answered with, such as NoSuchBucket."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def as_sent(client: Any) -> Iterator[list[dict[str, Any]]]:
    """Collect what AWS sends *client* in JSON meanwhile: botocore drops what its model does not know."""
    sent: list[dict[str, Any]] = []
    events = client.meta.events
    event = f"before-parse.{client.meta.service_model.service_name}"

    def hear(response_dict: dict[str, Any], **_: Any) -> None:
        if response_dict["status_code"] == HTTPStatus.OK:
            sent.append(json.loads(response_dict["body"]))

    events.register(event, hear, unique_id="pipeseal-as-sent")
    try:
        yield sent
    finally:
        events.unregister(event, unique_id="pipeseal-as-sent")


def unless(missing: str, call: Callable[..., dict[str, Any]], **arguments: Any) -> dict[str, Any] | None:
    """Return what *call* answers, or None where AWS answers with the code *missing*; any other error is raised."""
    try:
        return call(**arguments)
    except ClientError as error:
        if code(error) != missing:
            raise
        return None
