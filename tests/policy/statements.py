"""Statements, accounts and principals for the tests of external access."""

from __future__ import annotations

from typing import Any

BUCKET = "arn:aws:s3:::harbor"
OBJECTS = f"{BUCKET}/*"
OWN, PARTNER, OTHER, UNNAMED = "123456789012", "210987654321", "333344445555", "987654321098"
"""Account ids: that of the bucket, two that policies name, and one that no policy names."""
ORG = "o-harbor1234"
ROLE = f"arn:aws:iam::{PARTNER}:role/deploy"
SESSION = f"arn:aws:sts::{PARTNER}:assumed-role/deploy/run-1"
OWN_ROLE = f"arn:aws:iam::{OWN}:role/pipeline"
ORIGIN_ACCESS_IDENTITY = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1EXAMPLE"
CANONICAL = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
ENCRYPTION = "s3:x-amz-server-side-encryption"


def allow(**elements: Any) -> dict[str, Any]:
    """Return an Allow of s3:PutObject for everyone with *elements* replaced; None removes an element."""
    base = {"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": OBJECTS}
    return {name: value for name, value in (base | elements).items() if value is not None}


def deny(**elements: Any) -> dict[str, Any]:
    """Return a Deny of s3:* for everyone with *elements* replaced; None removes an element."""
    return allow(**{"Effect": "Deny", "Action": "s3:*", "Resource": [BUCKET, OBJECTS], **elements})


def when(operator: str, key: str, value: Any, **elements: Any) -> dict[str, Any]:
    """Return the element Condition with one test, and *elements*."""
    return {"Condition": {operator: {key: value}}, **elements}


PERIMETER = deny(
    Condition={
        "StringNotEqualsIfExists": {"aws:PrincipalOrgID": ORG},
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
    }
)
"""The data perimeter of the AWS examples: only principals of the organization and AWS services."""
