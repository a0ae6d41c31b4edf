"""Say which Allow statements let a stranger do something that no Deny refuses.

A stranger is whoever is neither of the bucket's own account nor, where one is given, of its organisation. The verdict
is the policy's own: ACLs, Public Access Block, key policies and the limits that S3 itself sets to other accounts
are not looked at, and who comes through an access point of the account's own is that access point's affair.
AWS services are no strangers, for log delivery and the like would be reported everywhere.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain, permutations, product
from typing import Any, NamedTuple

from pipeseal.policy.cells import Area, areas
from pipeseal.policy.conditions import ENCRYPTION, ENCRYPTION_KEY, Condition, Family, Test, read
from pipeseal.policy.deny import Deny
from pipeseal.policy.document import Statement, strings
from pipeseal.policy.escape import Fuel, UndecidedError, escape
from pipeseal.policy.globs import Globs, has_variable, is_wild, tails, tidy, unescaped

# Shared by the Allow statements of a policy, but for what each gets at least.
_FUEL = 60_000
_FUEL_ALONE = 1_000
# More patterns on one key than this are weighed as if none had to do with another.
_RELATED = 12

_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
# The account field of every caller whose account the policy does not name.
_UNNAMED = "?" * 12
# What stands in a policy for a user or role that is deleted.
_DELETED = re.compile(r"A[A-Z]{3}[A-Z0-9]{8,}")
_OWN = re.compile(r"\$\{\s*(aws:(?:ResourceAccount|ResourceOrgID|PrincipalAccount))\s*\}", re.IGNORECASE)
# A star in StringLike passes over colons, so only an account behind literal fields is sure.
_PINNED = re.compile(r"arn:[^:*?]*:[^:*?]*:[^:*?]*:(\d{12}):", re.IGNORECASE)

_ANYONE, _ANY_ACCOUNT = _WIDE = ("anyone", "any AWS account")
_PRINCIPAL_ARN = "aws:principalarn"
_PRINCIPAL_ACCOUNT = "aws:principalaccount"
_ACCOUNTS = {_PRINCIPAL_ACCOUNT, "aws:sourceaccount", "aws:sourceowner", "aws:userid", "s3:dataaccesspointaccount"}
_ORGANIZATIONS = {"aws:principalorgid", "aws:sourceorgid"}
_PRINCIPAL_PATHS = "aws:principalorgpaths"
_PRINCIPAL_ORGANIZATION = {"aws:principalorgid", _PRINCIPAL_PATHS}
_ORGANIZATION_PATHS = {_PRINCIPAL_PATHS, "aws:sourceorgpaths"}
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
_HEADERS = (ENCRYPTION, ENCRYPTION_KEY)
_UPLOADS = {"s3:PutObject", "s3:ReplicateObject"}


class Home(NamedTuple):
    """Who is no stranger: *account* has twelve digits; *organization* is an id (o-...), or "" for none."""

    account: str
    organization: str = ""


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
            text for text in self.statement.actions if any(_contains(text.lower(), a.lower()) for a in self.actions)
        )
        return tuple(dict.fromkeys(found))

    @property
    def narrowed(self) -> tuple[str, ...]:
        """Return the condition keys that narrow the statement and keep not every stranger out."""
        return tuple(dict.fromkeys(key for _, key, _ in self.statement.condition))


class _Stranger(NamedTuple):
    name: str
    account: str
    """Twelve digits, `_UNNAMED`, or "" for who does not sign."""
    arns: tuple[str, ...]
    """Patterns that the ARN of such a caller lies in."""
    elements: tuple[tuple[str, str], ...] = ()
    """How a Principal names exactly these callers: the kind and the text."""
    rest: bool = False
    """Whether those that the policy names by their ARN are not among them."""
    organization: str | None = None
    """The organisation that they are in, "" for none, `_UNNAMED` for one that the policy does not name."""


class _Rule(NamedTuple):
    statement: Statement
    named: Mapping[str, tuple[str, ...]]
    excluding: bool
    """Whether it speaks of all but those *named* (NotPrincipal)."""

    @property
    def elements(self) -> Iterator[tuple[str, str]]:
        return ((kind, text) for kind, texts in self.named.items() for text in texts)


class _Asked(NamedTuple):
    bucket: str
    home: Home
    actions: tuple[str, ...]
    denying: Sequence[_Rule]
    accounts: tuple[str, ...]
    """Other accounts that the policy names."""
    arns: Mapping[str, tuple[str, ...]]
    """Account -> the ARNs in it that some Principal or NotPrincipal names."""
    organizations: tuple[str, ...]
    """Other organisations that the policy names."""
    paths: bool
    """Whether it asks for a path in an organisation."""

    @property
    def partition(self) -> str:
        return self.bucket.split(":")[1]


def grants(
    bucket: str, home: Home, actions: Iterable[str], statements: Sequence[tuple[Statement, Mapping[str, Any]]]
) -> tuple[Grant, ...]:
    """Return what strangers may do of *actions* (names without wildcards) to *bucket* (an ARN) and its objects.

    *statements* are those of the policy, each beside the object that it was read from.
    """
    rules = [_rule(statement, raw) for statement, raw in statements]
    allowing = [rule for rule in rules if not rule.statement.deny]
    denying = [rule for rule in rules if rule.statement.deny]
    asked = _Asked(
        bucket, home, tuple(actions), denying, _accounts(rules, home), _arns(rules), *_organizations(rules, home)
    )
    share = max(_FUEL // max(len(allowing), 1), _FUEL_ALONE)
    return tuple(grant for rule in allowing for grant in _grants(rule, asked, Fuel(share)))


def _rule(statement: Statement, raw: Mapping[str, Any]) -> _Rule:
    name = "Principal" if "Principal" in raw else "NotPrincipal"
    named = {"AWS": "*"} if raw[name] == "*" else raw[name]
    return _Rule(statement, {kind: strings(texts) or () for kind, texts in named.items()}, name != "Principal")


def _accounts(rules: Iterable[_Rule], home: Home) -> tuple[str, ...]:
    texts: list[str] = []
    for rule in rules:
        texts += (text for _, text in rule.elements)
        texts += chain(*(values for _, key, values in rule.statement.condition if key.lower().startswith("aws:prin")))
    found = chain(*map(_ACCOUNT.findall, texts))
    return tuple(each for each in dict.fromkeys(found) if each != home.account)


def _organizations(rules: Iterable[_Rule], home: Home) -> tuple[tuple[str, ...], bool]:
    tests = [(key.lower(), values) for rule in rules for _, key, values in rule.statement.condition]
    named = (value.split("/")[0] for key, values in tests if key in _PRINCIPAL_ORGANIZATION for value in values)
    others = tuple(dict.fromkeys(each for each in named if each.startswith("o-") and not is_wild(each)))
    return tuple(each for each in others if each != home.organization), any(key == _PRINCIPAL_PATHS for key, _ in tests)


def _arns(rules: Iterable[_Rule]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for kind, text in chain(*(rule.elements for rule in rules)):
        fields = text.split(":", 5)
        # A session does not show its role's path, and root stands for the whole account.
        if kind == "AWS" and len(fields) > 5 and not fields[5].startswith(("assumed-role/", "root")):  # noqa: PLR2004
            found.setdefault(fields[4], {})[text] = None
    return {account: tuple(texts) for account, texts in found.items()}


# ------------------------------------------------------------------------ who


def _inside(account: str, asked: _Asked, name: str = "", *elements: tuple[str, str]) -> _Stranger:
    """Return the callers of *account*."""
    start, federated = f"arn:{asked.partition}:iam::{account}", f"arn:{asked.partition}:sts::{account}"
    arns = (f"{start}:root", f"{start}:user/?*", f"{start}:role/?*", f"{federated}:federated-user/?*")
    return _Stranger(name or f"account {account}", account, arns, elements)


def _named(text: str, asked: _Asked) -> _Stranger | None:
    """Return the callers that *text* under a Principal's AWS stands for; None for nobody."""
    if _ACCOUNT.fullmatch(text):
        return _inside(text, asked)
    fields = text.split(":", 5)
    if len(fields) < 6:  # noqa: PLR2004 - the fields of an ARN
        return None if _DELETED.fullmatch(text) else _inside(_UNNAMED, asked, text, ("AWS", text))
    _, partition, _, _, account, resource = fields
    if resource == "root" and _ACCOUNT.fullmatch(account):
        return _inside(account, asked)
    arns: tuple[str, ...] = (text,)
    if resource.startswith("assumed-role/"):
        # The session's own ARN does not show the role's path.
        role, start = resource.split("/")[1], f"arn:{partition}:iam::{account}:role"
        arns = (f"{start}/{role}", f"{start}/*/{role}")
    return _Stranger(text, account if _ACCOUNT.fullmatch(account) else _UNNAMED, arns, (("AWS", text),))


