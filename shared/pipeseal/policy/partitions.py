"""Partition the requests that a Deny matches into classes that the statements of a policy do not distinguish.

A request has one action and one resource. Both are partitioned separately: the actions by name, the resources into
classes, each given by a pattern. A set of statements is an integer mask with one bit for each statement.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache, reduce
from operator import or_

from pipeseal.policy.actions import BUCKET_ACTIONS, OBJECT_ACTIONS, SHORTEST_NAME
from pipeseal.policy.deny import Deny
from pipeseal.policy.document import Statement
from pipeseal.policy.globs import (
    PatternSet,
    action_pattern,
    display,
    has_policy_variable,
    has_wildcard,
    normalize,
    resolve_escapes,
    suffixes,
)

# Question marks at the end of a pattern distinguish keys by length, and each length up to this one is a class.
_MAX_KEY_LENGTH = 63
# The most classes that are made to distinguish keys by length.
_MAX_LENGTH_CLASSES = 500
_TRAILING_WILDCARDS = re.compile(r"[*?]*$")


class ResourceType(StrEnum):
    """The resource type of an S3 action: each action is evaluated against a bucket ARN or an object ARN."""

    BUCKET = "bucket"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Partition:
    """The partitioned requests of one resource type: each action with each class of resources.

    The statements that match every request of a pair, as far as action and resource go, are
    ``action_masks[i] & resource_masks[j]``.
    """

    resource_type: ResourceType
    actions: tuple[str, ...]
    action_masks: tuple[int, ...]
    """For each action, the statements whose Action or NotAction matches it."""
    resources: tuple[str, ...]
    """For each class of resources, a pattern for messages."""
    resource_masks: tuple[int, ...]
    """For each class of resources, the statements whose Resource or NotResource matches all of it."""
    overlapping: int
    """The statements that may match some request here, principals and conditions not considered."""

    def actions_missed_by(self, bit: int) -> list[str]:
        """Return the actions that the statement of *bit* does not match."""
        return [name for name, mask in zip(self.actions, self.action_masks, strict=True) if not mask & bit]

    def resources_missed_by(self, bit: int) -> list[str]:
        """Return the patterns of the classes of resources that the statement of *bit* does not match entirely."""
        return [name for name, mask in zip(self.resources, self.resource_masks, strict=True) if not mask & bit]


def indices(mask: int) -> Iterator[int]:
    """Yield the indices of the bits that are set in *mask*, in ascending order."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def partitions(deny: Deny, statements: Sequence[Statement]) -> tuple[Partition, ...]:
    """Return the requests of *deny* partitioned by *statements*; bit *i* of a mask stands for ``statements[i]``.

    There is at most one partition for each resource type, that of objects first.
    """
    found = (_partition(kind, deny, statements) for kind in (ResourceType.OBJECT, ResourceType.BUCKET))
    return tuple(partition for partition in found if partition)


def certain_resources(statement: Statement) -> list[str]:
    """Return the patterns of Resource or NotResource whose meaning is known: those without a policy variable."""
    if not statement.has_variables:
        return [normalize(text) for text in statement.resources]
    known = (text for text in statement.resources if not has_policy_variable(text))
    return [normalize(resolve_escapes(text, wildcards=True)) for text in known]


def possible_resources(statement: Statement) -> list[str]:
    """Return the patterns of Resource or NotResource, in which a policy variable stands for any text."""
    if not statement.has_variables:
        return certain_resources(statement)
    return [normalize(resolve_escapes(text, wildcards=True)) for text in statement.resources]


