"""Fixtures: one account for the whole run, and the stack deployed on it by SAM."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.e2e import stack as sam
from tests.e2e.cloud import Cloud, Credentials
from tests.e2e.stack import Stack


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Give an empty account; it is gone afterwards, whatever happens."""
    with Cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def stack(cloud: Cloud) -> Stack:
    """Give the stack, built and deployed with the parameters' defaults."""
    return sam.deploy(cloud, sam.build(cloud))


@pytest.fixture(scope="session")
def ada(cloud: Cloud) -> Credentials:
    """Give a user who may do anything."""
    return cloud.person("ada")
