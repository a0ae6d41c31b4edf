"""Compare wildcard patterns, many at once and never backtracking."""

import re
from collections import defaultdict
from collections.abc import Iterable

# A star or question mark that is text, not a wildcard: noncharacters, which no ARN or header carries.
STAR = "\U0010fffe"
MARK = "\U0010ffff"

_ESCAPED = {"*": STAR, "?": MARK, "$": "$"}
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_RUN = re.compile(r"[*?]{2,}")
_TEXT = str.maketrans({"*": STAR, "?": MARK})
_SHOWN = str.maketrans({STAR: "*", MARK: "?"})


def literal(text: str) -> str:
    """Return *text* as a pattern that matches nothing else."""
    return text.translate(_TEXT)


def shown(pattern: str) -> str:
    """Return *pattern* as a person would write it."""
    return pattern.translate(_SHOWN)


def has_variable(text: str) -> bool:
    """Say whether *text* has a policy variable, ``${*}``, ``${?}`` and ``${$}`` being none."""
    return any(name not in _ESCAPED for name in _VARIABLE.findall(text))


def unescaped(text: str, *, wild: bool) -> str:
    """Return the pattern that a value with the escapes ``${*}``, ``${?}``, ``${$}`` means; a variable becomes ``*``.

    Where *wild* is false, a bare star or question mark is text.
    """
    parts = _VARIABLE.split(text)
    for index, part in enumerate(parts):
        if index % 2:
            parts[index] = _ESCAPED.get(part, "*")
        elif not wild:
            parts[index] = literal(part)
    return "".join(parts)


def tidy(pattern: str) -> str:
    """Return the one spelling of *pattern* among equals: in a run of wildcards the question marks come first."""
    return _RUN.sub(lambda run: "?" * run[0].count("?") + "*" * ("*" in run[0]), pattern)


def is_wild(pattern: str) -> bool:
    """Say whether *pattern* has a wildcard."""
    return "*" in pattern or "?" in pattern


def tails(pattern: str, prefix: str) -> set[str]:
    """Return the patterns whose union is what may follow the literal *prefix* in a match of *pattern*."""
    if pattern.startswith(prefix):
        return {pattern[len(prefix) :]}
    places = _rest(pattern, {0})
    for letter in prefix:
        stays = {place for place in places if pattern[place : place + 1] == "*"}
        goes = {place + 1 for place in places - stays if pattern[place : place + 1] in (letter, "?")}
        places = _rest(pattern, stays | goes)
    return {pattern[place:] for place in places if pattern[place - 1 : place] != "*" or place - 1 not in places}


def _rest(pattern: str, places: set[int]) -> set[int]:
    return places | {place + 1 for place in places if pattern[place : place + 1] == "*"}


class Globs:
    """Tidy patterns as one automaton: a bit for each place in each of them, all moved at once.

    Matching costs one step for each character of the subject, however many stars the patterns have.
    """

    __slots__ = ("_ends", "_guards", "_letters", "_loops", "_marks", "_moves", "finals", "start")

    def __init__(self, patterns: Iterable[str]) -> None:
        """Lay out *patterns* side by side; ``finals[i]`` is the bit that says the i-th has matched."""
        places: defaultdict[str, list[int]] = defaultdict(list)
        starts, finals, guards, place = [], [], [], 0
        for pattern in patterns:
            starts.append(place)
            for letter in pattern:
                places[letter].append(place)
                place += letter != "*"
            finals.append(place)
            guards.append(place + 1)
            place += 2
        size = place // 8 + 1
        self.finals = [1 << final for final in finals]
        self.start = _bits(starts, size)
        self._ends = _bits(finals, size)
        self._guards = _bits(guards, size)
        self._loops = _bits(places.pop("*", []), size)
        self._marks = _bits(places.pop("?", []), size)
        self._letters = {letter: _bits(found, size) | self._marks for letter, found in places.items()}
        self._moves = ((1 << 8 * size) - 1) & ~self._guards & ~self._ends

    def containing(self, cell: str, states: int) -> int:
        """Move *states* over *cell*; the finals then set are of patterns that match all that *cell* matches.

        A wildcard of the cell is a symbol of its own: only a wildcard takes it in.
        """
        loops, marks, letters = self._loops, self._marks, self._letters
        for letter in cell:
            if letter == "*":
                states &= loops
            elif letter == "?":
                states = ((states & marks) << 1) | (states & loops)
            else:
                states = ((states & letters.get(letter, marks)) << 1) | (states & loops)
            if not states:
                break
        return states

    def touching(self, cell: str, states: int) -> int:
        """Move *states* over *cell*; the finals then set are of patterns that match something *cell* matches."""
        loops, marks, letters = self._loops, self._marks, self._letters
        for letter in cell:
            if letter == "*":
                # Within each pattern every later place can be reached; the guards keep the borrow inside.
                states = (states | (self._guards - states)) & ~self._guards
            elif letter == "?":
                states = ((states & self._moves) << 1) | (states & loops)
            else:
                states = ((states & letters.get(letter, marks)) << 1) | (states & loops)
            if not states:
                break
        return states

    def contain(self, cell: str) -> bool:
        """Say whether one of the patterns matches all that *cell* matches."""
        return bool(self.containing(cell, self.start) & self._ends)

    def touch(self, cell: str) -> bool:
        """Say whether one of the patterns matches something that *cell* matches."""
        return bool(self.touching(cell, self.start) & self._ends)


def _bits(places: list[int], size: int) -> int:
    held = bytearray(size)
    for place in places:
        held[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(held, "little")
