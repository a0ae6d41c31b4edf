"""When a statement holds for a stranger: its condition without what no stranger's request can have."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, permutations

from pipeseal.policy.conditions import Condition, Family, Test, read
from pipeseal.policy.document import Statement
from pipeseal.policy.escape import Fuel
from pipeseal.policy.globs import is_wild
from pipeseal.policy.strangers import (
    ACCOUNT,
    PRINCIPAL_ORGANIZATION,
    PRINCIPAL_PATHS,
    UNNAMED,
    Home,
    Question,
    Stranger,
    contains,
    touches,
)

# More patterns on one key than this are weighed as if none had to do with another.
_RELATED = 12
_OWN = re.compile(r"\$\{\s*(aws:(?:ResourceAccount|ResourceOrgID|PrincipalAccount))\s*\}", re.IGNORECASE)
# A star in StringLike passes over colons, so only an account behind literal fields is sure.
_PINNED = re.compile(r"arn:[^:*?]*:[^:*?]*:[^:*?]*:(\d{12}):", re.IGNORECASE)
_PRINCIPAL_ARN = "aws:principalarn"
_PRINCIPAL_ACCOUNT = "aws:principalaccount"
_ACCOUNTS = {_PRINCIPAL_ACCOUNT, "aws:sourceaccount", "aws:sourceowner", "aws:userid", "s3:dataaccesspointaccount"}
_ORGANIZATIONS = {"aws:principalorgid", "aws:sourceorgid"}
_ORGANIZATION_PATHS = {PRINCIPAL_PATHS, "aws:sourceorgpaths"}
_ARNS = {"aws:sourcearn", "s3:dataaccesspointarn"}
_SIGNED = {_PRINCIPAL_ARN, _PRINCIPAL_ACCOUNT, "aws:principalisawsservice", "aws:principaltype", "aws:userid"}
"""Keys that every signed request has."""
_CREDENTIALS = (
    "aws:principal",
    "aws:source",
    "aws:username",
    "aws:multifactor",
    "aws:tokenissuetime",
    "aws:federatedprovider",
)
"""What the keys begin with that an unsigned request lacks, but for where it comes from."""
_ORIGINS = {"aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn"}
_SERVICES = {"aws:principalservicename", "aws:principalservicenameslist"}
_RELATABLE = {_PRINCIPAL_ARN, _PRINCIPAL_ACCOUNT, "aws:principalorgid", "aws:userid"}


def condition_for(statement: Statement, who: Stranger, asked: Question, fuel: Fuel) -> Condition:
    """Return the condition of *statement* as it stands for *who*."""
    fuel.burn(1 + sum(len(values) for _, _, values in statement.condition))
    tests = statement.condition
    if statement.variables:
        tests = tuple((operator, key, _filled(values, who, asked.home)) for operator, key, values in tests)
    return tuple(_seen(test, who, asked.home) for test in read(tests, variables=statement.variables))


def _filled(values: tuple[str, ...], who: Stranger, home: Home) -> tuple[str, ...]:
    """Replace the policy variables whose value is known."""
    account = who.account if who.account != UNNAMED else ""
    known = {"resourceaccount": home.account, "resourceorgid": home.organization, "principalaccount": account}

    def fill(found: re.Match[str]) -> str:
        return known[found[1][4:].lower()] or found[0]

    return tuple(_OWN.sub(fill, value) if "${" in value else value for value in values)


def _seen(test: Test, who: Stranger, home: Home) -> Test:
    """Return *test* without the values that the key of no stranger has; with none left it compares with nothing."""
    family = Family.EQUALS if test.family is Family.NUMBER_EQUALS else test.family
    if test.unsettled or family not in (Family.EQUALS, Family.FOLDED, Family.LIKE, Family.ARN):
        return test
    if test.key == _PRINCIPAL_ARN:
        return _of_caller(replace(test, sets=""), who)
    if test.key in _ACCOUNTS:
        left = tuple(value for value in test.values if value != home.account)
    elif test.key in _ORGANIZATIONS:
        left = tuple(value for value in test.values if value.lower() != home.organization)
    elif test.key in _ARNS:
        left = tuple(value for value in test.values if value.split(":", 5)[4:5] != [home.account])
    elif test.key == PRINCIPAL_PATHS and who.organization is not None:
        return _of_organization(test, who.organization)
    elif test.key in _ORGANIZATION_PATHS:
        start = f"{home.organization}/"
        left = tuple(value for value in test.values if not home.organization or not value.startswith(start))
        return replace(test, family=family, values=left, sets=test.sets if left else "")
    else:
        return test
    return replace(test, family=family, values=left, sets="")


def _of_organization(test: Test, organization: str) -> Test:
    """Return *test* on the caller's paths in its *organization* without those in others."""
    if test.family is Family.LIKE and {"*", f"{organization}/*"} & set(test.values):
        # Whoever is in it has such a path, and no other.
        return replace(test, family=Family.NULL, values=() if test.negated else ("false",))
    starts = ((value, value.split("/")[0]) for value in test.values)
    left = tuple(value for value, start in starts if start == organization or is_wild(start))
    return replace(test, values=left, sets=test.sets if left else "")


