"""S3.TLS; tests/policy covers how policies are evaluated."""

from __future__ import annotations

from typing import Any

import pytest
from tests.controls.bucket_policies import statements
from tests.resources import bucket

from pipeseal.controls.s3_tls import CONTROL, deny_insecure
from pipeseal.model import Refused
from pipeseal.settings import Settings

DENY = deny_insecure("arn:aws:s3:::harbor").statement
READERS = {
    "Sid": "Readers",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::123456789012:role/readers"},
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::harbor/*",
}


def test_the_statement_is_that_of_the_user_guide() -> None:
    """It denies every action on the bucket and its objects for every principal."""
    assert DENY == {
        "Sid": "DenyInsecureConnections",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::harbor", "arn:aws:s3:::harbor/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


@pytest.mark.parametrize("existing", [[], [READERS], [READERS, {**READERS, "Sid": "Others"}]])
def test_the_statement_is_appended(existing: list[dict[str, Any]]) -> None:
    """A policy without the Deny statement gets it after its other statements."""
    assert statements(CONTROL.fix(bucket(*existing), Settings())) == [*existing, DENY]


def test_the_finding_states_why_plain_http_is_allowed() -> None:
    """A bucket without a policy has one reason."""
    (reason,) = CONTROL.reasons(bucket(), Settings())
    assert reason.startswith("The bucket policy allows plain HTTP requests: no statement denies ")


@pytest.mark.parametrize(
    "restriction",
    [
        {"Principal": {"AWS": "arn:aws:iam::123456789012:role/one"}},
        {"Action": "s3:GetObject"},
        {"Resource": "arn:aws:s3:::harbor/public/*"},
        {"Condition": {"Bool": {"aws:SecureTransport": "false"}, "IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}},
    ],
)
def test_a_deny_of_some_requests_is_not_enough(restriction: dict[str, Any]) -> None:
    """A statement that denies only some plain HTTP requests is kept, and the full statement is added."""
    existing = DENY | {"Sid": "Existing"} | restriction
    assert statements(CONTROL.fix(bucket(existing), Settings())) == [existing, DENY]


def test_the_sid_does_not_matter() -> None:
    """An equivalent statement with another Sid is compliant."""
    assert CONTROL.reasons(bucket(DENY | {"Sid": "Other"}), Settings()) == ()


def test_a_website_is_reported_and_not_changed() -> None:
    """Static website hosting supports plain HTTP only, so a Deny statement would make the site unavailable."""
    site = bucket(website=True)
    assert CONTROL.fix(site, Settings()) is site
    assert any("website" in reason for reason in CONTROL.reasons(site, Settings()))


def test_a_website_is_remediated_if_the_operator_chooses() -> None:
    """SealWebsites includes buckets with static website hosting."""
    assert statements(CONTROL.fix(bucket(website=True), Settings(seal_websites=True))) == [DENY]


def test_a_policy_that_would_be_too_large_is_refused() -> None:
    """A policy over 20 KB is not written, and the refusal states its size."""
    full = bucket(*({**READERS, "Sid": f"Readers{number:05}" + "x" * 150} for number in range(66)))
    with pytest.raises(Refused, match="bytes"):
        CONTROL.fix(full, Settings())
