"""Verdicts and their reasons, as a table of policies: each row is one trap."""

from __future__ import annotations

from typing import Any

import pytest

from pipeseal.policy import Deny, Level, Policy

ARN = "arn:aws:s3:::harbour-artifacts"
KEYS = f"{ARN}/*"
HEADER = "s3:x-amz-server-side-encryption"
ROLE = "arn:aws:iam::210987654321:role/pilot"
PLAIN = {"Bool": {"aws:SecureTransport": "false"}}
NO_KMS = {"StringNotEquals": {HEADER: ["aws:kms", "aws:kms:dsse"]}}

TLS = Deny("DenyInsecureConnections", ("s3:*",), (ARN, KEYS), PLAIN)
SSE = Deny("DenyUnEncryptedObjectUploads", ("s3:PutObject",), (KEYS,), NO_KMS)
LENIENT = Deny(SSE.sid, SSE.actions, SSE.resources, {**NO_KMS, "Null": {HEADER: "false"}})
OLD_TLS = Deny("DenyOldTls", ("s3:*",), (ARN, KEYS), {"NumericLessThan": {"s3:TlsVersion": "1.2"}})

FULL, OBJECTS, PARTIAL, NONE = Level.FULL, Level.OBJECTS_ONLY, Level.PARTIAL, Level.NONE


def tls(**elements: Any) -> dict[str, Any]:
    """Build the Deny of plaintext, with *elements* changed; None takes one away."""
    return _built(TLS.statement, elements)


def sse(**elements: Any) -> dict[str, Any]:
    """Build the Deny of unprotected uploads, with *elements* changed; None takes one away."""
    return _built(SSE.statement, elements)


