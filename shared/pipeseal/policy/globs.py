"""Compare the wildcard patterns of policy elements, many at once and in linear time.

In a pattern ``*`` matches any number of characters and ``?`` exactly one, as in the elements Action and Resource and
in the condition operators StringLike and ArnLike (IAM User Guide, "IAM JSON policy elements").
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

# An asterisk or question mark that is no wildcard is stored as a Unicode noncharacter, which no ARN or header contains.
_LITERAL_ASTERISK = "\U0010fffe"
_LITERAL_QUESTION_MARK = "\U0010ffff"

_ESCAPES = {"*": _LITERAL_ASTERISK, "?": _LITERAL_QUESTION_MARK, "$": "$"}
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_WILDCARD_RUN = re.compile(r"[*?]{2,}")
_TO_LITERAL = str.maketrans({"*": _LITERAL_ASTERISK, "?": _LITERAL_QUESTION_MARK})
_TO_DISPLAY = str.maketrans({_LITERAL_ASTERISK: "*", _LITERAL_QUESTION_MARK: "?"})


def literal(text: str) -> str:
    """Return the pattern that matches *text* only."""
    return text.translate(_TO_LITERAL)


def display(pattern: str) -> str:
    """Return *pattern* for a message: a literal asterisk or question mark is an ordinary character again."""
    return pattern.translate(_TO_DISPLAY)


def has_policy_variable(text: str) -> bool:
    """Return whether *text* contains a policy variable; the escapes ``${*}``, ``${?}`` and ``${$}`` are none."""
    return any(name not in _ESCAPES for name in _VARIABLE.findall(text))


def resolve_escapes(text: str, *, wildcards: bool) -> str:
    """Return the pattern of a value in a policy of version 2012-10-17.

    ``${*}``, ``${?}`` and ``${$}`` become literal characters and a policy variable becomes ``*``, because its value is
    unknown. If *wildcards* is false, a plain asterisk or question mark is literal too.
    """
    parts = _VARIABLE.split(text)
    for index, part in enumerate(parts):
        if index % 2:
            parts[index] = _ESCAPES.get(part, "*")
        elif not wildcards:
            parts[index] = literal(part)
    return "".join(parts)


def normalize(pattern: str) -> str:
    """Return the canonical spelling of *pattern*: a run of wildcards is its question marks, then at most one ``*``."""
    return _WILDCARD_RUN.sub(lambda run: "?" * run[0].count("?") + "*" * ("*" in run[0]), pattern)


def action_pattern(text: str) -> str:
    """Return the normalized pattern of an action; IAM compares action names without regard to case."""
    return normalize(text.lower())


def has_wildcard(pattern: str) -> bool:
    """Return whether *pattern* contains a wildcard."""
    return "*" in pattern or "?" in pattern


def suffixes(pattern: str, prefix: str) -> set[str]:
    """Return the patterns that together match the rest of every text that starts with *prefix* and matches *pattern*.

    *prefix* is literal. The set is empty if no such text exists.
    """
    if pattern.startswith(prefix):
        return {pattern[len(prefix) :]}
    positions = _skip_asterisks(pattern, {0})
    for character in prefix:
        staying = {position for position in positions if pattern[position : position + 1] == "*"}
        moving = {
            position + 1 for position in positions - staying if pattern[position : position + 1] in (character, "?")
        }
        positions = _skip_asterisks(pattern, staying | moving)
    return {
        pattern[position:]
        for position in positions
        if pattern[position - 1 : position] != "*" or position - 1 not in positions
    }


def _skip_asterisks(pattern: str, positions: set[int]) -> set[int]:
    return positions | {position + 1 for position in positions if pattern[position : position + 1] == "*"}


class PatternSet:
    """A set of normalized patterns as one nondeterministic automaton, simulated with the bits of one integer.

    Each position in each pattern is one bit. Reading one character of the subject advances all positions at once, so
    the cost is one step for each character, however many wildcards the patterns contain.

    A subject is itself a pattern: a text without wildcards, or a pattern that stands for all texts that it matches.
    """

    __slots__ = ("_final", "_guard", "_literals", "_loop", "_movable", "_question_marks", "finals", "start")

    def __init__(self, patterns: Iterable[str]) -> None:
        """Build the automaton: ``start`` is its initial state, ``finals[i]`` is the bit for a match of pattern *i*."""
        positions: defaultdict[str, list[int]] = defaultdict(list)
        starts, finals, guards, position = [], [], [], 0
        for pattern in patterns:
            starts.append(position)
            for character in pattern:
                positions[character].append(position)
                position += character != "*"
            finals.append(position)
            guards.append(position + 1)
            position += 2
        size = position // 8 + 1
        self.finals = [1 << final for final in finals]
        self.start = _bit_set(starts, size)
        self._final = _bit_set(finals, size)
        self._guard = _bit_set(guards, size)
        self._loop = _bit_set(positions.pop("*", []), size)
        self._question_marks = _bit_set(positions.pop("?", []), size)
        self._literals = {
            character: _bit_set(found, size) | self._question_marks for character, found in positions.items()
        }
        self._movable = ((1 << 8 * size) - 1) & ~self._guard & ~self._final

    def advance_covering(self, subject: str, states: int) -> int:
        """Return *states* after *subject*; a final bit means that its pattern matches every text of *subject*.

        A wildcard in the subject is a separate symbol, which only a wildcard of the pattern accepts.
        """
        loop, question_marks, literals = self._loop, self._question_marks, self._literals
        for character in subject:
            if character == "*":
                states &= loop
            elif character == "?":
                states = ((states & question_marks) << 1) | (states & loop)
            else:
                states = ((states & literals.get(character, question_marks)) << 1) | (states & loop)
            if not states:
                break
        return states

    def advance_overlapping(self, subject: str, states: int) -> int:
        """Return *states* after *subject*; a final bit means that its pattern matches some text of *subject*."""
        loop, question_marks, literals = self._loop, self._question_marks, self._literals
        for character in subject:
            if character == "*":
                # Each later position of the same pattern is reachable; the guard bits keep the borrow inside it.
                states = (states | (self._guard - states)) & ~self._guard
            elif character == "?":
                states = ((states & self._movable) << 1) | (states & loop)
            else:
                states = ((states & literals.get(character, question_marks)) << 1) | (states & loop)
            if not states:
                break
        return states

    def covers(self, subject: str) -> bool:
        """Return whether one pattern alone matches every text that *subject* matches."""
        return bool(self.advance_covering(subject, self.start) & self._final)

    def overlaps(self, subject: str) -> bool:
        """Return whether a pattern matches at least one text that *subject* matches."""
        return bool(self.advance_overlapping(subject, self.start) & self._final)


@lru_cache(maxsize=4096)
def covers(pattern: str, subject: str) -> bool:
    """Return whether *pattern* matches every text that the pattern *subject* matches."""
    return PatternSet((normalize(pattern),)).covers(normalize(subject))


@lru_cache(maxsize=4096)
def overlaps(pattern: str, subject: str) -> bool:
    """Return whether at least one text matches both patterns."""
    return PatternSet((normalize(pattern),)).overlaps(normalize(subject))


def _bit_set(positions: list[int], size: int) -> int:
    held = bytearray(size)
    for position in positions:
        held[position >> 3] |= 1 << (position & 7)
    return int.from_bytes(held, "little")
