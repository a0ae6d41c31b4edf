"""Log files: all records are counted, those that change resources are returned, and damage is reported."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.backtest.made_records import packed, record

from pipeseal.backtest.logfile import Damaged, batches
from pipeseal.kinds.cloudtrail import changing_calls

SMALL = 256  # bytes per piece, so that each record spans several pieces

Found = tuple[int, list[tuple[int, Any]], str]

# Strings that look like the beginning, the end or the name of a record.
_TRAPS = (
    '},{"eventVersion":"1.11","eventName":"PutBucketPolicy","eventSource":"s3.amazonaws.com"}',
    ',{"eventVersion"',
    '"eventName":"PutBucketPolicy"',
    '\\"},{\\',
    "]}",
    "}\n,\n{",
    "\\",
    '"',
    "é😀",
)
_texts = st.sampled_from(_TRAPS) | st.text(max_size=8)
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | _texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("Records", "eventVersion", "eventName", "eventSource", "x")) | _texts, inner)
    ),
    max_leaves=6,
)


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a record with its fields in any order, which may contain another record or a string that looks like one."""
    source, name = draw(
        st.sampled_from(
            [*sorted(changing_calls()), ("osis.amazonaws.com", "UpdatePipeline"), ("kms.amazonaws.com", "Decrypt")]
        )
    )
    inside = draw(_values | st.lists(records(), max_size=2)) if draw(st.booleans()) else draw(_values)
    fields = [
        ("eventVersion", "1.11"),
        ("eventSource", source),
        ("eventName", name),
        ("requestParameters", inside),
        ("additionalEventData", draw(_values)),
    ]
    return dict(draw(st.permutations(fields)) if draw(st.booleans()) else fields)


def read(data: bytes, piece: int = SMALL) -> Found:
    """Return what `batches` finds in *data*: the number of records, the changes, the error."""
    size, changes, error = 0, [], ""
    try:
        for batch in batches(io.BytesIO(data), piece):
            size += batch.size
            changes += [(position, json.loads(text)) for position, text in batch.changes]
    except Damaged as damage:
        error = str(damage)
    return size, changes, error


def all_in(listed: list[Any]) -> Found:
    """Return what `read` must return for a log file of *listed*."""
    changes = [
        (number, each)
        for number, each in enumerate(listed)
        if (each["eventSource"], each["eventName"]) in changing_calls()
    ]
    return len(listed), changes, ""


@given(
    st.lists(records(), max_size=12),
    st.sampled_from([{}, {"indent": 2}, {"separators": (", ", ": ")}, {"ensure_ascii": False}, {"sort_keys": True}]),
    st.sampled_from([64, SMALL, 1 << 17]),
)
def test_the_pieces_give_what_the_whole_file_gives(
    listed: list[dict[str, Any]], form: dict[str, Any], piece: int
) -> None:
    """With any JSON layout and content, each record is counted once and each change is returned."""
    assert read(packed(listed, **form), piece) == all_in(listed)


@given(st.lists(records(), min_size=1, max_size=8), st.data())
def test_a_truncated_file_gives_its_complete_records(listed: list[dict[str, Any]], data: st.DataObject) -> None:
    """A file that is cut off anywhere gives the records before the cut, and an error."""
    text = json.dumps({"Records": listed}, separators=(",", ":")).encode()
    size, changes, error = read(text[: data.draw(st.integers(0, len(text) - 1))])
    assert (size, changes) == all_in(listed[:size])[:2]
    assert error


MANY = [record("PutBucketPolicy", {"bucketName": f"harbor-{number}"}) for number in range(40)]


@pytest.mark.parametrize(
    ("data", "size", "message"),
    [
        (b"", 0, "empty"),
        (b"not JSON at all", 0, "not JSON"),
        (b"[1, 2]", 0, "no list of Records"),
        (b'{"Records": {}}', 0, "no list of Records"),
        (b'{"digestEndTime": "2026-03-02T09:00:00Z"}', 0, "no list of Records"),
        (b'{"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}]}', 0, "not CloudTrail records"),
        (b'{"Records": ["text"]}', 0, "not CloudTrail records"),
        (gzip.compress(b"", mtime=0), 0, "empty"),
        (packed(MANY)[:-9], 40, "truncated"),
        (packed(MANY)[:5], 0, "truncated"),
        (packed(MANY) + b"more", 40, "follows the gzip data"),
        (packed(MANY)[:-8] + bytes(8), 39, "damaged gzip"),  # the checksum is in the last piece
        (b'{"Records":[' + b"[" * 100_000, 0, "truncated|nested"),
        (json.dumps({"Records": MANY}).encode().replace(b'"harbor-30"', b'"harbor-30'), 30, "not JSON"),
    ],
)
def test_damaged_and_other_files_are_errors(data: bytes, size: int, message: str) -> None:
    """A truncated or damaged file and one of another service give an error; the records before the damage count."""
    found, _, error = read(data)
    assert any(each in error for each in message.split("|")), error
    assert found == size


TEXTS = [json.dumps(each).encode() for each in MANY]


@pytest.mark.parametrize(
    "data",
    [
        packed(MANY),
        packed(MANY) + bytes(512),
        b"\xef\xbb\xbf" + json.dumps({"Records": MANY}).encode(),
        json.dumps({"Records": MANY}, indent=1).encode(),
        json.dumps({"version": 1, "Records": MANY, "more": []}).encode(),
        b"".join(gzip.compress(part, mtime=0) for part in (b'{"Records":[', b",".join(TEXTS), b"]}")),
        packed([*MANY[:20], {"eventName": ["odd"], "eventSource": {}}, None, 7, *MANY[20:]]),
    ],
)
def test_unusual_formats_are_read(data: bytes) -> None:
    """Padding, a byte order mark, white space, other keys, several gzip members and invalid records change nothing."""
    assert [each for _, each in read(data)[1]] == MANY


def test_a_record_larger_than_a_piece_is_complete() -> None:
    """A large record, and a large array in a record, are not cut."""
    large = record("PutBucketPolicy", {"bucketName": "harbor", "more": [{"eventVersion": "x" * 90}] * 400})
    assert read(packed([large, *MANY, large]), 4096) == all_in([large, *MANY, large])


def test_memory_is_bounded() -> None:
    """Reading stops with an error where no record ends within 64 MB."""
    endless = gzip.compress(b'{"Records":[{"eventName":"' + b"x" * (65 << 20), mtime=0)
    assert "64 MB" in read(endless, 1 << 22)[2]