def _strangers(rule: _Rule, asked: _Asked) -> tuple[list[_Stranger], list[_Stranger]]:
    """Return whom the Allow of *rule* speaks of: the widest, and who is to be tried where none of those gets in."""
    wide = "*" in rule.named.get("AWS", ())
    if wide is not rule.excluding:
        narrow = [_inside(account, asked) for account in asked.accounts]
        found = [_Stranger(_ANYONE, "", ()), _inside(_UNNAMED, asked, _ANY_ACCOUNT)]
        return found, narrow
    found, narrow = [], []
    for kind, text in () if rule.excluding else rule.elements:
        if kind in ("CanonicalUser", "Federated"):
            # Nobody can tell whose it is.
            name = f"{'canonical user' if kind == 'CanonicalUser' else 'whoever signs in with'} {text}"
            found.append(_inside(_UNNAMED, asked, name, (kind, text)))
            narrow += (_inside(account, asked, name, (kind, text)) for account in asked.accounts)
        elif kind == "AWS" and (who := _named(text, asked)) and who.account != asked.home.account:
            found.append(who)
    return list(dict.fromkeys(found)), narrow


def _parts(who: _Stranger, asked: _Asked) -> Iterator[_Stranger]:
    """Yield the callers that *who* stands for: those that the policy names one by one, and the others."""
    named = [arn for arn in asked.arns.get(who.account, ()) if arn not in who.arns and _lies_in(arn, who)]
    parts = [who._replace(rest=bool(named))]
    parts += (who._replace(arns=(arn,), elements=(*who.elements, ("AWS", arn))) for arn in named)
    # A path shows the organisation, so the two keys are tied.
    known = (_UNNAMED, "", *asked.organizations) if asked.paths and who.account else (None,)
    for part, organization in product(parts, known):
        yield part._replace(organization=organization)


