"""Hypothesis strategies for bucket policies, composed of elements that are easy to evaluate wrongly."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pipeseal.policy import Deny

ARN = "arn:aws:s3:::law-bucket"
ROLE = "arn:aws:iam::111122223333:role/one"
HEADER = "s3:x-amz-server-side-encryption"

TLS = Deny(
    sid="DenyInsecureConnections",
    actions=("s3:*",),
    resources=(ARN, f"{ARN}/*"),
    condition={"Bool": {"aws:SecureTransport": "false"}},
    requests="HTTP requests",
)
SSE = Deny(
    sid="DenyUnEncryptedObjectUploads",
    actions=("s3:PutObject",),
    resources=(f"{ARN}/*",),
    condition={"StringNotEquals": {HEADER: ["aws:kms", "aws:kms:dsse"]}},
    requests="uploads without SSE-KMS",
)

_PRINCIPALS: list[dict[str, Any]] = [
    *[{"Principal": "*"}] * 6,
    *[{"Principal": {"AWS": "*"}}] * 2,
    {"Principal": {"AWS": [ROLE, "*"], "Service": "logs.amazonaws.com"}},
    {"Principal": {"AWS": ROLE}},
    {"Principal": {"Service": "*"}},
    {"NotPrincipal": {"AWS": ROLE}},
    {"NotPrincipal": {"AWS": [ROLE, f"{ROLE}-two"]}},
]
_ACTIONS: list[dict[str, Any]] = [
    *[{"Action": "s3:*"}] * 6,
    {"Action": "*"},
    {"Action": ["S3:*", "s3:GetObject"]},
    *[{"Action": "s3:PutObject"}] * 2,
    {"Action": "s3:pUTobject"},
    {"Action": ["s3:Put*", "s3:Get*", "s3:List*", "s3:Delete*"]},
    {"Action": "s3:?etObject"},
    {"Action": ["s3:ListBucket", "s3:GetBucketLocation"]},
    {"NotAction": "s3:GetObject"},
    {"NotAction": ["ec2:*", "s3:ListAllMyBuckets"]},
    {"NotAction": "s3:*Bucket*"},
]
_RESOURCES: list[dict[str, Any]] = [
    *[{"Resource": [ARN, f"{ARN}/*"]}] * 6,
    *[{"Resource": f"{ARN}/*"}] * 3,
    {"Resource": ARN},
    {"Resource": f"{ARN}*"},
    {"Resource": "*"},
    {"Resource": "arn:aws:s3:::law-*"},
    {"Resource": [f"{ARN}/?", f"{ARN}/??*"]},
    {"Resource": f"{ARN}/??*"},
    {"Resource": f"{ARN}/public/*"},
    {"Resource": f"{ARN}/*/"},
    {"Resource": ["arn:aws-cn:s3:::law-bucket", "arn:aws-cn:s3:::law-bucket/*"]},
    {"Resource": [ARN, f"{ARN}/${{aws:username}}*"]},
    {"NotResource": f"{ARN}/public/*"},
    {"NotResource": f"{ARN}/pub*c/*"},
    {"NotResource": ARN},
    {"NotResource": "arn:aws:s3:::another/*"},
]
_TESTS: list[tuple[str, str, Any]] = [
    *[("Bool", "aws:SecureTransport", "false")] * 5,
    ("Bool", "AWS:securetransport", False),
    ("BoolIfExists", "aws:SecureTransport", ["false"]),
    ("ForAllValues:Bool", "aws:SecureTransport", "false"),
    ("ForAnyValue:Bool", "aws:SecureTransport", "false"),
    ("Bool", "aws:SecureTransport", "true"),
    ("Bool", "aws:SecureTransport", ["true", "false"]),
    ("Bool", "aws:SecureTransport", "False"),
    ("bool", "aws:SecureTransport", "false"),
    ("Null", "aws:SecureTransport", "false"),
    ("StringEquals", "aws:SecureTransport", "false"),
    ("StringNotEquals", "aws:SecureTransport", "true"),
    *[("StringNotEquals", HEADER, ["aws:kms", "aws:kms:dsse"])] * 3,
    ("StringNotEquals", HEADER, "aws:kms"),
    ("StringNotEqualsIfExists", "S3:x-AMZ-server-side-encryption", "aws:kms"),
    ("ForAnyValue:StringNotEquals", HEADER, "aws:kms"),
    ("ForAllValues:StringNotEquals", HEADER, "aws:kms"),
    ("StringNotEquals", HEADER, "AES256"),
    ("StringEquals", HEADER, ["AES256", "aws:fsx"]),
    ("StringNotLike", HEADER, "aws:kms*"),
    ("StringLike", HEADER, "*"),
    ("StringLike", HEADER, "A*"),
    ("StringNotEqualsIgnoreCase", HEADER, "AWS:KMS"),
    ("Null", HEADER, "true"),
    ("Null", HEADER, False),
    ("StringNotLikeIfExists", f"{HEADER}-aws-kms-key-id", "*key/one"),
    ("StringNotEquals", "x-amz-server-side-encryption", "aws:kms"),
    ("NumericLessThan", "s3:TlsVersion", "1.2"),
    ("NumericLessThanIfExists", "s3:TlsVersion", 1.2),
    ("NumericGreaterThanEquals", "s3:TlsVersion", "1.2"),
    ("Null", "s3:TlsVersion", "true"),
    ("Null", "s3:TlsVersion", "false"),
    ("IpAddress", "aws:SourceIp", "10.0.0.0/8"),
    ("NotIpAddress", "aws:SourceIp", "10.0.0.0/8"),
    ("StringEquals", "aws:PrincipalOrgID", ["o-one", "o-two"]),
    ("StringNotEquals", "aws:PrincipalOrgID", "o-one"),
    ("StringNotEquals", "aws:PrincipalOrgID", "o-two"),
    ("StringEqualsIfExists", "aws:PrincipalOrgID", "o-one"),
    ("Null", "aws:PrincipalOrgID", "true"),
    ("StringLike", "aws:PrincipalArn", "arn:aws:iam::1*"),
    ("ArnNotLike", "aws:PrincipalArn", ROLE),
    ("ArnEquals", "aws:PrincipalArn", ROLE),
    ("StringNotEquals", "aws:PrincipalArn", "${aws:userid}"),
    ("Bool", "aws:ViaAWSService", "true"),
    ("Bool", "aws:ViaAWSService", "false"),
    ("BoolIfExists", "aws:ViaAWSService", "false"),
    ("DateLessThan", "aws:CurrentTime", "2050-01-01T00:00:00Z"),
    ("DateGreaterThanEquals", "aws:CurrentTime", "2050-01-01T00:00:00Z"),
]
_SIDS = ["", "Other", TLS.sid, SSE.sid, f"{TLS.sid}2"]


@st.composite
def _conditions(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for operator, key, value in draw(st.lists(st.sampled_from(_TESTS), max_size=2)):
        found.setdefault(operator, {})[key] = value
    return {"Condition": found} if found else {}


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    """Draw one statement."""
    sid = draw(st.sampled_from(_SIDS))
    return {
        **({"Sid": sid} if sid else {}),
        "Effect": draw(st.sampled_from(["Deny", "Deny", "Deny", "Deny", "Allow"])),
        **draw(st.sampled_from(_PRINCIPALS)),
        **draw(st.sampled_from(_ACTIONS)),
        **draw(st.sampled_from(_RESOURCES)),
        **draw(_conditions()),
    }


# Replacements of an element of one statement by several, which together deny about the same requests.
_ELEMENT_SPLITS: list[tuple[dict[str, Any], ...]] = [
    ({"Resource": ARN}, {"Resource": f"{ARN}/*"}),
    ({"Resource": f"{ARN}/?*"}, {"Resource": "arn:aws:s3:::law-bucke?"}),
    ({"NotResource": f"{ARN}/public/*"}, {"Resource": f"{ARN}/public/*"}),
    ({"NotResource": f"{ARN}/public/*"}, {"NotResource": f"{ARN}/private*"}),
    ({"NotResource": f"{ARN}/a*"}, {"NotResource": f"{ARN}/*b"}),
    ({"Resource": f"{ARN}/?"}, {"Resource": f"{ARN}/??"}, {"Resource": f"{ARN}/???*"}, {"Resource": ARN}),
    ({"NotAction": "s3:GetObject"}, {"Action": "s3:Get*"}),
    ({"NotAction": "s3:Get*"}, {"NotAction": "s3:Put*"}),
    ({"NotAction": ["s3:ListBucket", "s3:PutObject"]}, {"Action": "s3:ListBucket"}, {"Action": "s3:PutObject"}),
]
_CONDITION_SPLITS: list[tuple[tuple[str, str, Any], ...]] = [
    (("IpAddress", "aws:SourceIp", "10.0.0.0/8"), ("NotIpAddress", "aws:SourceIp", "10.0.0.0/8")),
    (("StringNotEquals", "aws:PrincipalOrgID", "o-one"), ("StringNotEquals", "aws:PrincipalOrgID", "o-two")),
    (("StringEquals", "aws:PrincipalOrgID", "o-one"), ("StringNotEquals", "aws:PrincipalOrgID", ["o-one"])),
    (("StringEquals", "aws:PrincipalOrgID", "o-one"), ("StringNotEqualsIfExists", "aws:PrincipalOrgID", "o-one")),
    (("StringLike", "aws:PrincipalArn", "arn:aws:iam::1*"), ("StringNotLike", "aws:PrincipalArn", "arn:aws:iam::1*")),
    (("Bool", "aws:ViaAWSService", "true"), ("BoolIfExists", "aws:ViaAWSService", "false")),
    (("Bool", "aws:ViaAWSService", "true"), ("Bool", "aws:ViaAWSService", "false")),
    (("Null", "s3:TlsVersion", "true"), ("Null", "s3:TlsVersion", "false")),
    (("NumericLessThan", "s3:TlsVersion", "1.2"), ("NumericGreaterThanEqualsIfExists", "s3:TlsVersion", "1.2")),
    (("Null", HEADER, "true"), ("StringNotEquals", HEADER, "aws:kms")),
    (("StringEquals", HEADER, ["AES256", "aws:fsx"]), ("StringNotEquals", HEADER, "AES256")),
    (("Null", "aws:PrincipalArn", "true"), ("StringLike", "aws:PrincipalArn", "*")),
    (("Bool", "aws:SecureTransport", "true"), ("Bool", "aws:SecureTransport", "false")),
    (
        ("DateLessThan", "aws:CurrentTime", "2050-01-01T00:00:00Z"),
        ("DateGreaterThanEqualsIfExists", "aws:CurrentTime", "2050-01-01T00:00:00Z"),
    ),
]


@st.composite
def split(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw a Deny statement split into several, perhaps repeatedly; sometimes one of them is missing."""
    deny = draw(st.sampled_from([TLS, SSE]))
    full = {name: value for name, value in deny.statement.items() if name != "Sid"}
    parts = [draw(st.sampled_from([full, full | {"Action": "s3:*"}]))]
    for _ in range(draw(st.integers(1, 2))):
        part = parts.pop(draw(st.integers(0, len(parts) - 1)))
        parts += draw(
            st.sampled_from(
                [_split_element(part, each) for each in _ELEMENT_SPLITS]
                + [_split_condition(part, each) for each in _CONDITION_SPLITS]
            )
        )
    if draw(st.integers(0, 3)) == 0:
        parts.pop(draw(st.integers(0, len(parts) - 1)))
    return draw(st.permutations(parts)) if parts else [full]


