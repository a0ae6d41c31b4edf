"""S3.TLS_VERSION."""

from __future__ import annotations

import pytest
from tests.controls.bucket_policies import statements
from tests.resources import bucket

from pipeseal.controls.s3_tls import CONTROL as TLS
from pipeseal.controls.s3_tls import deny_insecure
from pipeseal.controls.s3_tls_version import CONTROL, deny_outdated
from pipeseal.settings import Settings

ARN = "arn:aws:s3:::harbor"
AT_LEAST_1_2 = Settings(minimum_tls_version="1.2")


def test_nothing_is_checked_by_default() -> None:
    """Without MinimumTlsVersion the control reports and writes nothing."""
    plain = bucket()
    assert CONTROL.reasons(plain, Settings()) == ()
    assert CONTROL.fix(plain, Settings()) is plain


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_the_statement_is_added(version: str) -> None:
    """The statement denies older versions for the bucket and its objects."""
    fixed = CONTROL.fix(bucket(), Settings(minimum_tls_version=version))
    assert statements(fixed) == [deny_outdated(ARN, version).statement]


def test_the_finding_states_the_version() -> None:
    """The reason names the oldest version that is allowed."""
    (reason,) = CONTROL.reasons(bucket(), AT_LEAST_1_2)
    assert reason.startswith("The bucket policy allows requests over TLS versions below 1.2: ")


def test_a_stricter_version_is_compliant() -> None:
    """A policy that denies everything below 1.3 denies everything below 1.2."""
    assert CONTROL.reasons(bucket(deny_outdated(ARN, "1.3").statement | {"Sid": "Other"}), AT_LEAST_1_2) == ()


def test_a_weaker_statement_of_pipeseal_is_replaced() -> None:
    """A higher MinimumTlsVersion replaces the statement in its position."""
    older = bucket(deny_outdated(ARN, "1.2").statement, deny_insecure(ARN).statement)
    fixed = CONTROL.fix(older, Settings(minimum_tls_version="1.3"))
    assert statements(fixed) == [deny_outdated(ARN, "1.3").statement, deny_insecure(ARN).statement]


def test_neither_tls_control_replaces_the_other() -> None:
    """A plain HTTP request has no TLS version, so each control requires its own statement."""
    assert TLS.reasons(bucket(deny_outdated(ARN, "1.2").statement), AT_LEAST_1_2)
    assert CONTROL.reasons(bucket(deny_insecure(ARN).statement), AT_LEAST_1_2)