def _lies_in(arn: str, who: _Stranger) -> bool:
    return any(_contains(each, arn) for each in who.arns)


def _applies(rule: _Rule, who: _Stranger, asked: _Asked) -> bool:
    """Say whether *rule* surely speaks of every caller that *who* stands for."""
    if rule.excluding:
        return not any(_may_be(who, kind, text, asked) for kind, text in rule.elements)
    return any(_is(who, kind, text, asked) for kind, text in rule.elements)


def _is(who: _Stranger, kind: str, text: str, asked: _Asked) -> bool:
    if (kind, text) in (("AWS", "*"), *who.elements):
        return True
    # A session is only one of those that its role has.
    named = _named(text, asked) if kind == "AWS" and ":assumed-role/" not in text else None
    if named is None or named.account != who.account or who.account in ("", _UNNAMED):
        return False
    return all(any(_contains(theirs, ours) for theirs in named.arns) for ours in who.arns)


def _may_be(who: _Stranger, kind: str, text: str, asked: _Asked) -> bool:
    if (kind, text) in (("AWS", "*"), *who.elements):
        return True
    if kind != "AWS" or not who.account:
        return kind in ("CanonicalUser", "Federated") and bool(who.account)
    named = _named(text, asked)
    if named is None or named.account != who.account or (who.rest and text in asked.arns.get(who.account, ())):
        return False
    return any(_touches(theirs, ours) for theirs in named.arns for ours in who.arns)


