"""Who is a stranger to a bucket, and whom a Principal or NotPrincipal speaks of."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, product
from typing import Any, NamedTuple

from pipeseal.policy.document import Statement, strings
from pipeseal.policy.globs import Globs, is_wild, tidy

ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
UNNAMED = "?" * 12
"""The account field of every caller whose account the policy does not name."""
# What stands in a policy for a user or role that is deleted.
_DELETED = re.compile(r"A[A-Z]{3}[A-Z0-9]{8,}")

ANYONE, _ANY_ACCOUNT = WIDE = ("anyone", "any AWS account")
PRINCIPAL_PATHS = "aws:principalorgpaths"
PRINCIPAL_ORGANIZATION = {"aws:principalorgid", PRINCIPAL_PATHS}


class Home(NamedTuple):
    """Who is no stranger: *account* has twelve digits; *organization* is an id (o-...), or "" for none."""

    account: str
    organization: str = ""


class Stranger(NamedTuple):
    """Callers from elsewhere that a policy cannot tell apart, or need not."""

    name: str
    account: str
    """Twelve digits, `UNNAMED`, or "" for who does not sign."""
    arns: tuple[str, ...]
    """Patterns that the ARN of such a caller lies in."""
    elements: tuple[tuple[str, str], ...] = ()
    """How a Principal names exactly these callers: the kind and the text."""
    rest: bool = False
    """Whether those that the policy names by their ARN are not among them."""
    organization: str | None = None
    """The organisation that they are in, "" for none, `UNNAMED` for one that the policy does not name."""


class Rule(NamedTuple):
    """A statement with whom it names, by kind: AWS, Service, CanonicalUser, Federated."""

    statement: Statement
    named: Mapping[str, tuple[str, ...]]
    excluding: bool
    """Whether it speaks of all but those *named* (NotPrincipal)."""

    @property
    def elements(self) -> Iterator[tuple[str, str]]:
        """Return each kind and text of the principal element."""
        return ((kind, text) for kind, texts in self.named.items() for text in texts)


class Question(NamedTuple):
    """What is asked of a policy, and what of it everybody who answers must know."""

    bucket: str
    home: Home
    actions: tuple[str, ...]
    denying: Sequence[Rule]
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
        """Return the partition of the bucket's ARN."""
        return self.bucket.split(":")[1]


def rule_of(statement: Statement, raw: Mapping[str, Any]) -> Rule:
    """Return *statement*, which was read from *raw*, with whom it names."""
    name = "Principal" if "Principal" in raw else "NotPrincipal"
    named = {"AWS": "*"} if raw[name] == "*" else raw[name]
    return Rule(statement, {kind: strings(texts) or () for kind, texts in named.items()}, name != "Principal")


def accounts(rules: Iterable[Rule], home: Home) -> tuple[str, ...]:
    """Return the other accounts that the policy names anywhere."""
    texts: list[str] = []
    for rule in rules:
        texts += (text for _, text in rule.elements)
        texts += chain(*(values for _, key, values in rule.statement.condition if key.lower().startswith("aws:prin")))
    found = chain(*map(ACCOUNT.findall, texts))
    return tuple(each for each in dict.fromkeys(found) if each != home.account)


def organizations(rules: Iterable[Rule], home: Home) -> tuple[tuple[str, ...], bool]:
    """Return the other organisations that the policy names, and whether it asks for a path in one."""
    tests = [(key.lower(), values) for rule in rules for _, key, values in rule.statement.condition]
    named = (value.split("/")[0] for key, values in tests if key in PRINCIPAL_ORGANIZATION for value in values)
    others = tuple(dict.fromkeys(each for each in named if each.startswith("o-") and not is_wild(each)))
    return tuple(each for each in others if each != home.organization), any(key == PRINCIPAL_PATHS for key, _ in tests)


def arns_by_account(rules: Iterable[Rule]) -> dict[str, tuple[str, ...]]:
    """Return the ARNs that some Principal or NotPrincipal names, by their account."""
    found: dict[str, dict[str, None]] = {}
    for kind, text in chain(*(rule.elements for rule in rules)):
        fields = text.split(":", 5)
        # A session does not show its role's path, and root stands for the whole account.
        if kind == "AWS" and len(fields) > 5 and not fields[5].startswith(("assumed-role/", "root")):  # noqa: PLR2004
            found.setdefault(fields[4], {})[text] = None
    return {account: tuple(texts) for account, texts in found.items()}


def _inside(account: str, asked: Question, name: str = "", *elements: tuple[str, str]) -> Stranger:
    """Return the callers of *account*."""
    start, federated = f"arn:{asked.partition}:iam::{account}", f"arn:{asked.partition}:sts::{account}"
    arns = (f"{start}:root", f"{start}:user/?*", f"{start}:role/?*", f"{federated}:federated-user/?*")
    return Stranger(name or f"account {account}", account, arns, elements)


