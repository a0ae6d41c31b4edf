"""The operator's own clients: the profile, region and endpoint that the command line names, as in the AWS CLI."""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.session import Session

from pipeseal.aws.clients import CONFIG, Clients


def session(profile: str | None, region: str | None, endpoint_url: str | None) -> tuple[str, Clients]:
    """Return the region ("" where nobody names one) and the clients; raise ProfileNotFound on a bad *profile*."""
    own = Session(profile=profile)

    @cache
    def client(service: str, where: str) -> Any:
        return own.create_client(service, region_name=where, endpoint_url=endpoint_url, config=CONFIG)

    return region or own.get_config_variable("region") or "", client
