"""Patterns of token formats: read in the syntax of Rust's regex, bounded, and written for Python's `re`."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

# The parser of `re` is no public interface; it has had these names since Python 2.
if sys.version_info >= (3, 11):  # noqa: UP036 - the layer can be built with 3.10
    from re import _constants as sre  # type: ignore[attr-defined] # no stub
    from re import _parser as sre_parser  # type: ignore[attr-defined] # as above
else:
    import sre_constants as sre
    import sre_parse as sre_parser

MAX_STEPS = 100_000  # of one attempt to match, counted by steps_of
MAX_REPEAT = 512  # characters; replaces an unbounded repetition
EXAMPLES = 6  # generated for each pattern
_POSIX = {
    "alnum": "A-Za-z0-9",
    "alpha": "A-Za-z",
    "digit": "0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "xdigit": "0-9A-Fa-f",
}
_CHARACTERS = "".join(chr(code) for code in range(32, 127))
_TOKEN_CHARACTERS = frozenset(
    character for character in _CHARACTERS if character.isalnum() or character in "_-+/=.~%:@\\"
)
Items = Iterable[tuple[Any, Any]]


class LeftOut(Exception):
    """A rule is not exported; the message is the reason."""


def parse(pattern: str) -> list[tuple[Any, Any]]:
    """Return the tree of *pattern*, which is in the syntax of Rust's regex; raise LeftOut where Python has no such."""
    python = re.sub(r"\[:(\w+):\]", lambda found: _POSIX[found[1]], pattern.replace(r"\z", r"\Z"))
    while True:
        # Rust allows (?i) inside a group, for the rest of the group.
        found = re.search(r"(?<!\\)(?!\A)\(\?([is-]+)\)", python)
        if not found:
            break
        end = _end_of_group(python, found.end())
        python = f"{python[: found.start()]}(?{found[1]}:{python[found.end() : end]}){python[end:]}"
    try:
        tree = sre_parser.parse(python)
    except (re.error, KeyError, RecursionError) as error:
        raise LeftOut(f"not a pattern for Python: {error}") from error
    flags = (re.IGNORECASE | re.DOTALL) & tree.state.flags
    return [(sre.SUBPATTERN, (None, flags, 0, list(tree)))]


def _end_of_group(pattern: str, start: int) -> int:
    """Return the position of the parenthesis that closes the group around *start*, or the end of *pattern*."""
    depth, in_class, index = 0, False, start
    while index < len(pattern):
        character = pattern[index]
        if character == "\\":
            index += 1
        elif in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
        elif character == "(":
            depth += 1
        elif character == ")":
            if depth == 0:
                return index
            depth -= 1
        index += 1
    return len(pattern)


def secret_of(tree: Items, group: int) -> list[tuple[Any, Any]]:
    """Return the part of *tree* that captures the secret, with the flags around it; without groups, all of it."""
    groups = list(_groups(tree, 0))
    wanted = [found for number, found in groups if number == group] if group else [found for _, found in groups]
    if not wanted:
        return list(tree)
    if len(wanted) > 1 and not group:
        # Several groups: the first holds the others, as in ((?:a|b)c), or they are alternatives.
        outer = wanted[0]
        if any(inner is not outer and not _holds(outer, inner) for inner in wanted):
            raise LeftOut("several parts of the match can be the secret")
    return wanted[0]


def _groups(tree: Items, flags: int) -> Iterator[tuple[int, list[tuple[Any, Any]]]]:
    """Yield the number of each capturing group and its content with the flags in effect, outer groups first."""
    for op, value in tree:
        if op is sre.SUBPATTERN:
            number, added, removed, inner = value
            effective = (flags | added) & ~removed
            if number is not None:
                yield number, [(sre.SUBPATTERN, (None, effective, 0, list(inner)))]
            yield from _groups(inner, effective)
        elif op is sre.BRANCH:
            for branch in value[1]:
                yield from _groups(branch, flags)
        elif op in {sre.MAX_REPEAT, sre.MIN_REPEAT}:
            yield from _groups(value[2], flags)


def _holds(outer: list[tuple[Any, Any]], inner: list[tuple[Any, Any]]) -> bool:
    return repr(inner[0][1][3])[1:-1] in repr(outer)


def render(tree: Items) -> str:
    """Return *tree* as a pattern without capturing groups, in which every repetition is bounded."""
    return "".join(_render(op, value) for op, value in tree)


