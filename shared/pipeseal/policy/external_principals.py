"""The principals outside a zone of trust, and which of them a Principal or NotPrincipal element matches.

Terms follow IAM Access Analyzer ("zone of trust", "external principal") and the IAM User Guide, "AWS JSON policy
elements: Principal" and "NotPrincipal".
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, product
from typing import NamedTuple

from pipeseal.policy.document import Statement
from pipeseal.policy.globs import covers, has_wildcard, overlaps

ACCOUNT_ID = re.compile(r"(?<!\d)\d{12}(?!\d)")
UNNAMED = "?" * 12
"""The account id of every principal whose account the policy does not name; also an organization it does not name."""
ARN_FIELDS = 6
"""The fields of an ARN: arn, partition, service, Region, account, resource."""
# The unique id that replaces the ARN of a deleted user or role in a policy.
_UNIQUE_ID = re.compile(r"A[A-Z]{3}[A-Z0-9]{8,}")

ANYONE, _ANY_ACCOUNT = BROADEST = ("anyone", "any AWS account")
PRINCIPAL_ORG_PATHS = "aws:principalorgpaths"
PRINCIPAL_ORG_KEYS = {"aws:principalorgid", PRINCIPAL_ORG_PATHS}


class ZoneOfTrust(NamedTuple):
    """The principals that are not external: those of an account and, if given, of its organization."""

    account: str
    """Account id, 12 digits."""
    organization: str = ""
    """Organization id (o-...); empty if the zone is the account alone."""


class ExternalPrincipal(NamedTuple):
    """External principals that a policy does not distinguish."""

    name: str
    """The principals in words, for a message."""
    account: str
    """Account id, `UNNAMED`, or empty for anonymous requests."""
    arn_patterns: tuple[str, ...]
    """Patterns that together match the ARNs of the principals; empty for anonymous requests."""
    elements: tuple[tuple[str, str], ...] = ()
    """The principal types and values that name exactly these principals."""
    excludes_named_arns: bool = False
    """Whether the principals that the policy names by ARN are not among them."""
    organization: str | None = None
    """Organization id, empty for an account in none, `UNNAMED` for one that the policy does not name; None: any."""


class AccessQuery(NamedTuple):
    """What is asked about a policy, and what the policy names that distinguishes external principals."""

    bucket_arn: str
    zone: ZoneOfTrust
    actions: tuple[str, ...]
    denying: Sequence[Statement]
    """The Deny statements of the policy."""
    accounts: tuple[str, ...]
    """The account ids that the policy names, except that of the zone."""
    arns: Mapping[str, tuple[str, ...]]
    """Account id -> the principal ARNs of the account that the policy names."""
    organizations: tuple[str, ...]
    """The organization ids that the policy names, except that of the zone."""
    tests_org_paths: bool
    """Whether a condition tests aws:PrincipalOrgPaths."""

    @property
    def aws_partition(self) -> str:
        """Return the partition of the bucket's ARN: aws, aws-cn, aws-us-gov."""
        return self.bucket_arn.split(":")[1]


def access_query(
    bucket_arn: str, zone: ZoneOfTrust, actions: Iterable[str], statements: Sequence[Statement]
) -> AccessQuery:
    """Return the query for *actions* on *bucket_arn* by principals outside *zone*."""
    return AccessQuery(
        bucket_arn=bucket_arn,
        zone=zone,
        actions=tuple(actions),
        denying=[each for each in statements if each.is_deny],
        accounts=_named_accounts(statements, zone),
        arns=_named_arns(statements),
        organizations=_named_organizations(statements, zone),
        tests_org_paths=any(key.lower() == PRINCIPAL_ORG_PATHS for each in statements for _, key, _ in each.condition),
    )


def external_principals(
    statement: Statement, asked: AccessQuery
) -> tuple[list[ExternalPrincipal], list[ExternalPrincipal]]:
    """Return the external principals that the Allow *statement* matches, in two lists.

    The first has the broadest groups; the second has subsets of them, which matter only where no broader group has
    access.
    """
    every_principal = ("AWS", "*") in statement.principals
    broad: list[ExternalPrincipal] = []
    narrow: list[ExternalPrincipal] = []
    if every_principal is not statement.not_principal:
        broad = [ExternalPrincipal(ANYONE, "", ()), _account_principals(UNNAMED, asked, _ANY_ACCOUNT)]
        return broad, [_account_principals(account, asked) for account in asked.accounts]
    for kind, value in () if statement.not_principal else statement.principals:
        if kind in ("CanonicalUser", "Federated"):
            # The value does not identify the account of the principal.
            name = f"{'canonical user' if kind == 'CanonicalUser' else 'users federated by'} {value}"
            broad.append(_account_principals(UNNAMED, asked, name, (kind, value)))
            narrow += (_account_principals(account, asked, name, (kind, value)) for account in asked.accounts)
        elif kind == "AWS" and (found := _principal_of(value, asked)) and found.account != asked.zone.account:
            broad.append(found)
    return list(dict.fromkeys(broad)), narrow


