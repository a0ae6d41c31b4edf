"""Laws of external access over generated policies, checked against the reference evaluator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.policy.profiles import scaled
from tests.policy.reference import Request, is_denied
from tests.policy.statements import (
    BUCKET,
    CANONICAL,
    ENCRYPTION,
    OBJECTS,
    ORG,
    OTHER,
    OWN,
    OWN_ROLE,
    PARTNER,
    PERIMETER,
    ROLE,
    UNNAMED,
)

from pipeseal.policy import Policy
from pipeseal.policy.external_principals import ZoneOfTrust

_LAW = scaled(3)


@dataclass(frozen=True)
class ExternalCaller:
    """An external caller of the reference evaluator; *account* is empty for an anonymous request."""

    account: str
    arn: str = ""
    canonical_user: str = ""
    context: Mapping[str, str] = field(default_factory=dict)


def callers(organization: str) -> Iterator[ExternalCaller]:
    """Yield external callers of every kind; without *organization* also members of the bucket's organization."""
    yield ExternalCaller("", context={"aws:userid": "anonymous"})
    organizations = ["", "o-partner12", "o-unnamed9876", *([] if organization else [ORG])]
    for account, arn_format, member_of, canonical_user in product(
        (PARTNER, OTHER, UNNAMED), ARN_FORMATS, organizations, ("", CANONICAL)
    ):
        arn = arn_format.format(account)
        context = {"aws:principalaccount": account, "aws:principalarn": arn, "aws:principalisawsservice": "false"}
        if member_of:
            context |= {"aws:principalorgid": member_of, "aws:principalorgpaths": f"{member_of}/r-ab12/ou-1/"}
        yield ExternalCaller(account, arn, canonical_user, context)


def names(element: Any, caller: ExternalCaller) -> bool:
    """Return whether the value of a Principal element names *caller*."""
    for kind, values in ({"AWS": element} if element == "*" else element).items():
        for value in values if isinstance(values, list) else [values]:
            own = {"*", caller.account, f"arn:aws:iam::{caller.account}:root", caller.arn}
            if value and (
                (kind == "AWS" and value in own) or (kind == "CanonicalUser" and value == caller.canonical_user)
            ):
                return True
    return False


def matches(statement: Mapping[str, Any], caller: ExternalCaller, request: Request) -> bool:
    """Return whether *statement* matches the request of *caller*."""
    if "Principal" in statement:
        names_caller = names(statement["Principal"], caller)
    else:
        names_caller = not names(statement["NotPrincipal"], caller)
    for_everyone = {**statement, "Effect": "Deny", "Principal": "*"}
    return names_caller and is_denied({"Version": "2012-10-17", "Statement": for_everyone}, request)


def allowed_actions(statements: list[dict[str, Any]], allowing: Mapping[str, Any], organization: str) -> set[str]:
    """Return the actions that *allowing* allows to an external caller and that no Deny denies."""
    keys = {key.lower() for each in statements for block in each.get("Condition", {}).values() for key in block}
    choices = [
        [None if value is None else (key, value) for value in values] for key, values in CONTEXT.items() if key in keys
    ]
    found = set()
    for caller, chosen in product(callers(organization), product(*choices)):
        context = {**caller.context, **dict(filter(None, chosen))}
        context.setdefault("aws:securetransport", "true")
        for action, resource in TARGETS:
            if action in found:
                continue
            seen = {key: value for key, value in context.items() if action in UPLOADS or "encryption" not in key}
            request = Request("", action, resource, seen)
            if matches(allowing, caller, request):
                denied = any(matches(each, caller, request) for each in statements if each["Effect"] == "Deny")
                found |= set() if denied else {action}
    return found