# ----------------------------------------------------------------------- what


def _grants(rule: _Rule, asked: _Asked, fuel: Fuel) -> Iterator[Grant]:
    """Yield what the Allow of *rule* lets strangers do, once for all who may do the same."""
    statement = rule.statement
    globs = Globs(tidy(text.lower()) for text in statement.actions)
    names = tuple(name for name in asked.actions if globs.contain(name.lower()) is not statement.not_action)
    resources = _resources(statement, asked.bucket)
    first, then = _strangers(rule, asked)
    if not names or not resources or not first:
        return
    found: dict[str, set[str]] = {}
    try:
        # What the cutting costs grows with both.
        fuel.burn(len(asked.denying) + sum(len(each.statement.resources) for each in asked.denying))
        denying = [replace(each.statement, everyone=True) for each in asked.denying]
        cut = areas(Deny("", names, resources, {}), denying)
        for who in chain(first, then):
            known = set().union(*(found.get(name, ()) for name in _WIDE))
            if who in first or len(known) < len(names):
                through = {name for part in _parts(who, asked) for name in _let_through(part, rule, cut, asked, fuel)}
                if not through <= (found.get(_ANYONE, set()) if who in first else known):
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
        if _contains(pattern, bucket):
            found[bucket] = None
        for tail in sorted(tails(pattern, f"{bucket}/") - {""}):
            found[f"{bucket}/{tail}"] = None
            if tail.endswith("/*") and not is_wild(tail[:-1]):
                # The key that ends in the slash is a key as well.
                found[f"{bucket}/{tail[:-1]}"] = None
    return tuple(found)


