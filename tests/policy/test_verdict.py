"""Verdicts and their reasons, as tables of policies; each row is a policy that is easy to evaluate wrongly."""

from __future__ import annotations

from typing import Any

import pytest

from pipeseal.policy import Coverage, Deny, Policy

ARN = "arn:aws:s3:::harbour-artifacts"
KEYS = f"{ARN}/*"
HEADER = "s3:x-amz-server-side-encryption"
ROLE = "arn:aws:iam::210987654321:role/deploy"
OVER_HTTP = {"Bool": {"aws:SecureTransport": "false"}}
WITHOUT_KMS = {"StringNotEquals": {HEADER: ["aws:kms", "aws:kms:dsse"]}}

TLS = Deny("DenyInsecureConnections", ("s3:*",), (ARN, KEYS), OVER_HTTP, "HTTP requests")
SSE = Deny("DenyUnEncryptedObjectUploads", ("s3:PutObject",), (KEYS,), WITHOUT_KMS, "uploads without SSE-KMS")
LENIENT = Deny(SSE.sid, SSE.actions, SSE.resources, {**WITHOUT_KMS, "Null": {HEADER: "false"}})
OLD_TLS = Deny("DenyOldTls", ("s3:*",), (ARN, KEYS), {"NumericLessThan": {"s3:TlsVersion": "1.2"}})

FULL, OBJECTS, PARTIAL, NONE = Coverage.FULL, Coverage.OBJECTS_ONLY, Coverage.PARTIAL, Coverage.NONE


def tls(**elements: Any) -> dict[str, Any]:
    """Return the Deny of HTTP requests with *elements* replaced; None removes an element."""
    return _changed(TLS.statement, elements)


def sse(**elements: Any) -> dict[str, Any]:
    """Return the Deny of uploads without SSE-KMS with *elements* replaced; None removes an element."""
    return _changed(SSE.statement, elements)


def _changed(statement: dict[str, Any], elements: dict[str, Any]) -> dict[str, Any]:
    without_sid = {name: value for name, value in statement.items() if name != "Sid"}
    return {name: value for name, value in (without_sid | elements).items() if value is not None}


def policy(*statements: dict[str, Any], version: str | None = "2012-10-17") -> Policy:
    """Return the policy of *statements*."""
    return Policy.parse({**({"Version": version} if version else {}), "Statement": list(statements)})


def when(*tests: tuple[str, str, Any]) -> dict[str, Any]:
    """Return the Condition of *tests*: condition operator, condition key and value."""
    found: dict[str, dict[str, Any]] = {}
    for operator, key, value in tests:
        found.setdefault(operator, {})[key] = value
    return found


