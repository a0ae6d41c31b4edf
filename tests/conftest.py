"""Fixtures: an empty account on moto, made anew for each test that asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import boto3
import pytest
from hypothesis import HealthCheck, settings
from moto import mock_aws
from tests.account import ENVIRONMENT, REGION, Account

import remediate
from pipeseal.aws.clients import client
from pipeseal.aws.world import World
from pipeseal.sandbox import extend_moto

# The machines that run this are shared: how long an example takes says nothing about the code. And a change must not
# fail for an example that the last one was spared: chance has its turn with --hypothesis-profile=chance.
_SLOW = [HealthCheck.too_slow]
settings.register_profile("same", deadline=None, suppress_health_check=_SLOW, max_examples=50, derandomize=True)
settings.register_profile("chance", settings.get_profile("same"), max_examples=500, derandomize=False)
settings.register_profile("soak", settings.get_profile("same"), max_examples=3000, derandomize=False)
settings.load_profile("same")


@cache
def session() -> boto3.Session:
    """Give the one session of all tests: reading the models of AWS's services anew takes longer than most tests."""
    return boto3.Session(ENVIRONMENT["AWS_ACCESS_KEY_ID"], ENVIRONMENT["AWS_SECRET_ACCESS_KEY"], region_name=REGION)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """Give an account in which only the stack's own resources are."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    extend_moto()
    with mock_aws():
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", session())
        remediate.world.cache_clear()
        yield Account()


@pytest.fixture
def world(account: Account) -> World:
    """Give the world of an operator, who knows of the stack its name and region alone."""
    return World({name: ENVIRONMENT[name] for name in ("AWS_REGION", "LEDGER_TABLE", "ALERT_TOPIC_ARN")}, client)
