"""Strings in printable ASCII: quoted, as YAML 1.1 and HCL both read them, or for a comment."""

from __future__ import annotations

_FIRST_OF_EIGHT_DIGITS = 0x10000
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted(text: str) -> str:
    """Return *text* between double quotes, with each character escaped that is not printable ASCII."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[character]
    if _is_plain(character):
        return character
    number = ord(character)
    return f"\\u{number:04x}" if number < _FIRST_OF_EIGHT_DIGITS else f"\\U{number:08x}"


def ascii_line(text: str) -> str:
    """Return *text* for a comment: "?" replaces each character that is not printable ASCII, line breaks included."""
    return "".join(character if _is_plain(character) else "?" for character in text)


def _is_plain(character: str) -> bool:
    return " " <= character <= "~"
