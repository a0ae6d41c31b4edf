"""Text of others on its way to a terminal; apart from the terminal itself, for rich takes long to load."""

from __future__ import annotations


def plain(text: object) -> str:
    """Return *text*, which others wrote, in one line without what could move a cursor or forge a line."""
    return "".join(c if c.isprintable() else "?" for c in str(text))
