"""Say which Allow statements let a stranger do something that no Deny refuses.

A stranger is whoever is neither of the bucket's own account nor, where one is given, of its organisation. The verdict
is the policy's own: ACLs, Public Access Block, key policies and the limits that S3 itself sets to other accounts
are not looked at, and who comes through an access point of the account's own is that access point's affair.
AWS services are no strangers, for log delivery and the like would be reported everywhere.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, NamedTuple

from pipeseal.policy.cells import Area, areas
from pipeseal.policy.circumstances import condition_for, facts_of, impossible
from pipeseal.policy.conditions import ENCRYPTION, ENCRYPTION_KEY, read
from pipeseal.policy.deny import Deny
from pipeseal.policy.document import Statement
from pipeseal.policy.escape import Fuel, UndecidedError, escape
from pipeseal.policy.globs import Globs, has_variable, is_wild, tails, tidy, unescaped
from pipeseal.policy.strangers import (
    ANYONE,
    WIDE,
    Home,
    Question,
    Rule,
    Stranger,
    accounts,
    applies,
    arns_by_account,
    contains,
    is_named,
    organizations,
    parts,
    rule_of,
    strangers,
)

# Shared by the Allow statements of a policy, but for what each gets at least.
_FUEL = 60_000
_FUEL_ALONE = 1_000
_HEADERS = (ENCRYPTION, ENCRYPTION_KEY)
_UPLOADS = {"s3:PutObject", "s3:ReplicateObject"}


class Grant(NamedTuple):
    """What an Allow *statement* lets strangers do."""

    statement: Statement
    who: tuple[str, ...]
    """Whom it lets in, as a sentence goes on: "anyone", "account 210987654321"."""
    actions: tuple[str, ...]
    settled: bool
    """False where it is too intricate to be settled; then all that it may let in is told."""

    @property
    def written(self) -> tuple[str, ...]:
        """Return the *actions* as the statement writes them."""
        if self.statement.not_action:
            return (f"all but {', '.join(self.statement.actions)}",)
        found = (
            text for text in self.statement.actions if any(contains(text.lower(), a.lower()) for a in self.actions)
        )
        return tuple(dict.fromkeys(found))

    @property
    def narrowed(self) -> tuple[str, ...]:
        """Return the condition keys that narrow the statement and keep not every stranger out."""
        return tuple(dict.fromkeys(key for _, key, _ in self.statement.condition))


def grants(
    bucket: str, home: Home, actions: Iterable[str], statements: Sequence[tuple[Statement, Mapping[str, Any]]]
) -> tuple[Grant, ...]:
    """Return what strangers may do of *actions* (names without wildcards) to *bucket* (an ARN) and its objects.

    *statements* are those of the policy, each beside the object that it was read from.
    """
    rules = [rule_of(statement, raw) for statement, raw in statements]
    allowing = [rule for rule in rules if not rule.statement.deny]
    denying = [rule for rule in rules if rule.statement.deny]
    asked = Question(
        bucket,
        home,
        tuple(actions),
        denying,
        accounts(rules, home),
        arns_by_account(rules),
        *organizations(rules, home),
    )
    share = max(_FUEL // max(len(allowing), 1), _FUEL_ALONE)
    return tuple(grant for rule in allowing for grant in _grants(rule, asked, Fuel(share)))


def _grants(rule: Rule, asked: Question, fuel: Fuel) -> Iterator[Grant]:
    """Yield what the Allow of *rule* lets strangers do, once for all who may do the same."""
    statement = rule.statement
    globs = Globs(tidy(text.lower()) for text in statement.actions)
    names = tuple(name for name in asked.actions if globs.contain(name.lower()) is not statement.not_action)
    resources = _resources(statement, asked.bucket)
    first, then = strangers(rule, asked)
    if not names or not resources or not first:
        return
    found: dict[str, set[str]] = {}
    try:
        # What the cutting costs grows with both.
        fuel.burn(len(asked.denying) + sum(len(each.statement.resources) for each in asked.denying))
        denying = [replace(each.statement, everyone=True) for each in asked.denying]
        cut = areas(Deny("", names, resources, {}), denying)
        for who in chain(first, then):
            known = set().union(*(found.get(name, ()) for name in WIDE))
            if who in first or len(known) < len(names):
                through = {name for part in parts(who, asked) for name in _let_through(part, rule, cut, asked, fuel)}
                if not through <= (found.get(ANYONE, set()) if who in first else known):
                    found.setdefault(who.name, set()).update(through)
    except UndecidedError:
        if not found:
            yield Grant(statement, tuple(dict.fromkeys(who.name for who in first)), names, settled=False)
    for actions in dict.fromkeys(map(frozenset, found.values())):
        who_may = tuple(name for name, each in found.items() if each == actions)
        yield Grant(statement, who_may, tuple(name for name in names if name in actions), settled=True)


def _resources(statement: Statement, bucket: str) -> tuple[str, ...]:
    """Return what *statement* may reach of *bucket*; of a NotResource the whole bucket."""
    if statement.not_resource:
        return bucket, f"{bucket}/*"
    found: dict[str, None] = {}
    for text in statement.resources:
        pattern = tidy(unescaped(text, wild=True) if statement.variables else text)
        if contains(pattern, bucket):
            found[bucket] = None
        for tail in sorted(tails(pattern, f"{bucket}/") - {""}):
            found[f"{bucket}/{tail}"] = None
            if tail.endswith("/*") and not is_wild(tail[:-1]):
                # The key that ends in the slash is a key as well.
                found[f"{bucket}/{tail[:-1]}"] = None
    return tuple(found)


def _let_through(who: Stranger, rule: Rule, cut: Sequence[Area], asked: Question, fuel: Fuel) -> list[str]:
    """Return the actions that *who* may take on something of the bucket."""
    if rule.excluding and any(is_named(who, kind, text, asked) for kind, text in rule.elements):
        return []
    statement, denying = rule.statement, [each.statement for each in asked.denying]
    fuel.burn(sum(len(texts) for each in asked.denying for texts in each.named.values()) // 4)
    able = sum(applies(each, who, asked) << index for index, each in enumerate(asked.denying))
    goal = condition_for(statement, who, asked, fuel)
    covers = {index: condition_for(each, who, asked, fuel) for index, each in enumerate(denying) if able >> index & 1}
    keys = {test.key for test in chain(goal, *covers.values())}
    facts = facts_of(who, keys, asked)
    bare = read(((("Null", key, ("true",))) for key in _HEADERS if key in keys), variables=False)
    related = impossible(chain(goal, *covers.values()))
    known: dict[tuple[int, bool], bool] = {}

    def passes(mask: int, *, upload: bool) -> bool:
        if (mask, upload) not in known:
            fuel.burn(1)
            refusals = list(dict.fromkeys(covers[index] for index in covers if mask >> index & 1))
            wanted = facts + (() if upload else bare) + goal
            known[mask, upload] = escape(wanted, [*refusals, *related], fuel) is not None
        return known[mask, upload]

    found = []
    for area in cut:
        columns = sorted(set(_columns(area, statement)))
        for name, row in zip(area.actions, area.by_action, strict=True):
            if any(passes(row & column & able, upload=name in _UPLOADS) for column in columns):
                found.append(name)
    return found


def _columns(area: Area, statement: Statement) -> Iterator[int]:
    """Yield the resource cells' masks, those that *statement* wholly leaves out aside."""
    texts = statement.resources if statement.not_resource else ()
    sure = [text for text in texts if not (statement.variables and has_variable(text))]
    left_out = Globs(tidy(unescaped(text, wild=True) if statement.variables else text) for text in sure)
    for cell, mask in zip(area.resources, area.by_resource, strict=True):
        if not left_out.contain(cell):
            yield mask
