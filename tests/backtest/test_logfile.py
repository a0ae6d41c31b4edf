"""Log files: every record is counted, those that matter are found, and what is damaged is said."""

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
from pipeseal.cloudtrail import TELLING

SMALL = 256  # bytes at a time, so that every record meets a border

Found = tuple[int, list[tuple[int, Any]], str]

# What a careless search would take for the beginning, the end or the name of a record.
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
    """Draw a record, its fields in some order, that may hold another record or what looks like one."""
    source, name = draw(
        st.sampled_from([*sorted(TELLING), ("osis.amazonaws.com", "UpdatePipeline"), ("kms.amazonaws.com", "Decrypt")])
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


def scanned(data: bytes, piece: int = SMALL) -> Found:
    """Read *data* the fast way."""
    size, telling, error = 0, [], ""
    try:
        for batch in batches(io.BytesIO(data), piece):
            size += batch.size
            telling += [(position, json.loads(text)) for position, text in batch.telling]
    except Damaged as damage:
        error = str(damage)
    return size, telling, error


def loaded(listed: list[Any]) -> Found:
    """Say what must come out of *listed*, by looking at every record."""
    telling = [
        (number, each) for number, each in enumerate(listed) if (each["eventSource"], each["eventName"]) in TELLING
    ]
    return len(listed), telling, ""


@given(
    st.lists(records(), max_size=12),
    st.sampled_from([{}, {"indent": 2}, {"separators": (", ", ": ")}, {"ensure_ascii": False}, {"sort_keys": True}]),
    st.sampled_from([64, SMALL, 1 << 17]),
)
def test_the_fast_way_finds_what_the_slow_way_finds(
    listed: list[dict[str, Any]], form: dict[str, Any], piece: int
) -> None:
    """However records are written and whatever they hold, each is counted once and none that matters is missed."""
    assert scanned(packed(listed, **form), piece) == loaded(listed)


@given(st.lists(records(), min_size=1, max_size=8), st.data())
def test_a_truncated_file_gives_what_came_whole(listed: list[dict[str, Any]], data: st.DataObject) -> None:
    """What is cut off anywhere yields the records in front of the cut, as they were, and says that it is truncated."""
    text = json.dumps({"Records": listed}, separators=(",", ":")).encode()
    size, telling, error = scanned(text[: data.draw(st.integers(0, len(text) - 1))])
    assert (size, telling) == loaded(listed[:size])[:2]
    assert error


MANY = [record("PutBucketPolicy", {"bucketName": f"harbor-{number}"}) for number in range(40)]


@pytest.mark.parametrize(
    ("data", "size", "said"),
    [
        (b"", 0, "empty"),
        (b"not JSON at all", 0, "not JSON"),
        (b"[1, 2]", 0, "no list of Records"),
        (b'{"Records": {}}', 0, "no list of Records"),
        (b'{"digestEndTime": "2026-03-02T09:00:00Z"}', 0, "no list of Records"),
        (b'{"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}]}', 0, "none of CloudTrail's"),
        (b'{"Records": ["text"]}', 0, "none of CloudTrail's"),
        (gzip.compress(b"", mtime=0), 0, "empty"),
        (packed(MANY)[:-9], 40, "truncated"),
        (packed(MANY)[:5], 0, "truncated"),
        (packed(MANY) + b"more", 40, "follows the gzip data"),
        (packed(MANY)[:-8] + bytes(8), 39, "damaged gzip"),  # the checksum came with the last piece
        (b'{"Records":[' + b"[" * 100_000, 0, "truncated|nested"),
        (json.dumps({"Records": MANY}).encode().replace(b'"harbor-30"', b'"harbor-30'), 30, "not JSON"),
    ],
)
def test_what_is_damaged_or_foreign_is_said(data: bytes, size: int, said: str) -> None:
    """A file that is cut off, broken or somebody else's is an error with the reason; what came before it counts."""
    found, _, error = scanned(data)
    assert any(each in error for each in said.split("|")), error
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
def test_odd_forms_are_read(data: bytes) -> None:
    """Padding, byte order marks, white space, other keys, gzip members in a row and odd neighbours change nothing."""
    assert [each for _, each in scanned(data)[1]] == MANY


def test_a_record_larger_than_a_piece_is_whole() -> None:
    """Neither a large record nor a large array within one is cut."""
    large = record("PutBucketPolicy", {"bucketName": "harbor", "more": [{"eventVersion": "x" * 90}] * 400})
    assert scanned(packed([large, *MANY, large]), 4096) == loaded([large, *MANY, large])


def test_memory_is_bounded() -> None:
    """What never ends within 64 MB is given up."""
    endless = gzip.compress(b'{"Records":[{"eventName":"' + b"x" * (65 << 20), mtime=0)
    assert "64 MB" in scanned(endless, 1 << 22)[2]
