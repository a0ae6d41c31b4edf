"""Reads a CloudTrail log file of any size in bounded memory: counts its records, returns those that change resources.

The file is decompressed piece by piece, and each piece is cut at a comma that may separate two records. The JSON parser
verifies the cut: the bytes before it are a JSON array, once in brackets, only if the comma separates elements of the
file's own array. The parser decodes one field of each record; the records that change resources are returned as bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from itertools import islice
from typing import IO, Any, NamedTuple

import msgspec
from isal import isal_zlib
from isal.igzip_lib import IsalError

from pipeseal.kinds.cloudtrail import changing_calls

PIECE = 1 << 16
"""Bytes that are decompressed at a time: parsing is twice as fast while they fit into the processor's cache."""

_LARGEST = 64 << 20
"""Bytes of one record, or of a document that does not begin as a log file does; CloudTrail writes nothing larger."""

_GZIP = b"\x1f\x8b"
_GZIP_FORMAT = 31
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PREFIX = re.compile(rb'\s*\{\s*"Records"\s*:\s*(?=\[)')
_PLAIN_PREFIX = b'{"Records":'
_USUAL_SEPARATOR = b',{"eventVersion"'
_SEPARATOR = re.compile(rb"\}\s*(,)\s*(?=\{)")
_SEARCHED = 1 << 18
_MOST_CUTS = 64
_S3_NOTIFICATION = re.compile(rb'"eventSource"\s*:\s*"aws:')
_CALLS = changing_calls()
_NAMES = frozenset(name for _, name in _CALLS)
_ERROR_OFFSET = re.compile(r"byte (\d+)\)$")


class Damaged(Exception):
    """The rest of the file cannot be read, or it is not a CloudTrail log file; the text says why."""


class Batch(NamedTuple):
    """Some records of a file."""

    size: int
    """The number of records."""
    changes: list[tuple[int, bytes]]
    """The records among them of calls that change a resource, each with its position in the file."""


class _Named(msgspec.Struct, gc=False):
    """The field that rules most records out; of any type, because a file may hold anything."""

    eventName: Any = None  # noqa: N815 - CloudTrail's field name


class _Call(_Named, gc=False):
    """The fields that identify a call; read of few records, because a second field takes a tenth of the time."""

    eventSource: Any = None  # noqa: N815 - CloudTrail's field name


class _NamedFile(msgspec.Struct, gc=False):
    Records: list[_Named]


class _RawFile(msgspec.Struct, gc=False):
    Records: list[msgspec.Raw]


class _Format(NamedTuple):
    """The decoders for one form of JSON text."""

    named: Callable[[bytes | memoryview], list[_Named]]
    raw: Callable[[bytes | memoryview], list[msgspec.Raw]]


_decode_named = msgspec.json.Decoder(_Named).decode
_decode_call = msgspec.json.Decoder(_Call).decode
_decode_named_file = msgspec.json.Decoder(_NamedFile).decode
_decode_raw_file = msgspec.json.Decoder(_RawFile).decode

_ARRAY = _Format(msgspec.json.Decoder(list[_Named]).decode, msgspec.json.Decoder(list[msgspec.Raw]).decode)
_FILE = _Format(lambda text: _decode_named_file(text).Records, lambda text: _decode_raw_file(text).Records)


def batches(stream: IO[bytes], piece: int = PIECE) -> Iterator[Batch]:
    """Yield the records of *stream*, gzip or plain JSON, in order; raise Damaged after the last readable record."""
    try:
        yield from _batches(stream, piece)
    except RecursionError:
        raise Damaged("not a CloudTrail log file: the JSON is nested too deeply") from None


