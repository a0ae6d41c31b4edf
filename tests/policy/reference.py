"""A reference evaluator: evaluates one request at a time, as the IAM documentation describes it.

It shares no code with the policy engine and is slow. `requests` enumerates the requests that a policy can distinguish.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from random import Random
from typing import Any, TypeVar

KMS = ("aws:kms", "aws:kms:dsse")
TRANSPORT = "aws:securetransport"
TLS_VERSION = "s3:tlsversion"
HEADER = "s3:x-amz-server-side-encryption"
KEY_ID = "s3:x-amz-server-side-encryption-aws-kms-key-id"


@dataclass(frozen=True)
class Request:
    """One request; *context* maps the condition keys that are present, in lower case, to their values."""

    principal: str
    action: str
    resource: str
    context: Mapping[str, str]


def is_denied(document: Mapping[str, Any] | None, request: Request) -> bool:
    """Return whether a statement certainly denies *request* explicitly."""
    if document is None:
        return False
    variables = document.get("Version") == "2012-10-17"
    return any(
        statement["Effect"] == "Deny"
        and _principal(statement, request.principal)
        and _action(statement, request.action)
        and _resource(statement, request.resource, variables=variables)
        and _condition(statement.get("Condition", {}), request.context, variables=variables)
        for statement in _list(document["Statement"])
    )


def matches_pattern(pattern: str, text: str) -> bool:
    """Return whether *text* matches *pattern* with the wildcards of IAM."""
    return _regular_expression(pattern).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _regular_expression(pattern: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern), re.DOTALL)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _principal(statement: Mapping[str, Any], principal: str) -> bool:
    def named(element: Any) -> bool:
        if element == "*":
            return True
        kind = "Service" if principal.endswith(".amazonaws.com") else "AWS"
        return "*" in _list(element.get("AWS", [])) or bool({principal, "*"} & set(_list(element.get(kind, []))))

    return named(statement["Principal"]) if "Principal" in statement else not named(statement["NotPrincipal"])


def _action(statement: Mapping[str, Any], action: str) -> bool:
    name = "Action" if "Action" in statement else "NotAction"
    found = any(matches_pattern(each.lower(), action.lower()) for each in _list(statement[name]))
    return found if name == "Action" else not found


def _resource(statement: Mapping[str, Any], resource: str, *, variables: bool) -> bool:
    name = "Resource" if "Resource" in statement else "NotResource"
    listed = _list(statement[name])
    unknown = [each for each in listed if variables and "${" in each]
    found = any(matches_pattern(each, resource) for each in listed if each not in unknown)
    # The value of a policy variable is unknown: in Resource it may match nothing, in NotResource everything.
    return found if name == "Resource" else not found and not unknown


def _condition(condition: Mapping[str, Any], context: Mapping[str, str], *, variables: bool) -> bool:
    return all(
        _test(operator, key.lower(), [_text(each) for each in _list(values)], context, variables=variables)
        for operator, block in condition.items()
        for key, values in block.items()
    )


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _test(operator: str, key: str, values: list[str], context: Mapping[str, str], *, variables: bool) -> bool:
    set_operator, _, name = operator.rpartition(":")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    if _is_indeterminate(name, key, values, variables=variables):
        return False
    value = context.get(key)
    if name == "Null":
        return ("true" if value is None else "false") in values
    if value is None:
        if set_operator:
            return set_operator == "ForAllValues"
        return if_exists or "Not" in name
    if "Not" in name:
        return not any(_compares(name.replace("Not", ""), value, each) for each in values)
    return any(_compares(name, value, each) for each in values)


def _is_indeterminate(name: str, key: str, values: list[str], *, variables: bool) -> bool:
    if name in ("Bool", "Null"):
        return not set(values) <= {"true", "false"}
    known = re.fullmatch(
        r"(String(Not)?(Equals(IgnoreCase)?|Like)|Arn(Not)?(Equals|Like)|(Not)?IpAddress"
        r"|(Numeric|Date)((Not)?Equals|(Less|Greater)Than(Equals)?))",
        name,
    )
    return not known or key == TRANSPORT or (variables and any("${" in each for each in values))


def _compares(name: str, value: str, wanted: str) -> bool:
    if name.startswith("Numeric"):
        return _in_order(name.removeprefix("Numeric"), float(value), float(wanted))
    if name.startswith("Date"):
        return _in_order(name.removeprefix("Date"), value, wanted)
    if name == "IpAddress":
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted)
    if name in ("StringLike", "ArnLike", "ArnEquals"):
        return matches_pattern(wanted, value)
    if name == "StringEqualsIgnoreCase":
        return value.lower() == wanted.lower()
    return value == wanted


_Comparable = TypeVar("_Comparable", float, str)


def _in_order(name: str, left: _Comparable, right: _Comparable) -> bool:
    return {
        "Equals": left == right,
        "LessThan": left < right,
        "LessThanEquals": left <= right,
        "GreaterThan": left > right,
        "GreaterThanEquals": left >= right,
    }[name]


# Values to try for a key beside those that the policy names.
_FURTHER_VALUES: Mapping[str, tuple[str, ...]] = {
    HEADER: ("AES256", "aws:kms", "aws:kms:dsse", "aws:fsx"),
    TLS_VERSION: ("1.0", "1.1", "1.2", "1.3"),
    "aws:sourceip": ("10.1.2.3", "192.0.2.7", "2001:db8::7"),
    "aws:viaawsservice": ("true", "false"),
    "aws:currenttime": ("2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"),
}
_NAMING_OPERATORS = re.compile(r"(String|Arn)")


def contexts(*documents: Mapping[str, Any] | None) -> Iterator[dict[str, str]]:
    """Yield a request context for each class that *documents* can distinguish and that S3 can receive."""
    named: dict[str, set[str]] = {TRANSPORT: set(), HEADER: set()}
    for document in documents:
        for statement in _list((document or {"Statement": []})["Statement"]):
            for operator, block in statement.get("Condition", {}).items():
                for key, values in block.items():
                    found = named.setdefault(key.lower(), set())
                    if _NAMING_OPERATORS.search(operator):
                        found.update(_samples(key.lower(), [_text(each) for each in _list(values)]))
    keys = list(named)
    for chosen in product(*(_choices(key, named[key]) for key in keys)):
        context = {key: value for key, value in zip(keys, chosen, strict=True) if value is not None}
        if _is_possible(context):
            yield context


def _samples(key: str, patterns: list[str]) -> list[str]:
    # S3 rejects other values of the header that a wildcard would match.
    accepted = [each for each in patterns if key != HEADER or not re.search(r"[*?]", each)]
    return [each.replace("*", "x1").replace("?", "y") for each in accepted]


def _choices(key: str, named: set[str]) -> list[str | None]:
    if key == TRANSPORT:
        return ["false", "true"]
    if ":" not in key:
        return [None]
    extra = _FURTHER_VALUES.get(key, ("unnamed",))
    requested = [each for each in sorted(named) if key != HEADER or each.lower() not in KMS]
    return [None, *dict.fromkeys((*extra, *requested))]


def _is_possible(context: Mapping[str, str]) -> bool:
    if TLS_VERSION in context and context[TRANSPORT] == "false":
        return False
    return KEY_ID not in context or context.get(HEADER) in KMS


BUCKET_ACTIONS = (
    "s3:ListBucket",
    "s3:GetBucketLocation",
    "s3:PutBucketPolicy",
    "s3:DeleteBucket",
    "s3:UpdateBucketMetadataJournalTableConfiguration",
    "s3:FutureAction",
)
OBJECT_ACTIONS = (
    "s3:PutObject",
    "s3:GetObject",
    "s3:AbortMultipartUpload",
    "s3:DeleteObjectVersion",
    "s3:ObjectOwnerOverrideToBucketOwner",
    "s3:FutureAction",
)


def requests(arn: str, *documents: Mapping[str, Any] | None, max_contexts: int | None = None) -> Iterator[Request]:
    """Yield requests for every combination of what *documents* mention and what they do not.

    With *max_contexts*, only a random sample of that many request contexts, the same for the same number of contexts.
    """
    principals = {"arn:aws:iam::999988887777:role/unnamed", "logs.amazonaws.com"}
    keys = {"z", "zz", "zzz", "zzzz/zz"}
    statements = [each for document in documents if document for each in _list(document["Statement"])]
    patterns = [
        text for each in statements for name in ("Resource", "NotResource") for text in _list(each.get(name, []))
    ]
    keys |= set(_keys(arn, patterns))
    for statement in statements:
        principals |= {value for values in statement.get("NotPrincipal", {}).values() for value in _list(values)}
    targets = [(action, arn) for action in BUCKET_ACTIONS]
    targets += [(action, f"{arn}/{key}") for action in OBJECT_ACTIONS for key in sorted(keys)]
    every = list(contexts(*documents))
    if max_contexts and len(every) > max_contexts:
        every = Random(len(every)).sample(every, max_contexts)  # noqa: S311 - not for cryptography
    for principal in sorted(principals):
        for action, resource in targets:
            for context in every:
                yield Request(principal, action, resource, context)


def _keys(arn: str, patterns: list[str]) -> Iterator[str]:
    # Two NotResource elements may exclude a key that starts like the one and ends like the other.
    ends = {text.removeprefix(f"{arn}/") for text in patterns if text.startswith(f"{arn}/") and "$" not in text}
    both = [f"{arn}/{left}{right}" for left in ends for right in ends if left[:1] != "*" and right[:1] == "*"]
    for pattern in patterns + both:
        for filling in ("", "q", "q/r"):
            text = pattern.replace("*", filling).replace("?", "u")
            if text.startswith(f"{arn}/") and len(text) > len(arn) + 1:
                yield text[len(arn) + 1 :]