def _split_element(part: dict[str, Any], replacements: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    element = next(iter(replacements[0])).removeprefix("Not")
    rest = {name: value for name, value in part.items() if name.removeprefix("Not") != element}
    return [rest | each for each in replacements]


def _split_condition(part: dict[str, Any], tests: tuple[tuple[str, str, Any], ...]) -> list[dict[str, Any]]:
    found = []
    for operator, key, value in tests:
        condition = dict(part["Condition"])
        condition[operator] = condition.get(operator, {}) | {key: value}
        found.append(part | {"Condition": condition})
    return found


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a policy of up to four statements; a single statement is sometimes not in a list."""
    found = draw(st.lists(statements(), min_size=1, max_size=4) | split())
    version = draw(st.sampled_from(["2012-10-17", "2012-10-17", "2008-10-17", None]))
    return {
        **({"Version": version} if version else {}),
        **draw(st.sampled_from([{}, {"Id": "other", "Unknown": {"kept": [1, None]}}])),
        "Statement": found[0] if len(found) == 1 and draw(st.booleans()) else found,
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
"""Any JSON value, and the floats that JSON does not have."""


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a policy with one of its elements replaced by an arbitrary value."""
    document = draw(documents())
    found = document["Statement"]
    statement = dict(found if isinstance(found, dict) else found[0])
    target = draw(st.sampled_from([*document, *[f".{name}" for name in statement]]))
    value = draw(JSON | st.lists(st.text(st.sampled_from("*?${}:/as3"), max_size=9), max_size=4))
    if target.startswith("."):
        return document | {"Statement": [statement | {target[1:]: value}]}
    return document | {target: value}
