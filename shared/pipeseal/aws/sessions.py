"""The clients of a command: their profile, Region and endpoint come from the command line, as in the AWS CLI."""

from __future__ import annotations

from functools import cache
from threading import Lock

from botocore.config import Config
from botocore.session import Session

from pipeseal.aws.clients import CONFIG, Client, Clients

MAX_CONNECTIONS = 16
"""Connections that a client keeps open, and so the number of threads that can share it."""

# Adaptive mode: a client that AWS throttles lowers its own request rate.
_CONFIG = CONFIG.merge(Config(retries={"mode": "adaptive", "max_attempts": 5}, max_pool_connections=MAX_CONNECTIONS))


def open_session(profile: str | None, region: str | None, endpoint_url: str | None) -> tuple[str, Clients]:
    """Return the Region ("" if none is configured) and the clients; raise ProfileNotFound for an unknown *profile*."""
    session = Session(profile=profile)
    creation = Lock()  # clients are safe to share between threads, creating them is not

    @cache
    def created(service: str, region_name: str) -> Client:
        return session.create_client(service, region_name=region_name, endpoint_url=endpoint_url, config=_CONFIG)

    def client(service: str, region_name: str) -> Client:
        with creation:
            return created(service, region_name)

    return region or session.get_config_variable("region") or "", client