def _render(op: Any, value: Any) -> str:  # noqa: PLR0911 - one case for each kind of node
    if op is sre.LITERAL:
        return _escape(value)
    if op is sre.NOT_LITERAL:
        return f"[^{_escape(value)}]"
    if op is sre.ANY:
        return "."
    if op is sre.IN:
        return _render_class(value)
    if op is sre.BRANCH:
        return f"(?:{'|'.join(render(branch) for branch in value[1])})"
    if op is sre.SUBPATTERN:
        _, added, removed, inner = value
        letters = "".join(letter for letter, flag in (("i", re.IGNORECASE), ("s", re.DOTALL)) if added & flag)
        dropped = "".join(letter for letter, flag in (("i", re.IGNORECASE), ("s", re.DOTALL)) if removed & flag)
        return f"(?{letters}{'-' + dropped if dropped else ''}:{render(inner)})"
    if op in {sre.MAX_REPEAT, sre.MIN_REPEAT}:
        low, high, inner = value
        bounded = min(int(high), max(MAX_REPEAT, low))
        count = f"{{{low}}}" if low == bounded else f"{{{low},{bounded}}}"
        return f"(?:{render(inner)}){count}{'?' if op is sre.MIN_REPEAT else ''}"
    if op is sre.AT and value in {sre.AT_BOUNDARY, sre.AT_END_STRING, sre.AT_END, sre.AT_BEGINNING}:
        return {sre.AT_BOUNDARY: r"\b", sre.AT_BEGINNING: "^"}.get(value, r"\Z")
    raise LeftOut(f"the pattern needs {op}, which is not translated")


def _render_class(items: Items) -> str:
    parts = []
    for op, value in items:
        if op is sre.NEGATE:
            parts.append("^")
        elif op is sre.LITERAL:
            parts.append(_escape(value))
        elif op is sre.RANGE:
            parts.append(f"{_escape(value[0])}-{_escape(value[1])}")
        else:
            parts.append(
                {"DIGIT": r"0-9", "WORD": r"A-Za-z0-9_", "SPACE": r"\s", "NOT_SPACE": r"\S", "NOT_WORD": r"\W"}[
                    str(value).removeprefix("CATEGORY_")
                ]
            )
    return f"[{''.join(parts)}]"


def _escape(code: int) -> str:
    return re.escape(chr(code)) if 32 < code < 127 else f"\\x{code:02x}"  # noqa: PLR2004 - printable ASCII


def _characters(op: Any, value: Any) -> frozenset[str]:
    """Return the printable characters that one node of a single character matches, in both cases."""
    pattern = re.compile(_render(op, value), re.IGNORECASE | re.DOTALL)
    return frozenset(character for character in _CHARACTERS if pattern.fullmatch(character))


def _first(tree: Items) -> frozenset[str]:
    """Return the characters that can begin a match of *tree*; every character where it can be empty."""
    found: frozenset[str] = frozenset()
    for op, value in tree:
        if op in {sre.LITERAL, sre.NOT_LITERAL, sre.IN, sre.ANY}:
            return found | _characters(op, value)
        if op is sre.AT:
            continue
        inner = [value[3]] if op is sre.SUBPATTERN else value[1] if op is sre.BRANCH else [value[2]]
        found = found.union(*(_first(each) for each in inner))
        if all(min_length(each) for each in inner) and not (op in {sre.MAX_REPEAT, sre.MIN_REPEAT} and value[0] == 0):
            return found
    return frozenset(_CHARACTERS)


def min_length(tree: Items) -> int:
    """Return the length of the shortest match of *tree*."""
    total = 0
    for op, value in tree:
        if op is sre.SUBPATTERN:
            total += min_length(value[3])
        elif op is sre.BRANCH:
            total += min(min_length(branch) for branch in value[1])
        elif op in {sre.MAX_REPEAT, sre.MIN_REPEAT}:
            total += value[0] * min_length(value[2])
        elif op is not sre.AT:
            total += 1
    return total


def steps_of(tree: Items) -> int:
    """Return an upper bound of the steps of one failing attempt at one position.

    A repetition tries what follows once for each length, unless the characters that follow cannot continue it: then
    every shorter length fails at once.
    """
    items = [(op, value) for op, value in tree if op is not sre.AT]
    total = 1
    for index in range(len(items) - 1, -1, -1):
        op, value = items[index]
        if op is sre.SUBPATTERN:
            total *= steps_of(value[3])
        elif op is sre.BRANCH:
            total *= sum(steps_of(branch) for branch in value[1])
        elif op in {sre.MAX_REPEAT, sre.MIN_REPEAT}:
            low, high = value[0], min(int(value[1]), max(MAX_REPEAT, value[0]))
            lengths = high - low + 1
            is_single = _is_single(value[2])
            if not is_single and lengths > 1:
                lengths = min(lengths * steps_of(value[2]) ** min(high, 4), MAX_STEPS + 1)
            is_separate = is_single and index + 1 < len(items) and not _first(value[2]) & _first(items[index + 1 :])
            total = total + high if is_separate or index + 1 == len(items) else total * lengths + high
        else:
            total += 1
    return total


