"""The access that a policy grants to external principals, as tables of cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.policy.statements import (
    BUCKET,
    CANONICAL,
    ENCRYPTION,
    OBJECTS,
    ORG,
    ORIGIN_ACCESS_IDENTITY,
    OTHER,
    OWN,
    OWN_ROLE,
    PARTNER,
    PERIMETER,
    ROLE,
    SESSION,
    allow,
    deny,
    when,
)
from tests.policy.work import limit_work

from pipeseal.policy import Policy
from pipeseal.policy.external_principals import ZoneOfTrust

ACTIONS = (
    "s3:PutObject",
    "s3:ReplicateObject",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutBucketPolicy",
    "s3:PutObjectAcl",
)
ANYONE, ANY_ACCOUNT = ("anyone",), ("any AWS account",)


def external(*statements: Mapping[str, Any], organization: str = "", bucket: str = BUCKET) -> list[tuple[str, ...]]:
    """Return the external principals of each statement that grants external access."""
    policy = Policy.parse({"Version": "2012-10-17", "Statement": list(statements)})
    found = policy.external_access(bucket, ZoneOfTrust(OWN, organization), ACTIONS)
    assert all(access.decided for access in found)
    return [access.principals for access in found]


PARTNER_ALLOWED = allow(Principal={"AWS": PARTNER})
IN_ORG = when("StringEquals", "aws:PrincipalOrgID", ORG)
ONLY_PARTNER = allow(**when("StringEquals", "aws:PrincipalAccount", PARTNER))
ALL_BUT_PARTNER = allow(Principal=None, NotPrincipal={"AWS": f"arn:aws:iam::{PARTNER}:root"})
NOT_PARTNER = deny(**when("StringNotEquals", "aws:PrincipalAccount", PARTNER))
TLS = deny(**when("Bool", "aws:SecureTransport", "false"))
SSE = deny(**when("StringNotEquals", ENCRYPTION, "aws:kms"))
UPLOADS_WITHOUT_KMS = SSE | {"Action": "s3:PutObject", "Resource": OBJECTS}

# Each case: elements of the one Allow statement, and the external principals; empty for none.
PRINCIPALS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "anyone": ({"Principal": "*"}, ANYONE),
    "anyone as AWS": ({"Principal": {"AWS": "*"}}, ANYONE),
    "anyone beside a role of the account": ({"Principal": {"AWS": [OWN_ROLE, "*"]}}, ANYONE),
    "an account": ({"Principal": {"AWS": PARTNER}}, (f"account {PARTNER}",)),
    "an account's root": ({"Principal": {"AWS": f"arn:aws:iam::{PARTNER}:root"}}, (f"account {PARTNER}",)),
    "a root of another AWS partition": (
        {"Principal": {"AWS": f"arn:aws-cn:iam::{PARTNER}:root"}},
        (f"account {PARTNER}",),
    ),
    "a role": ({"Principal": {"AWS": ROLE}}, (ROLE,)),
    "a user": ({"Principal": {"AWS": f"arn:aws:iam::{PARTNER}:user/a/b"}}, (f"arn:aws:iam::{PARTNER}:user/a/b",)),
    "a session": ({"Principal": {"AWS": SESSION}}, (SESSION,)),
    "a federated user": (
        {"Principal": {"AWS": f"arn:aws:sts::{PARTNER}:federated-user/eve"}},
        (f"arn:aws:sts::{PARTNER}:federated-user/eve",),
    ),
    "two accounts and the own account": (
        {"Principal": {"AWS": [PARTNER, OWN, OTHER]}},
        (f"account {PARTNER}", f"account {OTHER}"),
    ),
    "an origin access identity": ({"Principal": {"AWS": ORIGIN_ACCESS_IDENTITY}}, (ORIGIN_ACCESS_IDENTITY,)),
    "a canonical user": ({"Principal": {"CanonicalUser": CANONICAL}}, (f"canonical user {CANONICAL}",)),
    "a federated principal": (
        {"Principal": {"Federated": "accounts.google.com"}},
        ("users federated by accounts.google.com",),
    ),
    "all but a role of the account": ({"Principal": None, "NotPrincipal": {"AWS": OWN_ROLE}}, ANYONE),
    "all but a partner account": ({"Principal": None, "NotPrincipal": {"AWS": PARTNER}}, ANYONE),
    "all but everyone": ({"Principal": None, "NotPrincipal": {"AWS": "*"}}, ()),
    "the own account": ({"Principal": {"AWS": OWN}}, ()),
    "the own root": ({"Principal": {"AWS": f"arn:aws:iam::{OWN}:root"}}, ()),
    "role, user and session of the own account": (
        {"Principal": {"AWS": [OWN_ROLE, f"arn:aws:iam::{OWN}:user/x", f"arn:aws:sts::{OWN}:assumed-role/r/s"]}},
        (),
    ),
    "a service": ({"Principal": {"Service": "logging.s3.amazonaws.com"}}, ()),
    "a deleted role": ({"Principal": {"AWS": "AROAEXAMPLEEXAMPLE123"}}, ()),
}
ACTIONS_AND_RESOURCES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "read actions": ({"Action": ["s3:GetObject", "s3:List*"]}, ()),
    "every action on every resource": ({"Action": "s3:*", "Resource": "*"}, ANYONE),
    "an action in another case": ({"Action": "S3:PUTOBJECT"}, ANYONE),
    "an action with wildcards": ({"Action": "s3:?utObj*"}, ANYONE),
    "replication": ({"Action": "s3:ReplicateObject"}, ANYONE),
    "all but read actions": ({"Action": None, "NotAction": "s3:Get*"}, ANYONE),
    "all but every action": ({"Action": None, "NotAction": "s3:*"}, ()),
    "an object action on the bucket": ({"Resource": BUCKET}, ()),
    "a bucket action on objects": ({"Action": "s3:PutBucketPolicy"}, ()),
    "a bucket action": ({"Action": "s3:PutBucketPolicy", "Resource": BUCKET}, ANYONE),
    "another bucket": ({"Resource": "arn:aws:s3:::harbour/*"}, ()),
    "some keys": ({"Resource": f"{BUCKET}/inbox/*.zip"}, ANYONE),
    "a prefix by policy variable": ({"Resource": f"{BUCKET}/${{aws:username}}/*"}, ANYONE),
    "all but some keys": ({"Resource": None, "NotResource": f"{BUCKET}/release/*"}, ANYONE),
    "no key": ({"Resource": None, "NotResource": "*"}, ()),
}
CONDITIONS: dict[str, tuple[tuple[str, str, Any], tuple[str, ...]]] = {
    "own account": (("StringEquals", "aws:PrincipalAccount", OWN), ()),
    "own account as a number": (("NumericEquals", "aws:PrincipalAccount", OWN), ()),
    "own account by policy variable": (("StringEquals", "aws:PrincipalAccount", "${aws:ResourceAccount}"), ()),
    "own or partner account": (("StringEquals", "aws:PrincipalAccount", [OWN, PARTNER]), (f"account {PARTNER}",)),
    "all but the partner account": (("StringNotEquals", "aws:PrincipalAccount", PARTNER), ANYONE),
    "own account, if exists": (("StringEqualsIfExists", "aws:PrincipalAccount", OWN), ANYONE),
    "own account, for all values": (("ForAllValues:StringEquals", "aws:PrincipalAccount", OWN), ANYONE),
    "own account, for any value": (("ForAnyValue:StringEquals", "aws:PrincipalAccount", OWN), ()),
    "signed requests": (("Null", "aws:PrincipalArn", "false"), ANY_ACCOUNT),
    "own role": (("ArnEquals", "aws:PrincipalArn", OWN_ROLE), ()),
    "own roles": (("ArnLike", "aws:PrincipalArn", f"arn:*:iam::{OWN}:role/*"), ()),
    # An asterisk of StringLike matches colons, which a role path may contain: role/x:iam::123456789012:role/y.
    "own roles by a pattern that others match": (
        ("StringLike", "aws:PrincipalArn", f"arn:*:iam::{OWN}:role/*"),
        ANY_ACCOUNT,
    ),
    "own roles, as text": (("StringLike", "aws:PrincipalArn", f"arn:aws:iam::{OWN}:role/*"), ()),
    "a deploy role of any account": (("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/deploy"), ANY_ACCOUNT),
    "a partner role": (("ArnEquals", "aws:PrincipalArn", ROLE), (f"account {PARTNER}",)),
    "the organization": (("StringEquals", "aws:PrincipalOrgID", ORG), ()),
    "the organization, if exists": (("StringEqualsIfExists", "aws:PrincipalOrgID", ORG), ANYONE),
    "two organizations": (("StringEquals", "aws:PrincipalOrgID", [ORG, "o-partner12"]), ANY_ACCOUNT),
    "an organizational unit": (("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", f"{ORG}/r-ab12/ou-ab12-1/*"), ()),
    "an organizational unit, for all values": (
        ("ForAllValues:StringLike", "aws:PrincipalOrgPaths", f"{ORG}/*"),
        ANYONE,
    ),
    "a unit of another organization": (
        ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-partner12/*"),
        ANY_ACCOUNT,
    ),
    "a source in the own account": (("StringEquals", "aws:SourceAccount", OWN), ()),
    "a source owner in the own account": (("StringEquals", "aws:SourceOwner", OWN), ()),
    "a source owner in a partner account": (("StringEquals", "aws:SourceOwner", PARTNER), ANY_ACCOUNT),
    "a source ARN in the own account": (("ArnLike", "aws:SourceArn", f"arn:aws:sns:*:{OWN}:*"), ()),
    "an access point of the own account": (("StringEquals", "s3:DataAccessPointAccount", OWN), ()),
    "an IP address": (("IpAddress", "aws:SourceIp", "192.0.2.0/24"), ANYONE),
    "a VPC endpoint": (("StringEquals", "aws:SourceVpce", "vpce-1a2b3c4d"), ANYONE),
    "a VPC": (("StringEquals", "aws:SourceVpc", "vpc-1a2b3c4d"), ANYONE),
    "a VPC by ARN": (("ArnEquals", "aws:SourceVpcArn", "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-1a2b"), ANYONE),
    "an ARN as a number": (("NumericEquals", "aws:PrincipalArn", OWN), ()),
    "an organization path as a number": (("ForAnyValue:NumericEquals", "aws:PrincipalOrgPaths", OWN), ()),
    "a principal tag": (("StringEquals", "aws:PrincipalTag/team", "release"), ANY_ACCOUNT),
    "over TLS": (("Bool", "aws:SecureTransport", "true"), ANYONE),
    "the ACL bucket-owner-full-control": (("StringEquals", "s3:x-amz-acl", "bucket-owner-full-control"), ANYONE),
    "AWS services": (("Bool", "aws:PrincipalIsAWSService", "true"), ()),
    "the user id of the own root user": (("StringEquals", "aws:userid", OWN), ()),
    "a key without service prefix": (("StringEquals", "PrincipalAccount", PARTNER), ()),
}
DENIALS: dict[str, tuple[list[dict[str, Any]], tuple[str, ...]]] = {
    "a data perimeter": ([allow(), PERIMETER], ()),
    "a data perimeter, partner allowed": ([PARTNER_ALLOWED, PERIMETER], ()),
    "a data perimeter that does not match anonymous requests": (
        [allow(), deny(**when("ForAnyValue:StringNotEquals", "aws:PrincipalOrgID", ORG))],
        ANYONE,
    ),
    "a data perimeter for signed requests": (
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
    "all other accounts": ([allow(), deny(**when("StringNotEquals", "aws:PrincipalAccount", OWN))], ()),
    "NotPrincipal of the account": ([allow(), deny(Principal=None, NotPrincipal={"AWS": [OWN, OWN_ROLE]})], ()),
    "NotPrincipal of the account and a partner": (
        [allow(), deny(Principal=None, NotPrincipal={"AWS": [OWN, PARTNER]})],
        (f"account {PARTNER}",),
    ),
    "NotPrincipal of a partner's root": (
        [allow(), deny(Principal=None, NotPrincipal={"AWS": f"arn:aws:iam::{PARTNER}:root"})],
        (f"account {PARTNER}",),
    ),
    # A canonical user id does not show the account, so any account may be exempt from the Deny.
    "NotPrincipal of a canonical user": (
        [allow(), deny(Principal=None, NotPrincipal={"CanonicalUser": CANONICAL})],
        ANY_ACCOUNT,
    ),
    "NotPrincipal of a canonical user that is allowed": (
        [
            allow(Principal={"CanonicalUser": CANONICAL}),
            deny(Principal=None, NotPrincipal={"CanonicalUser": CANONICAL}),
        ],
        (f"canonical user {CANONICAL}",),
    ),
    "NotPrincipal of a role session": (
        [allow(), deny(Principal=None, NotPrincipal={"AWS": SESSION})],
        (f"account {PARTNER}",),
    ),
    "NotPrincipal of a session of the role": (
        [allow(Principal={"AWS": ROLE}), deny(Principal=None, NotPrincipal={"AWS": SESSION})],
        (ROLE,),
    ),
    "NotPrincipal of a session of another role": (
        [
            allow(Principal={"AWS": ROLE}),
            deny(Principal=None, NotPrincipal={"AWS": f"arn:aws:sts::{PARTNER}:assumed-role/build/run-1"}),
        ],
        (),
    ),
    "all but a partner's root, by Allow": ([ALL_BUT_PARTNER, NOT_PARTNER], ()),
    "all but a canonical user, by Allow": (
        [allow(Principal=None, NotPrincipal={"CanonicalUser": CANONICAL}), NOT_PARTNER],
        (f"account {PARTNER}",),
    ),
    "all but a role session, by Allow": (
        [allow(Principal=None, NotPrincipal={"AWS": SESSION}), NOT_PARTNER],
        (f"account {PARTNER}",),
    ),
    "the partner account": ([PARTNER_ALLOWED, deny(Principal={"AWS": f"arn:aws:iam::{PARTNER}:root"})], ()),
    "another account": ([PARTNER_ALLOWED, deny(Principal={"AWS": OTHER})], (f"account {PARTNER}",)),
    "a role of the partner account": ([PARTNER_ALLOWED, deny(Principal={"AWS": ROLE})], (f"account {PARTNER}",)),
    "the same role": ([allow(Principal={"AWS": ROLE}), deny(Principal={"AWS": ROLE})], ()),
    "the role in the condition": (
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
    "the account in the condition": ([ONLY_PARTNER, deny(Principal={"AWS": PARTNER})], ()),
    "HTTP requests": ([allow(), TLS], ANYONE),
    "uploads without KMS": ([allow(), UPLOADS_WITHOUT_KMS], ANYONE),
    "uploads without KMS, replicas allowed": (
        [allow(Action="s3:ReplicateObject"), deny(**when("Null", ENCRYPTION, "true"))],
        ANYONE,
    ),
    "a missing header, for an action without it": ([allow(Action="s3:DeleteObject"), SSE], ()),
    "other actions": ([allow(), deny(Action="s3:DeleteObject*")], ANYONE),
    "all but puts": ([allow(), deny(Action=None, NotAction="s3:PutObject")], ANYONE),
    "a prefix, and all but the prefix": (
        [
            allow(),
            deny(Resource=f"{BUCKET}/release/*"),
            deny(Resource=None, NotResource=f"{BUCKET}/release/*"),
        ],
        (),
    ),
    "a prefix": ([allow(), deny(Resource=f"{BUCKET}/release/*")], ANYONE),
    "the same keys": ([allow(Resource=f"{BUCKET}/in/*"), deny(Resource=f"{BUCKET}/in*")], ()),
    "all but the key that ends in the slash": (
        [allow(Resource=f"{BUCKET}/in/*"), deny(Resource=f"{BUCKET}/in/?*")],
        ANYONE,
    ),
    "the same excluded keys": (
        [allow(Resource=None, NotResource=f"{BUCKET}/in/*"), deny(Resource=None, NotResource=f"{BUCKET}/in/*")],
        (),
    ),
    "the same addresses": (
        [
            allow(**when("IpAddress", "aws:SourceIp", "192.0.2.0/24")),
            deny(**when("IpAddress", "aws:SourceIp", "192.0.2.0/24")),
        ],
        (),
    ),
    "all but an IP address": ([allow(), deny(**when("NotIpAddress", "aws:SourceIp", "192.0.2.0/24"))], ANYONE),
    "all but the own access points": (
        [allow(), deny(**when("StringNotEquals", "s3:DataAccessPointAccount", OWN))],
        (),
    ),
    "a service": ([allow(), deny(Principal={"Service": "logs.amazonaws.com"})], ANYONE),
}


@pytest.mark.parametrize(("elements", "principals"), PRINCIPALS.values(), ids=PRINCIPALS)
def test_principals(elements: dict[str, Any], principals: tuple[str, ...]) -> None:
    """A principal of another or an unknown account is external; an AWS service is not."""
    assert external(allow(**elements)) == ([principals] if principals else [])


@pytest.mark.parametrize(("elements", "principals"), ACTIONS_AND_RESOURCES.values(), ids=ACTIONS_AND_RESOURCES)
def test_actions_and_resources(elements: dict[str, Any], principals: tuple[str, ...]) -> None:
    """Only the actions that are asked about count, each with its resource type, on this bucket."""
    assert external(allow(**elements)) == ([principals] if principals else [])


@pytest.mark.parametrize(("test", "principals"), CONDITIONS.values(), ids=CONDITIONS)
def test_conditions(test: tuple[str, str, Any], principals: tuple[str, ...]) -> None:
    """A condition excludes the external principals that can never meet it; a network location excludes none."""
    assert external(allow(**when(*test)), organization=ORG) == ([principals] if principals else [])


@pytest.mark.parametrize(("statements", "principals"), DENIALS.values(), ids=DENIALS)
def test_denials(statements: list[dict[str, Any]], principals: tuple[str, ...]) -> None:
    """Deny statements count together, for the requests that they certainly match, in any order."""
    assert external(*statements, organization=ORG) == ([principals] if principals else [])
    assert external(*reversed(statements), organization=ORG) == ([principals] if principals else [])


def test_without_an_organization_the_zone_of_trust_is_the_account() -> None:
    """A member account of the organization is external unless the zone of trust is the organization."""
    member = allow(Principal={"AWS": PARTNER}, **IN_ORG)
    assert external(member) == [(f"account {PARTNER}",)]
    assert external(member, organization=ORG) == []
    assert external(PARTNER_ALLOWED, organization=ORG) == [(f"account {PARTNER}",)]


def test_an_organization_path_starts_with_the_organization_id() -> None:
    """A principal in one organization has a path in it, and no path in another."""
    partner = allow(**when("StringEquals", "aws:PrincipalOrgID", "o-partner12"))
    for operator, path in (("ForAnyValue:StringNotLike", f"{ORG}/*"), ("ForAnyValue:StringLike", "o-partner12/*")):
        assert external(partner, deny(**when(operator, "aws:PrincipalOrgPaths", path))) == []
    unit = deny(**when("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-partner12/r-1/*"))
    assert external(partner, unit) == [ANY_ACCOUNT]


def test_access_lists_actions_and_condition_keys() -> None:
    """External access lists the actions that no Deny denies, the patterns that allow them and the condition keys."""
    policy = Policy.parse(
        {
            "Statement": [
                allow(Action=["s3:Put*", "s3:Get*", "s3:DeleteObject"], **when("Bool", "aws:SecureTransport", "true")),
                deny(Action="s3:PutObject"),
            ]
        }
    )
    [access] = policy.external_access(BUCKET, ZoneOfTrust(OWN), ACTIONS)
    assert access.actions == ("s3:DeleteObject", "s3:PutObjectAcl")
    assert access.actions_as_written == ("s3:Put*", "s3:DeleteObject")
    assert access.condition_keys == ("aws:SecureTransport",)


def test_principals_with_the_same_actions_share_an_entry() -> None:
    """A statement has one entry for each set of actions, with the principals that have it."""
    statements = [
        allow(Action=["s3:PutObject", "s3:DeleteObject"]),
        deny(Principal=None, NotPrincipal={"AWS": PARTNER}),
    ]
    statements[1]["Action"] = "s3:PutObject"
    found = Policy.parse({"Statement": statements}).external_access(BUCKET, ZoneOfTrust(OWN), ACTIONS)
    assert [(access.principals, access.actions) for access in found] == [
        (ANYONE, ("s3:DeleteObject",)),
        ((f"account {PARTNER}",), ("s3:PutObject", "s3:DeleteObject")),
    ]


def test_a_bucket_without_a_policy_grants_no_access() -> None:
    """A bucket without a policy has no external access."""
    assert Policy.parse(None).external_access(BUCKET, ZoneOfTrust(OWN), ACTIONS) == ()


_ACCOUNTS = [str(210000000000 + number) for number in range(600)]
HOSTILE: dict[str, list[dict[str, Any]]] = {
    "accounts in a condition": [
        allow(**when("StringEquals", "aws:PrincipalAccount", _ACCOUNTS)),
        deny(Principal={"AWS": _ACCOUNTS}),
    ],
    "accounts as principals": [allow(Principal={"AWS": _ACCOUNTS}), deny(Principal={"AWS": _ACCOUNTS})],
    "canonical users": [
        allow(Principal={"CanonicalUser": [f"c{number}" for number in range(300)]}),
        deny(Principal={"AWS": _ACCOUNTS[:300]}, Resource=None, NotResource=f"{BUCKET}/x*"),
    ],
    "key prefixes": [
        *(allow(Resource=f"{BUCKET}/{number}*") for number in range(100)),
        *(deny(Resource=None, NotResource=f"{BUCKET}/{number}*") for number in range(60)),
    ],
    "patterns of principals": [
        allow(**when("StringLike", "aws:PrincipalArn", [f"arn:aws:iam::*{n}*:role/*{n}*" for n in range(200)])),
        deny(**when("ArnLike", "aws:PrincipalArn", [f"arn:aws:iam::{each}:role/*" for each in _ACCOUNTS[:200]])),
    ],
    "condition keys shared by statements": [
        *(allow(**when("Bool", f"aws:k{number}", "true")) for number in range(40)),
        *(
            deny(
                Condition={"Bool": {f"aws:k{n}": "true", f"aws:k{n * 7 % 61}": "false", f"aws:k{n * 11 % 61}": "true"}}
            )
            for n in range(60)
        ),
    ],
    "one long pattern": [allow(**when("StringLike", "aws:PrincipalArn", "*a" * 9000)), deny(Resource="*b" * 4000)],
}


# The numbers of the statements with external access: decided, and undecided because the budget was exceeded.
HOSTILE_RESULTS: dict[str, tuple[list[int], list[int]]] = {
    "accounts in a condition": ([3], [1]),
    "accounts as principals": ([3], [1]),
    "canonical users": ([1, 3], []),
    "key prefixes": ([], []),  # two NotResource elements without a common key deny everything
    "patterns of principals": ([1, 3], []),
    "condition keys shared by statements": ([], [*range(2, 41), 101]),  # a Deny of aws:k0 covers statement 1
    "one long pattern": ([1, 3], []),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_policy_is_analyzed_within_the_work_limit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An expensive policy is analyzed in a limited number of steps; an undecided statement is reported in full."""
    policy = Policy.parse({"Version": "2012-10-17", "Statement": [*HOSTILE[name], allow(Sid="Open")]})
    with monkeypatch.context() as context:
        limit_work(context)
        found = policy.external_access(BUCKET, ZoneOfTrust(OWN, ORG), ACTIONS)
    decided, undecided = HOSTILE_RESULTS[name]
    assert [access.statement.number for access in found if access.decided] == decided
    assert [access.statement.number for access in found if not access.decided] == undecided
    assert all(access.principals and access.actions == ("s3:PutObject",) for access in found)