ST, IP, ORG, ACCOUNT = "aws:SecureTransport", "aws:SourceIp", "aws:PrincipalOrgID", "aws:PrincipalAccount"
TAG, KEY_ID = "aws:PrincipalTag/kind", f"{HEADER}-aws-kms-key-id"
HTTP_REQUESTS = [
    ("the statement of the control", FULL, [tls()]),
    ("no Deny", NONE, [tls(Effect="Allow")]),
    ("under any Sid", FULL, [tls(Sid="Any")]),
    # Principal
    ("AWS asterisk", FULL, [tls(Principal={"AWS": "*"})]),
    ("AWS list of an asterisk", FULL, [tls(Principal={"AWS": ["*"]})]),
    ("an asterisk among others", FULL, [tls(Principal={"AWS": [ROLE, "*"]})]),
    ("an asterisk beside a service", FULL, [tls(Principal={"AWS": "*", "Service": "logs.amazonaws.com"})]),
    ("one role", PARTIAL, [tls(Principal={"AWS": ROLE})]),
    ("one account", PARTIAL, [tls(Principal={"AWS": "210987654321"})]),
    ("all services only", PARTIAL, [tls(Principal={"Service": "*"})]),
    ("canonical users only", PARTIAL, [tls(Principal={"CanonicalUser": "*"})]),
    ("all but one role", PARTIAL, [tls(Principal=None, NotPrincipal={"AWS": ROLE})]),
    (
        "a wildcard within an ARN is not every principal",
        PARTIAL,
        [tls(Principal={"AWS": "arn:aws:iam::210987654321:*"})],
    ),
    # Action
    ("any action", FULL, [tls(Action="*")]),
    ("another case", FULL, [tls(Action="S3:*")]),
    ("two asterisks", FULL, [tls(Action="s3:**")]),
    ("an asterisk among others", FULL, [tls(Action=["s3:ListBucket", "s3:*"])]),
    ("a wildcard in the service prefix", FULL, [tls(Action="s?:*")]),
    ("another service", NONE, [tls(Action="nots3:*")]),
    ("another service whose prefix starts the same", NONE, [tls(Action="s3-object-lambda:*")]),
    ("read actions only", PARTIAL, [tls(Action="s3:Get*")]),
    ("every initial of the known actions", PARTIAL, [tls(Action=[f"s3:{initial}*" for initial in "ABCDGILOPRTU"])]),
    ("one action", PARTIAL, [tls(Action="s3:PutObject")]),
    ("actions with Object in the name", PARTIAL, [tls(Action="s3:*Object*")]),
    ("all but one bucket action", OBJECTS, [tls(Action=None, NotAction="s3:GetBucketLocation")]),
    ("all but one object action", PARTIAL, [tls(Action=None, NotAction="s3:getobject")]),
    (
        "all but actions that no bucket policy governs",
        FULL,
        [tls(Action=None, NotAction=["s3:ListAllMyBuckets", "s3:CreateBucket"])],
    ),
    ("all but another service", FULL, [tls(Action=None, NotAction="iam:*")]),
    ("all but every action", NONE, [tls(Action=None, NotAction="s3:*")]),
    # Resource
    ("one wildcard for both", FULL, [tls(Resource=f"{ARN}*")]),
    ("any resource", FULL, [tls(Resource="*")]),
    ("any bucket and any key", FULL, [tls(Resource=["arn:aws:s3:::*"])]),
    ("a wildcard in the name", FULL, [tls(Resource=["arn:aws:s3:::harbour-*", "arn:aws:s3:::harbour-*/*"])]),
    (
        "a question mark in the name",
        FULL,
        [tls(Resource=["arn:aws:s3:::harbour?artifacts", "arn:aws:s3:::harbour?artifacts/*"])],
    ),
    ("any AWS partition", FULL, [tls(Resource=["arn:*:s3:::harbour-artifacts", "arn:*:s3:::harbour-artifacts/*"])]),
    ("keys of at least one character", FULL, [tls(Resource=[ARN, f"{ARN}/?*"])]),
    ("keys split by length", FULL, [tls(Resource=[ARN, f"{ARN}/?", f"{ARN}/??", f"{ARN}/???*"])]),
    ("all but keys of one character", PARTIAL, [tls(Resource=[ARN, f"{ARN}/??*"])]),
    ("all but keys of three characters", PARTIAL, [tls(Resource=[ARN, f"{ARN}/?", f"{ARN}/??", f"{ARN}/????*"])]),
    ("objects only", OBJECTS, [tls(Resource=KEYS)]),
    ("the bucket only", PARTIAL, [tls(Resource=ARN)]),
    ("the bucket and an empty key", PARTIAL, [tls(Resource=[ARN, f"{ARN}/"])]),
    ("one prefix", PARTIAL, [tls(Resource=[ARN, f"{ARN}/public/*"])]),
    ("keys that end in a slash", PARTIAL, [tls(Resource=[ARN, f"{ARN}/*/"])]),
    ("keys that contain an e", PARTIAL, [tls(Resource=[ARN, f"{ARN}/*e*"])]),
    ("a bucket name that is a prefix", NONE, [tls(Resource=["arn:aws:s3:::harbour", "arn:aws:s3:::harbour/*"])]),
    ("a bucket name with the same prefix", PARTIAL, [tls(Resource=[ARN, f"{ARN}-logs/*"])]),
    ("another AWS partition", NONE, [tls(Resource=[each.replace("arn:aws:", "arn:aws-cn:") for each in (ARN, KEYS)])]),
    ("ARNs in another case", NONE, [tls(Resource=[ARN.upper(), KEYS.upper()])]),
    ("all but another bucket", FULL, [tls(Resource=None, NotResource="arn:aws:s3:::elsewhere/*")]),
    ("all but one prefix", PARTIAL, [tls(Resource=None, NotResource=f"{ARN}/public/*")]),
    ("all but this bucket", NONE, [tls(Resource=None, NotResource=[ARN, KEYS])]),
    (
        "all but a prefix, and the prefix",
        FULL,
        [tls(Resource=None, NotResource=f"{ARN}/pub/*"), tls(Resource=f"{ARN}/pub/*")],
    ),
    (
        "all but a prefix, and a shorter prefix",
        FULL,
        [tls(Resource=None, NotResource=f"{ARN}/pub/*"), tls(Resource=f"{ARN}/p*")],
    ),
    (
        "all but a prefix, and a longer prefix",
        PARTIAL,
        [tls(Resource=None, NotResource=f"{ARN}/p*"), tls(Resource=f"{ARN}/pub/*")],
    ),
    (
        "all but two disjoint prefixes",
        FULL,
        [tls(Resource=None, NotResource=f"{ARN}/{each}/*") for each in ("left", "right")],
    ),
    (
        "all but a prefix and a suffix, which overlap",
        PARTIAL,
        [tls(Resource=None, NotResource=f"{ARN}/{each}") for each in ("left*", "*right")],
    ),
    ("a policy variable in the key", PARTIAL, [tls(Resource=[ARN, f"{ARN}/${{aws:username}}*"])]),
    ("all but a key with a policy variable", PARTIAL, [tls(Resource=None, NotResource=f"{ARN}/${{aws:username}}/*")]),
    ("an escaped asterisk is not a wildcard", PARTIAL, [tls(Resource=[ARN, f"{ARN}/${{*}}"])]),
    # Condition
    ("a JSON Boolean", FULL, [tls(Condition=when(("Bool", ST, False)))]),
    ("a list of one", FULL, [tls(Condition=when(("Bool", ST, ["false"])))]),
    ("both values", FULL, [tls(Condition=when(("Bool", ST, ["true", "false"])))]),
    ("BoolIfExists", FULL, [tls(Condition=when(("BoolIfExists", ST, "false")))]),
    ("the key in another case", FULL, [tls(Condition=when(("Bool", "AWS:securetransport", "false")))]),
    ("no condition at all", FULL, [tls(Condition=None)]),
    ("an empty condition", FULL, [tls(Condition={})]),
    ("the opposite condition", NONE, [tls(Condition=when(("Bool", ST, "true")))]),
    ("a set operator on a single-valued key", FULL, [tls(Condition=when(("ForAllValues:Bool", ST, "false")))]),
    ("the operator in lower case", PARTIAL, [tls(Condition=when(("bool", ST, "false")))]),
    ("an unknown operator", PARTIAL, [tls(Condition=when(("Boolean", ST, "false")))]),
    ("the value capitalised", PARTIAL, [tls(Condition=when(("Bool", ST, "False")))]),
    ("a string operator on a Boolean key", PARTIAL, [tls(Condition=when(("StringEquals", ST, "false")))]),
    ("a negated string operator on a Boolean key", PARTIAL, [tls(Condition=when(("StringNotEquals", ST, "true")))]),
    ("another key under the operator", PARTIAL, [tls(Condition={"Bool": {ST: "false", "aws:ViaAWSService": "false"}})]),
    (
        "another condition on the IP address",
        PARTIAL,
        [tls(Condition={**OVER_HTTP, **when(("NotIpAddress", IP, "10.0.0.0/8"))})],
    ),
    (
        "an exempt role",
        PARTIAL,
        [tls(Condition={**OVER_HTTP, **when(("ArnNotLike", "aws:PrincipalArn", ROLE))})],
    ),
    ("an old TLS version, absent over HTTP", NONE, [tls(Condition=when(("NumericLessThan", "s3:TlsVersion", 1.2)))]),
    ("an old TLS version or none", FULL, [tls(Condition=when(("NumericLessThanIfExists", "s3:TlsVersion", "1.2")))]),
    ("no TLS version", FULL, [tls(Condition=when(("Null", "s3:TlsVersion", "true")))]),
    (
        "another condition that HTTP requests always meet",
        FULL,
        [tls(Condition={**OVER_HTTP, "Null": {"s3:TlsVersion": True}})],
    ),
    ("a key that no service sets, negated", FULL, [tls(Condition={**OVER_HTTP, "StringNotEquals": {"stage": "prod"}})]),
    ("split by action and resource", FULL, [tls(Resource=KEYS), tls(Resource=ARN)]),
    ("split, one action missing", OBJECTS, [tls(Resource=KEYS), tls(Resource=ARN, Action=["s3:List*", "s3:Get*"])]),
    (
        "split by IP address",
        FULL,
        [tls(Condition={**OVER_HTTP, **when((each, IP, "10.0.0.0/8"))}) for each in ("IpAddress", "NotIpAddress")],
    ),
    (
        "split by different IP addresses",
        PARTIAL,
        [
            tls(Condition={**OVER_HTTP, **when(test)})
            for test in (("IpAddress", IP, "10.0.0.0/9"), ("NotIpAddress", IP, "10.0.0.0/8"))
        ],
    ),
    (
        "split by organization: a principal is in one at most",
        FULL,
        [tls(Condition={**OVER_HTTP, **when(("StringNotEquals", ORG, each))}) for each in ("o-1", "o-2")],
    ),
    (
        "split by tag keys: a request may have both",
        PARTIAL,
        [tls(Condition={**OVER_HTTP, **when(("StringNotEquals", "aws:TagKeys", each))}) for each in ("a", "b")],
    ),
    (
        "split by a key, absent not covered",
        PARTIAL,
        [tls(Condition={"Bool": {ST: "false", "aws:ViaAWSService": each}}) for each in ("true", "false")],
    ),
    (
        "split by a key, absent covered",
        FULL,
        [
            tls(Condition={**OVER_HTTP, **when(("BoolIfExists", "aws:ViaAWSService", each))})
            for each in ("true", "false")
        ],
    ),
    (
        "split by numbers",
        FULL,
        [
            tls(Condition={**OVER_HTTP, **when((each, "s3:max-keys", "10"))})
            for each in ("NumericLessThanIfExists", "NumericGreaterThanEquals")
        ],
    ),
    (
        "split by numbers with a gap",
        PARTIAL,
        [
            tls(Condition={**OVER_HTTP, **when(test)})
            for test in (("NumericLessThanIfExists", "s3:max-keys", "10"), ("NumericGreaterThan", "s3:max-keys", "10"))
        ],
    ),
    (
        # Statements 1 and 2 deny all but Put. For Put only 1 and 3 apply, which leave out other organizations and tags.
        "three statements that overlap but do not cover",
        PARTIAL,
        [
            tls(Condition={**OVER_HTTP, **when(("StringEquals", ORG, "o-1"))}),
            tls(Action=None, NotAction="s3:Put*", Condition={**OVER_HTTP, **when(("StringNotEquals", ORG, "o-1"))}),
            tls(Action="s3:Put*", Condition={**OVER_HTTP, **when(("StringEquals", TAG, "guest"))}),
        ],
    ),
    (
        "three statements that cover",
        FULL,
        [
            tls(Condition={**OVER_HTTP, **when(("StringEquals", ORG, "o-1"))}),
            tls(Action=None, NotAction="s3:Put*", Condition={**OVER_HTTP, **when(("StringNotEquals", ORG, "o-1"))}),
            tls(Action="s3:Put*", Condition={**OVER_HTTP, **when(("StringNotEquals", ORG, "o-1"))}),
        ],
    ),
    (
        "split by a value, with and without case: the value in another case",
        PARTIAL,
        [
            tls(Condition={**OVER_HTTP, **when(("StringEquals", ORG, "o-a"))}),
            tls(Condition={**OVER_HTTP, **when(("StringNotEqualsIgnoreCase", ORG, "o-a"))}),
        ],
    ),
    (
        "split by a number, with and without case",
        FULL,
        [
            tls(Condition={**OVER_HTTP, **when(("StringEquals", ACCOUNT, "210987654321"))}),
            tls(Condition={**OVER_HTTP, **when(("StringNotEqualsIgnoreCase", ACCOUNT, "210987654321"))}),
        ],
    ),
    (
        "a set operator on the KMS key id, which has one value",
        FULL,
        [
            tls(Condition={**OVER_HTTP, **when(("ForAnyValue:StringEquals", KEY_ID, "k"))}),
            tls(Condition={**OVER_HTTP, **when(("StringNotEquals", KEY_ID, "k"))}),
        ],
    ),
    ("Null with IfExists is not defined", PARTIAL, [tls(Condition=when(("NullIfExists", "s3:TlsVersion", "true")))]),
    ("Null with ForAnyValue is not defined", PARTIAL, [tls(Condition=when(("ForAnyValue:Null", ST, "false")))]),
    ("Null with ForAllValues is not defined", PARTIAL, [tls(Condition=when(("ForAllValues:Null", ST, "false")))]),
    (
        "a policy variable on both sides",
        PARTIAL,
        [
            tls(Condition={**OVER_HTTP, **when((each, "aws:PrincipalArn", "${aws:userid}"))})
            for each in ("StringLike", "StringNotLike")
        ],
    ),
]
UPLOADS = [
    ("the statement of the control", FULL, [sse()]),
    ("only aws:kms allowed", FULL, [sse(Condition=when(("StringNotEquals", HEADER, "aws:kms")))]),
    (
        "IfExists is true on a missing header",
        FULL,
        [sse(Condition=when(("StringNotEqualsIfExists", HEADER, "aws:kms")))],
    ),
    ("a pattern", FULL, [sse(Condition=when(("StringNotLike", HEADER, "aws:kms*")))]),
    ("ignoring case", FULL, [sse(Condition=when(("StringNotEqualsIgnoreCase", HEADER, ["AWS:KMS", "AWS:KMS:DSSE"])))]),
    ("AES256 allowed as well", PARTIAL, [sse(Condition=when(("StringNotEquals", HEADER, ["AES256", "aws:kms"])))]),
    ("header required with any value", PARTIAL, [sse(Condition=when(("Null", HEADER, "true")))]),
    ("header forbidden", PARTIAL, [sse(Condition=when(("Null", HEADER, "false")))]),
    (
        "the pair of the AWS examples",
        FULL,
        [sse(Condition=when(("Null", HEADER, True))), sse(Condition=when(("StringNotEquals", HEADER, "aws:kms")))],
    ),
    (
        "the pair of the AWS examples for AES256",
        PARTIAL,
        [sse(Condition=when(("Null", HEADER, "true"))), sse(Condition=when(("StringNotEquals", HEADER, "AES256")))],
    ),
    ("a missing header allowed", PARTIAL, [sse(Condition={**WITHOUT_KMS, "Null": {HEADER: "false"}})]),
    (
        "ForAnyValue is false on a missing header",
        PARTIAL,
        [sse(Condition=when(("ForAnyValue:StringNotEquals", HEADER, "aws:kms")))],
    ),
    (
        "ForAllValues is true on a missing header",
        FULL,
        [sse(Condition=when(("ForAllValues:StringNotEquals", HEADER, "aws:kms")))],
    ),
    (
        "ForAnyValue with IfExists is undefined on a missing header",
        PARTIAL,
        [sse(Condition=when(("ForAnyValue:StringNotEqualsIfExists", HEADER, "aws:kms")))],
    ),
    ("some values only", PARTIAL, [sse(Condition=when(("StringEquals", HEADER, ["AES256", "aws:fsx"])))]),
    (
        "absent, by pattern and all others",
        FULL,
        [
            sse(Condition=when(("Null", HEADER, "true"))),
            sse(Condition=when(("StringLike", HEADER, "A*"))),
            sse(Condition=when(("StringNotLike", HEADER, ["A*", "aws:kms*"]))),
        ],
    ),
    (
        "absent and two values: there are others",
        PARTIAL,
        [
            sse(Condition=when(("Null", HEADER, "true"))),
            sse(Condition=when(("StringEquals", HEADER, ["AES256", "aws:fsx"]))),
        ],
    ),
    ("all but AES256 by pattern", PARTIAL, [sse(Condition=when(("StringNotLike", HEADER, "A*")))]),
    ("all but aws:fsx by pattern", PARTIAL, [sse(Condition=when(("StringNotLike", HEADER, "aws:*")))]),
    # S3 rejects a KMS value in another spelling, so a Deny need not cover it.
    (
        "a KMS value in another case allowed",
        FULL,
        [sse(Condition=when(("StringNotEquals", HEADER, ["aws:kms", "AWS:KMS"])))],
    ),
    (
        "numeric operators on the header are not defined",
        PARTIAL,
        [
            sse(Condition=when((operator, HEADER, "5")))
            for operator in ("NumericLessThanIfExists", "NumericGreaterThanEquals")
        ],
    ),
    (
        "a key without service prefix is never present",
        FULL,
        [sse(Condition=when(("StringNotEquals", "x-amz-server-side-encryption", "aws:kms")))],
    ),
    (
        "a key without service prefix, not negated",
        NONE,
        [sse(Condition=when(("StringEquals", "x-amz-server-side-encryption", "AES256")))],
    ),
    (
        "a KMS key id requires KMS",
        FULL,
        [
            sse(Condition=when(("StringNotLikeIfExists", f"{HEADER}-aws-kms-key-id", "*"))),
            sse(Condition=when(("StringEquals", HEADER, "AES256"))),
        ],
    ),
    ("another KMS key id", FULL, [sse(Condition=when(("StringNotEquals", f"{HEADER}-aws-kms-key-id", ROLE)))]),
    ("all HTTP requests", PARTIAL, [tls()]),
    ("HTTP requests, and uploads over TLS", FULL, [tls(), sse(Condition={**WITHOUT_KMS, "Bool": {ST: "true"}})]),
    ("more actions", FULL, [sse(Action="s3:Put*")]),
    ("another action", NONE, [sse(Action="s3:PutObjectAcl")]),
    ("all but read actions", FULL, [sse(Action=None, NotAction="s3:Get*")]),
    ("the bucket ARN, which no upload has", NONE, [sse(Resource=ARN)]),
    ("a prefix", PARTIAL, [sse(Resource=f"{ARN}/builds/*")]),
    ("a policy variable as a value", PARTIAL, [sse(Condition=when(("StringNotEquals", HEADER, "${aws:x}")))]),
]