def _batches(stream: IO[bytes], piece: int) -> Iterator[Batch]:
    buffer, in_array, count, enough, damage = bytearray(), False, 0, piece // 2, ""
    try:
        for found in _decompressed(stream, piece):
            buffer += found
            if not in_array and (prefix := _PREFIX.match(buffer, _length_of_mark(buffer))):
                del buffer[: prefix.end()]
                in_array = True
            if len(buffer) > _LARGEST:
                raise Damaged("not a CloudTrail log file: no record ends within 64 MB")  # noqa: TRY301 - one exit
            if not in_array or len(buffer) < enough:
                continue
            if batch := _take_batch(buffer, count):
                count += batch.size
                yield batch
            # Each attempt parses the whole buffer: after a failed one wait until the buffer has doubled.
            enough = max(piece // 2, 0 if batch else 2 * len(buffer))
    except Damaged as error:
        damage = str(error)
    except msgspec.DecodeError:
        pass  # parsing the rest reports it
    last, error_in_rest = _last_batch(buffer, count, in_array=in_array)
    if last.size:
        yield last
    if damage or error_in_rest:
        raise Damaged(damage or error_in_rest)


def _length_of_mark(buffer: bytearray) -> int:
    return len(_BYTE_ORDER_MARK) if buffer.startswith(_BYTE_ORDER_MARK) else 0


def _decompressed(stream: IO[bytes], piece: int) -> Iterator[bytes]:
    """Yield the content of *stream* in pieces; raise Damaged after the last readable piece of damaged gzip data."""
    compressed = stream.read(piece)
    if not compressed.startswith(_GZIP):
        while compressed:
            yield compressed
            compressed = stream.read(piece)
        return
    while compressed.startswith(_GZIP):  # gzip members may follow one another
        compressed = yield from _member(compressed, stream, piece)
        while compressed and not compressed.strip(b"\0"):  # padding, as tapes and block devices leave it
            compressed = stream.read(piece)
    if compressed:
        raise Damaged("data that is not gzip follows the gzip data")


def _member(compressed: bytes, stream: IO[bytes], piece: int) -> Generator[bytes, None, bytes]:
    """Yield the content of one gzip member; return the bytes after it."""
    member = isal_zlib.decompressobj(_GZIP_FORMAT)
    while True:
        try:
            found = member.decompress(compressed, piece)
        except IsalError as error:  # type: ignore[misc]  # its stubs do not declare it as an exception
            raise Damaged(f"damaged gzip data: {error}") from error
        if found:
            yield found
        if member.eof:
            return member.unused_data + stream.read(piece)
        compressed = member.unconsumed_tail
        if not compressed and len(found) < piece:  # otherwise the decompressor has more output from its last input
            compressed = stream.read(piece)
            if not compressed:
                raise Damaged("truncated: the gzip data ends too early")


def _take_batch(buffer: bytearray, base: int) -> Batch | None:
    """Remove the complete records from *buffer*, an array without its end; return None where no separator is found yet.

    Raises DecodeError where the buffer is not JSON.
    """
    for cut in _separators(buffer, len(buffer)):
        buffer[cut] = ord("]")
        try:
            batch = _parse(memoryview(buffer)[: cut + 1], _ARRAY, base)
        except msgspec.DecodeError as error:
            buffer[cut] = ord(",")
            offset = _ERROR_OFFSET.search(str(error))
            if offset and int(offset[1]) < cut:  # the cut is not the reason
                raise
            continue
        buffer[cut] = ord("[")
        del buffer[:cut]
        return batch
    return None


def _separators(buffer: bytearray, end: int) -> Iterator[int]:
    """Yield the offsets before *end* of commas that may separate two records, the most likely first."""
    usual = buffer.rfind(_USUAL_SEPARATOR, 0, end)
    if usual > 0:
        yield usual
    start = max(0, end - _SEARCHED)
    for found in islice(reversed(list(_SEPARATOR.finditer(buffer, start, end))), _MOST_CUTS):
        yield found.start(1)


def _parse(text: memoryview | bytes, form: _Format, base: int) -> Batch:
    """Return the records in *text*, the first of which has position *base*; raise DecodeError where it is not JSON."""
    try:
        records = form.named(text)
    except msgspec.ValidationError:  # not every record is an object
        records = [_named(raw) for raw in form.raw(text)]
    if records and not base and _is_from_other_service(records[0], text, form):
        raise Damaged("not a CloudTrail log file: its Records are not CloudTrail records")
    try:
        likely = [number for number, record in enumerate(records) if record.eventName in _NAMES]
    except TypeError:  # an eventName is a list or an object
        likely = [number for number, record in enumerate(records) if str(record.eventName) in _NAMES]
    raw = form.raw(text) if likely else []
    changes = [(base + number, bytes(raw[number])) for number in likely if _is_change(raw[number])]
    return Batch(len(records), changes)


def _named(raw: msgspec.Raw) -> _Named:
    with suppress(msgspec.ValidationError):
        return _decode_named(raw)
    return _Named()


def _is_change(raw: msgspec.Raw) -> bool:
    call = _decode_call(raw)
    return isinstance(call.eventSource, str) and (call.eventSource, call.eventName) in _CALLS


def _is_from_other_service(first: _Named, text: memoryview | bytes, form: _Format) -> bool:
    """Return whether the records are not CloudTrail's: S3 notifications and streams have sources such as "aws:s3"."""
    if not isinstance(first.eventName, str):
        return True
    return bool(_S3_NOTIFICATION.search(text)) and ":" in str(_decode_call(form.raw(text)[0]).eventSource)


def _last_batch(buffer: bytearray, base: int, *, in_array: bool) -> tuple[Batch, str]:
    """Return the records at the end of the file, and the error there; "" where there is none."""
    if not buffer:
        return Batch(0, []), "empty" if not base else "truncated: the JSON ends too early"
    text = _PLAIN_PREFIX + bytes(buffer) if in_array else bytes(buffer).removeprefix(_BYTE_ORDER_MARK)
    try:
        return _parse(text, _FILE, base), ""
    except msgspec.ValidationError:
        return Batch(0, []), "not a CloudTrail log file: it has no list of Records"
    except msgspec.DecodeError as error:
        return _before_error(buffer, base, str(error)) if in_array else (Batch(0, []), f"not JSON: {error}")


def _before_error(buffer: bytearray, base: int, error: str) -> tuple[Batch, str]:
    """Return the complete records before the JSON parser's *error*, and the error to report."""
    offset = _ERROR_OFFSET.search(error)
    reported = f"not JSON: {error}" if offset else "truncated: the JSON ends in the middle of a record"
    end = min(len(buffer), int(offset[1]) - len(_PLAIN_PREFIX)) if offset else len(buffer)
    last = buffer.rfind(b"}", 0, end) + 1
    for cut in filter(None, (last, *_separators(buffer, end))):
        with suppress(msgspec.DecodeError):
            return _parse(bytes(buffer[:cut]) + b"]", _ARRAY, base), reported
    return Batch(0, []), reported
