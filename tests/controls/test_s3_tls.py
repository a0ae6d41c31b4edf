"""S3.TLS by cases; the meaning of policies is the policy engine's own test."""

from __future__ import annotations

from typing import Any

import pytest
from tests.resources import bucket

from pipeseal.controls.s3_tls import CONTROL, deny_insecure
from pipeseal.model import Refused
from pipeseal.model.bucket import Bucket
from pipeseal.settings import Settings

DENY = deny_insecure("arn:aws:s3:::harbor").statement
READERS = {
    "Sid": "Readers",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::123456789012:role/readers"},
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::harbor/*",
}


def statements(made: Bucket) -> list[dict[str, Any]]:
    """Return the statements of the bucket's policy."""
    return list((made.policy.document or {"Statement": []})["Statement"])


def test_the_statement_is_the_one_that_the_guide_asks_for() -> None:
    """The bucket and its objects, every action, everyone: the seed's own statement leaves the bucket's calls open."""
    assert DENY == {
        "Sid": "DenyInsecureConnections",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::harbor", "arn:aws:s3:::harbor/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


@pytest.mark.parametrize("theirs", [[], [READERS], [READERS, {**READERS, "Sid": "Others"}]])
def test_the_statement_is_added_to_theirs(theirs: list[dict[str, Any]]) -> None:
    """A bucket without the Deny gets it behind whatever statements it has."""
    assert statements(CONTROL.fix(bucket(*theirs), Settings())) == [*theirs, DENY]


@pytest.mark.parametrize(
    "narrowing",
    [
        {"Principal": {"AWS": "arn:aws:iam::123456789012:role/one"}},
        {"Action": "s3:GetObject"},
        {"Resource": "arn:aws:s3:::harbor/public/*"},
        {"Condition": {"Bool": {"aws:SecureTransport": "false"}, "IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}},
    ],
)
def test_a_narrower_deny_does_not_count(narrowing: dict[str, Any]) -> None:
    """A statement that refuses less than all plaintext earns the full one beside it."""
    theirs = DENY | {"Sid": "Theirs"} | narrowing
    assert statements(CONTROL.fix(bucket(theirs), Settings())) == [theirs, DENY]


def test_a_sealed_bucket_is_let_be() -> None:
    """Sealed under any Sid is sealed."""
    assert CONTROL.reasons(bucket(DENY | {"Sid": "Ours"}), Settings()) == ()


def test_a_website_is_told_of_and_left_open() -> None:
    """Website hosting is plain HTTP by nature, so sealing it would take the site down."""
    site = bucket(website=True)
    assert CONTROL.fix(site, Settings()) is site
    assert any("website" in reason for reason in CONTROL.reasons(site, Settings()))


def test_a_website_is_sealed_where_the_operator_says_so() -> None:
    """SealWebsites overrides the caution."""
    assert statements(CONTROL.fix(bucket(website=True), Settings(seal_websites=True))) == [DENY]


def test_a_policy_that_would_grow_too_large_is_refused() -> None:
    """Past 20 KB nothing is changed, and the reason says by how much."""
    full = bucket(*({**READERS, "Sid": f"Readers{number:05}" + "x" * 150} for number in range(66)))
    with pytest.raises(Refused, match="bytes"):
        CONTROL.fix(full, Settings())
