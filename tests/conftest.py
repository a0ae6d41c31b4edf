"""Fixtures: a fake account, empty but for the resources of the stack, for each test that requests one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import boto3
import pytest
from hypothesis import HealthCheck, settings
from moto import mock_aws
from tests.fake_account import ENVIRONMENT, REGION, FakeAccount

import remediate
from pipeseal.aws.clients import client
from pipeseal.runtime import Runtime
from pipeseal.sandbox import extend_moto

# The machines that run the tests are shared, so the duration of an example proves nothing. The default profile is
# deterministic: a change must not fail because of an example that the last run did not have. The others are random.
_SLOW = [HealthCheck.too_slow]
settings.register_profile("same", deadline=None, suppress_health_check=_SLOW, max_examples=50, derandomize=True)
settings.register_profile("chance", settings.get_profile("same"), max_examples=500, derandomize=False)
settings.register_profile("soak", settings.get_profile("same"), max_examples=3000, derandomize=False)
settings.load_profile("same")


@cache
def session() -> boto3.Session:
    """Return the session of all tests: to load the models of AWS's services again takes longer than most tests."""
    return boto3.Session(ENVIRONMENT["AWS_ACCESS_KEY_ID"], ENVIRONMENT["AWS_SECRET_ACCESS_KEY"], region_name=REGION)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAccount]:
    """Return an account that holds only the resources of the stack."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    extend_moto()
    with mock_aws():
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", session())
        remediate.runtime.cache_clear()
        yield FakeAccount()


@pytest.fixture
def runtime(account: FakeAccount) -> Runtime:
    """Return the runtime of an operator's command, which knows only the Region and what the stack outputs."""
    return Runtime({name: ENVIRONMENT[name] for name in ("AWS_REGION", "LEDGER_TABLE", "ALERT_TOPIC_ARN")}, client)