def is_narrow(tree: Items) -> bool:
    """Return whether every repeated class in *tree* is one of characters that tokens have."""
    for op, value in tree:
        if op is sre.SUBPATTERN:
            inner = [value[3]]
        elif op is sre.BRANCH:
            inner = value[1]
        elif op in {sre.MAX_REPEAT, sre.MIN_REPEAT}:
            inner = [value[2]]
            wide = (kind for kind in value[2] if kind[0] in {sre.NOT_LITERAL, sre.IN, sre.ANY})
            if any(not _characters(*each) <= _TOKEN_CHARACTERS for each in wide):
                return False
        else:
            continue
        if not all(is_narrow(each) for each in inner):
            return False
    return True


def _is_single(tree: Items) -> bool:
    items = list(tree)
    if len(items) == 1 and items[0][0] is sre.SUBPATTERN:
        return _is_single(items[0][1][3])
    return len(items) == 1 and items[0][0] in {sre.LITERAL, sre.NOT_LITERAL, sre.IN, sre.ANY}


def keywords_of(tree: Items) -> tuple[str, ...]:
    """Return texts in lower case of which every match of *tree* contains one; the most selective that there are."""
    best: tuple[str, ...] = ()
    run = ""
    for op, value in (*_flat(tree), (None, None)):
        if op is sre.LITERAL:
            run += chr(value).lower()
            continue
        best = _longer(best, (run,))
        run = ""
        if op is sre.BRANCH:
            branches = [keywords_of(branch) for branch in value[1]]
            if all(branches):
                best = _longer(best, tuple(dict.fromkeys(word for words in branches for word in words)))
        elif op in {sre.MAX_REPEAT, sre.MIN_REPEAT} and value[0]:
            best = _longer(best, keywords_of(value[2]))
    return best


def _flat(tree: Items) -> Iterator[tuple[Any, Any]]:
    """Yield the nodes of *tree* with its groups dissolved, and the texts of small choices multiplied out."""
    nodes: list[tuple[Any, Any]] = []
    for op, value in tree:
        if op is sre.SUBPATTERN:
            nodes.extend(_flat(value[3]))
        elif op is not sre.AT:
            nodes.append((op, value))
    for index, (op, value) in enumerate(nodes):
        # gh[pousr]_ and sk_(live|test)_ : a choice between literals is part of a longer keyword.
        choices = _choices(op, value)
        if choices and _is_beside_literal(nodes, index):
            rest_before, rest_after = nodes[:index], nodes[index + 1 :]
            yield (
                sre.BRANCH,
                (None, [[*rest_before, *((sre.LITERAL, ord(c)) for c in choice), *rest_after] for choice in choices]),
            )
            return
    yield from nodes


def _is_beside_literal(nodes: list[tuple[Any, Any]], index: int) -> bool:
    return (index > 0 and nodes[index - 1][0] is sre.LITERAL) or (
        index + 1 < len(nodes) and nodes[index + 1][0] is sre.LITERAL
    )


def _choices(op: Any, value: Any) -> list[str]:
    """Return the texts between which a node chooses, at most eight; an empty list where it is no such choice."""
    if op is sre.IN and all(kind is sre.LITERAL for kind, _ in value) and len(value) <= 8:  # noqa: PLR2004 - see above
        return [chr(code) for _, code in value]
    if op is sre.BRANCH and len(value[1]) <= 8:  # noqa: PLR2004 - see above
        flat = [list(_flat(branch)) for branch in value[1]]
        if all(kind is sre.LITERAL for branch in flat for kind, _ in branch):
            return ["".join(chr(code) for _, code in branch) for branch in flat]
    return []


def _longer(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """Return the keywords of which the shortest is longer; fewer keywords win a tie."""
    rank_one, rank_other = ((min(map(len, words), default=0), -len(words)) for words in (one, other))
    return other if rank_other > rank_one and all(other) else one


def generate(pattern: str, seed: str) -> list[str]:
    """Return texts that *pattern* matches, the same ones for the same *seed*."""
    tree = parse(pattern)
    return [_generate(tree, random.Random(f"{seed} {number}")) for number in range(EXAMPLES)]  # noqa: S311 - no secret


def _generate(tree: Items, source: random.Random) -> str:
    parts = []
    for op, value in tree:
        if op is sre.SUBPATTERN:
            parts.append(_generate(value[3], source))
        elif op is sre.BRANCH:
            parts.append(_generate(source.choice(value[1]), source))
        elif op in {sre.MAX_REPEAT, sre.MIN_REPEAT}:
            count = source.randint(value[0], min(int(value[1]), value[0] + 6))
            parts.extend(_generate(value[2], source) for _ in range(count))
        elif op is sre.LITERAL:
            parts.append(chr(value))
        elif op is not sre.AT:
            pattern = re.compile(_render(op, value))
            letters = [character for character in _CHARACTERS if pattern.fullmatch(character)]
            parts.append(source.choice([each for each in letters if each.isalnum()] or letters or [" "]))
    return "".join(parts)