def _rows(table: list[Any]) -> list[Any]:
    return [pytest.param(row, id=row[0]) for row in table]


@pytest.mark.parametrize("row", _rows(HTTP_REQUESTS))
def test_http_requests(row: tuple[str, Coverage, list[dict[str, Any]]]) -> None:
    """The verdict on HTTP requests agrees with the evaluation logic of IAM."""
    _, coverage, statements = row
    assert policy(*statements).verdict(TLS).coverage is coverage


@pytest.mark.parametrize("row", _rows(UPLOADS))
def test_uploads(row: tuple[str, Coverage, list[dict[str, Any]]]) -> None:
    """The verdict on uploads without SSE-KMS agrees with the evaluation logic of IAM."""
    _, coverage, statements = row
    assert policy(*statements).verdict(SSE).coverage is coverage


@pytest.mark.parametrize(("version", "full"), [("2012-10-17", False), ("2008-10-17", True), (None, True)])
def test_policy_variables_depend_on_the_version(version: str | None, *, full: bool) -> None:
    """``${...}`` is a policy variable of unknown value in version 2012-10-17 and text in the older version."""
    operators = ("StringLike", "StringNotLike")
    halves = [tls(Condition={**OVER_HTTP, each: {"aws:PrincipalArn": "${aws:userid}"}}) for each in operators]
    assert policy(*halves, version=version).verdict(TLS).full is full