def _built(statement: dict[str, Any], elements: dict[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in statement.items() if name != "Sid"}
    return {name: value for name, value in (plain | elements).items() if value is not None}


def policy(*statements: dict[str, Any], version: str | None = "2012-10-17") -> Policy:
    """Parse a policy of *statements*."""
    return Policy.parse({**({"Version": version} if version else {}), "Statement": list(statements)})


def when(*tests: tuple[str, str, Any]) -> dict[str, Any]:
    """Build a Condition of *tests*."""
    found: dict[str, dict[str, Any]] = {}
    for operator, key, value in tests:
        found.setdefault(operator, {})[key] = value
    return found


ST, IP, ORG = "aws:SecureTransport", "aws:SourceIp", "aws:PrincipalOrgID"
PLAINTEXT = [
    ("as we write it", FULL, [tls()]),
    ("no statement of it", NONE, [tls(Effect="Allow")]),
    ("under any Sid", FULL, [tls(Sid="Whatever")]),
    # Principal
    ("AWS star", FULL, [tls(Principal={"AWS": "*"})]),
    ("AWS list of a star", FULL, [tls(Principal={"AWS": ["*"]})]),
    ("a star among others", FULL, [tls(Principal={"AWS": [ROLE, "*"]})]),
    ("a star beside a service", FULL, [tls(Principal={"AWS": "*", "Service": "logs.amazonaws.com"})]),
    ("one role", PARTIAL, [tls(Principal={"AWS": ROLE})]),
    ("one account", PARTIAL, [tls(Principal={"AWS": "210987654321"})]),
    ("all services only", PARTIAL, [tls(Principal={"Service": "*"})]),
    ("canonical users only", PARTIAL, [tls(Principal={"CanonicalUser": "*"})]),
    ("all but one role", PARTIAL, [tls(Principal=None, NotPrincipal={"AWS": ROLE})]),
    ("a wildcard within an ARN is no star", PARTIAL, [tls(Principal={"AWS": "arn:aws:iam::210987654321:*"})]),
    # Action
    ("any action", FULL, [tls(Action="*")]),
    ("another case", FULL, [tls(Action="S3:*")]),
    ("two stars", FULL, [tls(Action="s3:**")]),
    ("a star among others", FULL, [tls(Action=["s3:ListBucket", "s3:*"])]),
    ("a wildcard for the service", FULL, [tls(Action="s?:*")]),
    ("another service", NONE, [tls(Action="nots3:*")]),
    ("another service whose name begins alike", NONE, [tls(Action="s3-object-lambda:*")]),
    ("reading only", PARTIAL, [tls(Action="s3:Get*")]),
    ("every verb there is today", PARTIAL, [tls(Action=[f"s3:{letter}*" for letter in "ABCDGILOPRTU"])]),
    ("one action", PARTIAL, [tls(Action="s3:PutObject")]),
    ("objects by name", PARTIAL, [tls(Action="s3:*Object*")]),
    ("leaving out one call on the bucket", OBJECTS, [tls(Action=None, NotAction="s3:GetBucketLocation")]),
    ("leaving out one call on objects", PARTIAL, [tls(Action=None, NotAction="s3:getobject")]),
    (
        "leaving out what no bucket policy governs",
        FULL,
        [tls(Action=None, NotAction=["s3:ListAllMyBuckets", "s3:CreateBucket"])],
    ),
    ("leaving out another service", FULL, [tls(Action=None, NotAction="iam:*")]),
    ("leaving out all", NONE, [tls(Action=None, NotAction="s3:*")]),
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
    ("any partition", FULL, [tls(Resource=["arn:*:s3:::harbour-artifacts", "arn:*:s3:::harbour-artifacts/*"])]),
    ("keys of any length but zero", FULL, [tls(Resource=[ARN, f"{ARN}/?*"])]),
    ("keys cut by their length", FULL, [tls(Resource=[ARN, f"{ARN}/?", f"{ARN}/??", f"{ARN}/???*"])]),
    ("keys of one letter left out", PARTIAL, [tls(Resource=[ARN, f"{ARN}/??*"])]),
    ("keys of three letters left out", PARTIAL, [tls(Resource=[ARN, f"{ARN}/?", f"{ARN}/??", f"{ARN}/????*"])]),
    ("objects only", OBJECTS, [tls(Resource=KEYS)]),
    ("the bucket only", PARTIAL, [tls(Resource=ARN)]),
    ("the bucket without its keys' slash", PARTIAL, [tls(Resource=[ARN, f"{ARN}/"])]),
    ("one folder", PARTIAL, [tls(Resource=[ARN, f"{ARN}/public/*"])]),
    ("folders only", PARTIAL, [tls(Resource=[ARN, f"{ARN}/*/"])]),
    ("a letter that every key could lack", PARTIAL, [tls(Resource=[ARN, f"{ARN}/*e*"])]),
    ("a name that ours begins with", NONE, [tls(Resource=["arn:aws:s3:::harbour", "arn:aws:s3:::harbour/*"])]),
    ("a name that begins with ours", PARTIAL, [tls(Resource=[ARN, f"{ARN}-logs/*"])]),
    ("another partition", NONE, [tls(Resource=[each.replace("arn:aws:", "arn:aws-cn:") for each in (ARN, KEYS)])]),
    ("ARNs in another case", NONE, [tls(Resource=[ARN.upper(), KEYS.upper()])]),
    ("all but another bucket", FULL, [tls(Resource=None, NotResource="arn:aws:s3:::elsewhere/*")]),
    ("all but one folder", PARTIAL, [tls(Resource=None, NotResource=f"{ARN}/public/*")]),
    ("all but this bucket", NONE, [tls(Resource=None, NotResource=[ARN, KEYS])]),
    (
        "all but a folder, and the folder",
        FULL,
        [tls(Resource=None, NotResource=f"{ARN}/pub/*"), tls(Resource=f"{ARN}/pub/*")],
    ),
    (
        "all but a folder, and more than it",
        FULL,
        [tls(Resource=None, NotResource=f"{ARN}/pub/*"), tls(Resource=f"{ARN}/p*")],
    ),
    (
        "all but a folder, and less than it",
        PARTIAL,
        [tls(Resource=None, NotResource=f"{ARN}/p*"), tls(Resource=f"{ARN}/pub/*")],
    ),
    (
        "all but two things apart",
        FULL,
        [tls(Resource=None, NotResource=f"{ARN}/{each}/*") for each in ("left", "right")],
    ),
    (
        "all but two things that meet",
        PARTIAL,
        [tls(Resource=None, NotResource=f"{ARN}/{each}") for each in ("left*", "*right")],
    ),
    ("a policy variable in the key", PARTIAL, [tls(Resource=[ARN, f"{ARN}/${{aws:username}}*"])]),
    ("a policy variable left out", PARTIAL, [tls(Resource=None, NotResource=f"{ARN}/${{aws:username}}/*")]),
    ("an escaped star is no wildcard", PARTIAL, [tls(Resource=[ARN, f"{ARN}/${{*}}"])]),
    # Condition
    ("a JSON Boolean", FULL, [tls(Condition=when(("Bool", ST, False)))]),
    ("a list of one", FULL, [tls(Condition=when(("Bool", ST, ["false"])))]),
    ("both values", FULL, [tls(Condition=when(("Bool", ST, ["true", "false"])))]),
    ("BoolIfExists", FULL, [tls(Condition=when(("BoolIfExists", ST, "false")))]),
    ("the key in another case", FULL, [tls(Condition=when(("Bool", "AWS:securetransport", "false")))]),
    ("no condition at all", FULL, [tls(Condition=None)]),
    ("an empty condition", FULL, [tls(Condition={})]),
    ("reversed", NONE, [tls(Condition=when(("Bool", ST, "true")))]),
    ("a set operator on a single value", FULL, [tls(Condition=when(("ForAllValues:Bool", ST, "false")))]),
    ("the operator in lower case", PARTIAL, [tls(Condition=when(("bool", ST, "false")))]),
    ("an operator that nobody knows", PARTIAL, [tls(Condition=when(("Boolean", ST, "false")))]),
    ("the value capitalised", PARTIAL, [tls(Condition=when(("Bool", ST, "False")))]),
    ("a string test on a Boolean", PARTIAL, [tls(Condition=when(("StringEquals", ST, "false")))]),
    ("a negated string test on a Boolean", PARTIAL, [tls(Condition=when(("StringNotEquals", ST, "true")))]),
    ("narrowed within the operator", PARTIAL, [tls(Condition={"Bool": {ST: "false", "aws:ViaAWSService": "false"}})]),
    ("narrowed by an address", PARTIAL, [tls(Condition={**PLAIN, **when(("NotIpAddress", IP, "10.0.0.0/8"))})]),
    (
        "narrowed by an exempt role",
        PARTIAL,
        [tls(Condition={**PLAIN, **when(("ArnNotLike", "aws:PrincipalArn", ROLE))})],
    ),
    ("an old version of TLS, absent in clear", NONE, [tls(Condition=when(("NumericLessThan", "s3:TlsVersion", 1.2)))]),
    ("an old version of TLS or none", FULL, [tls(Condition=when(("NumericLessThanIfExists", "s3:TlsVersion", "1.2")))]),
    ("no version of TLS", FULL, [tls(Condition=when(("Null", "s3:TlsVersion", "true")))]),
    ("a further test that plaintext always meets", FULL, [tls(Condition={**PLAIN, "Null": {"s3:TlsVersion": True}})]),
    ("a key that nobody sets, negated", FULL, [tls(Condition={**PLAIN, "StringNotEquals": {"stage": "prod"}})]),
    ("split by action and resource", FULL, [tls(Resource=KEYS), tls(Resource=ARN)]),
    ("split, one call forgotten", OBJECTS, [tls(Resource=KEYS), tls(Resource=ARN, Action=["s3:List*", "s3:Get*"])]),
    (
        "split by address",
        FULL,
        [tls(Condition={**PLAIN, **when((each, IP, "10.0.0.0/8"))}) for each in ("IpAddress", "NotIpAddress")],
    ),
    (
        "split by address, not the same",
        PARTIAL,
        [
            tls(Condition={**PLAIN, **when(test)})
            for test in (("IpAddress", IP, "10.0.0.0/9"), ("NotIpAddress", IP, "10.0.0.0/8"))
        ],
    ),
    (
        "split by organisation: none is both",
        FULL,
        [tls(Condition={**PLAIN, **when(("StringNotEquals", ORG, each))}) for each in ("o-1", "o-2")],
    ),
    (
        "tags: one request may have both",
        PARTIAL,
        [tls(Condition={**PLAIN, **when(("StringNotEquals", "aws:TagKeys", each))}) for each in ("a", "b")],
    ),
    (
        "split, the absent key forgotten",
        PARTIAL,
        [tls(Condition={"Bool": {ST: "false", "aws:ViaAWSService": each}}) for each in ("true", "false")],
    ),
    (
        "split, the absent key minded",
        FULL,
        [tls(Condition={**PLAIN, **when(("BoolIfExists", "aws:ViaAWSService", each))}) for each in ("true", "false")],
    ),
    (
        "split by numbers",
        FULL,
        [
            tls(Condition={**PLAIN, **when((each, "s3:max-keys", "10"))})
            for each in ("NumericLessThanIfExists", "NumericGreaterThanEquals")
        ],
    ),
    (
        "split by numbers with a gap",
        PARTIAL,
        [
            tls(Condition={**PLAIN, **when(test)})
            for test in (("NumericLessThanIfExists", "s3:max-keys", "10"), ("NumericGreaterThan", "s3:max-keys", "10"))
        ],
    ),
    (
        "a policy variable on both sides",
        PARTIAL,
        [
            tls(Condition={**PLAIN, **when((each, "aws:PrincipalArn", "${aws:userid}"))})
            for each in ("StringLike", "StringNotLike")
        ],
    ),
]
UPLOADS = [
    ("as we write it", FULL, [sse()]),
    ("only aws:kms allowed", FULL, [sse(Condition=when(("StringNotEquals", HEADER, "aws:kms")))]),
    (
        "IfExists is true on a missing header",
        FULL,
        [sse(Condition=when(("StringNotEqualsIfExists", HEADER, "aws:kms")))],
    ),
    ("by a pattern", FULL, [sse(Condition=when(("StringNotLike", HEADER, "aws:kms*")))]),
    ("ignoring case", FULL, [sse(Condition=when(("StringNotEqualsIgnoreCase", HEADER, ["AWS:KMS", "AWS:KMS:DSSE"])))]),
    ("AES256 allowed too", PARTIAL, [sse(Condition=when(("StringNotEquals", HEADER, ["AES256", "aws:kms"])))]),
    ("header required, whatever it says", PARTIAL, [sse(Condition=when(("Null", HEADER, "true")))]),
    ("header forbidden", PARTIAL, [sse(Condition=when(("Null", HEADER, "false")))]),
    (
        "the classic pair",
        FULL,
        [sse(Condition=when(("Null", HEADER, True))), sse(Condition=when(("StringNotEquals", HEADER, "aws:kms")))],
    ),
    (
        "the classic pair for AES256",
        PARTIAL,
        [sse(Condition=when(("Null", HEADER, "true"))), sse(Condition=when(("StringNotEquals", HEADER, "AES256")))],
    ),
    ("the header with Null false beside it", PARTIAL, [sse(Condition={**NO_KMS, "Null": {HEADER: "false"}})]),
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
        "ForAnyValue IfExists is anybody's guess",
        PARTIAL,
        [sse(Condition=when(("ForAnyValue:StringNotEqualsIfExists", HEADER, "aws:kms")))],
    ),
    ("named values only", PARTIAL, [sse(Condition=when(("StringEquals", HEADER, ["AES256", "aws:fsx"])))]),
    (
        "absent, named and all else",
        FULL,
        [
            sse(Condition=when(("Null", HEADER, "true"))),
            sse(Condition=when(("StringLike", HEADER, "A*"))),
            sse(Condition=when(("StringNotLike", HEADER, ["A*", "aws:kms*"]))),
        ],
    ),
    (
        "a missing prefix is a key never set",
        FULL,
        [sse(Condition=when(("StringNotEquals", "x-amz-server-side-encryption", "aws:kms")))],
    ),
    (
        "a missing prefix, not negated",
        NONE,
        [sse(Condition=when(("StringEquals", "x-amz-server-side-encryption", "AES256")))],
    ),
    (
        "the key's id needs KMS",
        FULL,
        [
            sse(Condition=when(("StringNotLikeIfExists", f"{HEADER}-aws-kms-key-id", "*"))),
            sse(Condition=when(("StringEquals", HEADER, "AES256"))),
        ],
    ),
    ("the wrong key", FULL, [sse(Condition=when(("StringNotEquals", f"{HEADER}-aws-kms-key-id", ROLE)))]),
    ("all plaintext", PARTIAL, [tls()]),
    ("all plaintext and the rest over TLS", FULL, [tls(), sse(Condition={**NO_KMS, "Bool": {ST: "true"}})]),
    ("more actions", FULL, [sse(Action="s3:Put*")]),
    ("another action", NONE, [sse(Action="s3:PutObjectAcl")]),
    ("all but reading", FULL, [sse(Action=None, NotAction="s3:Get*")]),
    ("the bucket's ARN, which no upload has", NONE, [sse(Resource=ARN)]),
    ("a folder", PARTIAL, [sse(Resource=f"{ARN}/builds/*")]),
    ("a policy variable for a value", PARTIAL, [sse(Condition=when(("StringNotEquals", HEADER, "${aws:x}")))]),
]