def subdivide(principal: ExternalPrincipal, asked: AccessQuery) -> Iterator[ExternalPrincipal]:
    """Yield the parts of *principal* that the policy distinguishes: each ARN that it names, and the others."""
    named = [
        arn
        for arn in asked.arns.get(principal.account, ())
        if arn not in principal.arn_patterns and any(covers(each, arn) for each in principal.arn_patterns)
    ]
    parts = [principal._replace(excludes_named_arns=bool(named))]
    parts += (principal._replace(arn_patterns=(arn,), elements=(*principal.elements, ("AWS", arn))) for arn in named)
    # An organization path starts with the organization id, so the two keys depend on each other.
    tied = asked.tests_org_paths and principal.account
    organizations = (UNNAMED, "", *asked.organizations) if tied else (None,)
    for part, organization in product(parts, organizations):
        yield part._replace(organization=organization)


def certainly_matches(statement: Statement, principal: ExternalPrincipal, asked: AccessQuery) -> bool:
    """Return whether the principal element of *statement* matches every one of *principal*."""
    if statement.not_principal:
        return not any(_may_be_named(principal, kind, value, asked) for kind, value in statement.principals)
    return any(is_named(principal, kind, value, asked) for kind, value in statement.principals)


def is_named(principal: ExternalPrincipal, kind: str, value: str, asked: AccessQuery) -> bool:
    """Return whether the principal type *kind* with *value* names every one of *principal*."""
    if (kind, value) in (("AWS", "*"), *principal.elements):
        return True
    # A role session is one of many sessions of its role, so it does not name the role.
    named = _principal_of(value, asked) if kind == "AWS" and ":assumed-role/" not in value else None
    if named is None or named.account != principal.account or principal.account in ("", UNNAMED):
        return False
    return all(any(covers(each, arn) for each in named.arn_patterns) for arn in principal.arn_patterns)


def _may_be_named(principal: ExternalPrincipal, kind: str, value: str, asked: AccessQuery) -> bool:
    if (kind, value) in (("AWS", "*"), *principal.elements):
        return True
    if kind != "AWS" or not principal.account:
        return kind in ("CanonicalUser", "Federated") and bool(principal.account)
    named = _principal_of(value, asked)
    if named is None or named.account != principal.account:
        return False
    if principal.excludes_named_arns and value in asked.arns.get(principal.account, ()):
        return False
    return any(overlaps(each, arn) for each in named.arn_patterns for arn in principal.arn_patterns)


def _account_principals(
    account: str, asked: AccessQuery, name: str = "", *elements: tuple[str, str]
) -> ExternalPrincipal:
    """Return all principals of *account*: its root user, IAM users, roles and federated user sessions."""
    iam, sts = (f"arn:{asked.aws_partition}:{service}::{account}" for service in ("iam", "sts"))
    arns = (f"{iam}:root", f"{iam}:user/?*", f"{iam}:role/?*", f"{sts}:federated-user/?*")
    return ExternalPrincipal(name or f"account {account}", account, arns, elements)


def _principal_of(value: str, asked: AccessQuery) -> ExternalPrincipal | None:
    """Return the principals that *value* of the principal type AWS names; None for a deleted user or role."""
    if ACCOUNT_ID.fullmatch(value):
        return _account_principals(value, asked)
    fields = value.split(":", ARN_FIELDS - 1)
    if len(fields) < ARN_FIELDS:
        return None if _UNIQUE_ID.fullmatch(value) else _account_principals(UNNAMED, asked, value, ("AWS", value))
    _, aws_partition, _, _, account, resource = fields
    if resource == "root" and ACCOUNT_ID.fullmatch(account):
        return _account_principals(account, asked)
    arns: tuple[str, ...] = (value,)
    if resource.startswith("assumed-role/"):
        # aws:PrincipalArn of a session is the ARN of its role; the session's ARN does not contain the role's path.
        role, roles = resource.split("/")[1], f"arn:{aws_partition}:iam::{account}:role"
        arns = (f"{roles}/{role}", f"{roles}/*/{role}")
    return ExternalPrincipal(value, account if ACCOUNT_ID.fullmatch(account) else UNNAMED, arns, (("AWS", value),))


def _named_accounts(statements: Iterable[Statement], zone: ZoneOfTrust) -> tuple[str, ...]:
    texts: list[str] = []
    for statement in statements:
        texts += (value for _, value in statement.principals)
        texts += chain(*(values for _, key, values in statement.condition if key.lower().startswith("aws:prin")))
    found = chain(*map(ACCOUNT_ID.findall, texts))
    return tuple(each for each in dict.fromkeys(found) if each != zone.account)


def _named_organizations(statements: Iterable[Statement], zone: ZoneOfTrust) -> tuple[str, ...]:
    tests = ((key.lower(), values) for statement in statements for _, key, values in statement.condition)
    named = (value.split("/")[0] for key, values in tests if key in PRINCIPAL_ORG_KEYS for value in values)
    found = (each for each in named if each.startswith("o-") and not has_wildcard(each))
    return tuple(each for each in dict.fromkeys(found) if each != zone.organization)


def _named_arns(statements: Iterable[Statement]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for kind, value in chain(*(each.principals for each in statements)):
        fields = value.split(":", ARN_FIELDS - 1)
        # A session's ARN does not contain the role's path, and root stands for all principals of the account.
        if kind == "AWS" and len(fields) == ARN_FIELDS and not fields[-1].startswith(("assumed-role/", "root")):
            found.setdefault(fields[4], {})[value] = None
    return {account: tuple(values) for account, values in found.items()}
