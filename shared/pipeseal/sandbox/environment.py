"""The environment variables of the process while the embedded account is open: no AWS configuration of the user."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import boto3

from pipeseal.aws.clients import clear_clients

# Variables of the user that could send a call to a real account or through a proxy.
_REMOVED_PREFIXES = ("AWS_", "BOTO", "MOTO_")


@contextmanager
def isolated_environment(key_id: str, region: str, host: str) -> Iterator[None]:
    """Make AWS calls with the access key ID *key_id* in *region*, without a proxy for *host*.

    The user's profiles, endpoints and credentials do not apply. The end of the context restores the environment, and no
    client is used both inside and outside the context.
    """
    former = dict(os.environ)
    try:
        for name in former:
            if name.startswith(_REMOVED_PREFIXES):
                del os.environ[name]
        os.environ.update(
            AWS_ACCESS_KEY_ID=key_id,
            AWS_SECRET_ACCESS_KEY="none",
            AWS_REGION=region,
            AWS_DEFAULT_REGION=region,
            AWS_CONFIG_FILE=os.devnull,
            AWS_SHARED_CREDENTIALS_FILE=os.devnull,
            AWS_EC2_METADATA_DISABLED="true",
            NO_PROXY=host,
            no_proxy=host,
        )
        _forget_clients()
        yield
    finally:
        _forget_clients()
        os.environ.clear()
        os.environ.update(former)


def _forget_clients() -> None:
    boto3.DEFAULT_SESSION = None
    clear_clients()