ARN_FORMATS = (
    "arn:aws:iam::{}:role/deploy",
    "arn:aws:iam::{}:role/ci-9",
    "arn:aws:iam::{}:user/eve",
    "arn:aws:iam::{}:root",
    "arn:aws:sts::{}:federated-user/eve",
)
CONTEXT: Mapping[str, tuple[str | None, ...]] = {
    "aws:securetransport": ("true", "false"),
    ENCRYPTION: (None, "AES256", "aws:kms"),
    "aws:sourceip": ("192.0.2.7", "198.51.100.7"),
    "aws:sourcevpce": (None, "vpce-1", "vpce-2"),
}
UPLOADS = ("s3:PutObject", "s3:ReplicateObject")
KEYS = ("z", "in/", "in/z", "release/z")
TARGETS = [
    *((action, f"{BUCKET}/{key}") for action in (*UPLOADS, "s3:DeleteObject") for key in KEYS),
    ("s3:PutBucketPolicy", BUCKET),
]
_TESTS: list[tuple[str, str, Any]] = [
    ("StringEquals", "aws:PrincipalAccount", [OWN, PARTNER]),
    ("StringNotEquals", "aws:PrincipalAccount", OWN),
    ("StringNotEqualsIfExists", "aws:PrincipalAccount", [OWN, OTHER]),
    ("StringEquals", "aws:PrincipalAccount", OTHER),
    *[
        (operator, "aws:PrincipalOrgID", ORG)
        for operator in ("StringEquals", "StringNotEquals", "StringEqualsIfExists")
    ],
    ("StringNotEqualsIfExists", "aws:PrincipalOrgID", ORG),
    ("StringNotEquals", "aws:PrincipalOrgID", "o-partner12"),
    ("Null", "aws:PrincipalOrgID", "true"),
    ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", f"{ORG}/*"),
    ("ForAllValues:StringLike", "aws:PrincipalOrgPaths", f"{ORG}/*"),
    ("ForAnyValue:StringNotLike", "aws:PrincipalOrgPaths", [f"{ORG}/*", "o-other54321/*"]),
    ("ForAllValues:StringNotEquals", "aws:PrincipalAccount", OTHER),
    ("ArnEquals", "aws:PrincipalArn", ROLE),
    ("ArnNotEquals", "aws:PrincipalArn", ROLE),
    ("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{OWN}:role/*"),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/ci-*"),
    ("StringLike", "aws:PrincipalArn", f"arn:aws:iam::{PARTNER}:*"),
    ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/*"),
    ("Null", "aws:PrincipalArn", "true"),
    ("Bool", "aws:PrincipalIsAWSService", "false"),
    ("BoolIfExists", "aws:PrincipalIsAWSService", "false"),
    ("Bool", "aws:SecureTransport", "false"),
    ("Bool", "aws:SecureTransport", "true"),
    ("StringNotEquals", ENCRYPTION, "aws:kms"),
    ("Null", ENCRYPTION, "false"),
    ("IpAddress", "aws:SourceIp", "192.0.2.0/24"),
    ("NotIpAddress", "aws:SourceIp", "192.0.2.0/24"),
    ("StringEquals", "aws:SourceVpce", "vpce-1"),
    ("StringNotEquals", "aws:SourceVpce", "vpce-1"),
]
# Not here: NotPrincipal with a canonical user. Two such statements depend on each other, which the engine ignores: it
# may then report access that no caller has.
_PRINCIPALS: list[dict[str, Any]] = [
    *[{"Principal": "*"}] * 4,
    {"Principal": {"AWS": "*"}},
    *[{"Principal": {"AWS": each}} for each in (PARTNER, [PARTNER, OTHER], ROLE, OWN, OWN_ROLE)],
    {"Principal": {"AWS": f"arn:aws:iam::{PARTNER}:root"}},
    {"Principal": {"CanonicalUser": CANONICAL}},
    {"Principal": {"Service": "logs.amazonaws.com"}},
    *[{"NotPrincipal": {"AWS": each}} for each in (OWN, [OWN, PARTNER], [PARTNER, ROLE], OWN_ROLE, ROLE)],
    {"NotPrincipal": {"AWS": f"arn:aws:iam::{PARTNER}:root"}},
]
_ACTIONS: list[dict[str, Any]] = [
    *[{"Action": "s3:*"}] * 3,
    {"Action": "s3:PutObject"},
    {"Action": ["s3:Delete*", "s3:put*"]},
    {"Action": "s3:PutBucketPolicy"},
    {"Action": "s3:Get*"},
    {"NotAction": "s3:PutObject"},
    {"NotAction": "s3:*Bucket*"},
]
_RESOURCES: list[dict[str, Any]] = [
    *[{"Resource": [BUCKET, OBJECTS]}] * 3,
    {"Resource": OBJECTS},
    {"Resource": f"{BUCKET}*"},
    {"Resource": f"{BUCKET}/in/*"},
    {"Resource": [BUCKET, f"{BUCKET}/in/?*"]},
    {"NotResource": f"{BUCKET}/in/*"},
    {"NotResource": [BUCKET, f"{BUCKET}/release/*"]},
]


@st.composite
def _statements(draw: st.DrawFn, effect: str) -> dict[str, Any]:
    condition: dict[str, dict[str, Any]] = {}
    for operator, key, value in draw(st.lists(st.sampled_from(_TESTS), max_size=2)):
        condition.setdefault(operator, {})[key] = value
    statement: dict[str, Any] = {"Effect": effect}
    for elements in (_PRINCIPALS, _ACTIONS, _RESOURCES):
        statement |= draw(st.sampled_from(elements))
    return statement | ({"Condition": condition} if condition else {})


_POLICIES = st.builds(
    lambda allows, denies: [*allows, *denies],
    st.lists(_statements("Allow"), min_size=1, max_size=2),
    st.lists(_statements("Deny"), max_size=3),
)
_ACTION_NAMES = tuple(dict.fromkeys(action for action, _ in TARGETS))


def externally_allowed(statements: list[dict[str, Any]], organization: str) -> dict[int, set[str]]:
    """Return, by number of the Allow statement, the actions that the engine reports as external access."""
    policy = Policy.parse({"Version": "2012-10-17", "Statement": statements})
    found: dict[int, set[str]] = {}
    for access in policy.external_access(BUCKET, ZoneOfTrust(OWN, organization), _ACTION_NAMES):
        assert access.decided
        found.setdefault(access.statement.number, set()).update(access.actions)
    return found


@_LAW
@given(_POLICIES, st.sampled_from(["", ORG]))
def test_external_access_is_reported_exactly_if_an_external_caller_has_it(
    statements: list[dict[str, Any]], organization: str
) -> None:
    """An action is reported if and only if the reference evaluator allows it to an external caller."""
    expected = {
        number: actions
        for number, each in enumerate(statements, 1)
        if each["Effect"] == "Allow" and (actions := allowed_actions(statements, each, organization))
    }
    assert externally_allowed(statements, organization) == expected


@_LAW
@given(_POLICIES, _statements("Deny"))
def test_another_deny_adds_no_access(statements: list[dict[str, Any]], another: dict[str, Any]) -> None:
    """A policy with one more Deny allows only what it allowed before."""
    before, after = externally_allowed(statements, ORG), externally_allowed([*statements, another], ORG)
    assert all(actions <= before.get(number, set()) for number, actions in after.items())


@_LAW
@given(_POLICIES)
def test_a_data_perimeter_denies_all_external_access(statements: list[dict[str, Any]]) -> None:
    """A Deny for all principals outside the organization leaves no external access, in every policy."""
    assert externally_allowed([*statements, PERIMETER], ORG) == {}


@_LAW
@given(_POLICIES)
def test_a_wider_zone_of_trust_reports_no_more_access(statements: list[dict[str, Any]]) -> None:
    """External access outside an organization is external access outside the account too."""
    organization, account = externally_allowed(statements, ORG), externally_allowed(statements, "")
    assert all(actions <= account.get(number, set()) for number, actions in organization.items())