def _named(text: str, asked: Question) -> Stranger | None:
    """Return the callers that *text* under a Principal's AWS stands for; None for nobody."""
    if ACCOUNT.fullmatch(text):
        return _inside(text, asked)
    fields = text.split(":", 5)
    if len(fields) < 6:  # noqa: PLR2004 - the fields of an ARN
        return None if _DELETED.fullmatch(text) else _inside(UNNAMED, asked, text, ("AWS", text))
    _, partition, _, _, account, resource = fields
    if resource == "root" and ACCOUNT.fullmatch(account):
        return _inside(account, asked)
    arns: tuple[str, ...] = (text,)
    if resource.startswith("assumed-role/"):
        # The session's own ARN does not show the role's path.
        role, start = resource.split("/")[1], f"arn:{partition}:iam::{account}:role"
        arns = (f"{start}/{role}", f"{start}/*/{role}")
    return Stranger(text, account if ACCOUNT.fullmatch(account) else UNNAMED, arns, (("AWS", text),))


def strangers(rule: Rule, asked: Question) -> tuple[list[Stranger], list[Stranger]]:
    """Return whom the Allow of *rule* speaks of: the widest, and who is to be tried where none of those gets in."""
    wide = "*" in rule.named.get("AWS", ())
    if wide is not rule.excluding:
        narrow = [_inside(account, asked) for account in asked.accounts]
        found = [Stranger(ANYONE, "", ()), _inside(UNNAMED, asked, _ANY_ACCOUNT)]
        return found, narrow
    found, narrow = [], []
    for kind, text in () if rule.excluding else rule.elements:
        if kind in ("CanonicalUser", "Federated"):
            # Nobody can tell whose it is.
            name = f"{'canonical user' if kind == 'CanonicalUser' else 'whoever signs in with'} {text}"
            found.append(_inside(UNNAMED, asked, name, (kind, text)))
            narrow += (_inside(account, asked, name, (kind, text)) for account in asked.accounts)
        elif kind == "AWS" and (who := _named(text, asked)) and who.account != asked.home.account:
            found.append(who)
    return list(dict.fromkeys(found)), narrow


def parts(who: Stranger, asked: Question) -> Iterator[Stranger]:
    """Yield the callers that *who* stands for: those that the policy names one by one, and the others."""
    named = [arn for arn in asked.arns.get(who.account, ()) if arn not in who.arns and _lies_in(arn, who)]
    parts = [who._replace(rest=bool(named))]
    parts += (who._replace(arns=(arn,), elements=(*who.elements, ("AWS", arn))) for arn in named)
    # A path shows the organisation, so the two keys are tied.
    known = (UNNAMED, "", *asked.organizations) if asked.paths and who.account else (None,)
    for part, organization in product(parts, known):
        yield part._replace(organization=organization)


def _lies_in(arn: str, who: Stranger) -> bool:
    return any(contains(each, arn) for each in who.arns)


def applies(rule: Rule, who: Stranger, asked: Question) -> bool:
    """Say whether *rule* surely speaks of every caller that *who* stands for."""
    if rule.excluding:
        return not any(_may_be(who, kind, text, asked) for kind, text in rule.elements)
    return any(is_named(who, kind, text, asked) for kind, text in rule.elements)


def is_named(who: Stranger, kind: str, text: str, asked: Question) -> bool:
    """Say whether the principal element of *kind* and *text* surely names every caller of *who*."""
    if (kind, text) in (("AWS", "*"), *who.elements):
        return True
    # A session is only one of those that its role has.
    named = _named(text, asked) if kind == "AWS" and ":assumed-role/" not in text else None
    if named is None or named.account != who.account or who.account in ("", UNNAMED):
        return False
    return all(any(contains(theirs, ours) for theirs in named.arns) for ours in who.arns)


def _may_be(who: Stranger, kind: str, text: str, asked: Question) -> bool:
    if (kind, text) in (("AWS", "*"), *who.elements):
        return True
    if kind != "AWS" or not who.account:
        return kind in ("CanonicalUser", "Federated") and bool(who.account)
    named = _named(text, asked)
    if named is None or named.account != who.account or (who.rest and text in asked.arns.get(who.account, ())):
        return False
    return any(touches(theirs, ours) for theirs in named.arns for ours in who.arns)


@lru_cache(maxsize=4096)
def contains(pattern: str, cell: str) -> bool:
    """Say whether whatever the glob *cell* matches, *pattern* matches too."""
    return Globs((tidy(pattern),)).contain(tidy(cell))


@lru_cache(maxsize=4096)
def touches(pattern: str, cell: str) -> bool:
    """Say whether anything matches both globs."""
    return Globs((tidy(pattern),)).touch(tidy(cell))
