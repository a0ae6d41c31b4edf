"""Who is at work in the embedded account: an access key id stands for a person, and so their calls have an author."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ACCOUNT = "123456789012"
REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with credentials: *key* is the access key id that they sign with; no secret is ever checked."""

    key: str
    name: str
    how: str
    """How they came in, as the story tells it."""
    identity: Mapping[str, Any]
    """CloudTrail's userIdentity."""
    agent: str = ""
    """The tool that calls for them, in the User-Agent header's form."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What else their records say."""


def _role(key: str, role: str, session: str, path: str = "", mfa: str = "false") -> dict[str, Any]:
    principal = f"AROA-{key.upper()}"
    return {
        "type": "AssumedRole",
        "principalId": f"{principal}:{session}",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}",
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": principal,
                "arn": f"arn:aws:iam::{ACCOUNT}:role/{path}{role}",
                "accountId": ACCOUNT,
                "userName": role,
            },
            "attributes": {"creationDate": "2025-01-01T08:00:00Z", "mfaAuthenticated": mfa},
        },
    }


def _user(key: str, **more: object) -> dict[str, Any]:
    return {
        "type": "IAMUser",
        "principalId": f"AIDA-{key.upper()}",
        "arn": f"arn:aws:iam::{ACCOUNT}:user/{key}",
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "userName": key,
        **more,
    }


ADA = Person(
    "ada",
    "Ada",
    "single sign-on, no MFA",
    _role("ada", "AWSReservedSSO_Developer_5d1c0ffee0ddba11", "ada@example.com", "aws-reserved/sso.amazonaws.com/"),
)
GRACE = Person(
    "grace",
    "Grace",
    "the console, with MFA",
    _user("grace", sessionContext={"attributes": {"creationDate": "2025-01-01T08:00:00Z", "mfaAuthenticated": "true"}}),
    extra={"sessionCredentialFromConsole": "true"},
)
TERRAFORM = Person("terraform", "Terraform", "a long-lived access key", _user("terraform"), "HashiCorp-Terraform/1.14")
OPERATOR = Person("operator", "the operator", "who deployed pipeseal", _user("operator"))

_KNOWN = {person.key: person for person in (ADA, GRACE, TERRAFORM, OPERATOR)}


def person_of(key: str) -> Person:
    """Return who signs with the access key id *key*; a key that nobody has is an IAM user of that name."""
    return _KNOWN.get(key) or Person(key, key, "an IAM user", _user(key))


PIPESEAL = "pipeseal"
"""The access key id of the functions themselves."""


def function_role(function: str) -> Person:
    """Return the identity of a function of the stack under its role."""
    role = f"pipeseal-{function.removesuffix('Function')}Role"
    return Person(PIPESEAL, "pipeseal", function, _role(PIPESEAL, role, f"pipeseal-{function}"))
