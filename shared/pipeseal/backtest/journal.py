"""The records that matter, put in the order in which things happened; on disk as soon as they are many."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

# CloudTrail's times are whole seconds: of two records of one second, the one that makes a resource comes first.
_MAKING = ("Create", "Replicate")

_TABLE = "create table record (time real, rank int, file int, position int, id text unique, text blob)"
_ADD = "insert or ignore into record values (?, ?, ?, ?, ?, ?)"
_IN_ORDER = "select file, text from record order by time, rank, file, position"
_CACHE = "pragma cache_size = -16000"  # KiB; more is spilled
_CARELESS = ("pragma journal_mode = off", "pragma synchronous = off", "pragma temp_store = file")


class Misshapen(ValueError):
    """A record does not say when it happened, or has no id; the text says which."""


class _Stamp(msgspec.Struct):
    eventID: Any = None  # noqa: N815 - CloudTrail's own names
    eventTime: Any = None  # noqa: N815
    eventName: Any = None  # noqa: N815


class Entry(NamedTuple):
    """A record as it stands in a file."""

    file: int
    text: bytes


class Journal:
    """Sorts and drops what is delivered twice; its file has no name and goes when it is closed."""

    def __init__(self) -> None:
        """Begin empty."""
        self._database = sqlite3.connect("", isolation_level=None)
        for statement in (*_CARELESS, _CACHE, _TABLE, "begin"):
            self._database.execute(statement)

    def add(self, file: int, position: int, text: bytes) -> None:
        """Take in one record; raise Misshapen where it cannot be put into an order."""
        try:
            stamp = msgspec.json.decode(text, type=_Stamp)
        except msgspec.DecodeError as error:
            raise Misshapen(f"it holds what is no text: {error}") from error
        if not isinstance(stamp.eventID, str):
            raise Misshapen("it has no eventID")
        rank = 0 if str(stamp.eventName).startswith(_MAKING) else 1
        self._database.execute(_ADD, (_seconds(stamp.eventTime), rank, file, position, stamp.eventID, text))

    def __iter__(self) -> Iterator[Entry]:
        """Yield what was taken in, in the order in which it happened, each event once."""
        return (Entry(file, text) for file, text in self._database.execute(_IN_ORDER))

    def close(self) -> None:
        """Give back memory and disk."""
        self._database.close()


def _seconds(value: object) -> float:
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        raise Misshapen(f"its eventTime is {value!r:.60}") from None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
