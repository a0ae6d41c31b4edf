"""Sorts records into the order of their calls, in a temporary database that moves to disk as it grows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from pipeseal.kinds.cloudtrail import Malformed, parse_time

# CloudTrail's times are whole seconds: within one second the call that creates a resource sorts first.
_CREATING = ("Create", "Replicate")

_TABLE = "create table record (time real, rank int, file int, position int, id text unique, text blob)"
_INSERT = "insert or ignore into record values (?, ?, ?, ?, ?, ?)"
_IN_ORDER = "select file, text from record order by time, rank, file, position"
_CACHE = "pragma cache_size = -16000"  # KiB in memory; the rest is on disk
# The database is temporary: nothing needs to survive a crash.
_NO_DURABILITY = ("pragma journal_mode = off", "pragma synchronous = off", "pragma temp_store = file")


class _SortKeys(msgspec.Struct):
    eventID: Any = None  # noqa: N815 - CloudTrail's field names
    eventTime: Any = None  # noqa: N815
    eventName: Any = None  # noqa: N815


class StoredRecord(NamedTuple):
    """A record as its log file has it."""

    file: int
    """The number of the file; see Portion."""
    text: bytes


class RecordSorter:
    """Sorts records and drops duplicates; the database has no file name and is deleted when it is closed."""

    def __init__(self) -> None:
        """Create an empty database."""
        self._database = sqlite3.connect("", isolation_level=None)
        for statement in (*_NO_DURABILITY, _CACHE, _TABLE, "begin"):
            self._database.execute(statement)

    def add(self, file: int, position: int, text: bytes) -> None:
        """Add one record; raise Malformed where its ID or time is missing."""
        try:
            keys = msgspec.json.decode(text, type=_SortKeys)
        except msgspec.DecodeError as error:
            raise Malformed(f"a string in the record is not valid: {error}") from error
        if not isinstance(keys.eventID, str):
            raise Malformed("the record has no eventID")
        time, rank = parse_time(keys.eventTime).timestamp(), 0 if str(keys.eventName).startswith(_CREATING) else 1
        self._database.execute(_INSERT, (time, rank, file, position, keys.eventID, text))

    def __iter__(self) -> Iterator[StoredRecord]:
        """Yield the records in the order of their calls, each event ID once."""
        return (StoredRecord(file, text) for file, text in self._database.execute(_IN_ORDER))

    def close(self) -> None:
        """Delete the database."""
        self._database.close()