@pytest.mark.parametrize(
    ("deny", "statement", "coverage"),
    [
        (LENIENT, sse(), FULL),
        (LENIENT, sse(Condition=dict(LENIENT.condition)), FULL),
        (LENIENT, sse(Condition=when(("StringEquals", HEADER, "AES256"))), PARTIAL),
        (LENIENT, sse(Condition=when(("Null", HEADER, "true"))), NONE),
        (OLD_TLS, tls(Condition=dict(OLD_TLS.condition)), FULL),
        (OLD_TLS, tls(Condition={**OLD_TLS.condition, "Bool": {ST: "true"}}), FULL),
        (OLD_TLS, tls(Condition=when(("NumericLessThan", "s3:TlsVersion", 1.3))), FULL),
        (OLD_TLS, tls(Condition=when(("NumericLessThanEquals", "s3:TlsVersion", "1.1"))), FULL),
        (OLD_TLS, tls(Condition=when(("NumericLessThan", "s3:TlsVersion", "1.1"))), PARTIAL),
        (OLD_TLS, tls(), NONE),
    ],
)
def test_other_requests(deny: Deny, statement: dict[str, Any], coverage: Coverage) -> None:
    """A verdict is about the requests of any Deny."""
    assert policy(statement).verdict(deny).coverage is coverage