def _rows(table: list[Any]) -> list[Any]:
    return [pytest.param(row, id=row[0]) for row in table]


@pytest.mark.parametrize("row", _rows(PLAINTEXT))
def test_plaintext(row: tuple[str, Level, list[dict[str, Any]]]) -> None:
    """The verdict on requests in clear is what IAM would do with them."""
    _, level, statements = row
    assert policy(*statements).verdict(TLS).level is level


@pytest.mark.parametrize("row", _rows(UPLOADS))
def test_uploads(row: tuple[str, Level, list[dict[str, Any]]]) -> None:
    """The verdict on uploads that do not ask for KMS is what IAM would do with them."""
    _, level, statements = row
    assert policy(*statements).verdict(SSE).level is level


@pytest.mark.parametrize(("version", "full"), [("2012-10-17", False), ("2008-10-17", True), (None, True)])
def test_variables_need_the_newer_version(version: str | None, *, full: bool) -> None:
    """What is a policy variable, and so unsettled, in the newer Version is text in the older."""
    operators = ("StringLike", "StringNotLike")
    halves = [tls(Condition={**PLAIN, each: {"aws:PrincipalArn": "${aws:userid}"}}) for each in operators]
    assert policy(*halves, version=version).verdict(TLS).full is full


@pytest.mark.parametrize(
    ("deny", "statement", "level"),
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
def test_other_classes(deny: Deny, statement: dict[str, Any], level: Level) -> None:
    """Nothing in the engine knows our two classes: any Deny may be asked about."""
    assert policy(statement).verdict(deny).level is level


@pytest.mark.parametrize("version", ["2012-10-17", "2008-10-17", None])
def test_any_version(version: str | None) -> None:
    """A Deny without variables means the same under either Version, and under none."""
    assert policy(tls(), version=version).verdict(TLS).full


def test_no_policy() -> None:
    """A bucket without a policy denies nothing."""
    verdict = Policy.parse(None).verdict(TLS)
    assert (verdict.level, verdict.reasons) == (NONE, ("no statement denies them",))


@pytest.mark.parametrize(
    ("deny", "statements", "reason"),
    [
        (TLS, [tls(Effect="Allow"), tls(Sid="Sealed")], "statement 2 (Sealed) denies every one of them"),
        (
            TLS,
            [tls(Resource=KEYS), tls(Resource=ARN, Sid="B")],
            "statement 1 and statement 2 (B) together deny every one of them",
        ),
        (TLS, [tls(Resource=[ARN, f"{ARN}/public/*"])], f"the Deny covers only {ARN}, {ARN}/public/*; statement 1"),
        (TLS, [tls(Condition={**PLAIN, "IpAddress": {IP: "10.0.0.0/8"}})], "narrowed by aws:SourceIp; statement 1"),
        (TLS, [tls(Effect="Allow"), tls(Action="s3:GetObject")], "covers only s3:GetObject; statement 2"),
        (
            TLS,
            [tls(Action=None, NotAction="s3:GetBucketLocation")],
            "leaves out s3:GetBucketLocation (NotAction); statement 1",
        ),
        (TLS, [tls(Resource=None, NotResource=f"{ARN}/a")], f"leaves out {ARN}/a (NotResource); statement 1"),
        (TLS, [tls(Principal={"AWS": ROLE})], "the Deny is not for everyone; statement 1"),
        (
            TLS,
            [tls(Condition=when(("StringEquals", ST, "false")))],
            f"StringEquals {ST} has no meaning that can be relied on; statement 1",
        ),
        (TLS, [tls(Condition=when(("Bool", ST, "true")))], "the condition never holds for them; statement 1"),
        (
            SSE,
            [sse(Condition=when(("Null", HEADER, "true")))],
            "an upload that asks for AES256 is let through; statement 1",
        ),
        (
            SSE,
            [sse(Condition=when(("StringEquals", HEADER, "AES256")))],
            f"an upload without {HEADER} is let through; statement 1",
        ),
    ],
)
def test_reasons(deny: Deny, statements: list[dict[str, Any]], reason: str) -> None:
    """A reason says what is amiss and names the statement by its number and Sid."""
    assert reason in policy(*statements).verdict(deny).reasons


def test_reasons_end() -> None:
    """Nobody reads a hundred reasons: the rest is counted."""
    verdict = policy(*[tls(Resource=f"{ARN}/{number}") for number in range(100)]).verdict(TLS)
    assert verdict.level is PARTIAL
    assert verdict.reasons[-1] == "and 88 more reasons"
