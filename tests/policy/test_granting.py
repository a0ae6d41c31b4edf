"""What a policy lets strangers do: by cases, by laws against a judge of single requests, and under hostile policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.policy.reference import Request, denied

from pipeseal.policy import Policy
from pipeseal.policy.strangers import Home

BUCKET = "arn:aws:s3:::harbor"
OBJECTS = f"{BUCKET}/*"
HOME, PARTNER, OTHER, FRESH = "123456789012", "210987654321", "333344445555", "987654321098"
ORG = "o-harbor1234"
ROLE = f"arn:aws:iam::{PARTNER}:role/deploy"
SESSION = f"arn:aws:sts::{PARTNER}:assumed-role/deploy/run-1"
OWN_ROLE = f"arn:aws:iam::{HOME}:role/pipeline"
OAI = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1EXAMPLE"
CANONICAL = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
ACTIONS = ("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutBucketPolicy", "s3:PutObjectAcl")
ANYONE, ANY_ACCOUNT = ("anyone",), ("any AWS account",)


def allow(**elements: Any) -> dict[str, Any]:
    """Make an Allow for anyone to put objects; an element that is None is taken out."""
    base = {"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": OBJECTS}
    return {name: value for name, value in (base | elements).items() if value is not None}


def deny(**elements: Any) -> dict[str, Any]:
    """Make a Deny of everything for everyone."""
    return allow(**{"Effect": "Deny", "Action": "s3:*", "Resource": [BUCKET, OBJECTS], **elements})


def when(operator: str, key: str, value: Any, **elements: Any) -> dict[str, Any]:
    """Make the elements of a statement under one condition."""
    return {"Condition": {operator: {key: value}}, **elements}


def strangers(*statements: Mapping[str, Any], organization: str = "", bucket: str = BUCKET) -> list[tuple[str, ...]]:
    """Return whom each statement lets in that lets a stranger in."""
    policy = Policy.parse({"Version": "2012-10-17", "Statement": list(statements)})
    return [grant.who for grant in policy.strangers(bucket, Home(HOME, organization), ACTIONS) if grant.settled]


PARTNER_ALLOWED = allow(Principal={"AWS": PARTNER})
IN_ORG = when("StringEquals", "aws:PrincipalOrgID", ORG)
ONLY_PARTNER = allow(**when("StringEquals", "aws:PrincipalAccount", PARTNER))
PERIMETER = deny(
    Condition={
        "StringNotEqualsIfExists": {"aws:PrincipalOrgID": ORG},
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
    }
)
TLS = deny(**when("Bool", "aws:SecureTransport", "false"))
SSE = deny(**when("StringNotEquals", "s3:x-amz-server-side-encryption", "aws:kms"))
UPLOADS_IN_CLEAR = SSE | {"Action": "s3:PutObject", "Resource": OBJECTS}

# Whom the one statement lets in; an empty tuple is nobody.
PRINCIPALS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "anyone": ({"Principal": "*"}, ANYONE),
    "anyone as AWS": ({"Principal": {"AWS": "*"}}, ANYONE),
    "anyone beside an own role": ({"Principal": {"AWS": [OWN_ROLE, "*"]}}, ANYONE),
    "an account": ({"Principal": {"AWS": PARTNER}}, (f"account {PARTNER}",)),
    "an account's root": ({"Principal": {"AWS": f"arn:aws:iam::{PARTNER}:root"}}, (f"account {PARTNER}",)),
    "a root of another partition": ({"Principal": {"AWS": f"arn:aws-cn:iam::{PARTNER}:root"}}, (f"account {PARTNER}",)),
    "a role": ({"Principal": {"AWS": ROLE}}, (ROLE,)),
    "a user": ({"Principal": {"AWS": f"arn:aws:iam::{PARTNER}:user/a/b"}}, (f"arn:aws:iam::{PARTNER}:user/a/b",)),
    "a session": ({"Principal": {"AWS": SESSION}}, (SESSION,)),
    "a federated user": (
        {"Principal": {"AWS": f"arn:aws:sts::{PARTNER}:federated-user/eve"}},
        (f"arn:aws:sts::{PARTNER}:federated-user/eve",),
    ),
    "two accounts and an own one": (
        {"Principal": {"AWS": [PARTNER, HOME, OTHER]}},
        (f"account {PARTNER}", f"account {OTHER}"),
    ),
    "an origin access identity": ({"Principal": {"AWS": OAI}}, (OAI,)),
    "a canonical user": ({"Principal": {"CanonicalUser": CANONICAL}}, (f"canonical user {CANONICAL}",)),
    "a provider": (
        {"Principal": {"Federated": "accounts.google.com"}},
        ("whoever signs in with accounts.google.com",),
    ),
    "everyone but": ({"Principal": None, "NotPrincipal": {"AWS": OWN_ROLE}}, ANYONE),
    "everyone but a partner": ({"Principal": None, "NotPrincipal": {"AWS": PARTNER}}, ANYONE),
    "nobody but": ({"Principal": None, "NotPrincipal": {"AWS": "*"}}, ()),
    "the own account": ({"Principal": {"AWS": HOME}}, ()),
    "the own root": ({"Principal": {"AWS": f"arn:aws:iam::{HOME}:root"}}, ()),
    "own role, user, session": (
        {"Principal": {"AWS": [OWN_ROLE, f"arn:aws:iam::{HOME}:user/x", f"arn:aws:sts::{HOME}:assumed-role/r/s"]}},
        (),
    ),
    "a service": ({"Principal": {"Service": "logging.s3.amazonaws.com"}}, ()),
    "a deleted role": ({"Principal": {"AWS": "AROAEXAMPLEEXAMPLE123"}}, ()),
}
ACTIONS_AND_RESOURCES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "reading": ({"Action": ["s3:GetObject", "s3:List*"]}, ()),
    "everything": ({"Action": "s3:*", "Resource": "*"}, ANYONE),
    "in capitals": ({"Action": "S3:PUTOBJECT"}, ANYONE),
    "by wildcard": ({"Action": "s3:?utObj*"}, ANYONE),
    "all but reading": ({"Action": None, "NotAction": "s3:Get*"}, ANYONE),
    "all but everything": ({"Action": None, "NotAction": "s3:*"}, ()),
    "objects' action on the bucket": ({"Resource": BUCKET}, ()),
    "the bucket's action on objects": ({"Action": "s3:PutBucketPolicy"}, ()),
    "the bucket's action": ({"Action": "s3:PutBucketPolicy", "Resource": BUCKET}, ANYONE),
    "another bucket": ({"Resource": "arn:aws:s3:::harbour/*"}, ()),
    "some keys": ({"Resource": f"{BUCKET}/inbox/*.zip"}, ANYONE),
    "one's own folder": ({"Resource": f"{BUCKET}/${{aws:username}}/*"}, ANYONE),
    "all but some keys": ({"Resource": None, "NotResource": f"{BUCKET}/release/*"}, ANYONE),
    "no key": ({"Resource": None, "NotResource": "*"}, ()),
}
CONDITIONS: dict[str, tuple[tuple[str, str, Any], tuple[str, ...]]] = {
    "own account": (("StringEquals", "aws:PrincipalAccount", HOME), ()),
    "own account as a number": (("NumericEquals", "aws:PrincipalAccount", HOME), ()),
    "own account by variable": (("StringEquals", "aws:PrincipalAccount", "${aws:ResourceAccount}"), ()),
    "own or a partner's account": (("StringEquals", "aws:PrincipalAccount", [HOME, PARTNER]), (f"account {PARTNER}",)),
    "all but a partner": (("StringNotEquals", "aws:PrincipalAccount", PARTNER), ANYONE),
    "own account, if there is one": (("StringEqualsIfExists", "aws:PrincipalAccount", HOME), ANYONE),
    "own account, for all values": (("ForAllValues:StringEquals", "aws:PrincipalAccount", HOME), ANYONE),
    "own account, for any value": (("ForAnyValue:StringEquals", "aws:PrincipalAccount", HOME), ()),
    "who signs": (("Null", "aws:PrincipalArn", "false"), ANY_ACCOUNT),
    "own role": (("ArnEquals", "aws:PrincipalArn", OWN_ROLE), ()),
    "own roles": (("ArnLike", "aws:PrincipalArn", f"arn:*:iam::{HOME}:role/*"), ()),
    # A star of StringLike takes colons in, and the path of a role may have them: role/x:iam::123456789012:role/y.
    "what looks like own roles": (("StringLike", "aws:PrincipalArn", f"arn:*:iam::{HOME}:role/*"), ANY_ACCOUNT),
    "own roles, as text": (("StringLike", "aws:PrincipalArn", f"arn:aws:iam::{HOME}:role/*"), ()),
    "anybody's deploy role": (("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/deploy"), ANY_ACCOUNT),
    "a partner's role": (("ArnEquals", "aws:PrincipalArn", ROLE), (f"account {PARTNER}",)),
    "the organisation": (("StringEquals", "aws:PrincipalOrgID", ORG), ()),
    "the organisation, if any": (("StringEqualsIfExists", "aws:PrincipalOrgID", ORG), ANYONE),
    "two organisations": (("StringEquals", "aws:PrincipalOrgID", [ORG, "o-partner12"]), ANY_ACCOUNT),
    "a unit": (("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", f"{ORG}/r-ab12/ou-ab12-1/*"), ()),
    "a unit, for all values": (("ForAllValues:StringLike", "aws:PrincipalOrgPaths", f"{ORG}/*"), ANYONE),
    "another's unit": (("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-partner12/*"), ANY_ACCOUNT),
    "for one's own account": (("StringEquals", "aws:SourceAccount", HOME), ()),
    "for own resources": (("ArnLike", "aws:SourceArn", f"arn:aws:sns:*:{HOME}:*"), ()),
    "through an own access point": (("StringEquals", "s3:DataAccessPointAccount", HOME), ()),
    "an address": (("IpAddress", "aws:SourceIp", "192.0.2.0/24"), ANYONE),
    "an endpoint": (("StringEquals", "aws:SourceVpce", "vpce-1a2b3c4d"), ANYONE),
    "a network": (("StringEquals", "aws:SourceVpc", "vpc-1a2b3c4d"), ANYONE),
    "a tag that anybody can have": (("StringEquals", "aws:PrincipalTag/team", "release"), ANY_ACCOUNT),
    "over TLS": (("Bool", "aws:SecureTransport", "true"), ANYONE),
    "giving the owner control": (("StringEquals", "s3:x-amz-acl", "bucket-owner-full-control"), ANYONE),
    "services": (("Bool", "aws:PrincipalIsAWSService", "true"), ()),
    "the own root's id": (("StringEquals", "aws:userid", HOME), ()),
    "what cannot be": (("StringEquals", "PrincipalAccount", PARTNER), ()),
}
REFUSALS: dict[str, tuple[list[dict[str, Any]], tuple[str, ...]]] = {
    "the perimeter": ([allow(), PERIMETER], ()),
    "the perimeter for a partner": ([PARTNER_ALLOWED, PERIMETER], ()),
    "a perimeter that forgets who does not sign": (
        [allow(), deny(**when("ForAnyValue:StringNotEquals", "aws:PrincipalOrgID", ORG))],
        ANYONE,
    ),
    "a perimeter for signed requests": (
        [
            allow(),
            deny(
                Condition={
                    "StringNotEquals": {"aws:PrincipalOrgID": ORG},
                    "Bool": {"aws:PrincipalIsAWSService": "false"},
                }
            ),
        ],
        ANYONE,
    ),
    "everyone else's account": ([allow(), deny(**when("StringNotEquals", "aws:PrincipalAccount", HOME))], ()),
    "everyone else": ([allow(), deny(Principal=None, NotPrincipal={"AWS": [HOME, OWN_ROLE]})], ()),
    "everyone else but a partner": (
        [allow(), deny(Principal=None, NotPrincipal={"AWS": [HOME, PARTNER]})],
        (f"account {PARTNER}",),
    ),
    "the partner": ([PARTNER_ALLOWED, deny(Principal={"AWS": f"arn:aws:iam::{PARTNER}:root"})], ()),
    "another": ([PARTNER_ALLOWED, deny(Principal={"AWS": OTHER})], (f"account {PARTNER}",)),
    "a role of the partner": ([PARTNER_ALLOWED, deny(Principal={"AWS": ROLE})], (f"account {PARTNER}",)),
    "the very role": ([allow(Principal={"AWS": ROLE}), deny(Principal={"AWS": ROLE})], ()),
    "the role of the condition": (
        [allow(**when("ArnEquals", "aws:PrincipalArn", ROLE)), deny(Principal={"AWS": ROLE})],
        (),
    ),
    "one session of the role": ([allow(Principal={"AWS": ROLE}), deny(Principal={"AWS": SESSION})], (ROLE,)),
    "all but the role, and the role": (
        [PARTNER_ALLOWED, deny(Principal=None, NotPrincipal={"AWS": ROLE}), deny(Principal={"AWS": ROLE})],
        (),
    ),
    "roles by pattern": (
        [
            allow(**when("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/ci-*")),
            deny(**when("StringLike", "aws:PrincipalArn", "arn:aws:iam::*:role/*")),
        ],
        (),
    ),
    "the account by the condition": ([ONLY_PARTNER, deny(Principal={"AWS": PARTNER})], ()),
    "TLS": ([allow(), TLS], ANYONE),
    "encryption": ([allow(), UPLOADS_IN_CLEAR], ANYONE),
    "encryption on what has no such header": ([allow(Action="s3:DeleteObject"), SSE], ()),
    "other actions": ([allow(), deny(Action="s3:DeleteObject*")], ANYONE),
    "all but puts": ([allow(), deny(Action=None, NotAction="s3:PutObject")], ANYONE),
    "by both halves of the keys": (
        [
            allow(),
            deny(Resource=f"{BUCKET}/release/*"),
            deny(Resource=None, NotResource=f"{BUCKET}/release/*"),
        ],
        (),
    ),
    "some keys": ([allow(), deny(Resource=f"{BUCKET}/release/*")], ANYONE),
    "the very keys": ([allow(Resource=f"{BUCKET}/in/*"), deny(Resource=f"{BUCKET}/in*")], ()),
    "all but the folder itself": ([allow(Resource=f"{BUCKET}/in/*"), deny(Resource=f"{BUCKET}/in/?*")], ANYONE),
    "the keys left over": (
        [allow(Resource=None, NotResource=f"{BUCKET}/in/*"), deny(Resource=None, NotResource=f"{BUCKET}/in/*")],
        (),
    ),
    "every address": (
        [
            allow(**when("IpAddress", "aws:SourceIp", "192.0.2.0/24")),
            deny(**when("IpAddress", "aws:SourceIp", "192.0.2.0/24")),
        ],
        (),
    ),
    "all but an address": ([allow(), deny(**when("NotIpAddress", "aws:SourceIp", "192.0.2.0/24"))], ANYONE),
    "all but the access points": (
        [allow(), deny(**when("StringNotEquals", "s3:DataAccessPointAccount", HOME))],
        (),
    ),
    "what a service refuses": ([allow(), deny(Principal={"Service": "logs.amazonaws.com"})], ANYONE),
}


@pytest.mark.parametrize(("elements", "who"), PRINCIPALS.values(), ids=PRINCIPALS)
def test_whom_a_principal_lets_in(elements: dict[str, Any], who: tuple[str, ...]) -> None:
    """Whoever is of another account, or of one that nobody can tell, is a stranger; a service is none."""
    assert strangers(allow(**elements)) == ([who] if who else [])


@pytest.mark.parametrize(("elements", "who"), ACTIONS_AND_RESOURCES.values(), ids=ACTIONS_AND_RESOURCES)
def test_what_a_statement_reaches(elements: dict[str, Any], who: tuple[str, ...]) -> None:
    """Only what is asked about counts, on this bucket, and each action on what S3 judges it by."""
    assert strangers(allow(**elements)) == ([who] if who else [])


@pytest.mark.parametrize(("test", "who"), CONDITIONS.values(), ids=CONDITIONS)
def test_whom_a_condition_keeps_out(test: tuple[str, str, Any], who: tuple[str, ...]) -> None:
    """A condition counts by what it means for a stranger; a place makes nobody a friend."""
    assert strangers(allow(**when(*test)), organization=ORG) == ([who] if who else [])


@pytest.mark.parametrize(("statements", "who"), REFUSALS.values(), ids=REFUSALS)
def test_what_a_deny_takes_back(statements: list[dict[str, Any]], who: tuple[str, ...]) -> None:
    """Denies count together, for the callers, actions, keys and conditions that they surely speak of."""
    assert strangers(*statements, organization=ORG) == ([who] if who else [])
    assert strangers(*reversed(statements), organization=ORG) == ([who] if who else [])


def test_members_are_strangers_where_no_organisation_is_given() -> None:
    """Without OrganizationId only the account is at home."""
    member = allow(Principal={"AWS": PARTNER}, **IN_ORG)
    assert strangers(member) == [(f"account {PARTNER}",)]
    assert strangers(member, organization=ORG) == []
    assert strangers(PARTNER_ALLOWED, organization=ORG) == [(f"account {PARTNER}",)]


def test_a_path_shows_the_organisation() -> None:
    """Who is in one organisation has no path in another, and every path begins with its own."""
    partner = allow(**when("StringEquals", "aws:PrincipalOrgID", "o-partner12"))
    for operator, path in (("ForAnyValue:StringNotLike", f"{ORG}/*"), ("ForAnyValue:StringLike", "o-partner12/*")):
        assert strangers(partner, deny(**when(operator, "aws:PrincipalOrgPaths", path))) == []
    unit = deny(**when("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-partner12/r-1/*"))
    assert strangers(partner, unit) == [ANY_ACCOUNT]


def test_a_grant_tells_what_is_open() -> None:
    """The actions that no Deny refuses, the patterns that allow them and what narrows them."""
    policy = Policy.parse(
        {
            "Statement": [
                allow(Action=["s3:Put*", "s3:Get*", "s3:DeleteObject"], **when("Bool", "aws:SecureTransport", "true")),
                deny(Action="s3:PutObject"),
            ]
        }
    )
    [grant] = policy.strangers(BUCKET, Home(HOME), ACTIONS)
    assert grant.actions == ("s3:DeleteObject", "s3:PutObjectAcl")
    assert grant.written == ("s3:Put*", "s3:DeleteObject")
    assert grant.narrowed == ("aws:SecureTransport",)


def test_who_may_do_more_is_told_apart() -> None:
    """One statement is told of once for all who may do the same."""
    statements = [
        allow(Action=["s3:PutObject", "s3:DeleteObject"]),
        deny(Principal=None, NotPrincipal={"AWS": PARTNER}),
    ]
    statements[1]["Action"] = "s3:PutObject"
    grants = Policy.parse({"Statement": statements}).strangers(BUCKET, Home(HOME), ACTIONS)
    assert [(grant.who, grant.actions) for grant in grants] == [
        (ANYONE, ("s3:DeleteObject",)),
        ((f"account {PARTNER}",), ("s3:PutObject", "s3:DeleteObject")),
    ]


def test_no_policy_lets_nobody_in() -> None:
    """A bucket without a policy grants nothing."""
    assert Policy.parse(None).strangers(BUCKET, Home(HOME), ACTIONS) == ()


# ------------------------------------------------------- a judge of single requests


@dataclass(frozen=True)
class Caller:
    """Somebody from elsewhere; *account* is "" for who does not sign."""

    account: str
    arn: str = ""
    canonical: str = ""
    context: Mapping[str, str] = field(default_factory=dict)


def callers(organization: str) -> Iterator[Caller]:
    """Yield strangers of every sort; their *organization* is another one, none, or, without a perimeter, any."""
    yield Caller("", context={"aws:userid": "anonymous"})
    organizations = ["", "o-partner12", "o-fresh98765", *([] if organization else [ORG])]
    for account, resource, organized, canonical in product(
        (PARTNER, OTHER, FRESH), ("role/deploy", "role/ci-9", "user/eve", "root"), organizations, ("", CANONICAL)
    ):
        arn = f"arn:aws:iam::{account}:{resource}"
        context = {"aws:principalaccount": account, "aws:principalarn": arn, "aws:principalisawsservice": "false"}
        if organized:
            context |= {"aws:principalorgid": organized, "aws:principalorgpaths": f"{organized}/r-ab12/ou-1/"}
        yield Caller(account, arn, canonical, context)


def names(element: Any, caller: Caller) -> bool:
    """Say whether a Principal names *caller*."""
    for kind, texts in ({"AWS": element} if element == "*" else element).items():
        for text in texts if isinstance(texts, list) else [texts]:
            own = {"*", caller.account, f"arn:aws:iam::{caller.account}:root", caller.arn}
            if text and ((kind == "AWS" and text in own) or (kind == "CanonicalUser" and text == caller.canonical)):
                return True
    return False


def matches(statement: Mapping[str, Any], caller: Caller, request: Request) -> bool:
    """Say whether *statement* speaks of the request that *caller* makes."""
    spoken = (
        names(statement["Principal"], caller)
        if "Principal" in statement
        else not names(statement["NotPrincipal"], caller)
    )
    everyone = {**statement, "Effect": "Deny", "Principal": "*"}
    return spoken and denied({"Version": "2012-10-17", "Statement": everyone}, request)


def lets(statements: list[dict[str, Any]], allowing: Mapping[str, Any], organization: str) -> set[str]:
    """Return the actions that *allowing* lets some stranger take and no Deny refuses."""
    named = {key.lower() for each in statements for block in each.get("Condition", {}).values() for key in block}
    places = [
        [None if value is None else (key, value) for value in values] for key, values in PLACES.items() if key in named
    ]
    found = set()
    for caller, chosen in product(callers(organization), product(*places)):
        context = {**caller.context, **dict(filter(None, chosen))}
        context.setdefault("aws:securetransport", "true")
        for action, resource in TARGETS:
            seen = {key: value for key, value in context.items() if action == "s3:PutObject" or "encryption" not in key}
            request = Request("", action, resource, seen)
            if action not in found and matches(allowing, caller, request):
                refused = any(matches(each, caller, request) for each in statements if each["Effect"] == "Deny")
                found |= set() if refused else {action}
    return found


PLACES: Mapping[str, tuple[str | None, ...]] = {
    "aws:securetransport": ("true", "false"),
    "s3:x-amz-server-side-encryption": (None, "AES256", "aws:kms"),
    "aws:sourceip": ("192.0.2.7", "198.51.100.7"),
    "aws:sourcevpce": (None, "vpce-1", "vpce-2"),
}
TARGETS = [
    *(("s3:PutObject", f"{BUCKET}/{key}") for key in ("z", "in/", "in/z", "release/z")),
    *(("s3:DeleteObject", f"{BUCKET}/{key}") for key in ("z", "in/", "in/z", "release/z")),
    ("s3:PutBucketPolicy", BUCKET),
]
_TESTS: list[tuple[str, str, Any]] = [
    ("StringEquals", "aws:PrincipalAccount", [HOME, PARTNER]),
    ("StringNotEquals", "aws:PrincipalAccount", HOME),
    ("StringNotEqualsIfExists", "aws:PrincipalAccount", [HOME, OTHER]),
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
    ("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{HOME}:role/*"),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/ci-*"),
    ("StringLike", "aws:PrincipalArn", f"arn:aws:iam::{PARTNER}:*"),
    ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/*"),
    ("Null", "aws:PrincipalArn", "true"),
    ("Bool", "aws:PrincipalIsAWSService", "false"),
    ("BoolIfExists", "aws:PrincipalIsAWSService", "false"),
    ("Bool", "aws:SecureTransport", "false"),
    ("Bool", "aws:SecureTransport", "true"),
    ("StringNotEquals", "s3:x-amz-server-side-encryption", "aws:kms"),
    ("Null", "s3:x-amz-server-side-encryption", "false"),
    ("IpAddress", "aws:SourceIp", "192.0.2.0/24"),
    ("NotIpAddress", "aws:SourceIp", "192.0.2.0/24"),
    ("StringEquals", "aws:SourceVpce", "vpce-1"),
    ("StringNotEquals", "aws:SourceVpce", "vpce-1"),
]
_PRINCIPALS: list[dict[str, Any]] = [
    *[{"Principal": "*"}] * 4,
    {"Principal": {"AWS": "*"}},
    *[{"Principal": {"AWS": each}} for each in (PARTNER, [PARTNER, OTHER], ROLE, HOME, OWN_ROLE)],
    {"Principal": {"AWS": f"arn:aws:iam::{PARTNER}:root"}},
    {"Principal": {"CanonicalUser": CANONICAL}},
    {"Principal": {"Service": "logs.amazonaws.com"}},
    *[{"NotPrincipal": {"AWS": each}} for each in (HOME, [HOME, PARTNER], [PARTNER, ROLE], OWN_ROLE, ROLE)],
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
    parts = [draw(st.sampled_from(choices)) for choices in (_PRINCIPALS, _ACTIONS, _RESOURCES)]
    made: dict[str, Any] = {"Effect": effect}
    for part in parts:
        made |= part
    return made | ({"Condition": condition} if condition else {})


_POLICIES = st.builds(
    lambda allows, denies: [*allows, *denies],
    st.lists(_statements("Allow"), min_size=1, max_size=2),
    st.lists(_statements("Deny"), max_size=3),
)
_ASKED = tuple(dict.fromkeys(action for action, _ in TARGETS))
_LAW = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def found(statements: list[dict[str, Any]], organization: str) -> dict[int, set[str]]:
    """Return the number of each statement that lets strangers in, and the actions."""
    policy = Policy.parse({"Version": "2012-10-17", "Statement": statements})
    grants = policy.strangers(BUCKET, Home(HOME, organization), _ASKED)
    assert all(grant.settled for grant in grants)
    opened: dict[int, set[str]] = {}
    for grant in grants:
        opened.setdefault(grant.statement.number, set()).update(grant.actions)
    return opened


@_LAW
@given(_POLICIES, st.sampled_from(["", ORG]))
def test_a_statement_is_told_of_exactly_if_some_stranger_gets_through(
    statements: list[dict[str, Any]], organization: str
) -> None:
    """Allowed by that statement and refused by none, for each action, in the judge's battery of single requests."""
    judged = {
        number: through
        for number, each in enumerate(statements, 1)
        if each["Effect"] == "Allow" and (through := lets(statements, each, organization))
    }
    assert found(statements, organization) == judged