def _let_through(who: _Stranger, rule: _Rule, cut: Sequence[Area], asked: _Asked, fuel: Fuel) -> list[str]:
    """Return the actions that *who* may take on something of the bucket."""
    if rule.excluding and any(_is(who, kind, text, asked) for kind, text in rule.elements):
        return []
    statement, denying = rule.statement, [each.statement for each in asked.denying]
    fuel.burn(sum(len(texts) for each in asked.denying for texts in each.named.values()) // 4)
    able = sum(_applies(each, who, asked) << index for index, each in enumerate(asked.denying))
    goal = _condition(statement, who, asked, fuel)
    covers = {index: _condition(each, who, asked, fuel) for index, each in enumerate(denying) if able >> index & 1}
    keys = {test.key for test in chain(goal, *covers.values())}
    facts = _facts(who, keys, asked)
    bare = read(((("Null", key, ("true",))) for key in _HEADERS if key in keys), variables=False)
    related = _related(chain(goal, *covers.values()))
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


# ----------------------------------------------------------------------- when


def _condition(statement: Statement, who: _Stranger, asked: _Asked, fuel: Fuel) -> Condition:
    """Return the condition of *statement* as it stands for *who*."""
    fuel.burn(1 + sum(len(values) for _, _, values in statement.condition))
    tests = statement.condition
    if statement.variables:
        tests = tuple((operator, key, _filled(values, who, asked.home)) for operator, key, values in tests)
    return tuple(_seen(test, who, asked.home) for test in read(tests, variables=statement.variables))


def _filled(values: tuple[str, ...], who: _Stranger, home: Home) -> tuple[str, ...]:
    """Replace the policy variables whose value is known."""
    account = who.account if who.account != _UNNAMED else ""
    known = {"resourceaccount": home.account, "resourceorgid": home.organization, "principalaccount": account}

    def fill(found: re.Match[str]) -> str:
        return known[found[1][4:].lower()] or found[0]

    return tuple(_OWN.sub(fill, value) if "${" in value else value for value in values)


def _seen(test: Test, who: _Stranger, home: Home) -> Test:
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
    elif test.key == _PRINCIPAL_PATHS and who.organization is not None:
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


def _of_caller(test: Test, who: _Stranger) -> Test:
    """Return *test* on the caller's ARN with its values cut down to ARNs that *who* may have."""
    if not who.arns or (test.family is Family.ARN and any(value.count(":") < 5 for value in test.values)):  # noqa: PLR2004
        return test
    if any(_certain(test.family, value, who) for value in test.values):
        return replace(test, family=Family.LIKE, values=("*",))
    left = dict.fromkeys(chain(*(_possible(test.family, value, who) for value in test.values)))
    return replace(test, family=Family.LIKE if test.family is Family.ARN else test.family, values=tuple(left))


def _certain(family: Family, value: str, who: _Stranger) -> bool:
    if family is Family.ARN:
        return all(_contain_fields(value, arn) for arn in who.arns)
    return all(_contains(value, arn.lower() if family is Family.FOLDED else arn) for arn in who.arns)


def _possible(family: Family, value: str, who: _Stranger) -> Iterator[str]:
    """Yield *value* as far as *who* may have such an ARN; the stars of ArnLike never pass over a colon."""
    fields = value.split(":", 5)
    pinned = _PINNED.match(value)
    account = fields[4] if family is Family.ARN else pinned[1] if pinned else ""
    if who.account == _UNNAMED and _ACCOUNT.fullmatch(account):
        return
    for arn in who.arns:
        if family is not Family.ARN:
            if _touches(value, arn.lower() if family is Family.FOLDED else arn):
                yield value
        elif all(map(_touches, fields, arn.split(":", 5))):
            start = (
                theirs if is_wild(ours) else ours for theirs, ours in zip(fields, arn.split(":", 5)[:5], strict=False)
            )
            yield ":".join((*start, fields[5]))


def _facts(who: _Stranger, keys: Iterable[str], asked: _Asked) -> Condition:
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


def _caller(key: str, who: _Stranger, asked: _Asked) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    if not who.account:
        yield from _unsigned(key)
        return
    if key in _PRINCIPAL_ORGANIZATION and who.organization is not None:
        yield "Null", key, ("false" if who.organization else "true",)
        if key != _PRINCIPAL_PATHS and who.organization:
            named = who.organization != _UNNAMED
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
    elif key == _PRINCIPAL_ACCOUNT and who.account == _UNNAMED:
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


def _related(tests: Iterable[Test]) -> list[Condition]:
    """Return what never holds: a pattern without the wider one, and two that share nothing."""
    never: list[list[tuple[str, str, tuple[str, ...]]]] = []
    patterns: dict[str, dict[str, None]] = {}
    for test in tests:
        if test.key in _RELATABLE and test.family is Family.LIKE and not test.unsettled:
            patterns.setdefault(test.key, {}).update(dict.fromkeys(filter(is_wild, test.values)))
    for key, found in patterns.items():
        for left, right in permutations(found, 2) if len(found) <= _RELATED else ():
            if _contains(right, left):
                never.append([("StringLike", key, (left,)), ("StringNotLike", key, (right,))])
            elif not _touches(right, left):
                never.append([("StringLike", key, (left,)), ("StringLike", key, (right,))])
    return [read(each, variables=False) for each in never]


@lru_cache(maxsize=4096)
def _contains(pattern: str, cell: str) -> bool:
    return Globs((tidy(pattern),)).contain(tidy(cell))


@lru_cache(maxsize=4096)
def _touches(pattern: str, cell: str) -> bool:
    return Globs((tidy(pattern),)).touch(tidy(cell))


def _contain_fields(pattern: str, arn: str) -> bool:
    return all(map(_contains, pattern.split(":", 5), arn.split(":", 5)))
