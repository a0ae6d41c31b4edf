"""Fixtures: an empty account on moto, made anew for each test that asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from moto import mock_aws
from tests.account import ENVIRONMENT, Account

import remediate
from pipeseal.aws.clients import client
from pipeseal.sandbox import extend_moto

# The machines that run this are shared: how long an example takes says nothing about the code.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """Give an account in which only the stack's own resources are."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    extend_moto()
    with mock_aws():
        client.cache_clear()
        remediate.world.cache_clear()
        yield Account()
