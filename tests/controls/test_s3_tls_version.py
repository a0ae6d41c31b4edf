"""S3.TLS_VERSION by cases."""

from __future__ import annotations

import pytest
from tests.resources import bucket

from pipeseal.controls.s3_tls import CONTROL as TLS
from pipeseal.controls.s3_tls import deny_insecure
from pipeseal.controls.s3_tls_version import CONTROL, deny_outdated
from pipeseal.settings import Settings

ARN = "arn:aws:s3:::harbor"
ON_REQUEST = Settings(minimum_tls_version="1.2")


def test_nobody_asked() -> None:
    """Without MinimumTlsVersion nothing is judged and nothing is written."""
    plain = bucket()
    assert CONTROL.reasons(plain, Settings()) == ()
    assert CONTROL.fix(plain, Settings()) is plain


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_the_statement_is_added(version: str) -> None:
    """The bucket and its objects refuse what is older."""
    fixed = CONTROL.fix(bucket(), Settings(minimum_tls_version=version))
    assert fixed.policy.document["Statement"] == [deny_outdated(ARN, version).statement]


def test_a_stricter_version_counts() -> None:
    """Who refuses all under 1.3 refuses all under 1.2."""
    assert CONTROL.reasons(bucket(deny_outdated(ARN, "1.3").statement | {"Sid": "Theirs"}), ON_REQUEST) == ()


def test_a_laxer_version_of_ours_is_replaced() -> None:
    """Raising the parameter raises the statement, in its place."""
    older = bucket(deny_outdated(ARN, "1.2").statement, deny_insecure(ARN).statement)
    fixed = CONTROL.fix(older, Settings(minimum_tls_version="1.3"))
    assert fixed.policy.document["Statement"] == [deny_outdated(ARN, "1.3").statement, deny_insecure(ARN).statement]


def test_it_is_no_substitute_for_tls() -> None:
    """A request in clear has no TLS version: each of the two controls asks for its own statement."""
    assert TLS.reasons(bucket(deny_outdated(ARN, "1.2").statement), ON_REQUEST)
    assert CONTROL.reasons(bucket(deny_insecure(ARN).statement), ON_REQUEST)
