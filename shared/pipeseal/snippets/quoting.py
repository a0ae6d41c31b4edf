"""A string as a YAML 1.1 and an HCL reader both take it: printable ASCII between quotes."""

from __future__ import annotations

_FIRST_OF_EIGHT_DIGITS = 0x10000
_NAMED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted(text: str) -> str:
    """Return *text* between double quotes, with everything escaped that is not printable ASCII."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in _NAMED:
        return _NAMED[character]
    if " " <= character <= "~":
        return character
    number = ord(character)
    return f"\\u{number:04x}" if number < _FIRST_OF_EIGHT_DIGITS else f"\\U{number:08x}"


def plain(text: str) -> str:
    """Return *text* for a comment: a line break of others' must not end it, nor anything else reach a terminal."""
    return "".join(character if " " <= character <= "~" else "?" for character in text)