def _of_caller(test: Test, who: Stranger) -> Test:
    """Return *test* on the caller's ARN with its values cut down to ARNs that *who* may have."""
    if not who.arns or (test.family is Family.ARN and any(value.count(":") < 5 for value in test.values)):  # noqa: PLR2004
        return test
    if any(_certain(test.family, value, who) for value in test.values):
        return replace(test, family=Family.LIKE, values=("*",))
    left = dict.fromkeys(chain(*(_possible(test.family, value, who) for value in test.values)))
    return replace(test, family=Family.LIKE if test.family is Family.ARN else test.family, values=tuple(left))


def _certain(family: Family, value: str, who: Stranger) -> bool:
    if family is Family.ARN:
        return all(_contain_fields(value, arn) for arn in who.arns)
    return all(contains(value, arn.lower() if family is Family.FOLDED else arn) for arn in who.arns)


def _possible(family: Family, value: str, who: Stranger) -> Iterator[str]:
    """Yield *value* as far as *who* may have such an ARN; the stars of ArnLike never pass over a colon."""
    fields = value.split(":", 5)
    pinned = _PINNED.match(value)
    account = fields[4] if family is Family.ARN else pinned[1] if pinned else ""
    if who.account == UNNAMED and ACCOUNT.fullmatch(account):
        return
    for arn in who.arns:
        if family is not Family.ARN:
            if touches(value, arn.lower() if family is Family.FOLDED else arn):
                yield value
        elif all(map(touches, fields, arn.split(":", 5))):
            start = (
                theirs if is_wild(ours) else ours for theirs, ours in zip(fields, arn.split(":", 5)[:5], strict=False)
            )
            yield ":".join((*start, fields[5]))


def facts_of(who: Stranger, keys: Iterable[str], asked: Question) -> Condition:
    """Return what holds of *keys* in every request of *who*."""
    return read(
        (fact for key in sorted(keys) for fact in chain(_owner(key, asked.home), _caller(key, who, asked))),
        variables=False,
    )


def _owner(key: str, home: Home) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    if key == "aws:resourceaccount":
        yield "StringEquals", key, (home.account,)
    elif key == "aws:resourceorgid" and home.organization:
        yield "StringEquals", key, (home.organization,)


def _caller(key: str, who: Stranger, asked: Question) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    if not who.account:
        yield from _unsigned(key)
        return
    if key in PRINCIPAL_ORGANIZATION and who.organization is not None:
        yield "Null", key, ("false" if who.organization else "true",)
        if key != PRINCIPAL_PATHS and who.organization:
            named = who.organization != UNNAMED
            others = (*asked.organizations, asked.home.organization)
            yield ("StringEquals", key, (who.organization,)) if named else ("StringNotEquals", key, others)
    if key in _SERVICES or key in _SIGNED:
        yield "Null", key, ("true" if key in _SERVICES else "false",)
    if key == "aws:principalisawsservice":
        yield "Bool", key, ("false",)
    elif key == "aws:principaltype":
        yield "StringNotEquals", key, ("Anonymous",)
    elif key == _PRINCIPAL_ARN and who.rest:
        yield "StringNotEquals", key, asked.arns[who.account]
    elif key == _PRINCIPAL_ACCOUNT and who.account == UNNAMED:
        yield "StringNotEquals", key, (asked.home.account, *asked.accounts)
    elif key == _PRINCIPAL_ACCOUNT:
        yield "StringEquals", key, (who.account,)


def _unsigned(key: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    if key in ("aws:userid", "aws:principaltype"):
        yield "StringEqualsIgnoreCase", key, ("anonymous",)
    elif key == "aws:viaawsservice":
        yield "BoolIfExists", key, ("false",)
    elif key.startswith(_CREDENTIALS) and key not in _ORIGINS:
        yield "Null", key, ("true",)


def impossible(tests: Iterable[Test]) -> list[Condition]:
    """Return what never holds: a pattern without the wider one, and two that share nothing."""
    never: list[list[tuple[str, str, tuple[str, ...]]]] = []
    patterns: dict[str, dict[str, None]] = {}
    for test in tests:
        if test.key in _RELATABLE and test.family is Family.LIKE and not test.unsettled:
            patterns.setdefault(test.key, {}).update(dict.fromkeys(filter(is_wild, test.values)))
    for key, found in patterns.items():
        for left, right in permutations(found, 2) if len(found) <= _RELATED else ():
            if contains(right, left):
                never.append([("StringLike", key, (left,)), ("StringNotLike", key, (right,))])
            elif not touches(right, left):
                never.append([("StringLike", key, (left,)), ("StringLike", key, (right,))])
    return [read(each, variables=False) for each in never]


def _contain_fields(pattern: str, arn: str) -> bool:
    return all(map(contains, pattern.split(":", 5), arn.split(":", 5)))