def _partition(resource_type: ResourceType, deny: Deny, statements: Sequence[Statement]) -> Partition | None:
    names = _action_names(resource_type, deny.actions)
    resources = [normalize(each) for each in deny.resources if _resource_type(each) is resource_type]
    if not names or not resources:
        return None
    unnamed, named = _resource_classes(resources, [each for each in statements if each.matches_every_principal])
    action_masks = _action_masks(names, tuple((statement.actions, statement.not_action) for statement in statements))
    return Partition(
        resource_type=resource_type,
        actions=names,
        action_masks=action_masks,
        resources=tuple(display(each) for each in unnamed + named),
        resource_masks=_resource_masks(unnamed, named, statements),
        overlapping=reduce(or_, action_masks) & _overlapping_resources(resources, statements),
    )


def _resource_type(arn: str) -> ResourceType:
    return ResourceType.OBJECT if "/" in arn else ResourceType.BUCKET


@lru_cache(maxsize=64)
def _action_names(resource_type: ResourceType, patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the actions that *patterns* match; for a wildcard also a name that stands for actions S3 adds later."""
    return tuple(dict.fromkeys(_matching_names(resource_type, patterns)))


def _matching_names(resource_type: ResourceType, patterns: Iterable[str]) -> Iterator[str]:
    table = OBJECT_ACTIONS if resource_type is ResourceType.OBJECT else BUCKET_ACTIONS
    known = {name.lower() for name in BUCKET_ACTIONS + OBJECT_ACTIONS}
    for pattern in patterns:
        matcher = PatternSet((action_pattern(pattern),))
        yield from (name for name in table if matcher.covers(name.lower()))
        if has_wildcard(pattern):
            yield pattern.replace("*", "?" * SHORTEST_NAME + "*")
        elif pattern.lower() not in known:
            yield pattern


@lru_cache(maxsize=256)
def _action_masks(names: Iterable[str], statements: tuple[tuple[tuple[str, ...], bool], ...]) -> tuple[int, ...]:
    """Return for each of *names* the statements that match it; a statement is its actions and whether NotAction.

    Cached: matching all names takes most of the time of a verdict, and the policies of an account name the same few.
    """
    table = _StatementPatterns([list(map(action_pattern, actions)) for actions, _ in statements])
    negated = _mask(not_action for _, not_action in statements)
    return tuple(table.covering(action_pattern(name)) ^ negated for name in names)


def _resource_classes(resources: Sequence[str], statements: Sequence[Statement]) -> tuple[list[str], list[str]]:
    """Return the classes of *resources*: first those that no statement names, then those that a NotResource names.

    A pattern matches every key of a length if and only if it matches a key of which no pattern names a character;
    question marks stand for such a key. Beyond the longest run of trailing question marks all lengths are alike. A key
    that a NotResource excludes belongs to the class of the excluding pattern, which must be matched entirely.
    """
    unnamed, named = [], []
    excluded = {text for statement in statements if statement.not_resource for text in certain_resources(statement)}
    for resource in resources:
        prefix = resource.removesuffix("*")
        if prefix == resource or has_wildcard(prefix):
            named.append(resource)
            continue
        # An object key has at least one character.
        shortest = 1 if prefix.endswith("/") else 0
        longest = max(
            (length for text in _included(statements) if (length := _trailing_question_marks(text)) <= _MAX_KEY_LENGTH),
            default=0,
        )
        unnamed += [prefix + "?" * length for length in range(shortest, longest + 1)]
        unnamed.append(prefix + "?" * (longest + 1))
        ends = {end for text in excluded for end in suffixes(text, prefix)}
        lengths = longest + 1 if len(ends) * longest <= _MAX_LENGTH_CLASSES else 1
        named += sorted({prefix + each for end in ends for each in _expanded(end, lengths) if each or not shortest})
    return unnamed, named


def _included(statements: Iterable[Statement]) -> Iterator[str]:
    return (text for statement in statements if not statement.not_resource for text in certain_resources(statement))


def _expanded(pattern: str, lengths: int) -> Iterator[str]:
    """Yield *pattern* with its first asterisk replaced by 0 to *lengths* - 1 characters, and by more than that.

    Several statements may match all keys of *pattern* together, each those of some lengths.
    """
    head, asterisk, rest = pattern.partition("*")
    if not asterisk:
        yield pattern
        return
    yield from (head + "?" * length + rest for length in range(lengths))
    yield normalize(head + "?" * lengths + "*" + rest)


def _resource_masks(unnamed: Sequence[str], named: Sequence[str], statements: Sequence[Statement]) -> tuple[int, ...]:
    lists = [certain_resources(statement) for statement in statements]
    negated = _mask(statement.not_resource for statement in statements)
    # A variable in a NotResource may exclude anything, so such a statement is certain to match nothing.
    uncertain = 0
    for index, statement in enumerate(statements):
        if statement.not_resource:
            uncertain |= (len(lists[index]) < len(statement.resources)) << index
        else:
            # A pattern with more question marks distinguishes lengths for which there is no class.
            lists[index] = [text for text in lists[index] if _trailing_question_marks(text) <= _MAX_KEY_LENGTH]
    table = _StatementPatterns(lists, _common_prefix([*unnamed, *named]))
    masks = [table.covering(each) ^ negated for each in unnamed]
    for each in named:
        covering, overlapping = table.covering(each), table.overlapping(each)
        masks.append((covering & ~negated) | (negated & ~overlapping))
    return tuple(mask & ~uncertain for mask in masks)


def _overlapping_resources(resources: Sequence[str], statements: Sequence[Statement]) -> int:
    """Return the statements that may match a part of *resources*; a policy variable stands for any text."""
    negated = _mask(statement.not_resource for statement in statements)
    # A pattern with a variable may exclude nothing, so only the other patterns can exclude a resource entirely.
    certain = _StatementPatterns([certain_resources(statement) for statement in statements])
    possible = _StatementPatterns([possible_resources(statement) for statement in statements])
    found = 0
    for each in resources:
        found |= (possible.overlapping(each) & ~negated) | (negated & ~certain.covering(each))
    return found


def _trailing_question_marks(pattern: str) -> int:
    end = _TRAILING_WILDCARDS.search(pattern)
    return end[0].count("?") if end else 0


def _mask(flags: Iterable[bool]) -> int:
    return sum(1 << index for index, flag in enumerate(flags) if flag)


def _common_prefix(patterns: Sequence[str]) -> str:
    """Return the text that all *patterns* start with, up to the first wildcard."""
    low, high = min(patterns), max(patterns)
    length = 0
    while length < len(low) and low[length] == high[length] and low[length] not in "*?":
        length += 1
    return low[:length]


@lru_cache(maxsize=16)
def _pattern_set(patterns: tuple[str, ...]) -> PatternSet:
    """Return the automaton of *patterns*. Cached: the tables of one verdict share their patterns."""
    return PatternSet(patterns)


class _StatementPatterns:
    """The patterns of several statements in one automaton; an answer is a mask of statements.

    *prefix* is a text that all subjects start with, so that it is read only once.
    """

    __slots__ = ("_finals", "_patterns", "_prefix_length", "_start")

    def __init__(self, lists: Sequence[Sequence[str]], prefix: str = "") -> None:
        numbers = {text: index for index, text in enumerate(dict.fromkeys(text for each in lists for text in each))}
        self._patterns = _pattern_set(tuple(numbers))
        self._prefix_length = len(prefix)
        self._start = self._patterns.advance_covering(prefix, self._patterns.start)
        finals = self._patterns.finals
        self._finals = [sum(finals[number] for number in {numbers[text] for text in each}) for each in lists]

    def covering(self, subject: str) -> int:
        """Return the statements of which one pattern matches every text of *subject*."""
        return self._statements(self._patterns.advance_covering(subject[self._prefix_length :], self._start))

    def overlapping(self, subject: str) -> int:
        """Return the statements of which a pattern matches at least one text of *subject*."""
        return self._statements(self._patterns.advance_overlapping(subject[self._prefix_length :], self._start))

    def _statements(self, states: int) -> int:
        return _mask(bool(states & final) for final in self._finals) if states else 0