@_LAW
@given(_POLICIES, _statements("Deny"))
def test_a_further_deny_opens_nothing(statements: list[dict[str, Any]], further: dict[str, Any]) -> None:
    """What a policy with one more Deny lets through, it let through before."""
    before, after = found(statements, ORG), found([*statements, further], ORG)
    assert all(actions <= before.get(number, set()) for number, actions in after.items())


@_LAW
@given(_POLICIES)
def test_the_perimeter_keeps_every_stranger_out(statements: list[dict[str, Any]]) -> None:
    """Whatever else stands in the policy, refusing everyone outside the organisation is enough."""
    assert found([*statements, PERIMETER], ORG) == {}


@_LAW
@given(_POLICIES)
def test_an_organisation_only_makes_friends(statements: list[dict[str, Any]]) -> None:
    """Who is a stranger where an organisation is given is one where none is."""
    narrow, wide = found(statements, ORG), found(statements, "")
    assert all(actions <= wide.get(number, set()) for number, actions in narrow.items())


# ------------------------------------------------------------------ hostile policies

_NUMBERS = [str(210000000000 + number) for number in range(600)]
HOSTILE: dict[str, list[dict[str, Any]]] = {
    "accounts in a condition": [
        allow(**when("StringEquals", "aws:PrincipalAccount", _NUMBERS)),
        deny(Principal={"AWS": _NUMBERS}),
    ],
    "accounts for principals": [allow(Principal={"AWS": _NUMBERS}), deny(Principal={"AWS": _NUMBERS})],
    "canonical users": [
        allow(Principal={"CanonicalUser": [f"c{number}" for number in range(300)]}),
        deny(Principal={"AWS": _NUMBERS[:300]}, Resource=None, NotResource=f"{BUCKET}/x*"),
    ],
    "keys": [
        *(allow(Resource=f"{BUCKET}/{number}*") for number in range(100)),
        *(deny(Resource=None, NotResource=f"{BUCKET}/{number}*") for number in range(60)),
    ],
    "patterns of callers": [
        allow(**when("StringLike", "aws:PrincipalArn", [f"arn:aws:iam::*{n}*:role/*{n}*" for n in range(200)])),
        deny(**when("ArnLike", "aws:PrincipalArn", [f"arn:aws:iam::{each}:role/*" for each in _NUMBERS[:200]])),
    ],
    "entangled keys": [
        *(allow(**when("Bool", f"aws:k{number}", "true")) for number in range(40)),
        *(
            deny(
                Condition={"Bool": {f"aws:k{n}": "true", f"aws:k{n * 7 % 61}": "false", f"aws:k{n * 11 % 61}": "true"}}
            )
            for n in range(60)
        ),
    ],
    "tests": [allow(**when("StringLike", "aws:PrincipalArn", "*a" * 9000)), deny(Resource="*b" * 4000)],
}


@pytest.mark.parametrize("statements", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_policy_is_settled_or_told(statements: list[dict[str, Any]]) -> None:
    """Policies made to make a judge hang are answered; what cannot be settled is never passed over."""
    policy = Policy.parse({"Version": "2012-10-17", "Statement": [*statements, allow(Sid="Open")]})
    grants = policy.strangers(BUCKET, Home(HOME, ORG), ACTIONS)
    assert all(grant.who and grant.actions for grant in grants)
