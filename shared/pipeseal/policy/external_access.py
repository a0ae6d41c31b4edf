"""Find the Allow statements that grant access to principals outside a zone of trust.

As in IAM Access Analyzer, a principal is external if it belongs neither to the bucket's account nor, if given, to its
organization. Only the policy itself counts: ACLs, Block Public Access, KMS key policies and S3's own restrictions for
other accounts are not considered, and a request through an access point of the account is not external. AWS services
are not external, because log delivery and similar grants are intended.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from pipeseal.policy.conditions import ENCRYPTION, ENCRYPTION_KEY_ID, Condition, parse_condition
from pipeseal.policy.deny import Deny
from pipeseal.policy.document import Statement
from pipeseal.policy.external_principals import (
    ANYONE,
    BROADEST,
    AccessQuery,
    ExternalPrincipal,
    ZoneOfTrust,
    access_query,
    certainly_matches,
    external_principals,
    is_named,
    subdivide,
)
from pipeseal.policy.globs import PatternSet, action_pattern, covers, has_wildcard, suffixes
from pipeseal.policy.partitions import Partition, certain_resources, indices, partitions, possible_resources
from pipeseal.policy.request_context import condition_for, contradictions, known_facts
from pipeseal.policy.solver import Budget, BudgetExceededError, find_counterexample

_BUDGET = 60_000
"""Steps that the Allow statements of a policy share equally."""
_MIN_STATEMENT_BUDGET = 1_000
_UPLOAD_ACTIONS = {"s3:PutObject", "s3:ReplicateObject"}
"""The actions whose requests can carry the encryption headers."""
_ENCRYPTION_HEADERS = (ENCRYPTION, ENCRYPTION_KEY_ID)


class ExternalAccess(NamedTuple):
    """The access that an Allow *statement* grants to external principals."""

    statement: Statement
    principals: tuple[str, ...]
    """The principals in words: "anyone", "any AWS account", "account 210987654321", an ARN."""
    actions: tuple[str, ...]
    """The actions that are allowed and that no Deny statement denies."""
    decided: bool
    """False if the analysis exceeded its budget; then principals and actions are all that the statement names."""

    @property
    def actions_as_written(self) -> tuple[str, ...]:
        """Return the values of Action that match `actions`; for NotAction one phrase with the exceptions."""
        if self.statement.not_action:
            return (f"all actions except {', '.join(self.statement.actions)}",)
        matching = (
            text for text in self.statement.actions if any(covers(text.lower(), name.lower()) for name in self.actions)
        )
        return tuple(dict.fromkeys(matching))

    @property
    def condition_keys(self) -> tuple[str, ...]:
        """Return the condition keys of the statement, as written; they do not exclude all external principals."""
        return tuple(dict.fromkeys(key for _, key, _ in self.statement.condition))


def external_access(
    bucket_arn: str, zone: ZoneOfTrust, actions: Iterable[str], statements: Sequence[Statement]
) -> tuple[ExternalAccess, ...]:
    """Return the access to *bucket_arn* and its objects that *statements* grant to principals outside *zone*.

    Only *actions*, names without wildcards, are considered. Principals with the same actions share an entry.
    """
    asked = access_query(bucket_arn, zone, actions, statements)
    allowing = [each for each in statements if not each.is_deny]
    steps = max(_BUDGET // max(len(allowing), 1), _MIN_STATEMENT_BUDGET)
    return tuple(access for statement in allowing for access in _granted(statement, asked, Budget(steps)))


def _granted(statement: Statement, asked: AccessQuery, budget: Budget) -> Iterator[ExternalAccess]:
    """Yield the external access that the Allow *statement* grants, one entry for each set of actions."""
    matcher = PatternSet(map(action_pattern, statement.actions))
    names = tuple(name for name in asked.actions if matcher.covers(name.lower()) is not statement.not_action)
    resources = _bucket_resources(statement, asked.bucket_arn)
    broad, narrow = external_principals(statement, asked)
    if not names or not resources or not broad:
        return
    found: dict[str, set[str]] = {}
    try:
        # The cost of partitioning grows with the statements and with their resources.
        budget.spend(len(asked.denying) + sum(len(each.resources) for each in asked.denying))
        # Principals are compared below, for each external principal.
        for_everyone = [replace(each, principals=(("AWS", "*"),), not_principal=False) for each in asked.denying]
        parts = partitions(Deny("", names, resources, {}), for_everyone)
        for principal in chain(broad, narrow):
            known = set().union(*(found.get(name, ()) for name in BROADEST))
            if principal in broad or len(known) < len(names):
                allowed = {
                    name
                    for each in subdivide(principal, asked)
                    for name in _allowed_actions(each, statement, parts, asked, budget)
                }
                if not allowed <= (found.get(ANYONE, set()) if principal in broad else known):
                    found.setdefault(principal.name, set()).update(allowed)
    except BudgetExceededError:
        if not found:
            yield ExternalAccess(statement, tuple(dict.fromkeys(each.name for each in broad)), names, decided=False)
    for actions in dict.fromkeys(map(frozenset, found.values())):
        principals = tuple(name for name, each in found.items() if each == actions)
        yield ExternalAccess(statement, principals, tuple(name for name in names if name in actions), decided=True)


def _bucket_resources(statement: Statement, bucket_arn: str) -> tuple[str, ...]:
    """Return patterns for the bucket and the objects that *statement* may match; for NotResource all of them."""
    if statement.not_resource:
        return bucket_arn, f"{bucket_arn}/*"
    found: dict[str, None] = {}
    for pattern in possible_resources(statement):
        if covers(pattern, bucket_arn):
            found[bucket_arn] = None
        for key in sorted(suffixes(pattern, f"{bucket_arn}/") - {""}):
            found[f"{bucket_arn}/{key}"] = None
            if key.endswith("/*") and not has_wildcard(key[:-1]):
                # The key that ends with the slash is an object key too.
                found[f"{bucket_arn}/{key[:-1]}"] = None
    return tuple(found)


def _allowed_actions(
    principal: ExternalPrincipal,
    statement: Statement,
    parts: Sequence[Partition],
    asked: AccessQuery,
    budget: Budget,
) -> list[str]:
    """Return the actions that *principal* can take, by *statement*, on some resource of the bucket."""
    if statement.not_principal and any(is_named(principal, kind, value, asked) for kind, value in statement.principals):
        return []
    budget.spend(sum(len(each.principals) for each in asked.denying) // 4)
    applicable = sum(certainly_matches(each, principal, asked) << index for index, each in enumerate(asked.denying))
    allow = condition_for(statement, principal, asked, budget)
    denies = {index: condition_for(asked.denying[index], principal, asked, budget) for index in indices(applicable)}
    tests = list(chain(allow, *denies.values()))
    keys = {test.key for test in tests}
    premise = known_facts(principal, keys, asked) + allow
    without_headers = parse_condition(
        (("Null", key, ("true",)) for key in _ENCRYPTION_HEADERS if key in keys), has_variables=False
    )
    impossible = contradictions(tests)
    known: dict[tuple[int, bool], bool] = {}

    def is_allowed(mask: int, *, is_upload: bool) -> bool:
        if (mask, is_upload) not in known:
            budget.spend(1)
            covers_ = list(dict.fromkeys(denies[index] for index in indices(mask)))
            wanted: Condition = premise if is_upload else without_headers + premise
            known[mask, is_upload] = find_counterexample(wanted, [*covers_, *impossible], budget) is not None
        return known[mask, is_upload]

    found = []
    for part in parts:
        columns = sorted(set(_resource_masks(part, statement)))
        for name, row in zip(part.actions, part.action_masks, strict=True):
            if any(is_allowed(row & column & applicable, is_upload=name in _UPLOAD_ACTIONS) for column in columns):
                found.append(name)
    return found


def _resource_masks(part: Partition, statement: Statement) -> Iterator[int]:
    """Yield the masks of the classes of resources, except the classes that a NotResource excludes entirely."""
    excluded = PatternSet(certain_resources(statement) if statement.not_resource else ())
    for resource, mask in zip(part.resources, part.resource_masks, strict=True):
        if not excluded.covers(resource):
            yield mask