@pytest.mark.parametrize("version", ["2012-10-17", "2008-10-17", None])
def test_every_version(version: str | None) -> None:
    """A Deny without policy variables has the same meaning in both versions and without Version."""
    assert policy(tls(), version=version).verdict(TLS).full


def test_no_policy() -> None:
    """A bucket without a policy denies nothing."""
    verdict = Policy.parse(None).verdict(TLS)
    assert (verdict.coverage, verdict.reasons) == (NONE, ("no statement denies HTTP requests",))


@pytest.mark.parametrize(
    ("deny", "statements", "reason"),
    [
        (TLS, [tls(Effect="Allow"), tls(Sid="Https")], "statement 2 (Https) denies all HTTP requests"),
        (
            TLS,
            [tls(Resource=KEYS), tls(Resource=ARN, Sid="B")],
            "statement 1 and statement 2 (B) together deny all HTTP requests",
        ),
        (TLS, [tls(Resource=[ARN, f"{ARN}/public/*"])], f"statement 1 applies only to {ARN}, {ARN}/public/*"),
        (
            TLS,
            [tls(Condition={**OVER_HTTP, "IpAddress": {IP: "10.0.0.0/8"}})],
            "statement 1 also depends on aws:SourceIp",
        ),
        (TLS, [tls(Effect="Allow"), tls(Action="s3:GetObject")], "statement 2 applies only to s3:GetObject"),
        (
            TLS,
            [tls(Action=None, NotAction="s3:GetBucketLocation")],
            "statement 1 excludes s3:GetBucketLocation (NotAction)",
        ),
        (TLS, [tls(Resource=None, NotResource=f"{ARN}/a")], f"statement 1 excludes {ARN}/a (NotResource)"),
        (TLS, [tls(Principal={"AWS": ROLE})], "statement 1 does not apply to every principal"),
        (
            TLS,
            [tls(Condition=when(("StringEquals", ST, "false")))],
            f"statement 1 has a condition whose result is unknown: StringEquals {ST}",
        ),
        (
            TLS,
            [tls(Condition=when(("Bool", ST, "true")))],
            "the condition of statement 1 never holds for HTTP requests",
        ),
        (
            SSE,
            [sse(Condition=when(("Null", HEADER, "true")))],
            "statement 1 does not deny an upload that requests AES256 encryption",
        ),
        (
            SSE,
            [sse(Condition=when(("StringEquals", HEADER, "AES256")))],
            f"statement 1 does not deny an upload without {HEADER}",
        ),
    ],
)
def test_reasons(deny: Deny, statements: list[dict[str, Any]], reason: str) -> None:
    """A reason names the statement by number and Sid, and says what it does not deny."""
    assert reason in policy(*statements).verdict(deny).reasons


def test_at_most_twelve_reasons() -> None:
    """After twelve reasons the others are counted."""
    verdict = policy(*[tls(Resource=f"{ARN}/{number}") for number in range(100)]).verdict(TLS)
    assert verdict.coverage is PARTIAL
    assert verdict.reasons[-1] == "and 88 more reasons"
