"""Fixtures: an empty account on moto, made anew for each test that asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from moto import mock_aws
from tests.account import ENVIRONMENT, Account

import remediate
from pipeseal.aws.clients import forget
from pipeseal.sandbox import extend_moto

# The machines that run this are shared: how long an example takes says nothing about the code. And a change must not
# fail for an example that the last one was spared: chance has its turn with --hypothesis-profile=chance.
settings.register_profile("same", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("chance", settings.get_profile("same"), derandomize=False)
settings.load_profile("same")


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """Give an account in which only the stack's own resources are."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    extend_moto()
    with mock_aws():
        forget()
        remediate.world.cache_clear()
        yield Account()
