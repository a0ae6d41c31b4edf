"""The operator's own clients: the profile, region and endpoint that the command line names, as in the AWS CLI."""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import Any

from botocore.config import Config
from botocore.session import Session

from pipeseal.aws.clients import CONFIG, Clients

AT_ONCE = 16
"""Connections that a client keeps, and so threads that may share it."""

# Whoever throttles us is asked more slowly from then on, by this client alone.
_CONFIG = CONFIG.merge(Config(retries={"mode": "adaptive", "max_attempts": 5}, max_pool_connections=AT_ONCE))


def session(profile: str | None, region: str | None, endpoint_url: str | None) -> tuple[str, Clients]:
    """Return the region ("" where nobody names one) and the clients; raise ProfileNotFound on a bad *profile*."""
    own = Session(profile=profile)
    making = Lock()  # threads may share a client, but not the making of one

    @cache
    def made(service: str, where: str) -> Any:
        return own.create_client(service, region_name=where, endpoint_url=endpoint_url, config=_CONFIG)

    def client(service: str, where: str) -> Any:
        with making:
            return made(service, where)

    return region or own.get_config_variable("region") or "", client
