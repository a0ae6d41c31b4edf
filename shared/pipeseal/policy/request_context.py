"""What is known about the request context of an external principal.

Condition keys follow the IAM User Guide, "AWS global condition context keys", and the Service Authorization Reference
for Amazon S3.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, permutations
from typing import TypeAlias

from pipeseal.policy.conditions import Comparison, Condition, ConditionTest, parse_condition
from pipeseal.policy.document import Statement
from pipeseal.policy.external_principals import (
    ACCOUNT_ID,
    ARN_FIELDS,
    PRINCIPAL_ORG_KEYS,
    PRINCIPAL_ORG_PATHS,
    UNNAMED,
    AccessQuery,
    ExternalPrincipal,
    ZoneOfTrust,
)
from pipeseal.policy.globs import covers, has_wildcard, overlaps
from pipeseal.policy.solver import Budget

_RawTest: TypeAlias = tuple[str, str, tuple[str, ...]]
"""Condition operator, condition key and values."""

# With more patterns on one key than this, the relations between them are not determined.
_MAX_RELATED_PATTERNS = 12
_KNOWN_VARIABLE = re.compile(r"\$\{\s*aws:(ResourceAccount|ResourceOrgID|PrincipalAccount)\s*\}", re.IGNORECASE)
# An asterisk of StringLike also matches colons, so the account field is certain only behind literal fields.
_LITERAL_ACCOUNT = re.compile(r"arn:[^:*?]*:[^:*?]*:[^:*?]*:(\d{12}):", re.IGNORECASE)
_PRINCIPAL_ARN = "aws:principalarn"
_PRINCIPAL_ACCOUNT = "aws:principalaccount"
_ACCOUNT_KEYS = {
    _PRINCIPAL_ACCOUNT,
    "aws:sourceaccount",
    "aws:sourceowner",
    "aws:userid",
    "s3:dataaccesspointaccount",
}
_ORG_ID_KEYS = {"aws:principalorgid", "aws:sourceorgid"}
_ORG_PATH_KEYS = {PRINCIPAL_ORG_PATHS, "aws:sourceorgpaths"}
_ARN_KEYS = {"aws:sourcearn", "s3:dataaccesspointarn"}
_RESTRICTED_KEYS = {_PRINCIPAL_ARN} | _ACCOUNT_KEYS | _ORG_ID_KEYS | _ORG_PATH_KEYS | _ARN_KEYS
_RESTRICTED_COMPARISONS = {Comparison.STRING, Comparison.STRING_IGNORE_CASE, Comparison.LIKE, Comparison.ARN}
_SIGNED_REQUEST_KEYS = {
    _PRINCIPAL_ARN,
    _PRINCIPAL_ACCOUNT,
    "aws:principalisawsservice",
    "aws:principaltype",
    "aws:userid",
}
"""Keys that every signed request has."""
_CREDENTIAL_KEY_PREFIXES = (
    "aws:principal",
    "aws:source",
    "aws:username",
    "aws:multifactor",
    "aws:tokenissuetime",
    "aws:federatedprovider",
)
"""Prefixes of the keys that an anonymous request lacks, except `_NETWORK_KEYS`."""
_NETWORK_KEYS = {"aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn"}
_SERVICE_KEYS = {"aws:principalservicename", "aws:principalservicenameslist"}
"""Keys that only a request by an AWS service has."""
_SINGLE_VALUED_PRINCIPAL_KEYS = {_PRINCIPAL_ARN, _PRINCIPAL_ACCOUNT, "aws:principalorgid", "aws:userid"}


def condition_for(statement: Statement, principal: ExternalPrincipal, asked: AccessQuery, budget: Budget) -> Condition:
    """Return the condition of *statement* for requests by *principal*.

    Policy variables with a known value are replaced, and values that no external principal can have are removed.
    Raises BudgetExceededError.
    """
    budget.spend(1 + sum(len(values) for _, _, values in statement.condition))
    tests = statement.condition
    if statement.has_variables:
        tests = tuple(
            (operator, key, _substitute_variables(values, principal, asked.zone)) for operator, key, values in tests
        )
    parsed = parse_condition(tests, has_variables=statement.has_variables)
    return tuple(_restrict(test, principal, asked.zone) for test in parsed)


def known_facts(principal: ExternalPrincipal, keys: Iterable[str], asked: AccessQuery) -> Condition:
    """Return a condition on *keys* (lower case) that holds in every request by *principal*."""
    return parse_condition(
        (
            fact
            for key in sorted(keys)
            for fact in chain(_resource_facts(key, asked.zone), _principal_facts(key, principal, asked))
        ),
        has_variables=False,
    )


def contradictions(tests: Iterable[ConditionTest]) -> list[Condition]:
    """Return conditions that never hold, from the relations between the StringLike patterns in *tests*.

    A value cannot match a pattern and not a wider one, nor two patterns without a common text.
    """
    never: list[list[_RawTest]] = []
    patterns: dict[str, dict[str, None]] = {}
    for test in tests:
        if test.key in _SINGLE_VALUED_PRINCIPAL_KEYS and test.comparison is Comparison.LIKE and not test.indeterminate:
            patterns.setdefault(test.key, {}).update(dict.fromkeys(filter(has_wildcard, test.values)))
    for key, found in patterns.items():
        for left, right in permutations(found, 2) if len(found) <= _MAX_RELATED_PATTERNS else ():
            if covers(right, left):
                never.append([("StringLike", key, (left,)), ("StringNotLike", key, (right,))])
            elif not overlaps(right, left):
                never.append([("StringLike", key, (left,)), ("StringLike", key, (right,))])
    return [parse_condition(each, has_variables=False) for each in never]


def _substitute_variables(values: tuple[str, ...], principal: ExternalPrincipal, zone: ZoneOfTrust) -> tuple[str, ...]:
    account = principal.account if principal.account != UNNAMED else ""
    known = {"resourceaccount": zone.account, "resourceorgid": zone.organization, "principalaccount": account}

    def substitute(match: re.Match[str]) -> str:
        return known[match[1].lower()] or match[0]

    return tuple(_KNOWN_VARIABLE.sub(substitute, value) if "${" in value else value for value in values)


def _restrict(test: ConditionTest, principal: ExternalPrincipal, zone: ZoneOfTrust) -> ConditionTest:
    """Return *test* without the values that no external principal has; without any value it is never true."""
    # A number may be an account id. An ARN or organization equals no number, and as strings they do not either.
    comparison = Comparison.STRING if test.comparison is Comparison.NUMERIC_EQUALS else test.comparison
    if test.indeterminate or test.key not in _RESTRICTED_KEYS or comparison not in _RESTRICTED_COMPARISONS:
        return test
    test = replace(test, comparison=comparison)
    if test.key == _PRINCIPAL_ARN:
        return _restrict_principal_arn(replace(test, set_operator=""), principal)
    if test.key == PRINCIPAL_ORG_PATHS and principal.organization is not None:
        return _restrict_org_paths(test, principal.organization)
    left = tuple(value for value in test.values if not _is_inside(test.key, value, zone))
    # A path is one of several values of its key, so the set operator still counts.
    return replace(test, values=left, set_operator=test.set_operator if left and test.key in _ORG_PATH_KEYS else "")


def _is_inside(key: str, value: str, zone: ZoneOfTrust) -> bool:
    """Return whether a key with *value* identifies the account or the organization of *zone*."""
    if key in _ACCOUNT_KEYS:
        return value == zone.account
    if key in _ORG_ID_KEYS:
        return value.lower() == zone.organization
    if key in _ORG_PATH_KEYS:
        return bool(zone.organization) and value.startswith(f"{zone.organization}/")
    return value.split(":", ARN_FIELDS - 1)[4:5] == [zone.account]


def _restrict_org_paths(test: ConditionTest, organization: str) -> ConditionTest:
    """Return *test* on aws:PrincipalOrgPaths without the paths of organizations other than *organization*."""
    if test.comparison is Comparison.LIKE and {"*", f"{organization}/*"} & set(test.values):
        # A principal in the organization has only paths in it, so the test depends on the presence of the key alone.
        return replace(test, comparison=Comparison.NULL, values=() if test.negated else ("false",))
    organizations = ((value, value.split("/")[0]) for value in test.values)
    left = tuple(value for value, each in organizations if each == organization or has_wildcard(each))
    return replace(test, values=left, set_operator=test.set_operator if left else "")


def _restrict_principal_arn(test: ConditionTest, principal: ExternalPrincipal) -> ConditionTest:
    """Return *test* on aws:PrincipalArn with its values restricted to ARNs that *principal* can have."""
    malformed = any(value.count(":") < ARN_FIELDS - 1 for value in test.values)
    if not principal.arn_patterns or (test.comparison is Comparison.ARN and malformed):
        return test
    if any(_matches_all(test.comparison, value, principal) for value in test.values):
        return replace(test, comparison=Comparison.LIKE, values=("*",))
    left = dict.fromkeys(chain(*(_matching_arns(test.comparison, value, principal) for value in test.values)))
    comparison = Comparison.LIKE if test.comparison is Comparison.ARN else test.comparison
    return replace(test, comparison=comparison, values=tuple(left))


def _matches_all(comparison: Comparison, value: str, principal: ExternalPrincipal) -> bool:
    if comparison is Comparison.ARN:
        fields = value.split(":", ARN_FIELDS - 1)
        return all(all(map(covers, fields, arn.split(":", ARN_FIELDS - 1))) for arn in principal.arn_patterns)
    return all(covers(value, _cased(arn, comparison)) for arn in principal.arn_patterns)


def _matching_arns(comparison: Comparison, value: str, principal: ExternalPrincipal) -> Iterator[str]:
    """Yield *value* restricted to ARNs of *principal*; an asterisk of ArnLike does not match a colon."""
    fields = value.split(":", ARN_FIELDS - 1)
    literal_account = _LITERAL_ACCOUNT.match(value)
    account = fields[4] if comparison is Comparison.ARN else literal_account[1] if literal_account else ""
    if principal.account == UNNAMED and ACCOUNT_ID.fullmatch(account):
        return
    for arn in principal.arn_patterns:
        arn_fields = arn.split(":", ARN_FIELDS - 1)
        if comparison is not Comparison.ARN:
            if overlaps(value, _cased(arn, comparison)):
                yield value
        elif all(map(overlaps, fields, arn_fields)):
            narrowed = (
                field if has_wildcard(other) else other for field, other in zip(fields[:-1], arn_fields, strict=False)
            )
            yield ":".join((*narrowed, fields[-1]))


def _cased(arn: str, comparison: Comparison) -> str:
    return arn.lower() if comparison is Comparison.STRING_IGNORE_CASE else arn


def _resource_facts(key: str, zone: ZoneOfTrust) -> Iterator[_RawTest]:
    if key == "aws:resourceaccount":
        yield "StringEquals", key, (zone.account,)
    elif key == "aws:resourceorgid" and zone.organization:
        yield "StringEquals", key, (zone.organization,)


def _principal_facts(key: str, principal: ExternalPrincipal, asked: AccessQuery) -> Iterator[_RawTest]:
    if not principal.account:
        yield from _anonymous_facts(key)
        return
    if key in PRINCIPAL_ORG_KEYS and principal.organization is not None:
        yield from _organization_facts(key, principal.organization, asked)
    if key in _SERVICE_KEYS or key in _SIGNED_REQUEST_KEYS:
        yield "Null", key, ("true" if key in _SERVICE_KEYS else "false",)
    if key == "aws:principalisawsservice":
        yield "Bool", key, ("false",)
    elif key == "aws:principaltype":
        yield "StringNotEquals", key, ("Anonymous",)
    elif key == _PRINCIPAL_ARN and principal.excludes_named_arns:
        yield "StringNotEquals", key, asked.arns[principal.account]
    elif key == _PRINCIPAL_ACCOUNT and principal.account == UNNAMED:
        yield "StringNotEquals", key, (asked.zone.account, *asked.accounts)
    elif key == _PRINCIPAL_ACCOUNT:
        yield "StringEquals", key, (principal.account,)


def _organization_facts(key: str, organization: str, asked: AccessQuery) -> Iterator[_RawTest]:
    yield "Null", key, ("false" if organization else "true",)
    if key == PRINCIPAL_ORG_PATHS or not organization:
        return
    if organization == UNNAMED:
        yield "StringNotEquals", key, (*asked.organizations, asked.zone.organization)
    else:
        yield "StringEquals", key, (organization,)


def _anonymous_facts(key: str) -> Iterator[_RawTest]:
    if key in ("aws:userid", "aws:principaltype"):
        yield "StringEqualsIgnoreCase", key, ("anonymous",)
    elif key == "aws:viaawsservice":
        yield "BoolIfExists", key, ("false",)
    elif key.startswith(_CREDENTIAL_KEY_PREFIXES) and key not in _NETWORK_KEYS:
        yield "Null", key, ("true",)
