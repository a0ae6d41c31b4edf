"""The IAM identities of the embedded account: the access key ID of a request decides who made the call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ACCOUNT = "123456789012"
REGION = "us-east-1"
PIPESEAL_KEY_ID = "pipeseal"
"""Access key ID of pipeseal's functions."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A principal that signs requests; the embedded account never checks a secret access key."""

    access_key_id: str
    name: str
    sign_in: str
    """How the principal signed in, as the demo shows it."""
    user_identity: Mapping[str, object]
    """The userIdentity element of its CloudTrail records."""
    user_agent: str = ""
    """What its tool adds to the User-Agent header."""
    record_fields: Mapping[str, str] = field(default_factory=dict)
    """Further fields of its CloudTrail records."""


def assumed_role(key_id: str, role: str, session: str, path: str = "", mfa: str = "false") -> dict[str, object]:
    """Return the userIdentity of an assumed *role*; *path* is that of the role's ARN, *mfa* is "true" or "false"."""
    principal = f"AROA-{key_id.upper()}"
    return {
        "type": "AssumedRole",
        "principalId": f"{principal}:{session}",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}",
        "accountId": ACCOUNT,
        "accessKeyId": key_id,
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


def iam_user(key_id: str, **fields: object) -> dict[str, object]:
    """Return the userIdentity of the IAM user that is named like its access key ID, with further *fields*."""
    return {
        "type": "IAMUser",
        "principalId": f"AIDA-{key_id.upper()}",
        "arn": f"arn:aws:iam::{ACCOUNT}:user/{key_id}",
        "accountId": ACCOUNT,
        "accessKeyId": key_id,
        "userName": key_id,
        **fields,
    }


_MFA_SESSION = {"attributes": {"creationDate": "2025-01-01T08:00:00Z", "mfaAuthenticated": "true"}}

ADA = Identity(
    "ada",
    "Ada",
    "IAM Identity Center, no MFA",
    assumed_role(
        "ada", "AWSReservedSSO_Developer_5d1c0ffee0ddba11", "ada@example.com", "aws-reserved/sso.amazonaws.com/"
    ),
)
GRACE = Identity(
    "grace",
    "Grace",
    "AWS console, with MFA",
    iam_user("grace", sessionContext=_MFA_SESSION),
    record_fields={"sessionCredentialFromConsole": "true"},
)
TERRAFORM = Identity(
    "terraform", "Terraform", "long-lived access key", iam_user("terraform"), "HashiCorp-Terraform/1.14"
)
OPERATOR = Identity("operator", "The operator", "deployed pipeseal", iam_user("operator"))

_KNOWN = {identity.access_key_id: identity for identity in (ADA, GRACE, TERRAFORM, OPERATOR)}


def identity_of(key_id: str) -> Identity:
    """Return the identity with that access key ID; an unknown access key ID belongs to an IAM user of that name."""
    return _KNOWN.get(key_id) or Identity(key_id, key_id, "IAM user", iam_user(key_id))


def function_identity(function: str) -> Identity:
    """Return the identity of the function with that logical ID: its execution role."""
    role = f"pipeseal-{function.removesuffix('Function')}Role"
    session = f"pipeseal-{function}"
    return Identity(PIPESEAL_KEY_ID, "pipeseal", function, assumed_role(PIPESEAL_KEY_ID, role, session))
