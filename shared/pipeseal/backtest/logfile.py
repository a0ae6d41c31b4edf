"""A CloudTrail log file, however large -> how many records it holds, and the few that matter, in bounded memory.

The file is unpacked a piece at a time and cut between two records. Whether a cut fell between two records of the file's
own array, and not within one, is not guessed: only then are the bytes in front of it, in brackets, a JSON array. All
elements are counted by a parser that builds next to nothing; the few that matter are handed on as they stand.
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

from pipeseal.cloudtrail import TELLING

PIECE = 1 << 16
"""Bytes that are unpacked at a time: what stays in a processor's cache is scanned twice as fast as what does not."""

_LARGEST = 64 << 20
"""Bytes of one record, or of a document that does not begin as CloudTrail's do; more is not CloudTrail's."""

_GZIP = b"\x1f\x8b"
_GZIP_FORMAT = 31
_MARK = b"\xef\xbb\xbf"
_OPENING = re.compile(rb'\s*\{\s*"Records"\s*:\s*(?=\[)')
_OPENED = b'{"Records":'
_USUAL_BORDER = b',{"eventVersion"'
_BORDER = re.compile(rb"\}\s*(,)\s*(?=\{)")
_TAIL = 1 << 18
_TRIES = 64
_FOREIGN = re.compile(rb'"eventSource"\s*:\s*"aws:')
_NAMES = frozenset(name for _, name in TELLING)
_PLACE = re.compile(r"byte (\d+)\)$")


class Damaged(Exception):
    """The rest of the file cannot be read, or it is no CloudTrail log file; the text says why."""


class Batch(NamedTuple):
    """Some records of a file: how many, and those that tell of a resource, as they stand, each with its position."""

    size: int
    telling: list[tuple[int, bytes]]


class _Head(msgspec.Struct, gc=False):
    """What decides whether a record may matter; of any type, for nobody promises one."""

    eventName: Any = None  # noqa: N815 - CloudTrail's own name


class _Neck(_Head, gc=False):
    """What decides whether it does; asked of few, for a second field costs a tenth of the time."""

    eventSource: Any = None  # noqa: N815 - CloudTrail's own name


class _Heads(msgspec.Struct, gc=False):
    Records: list[_Head]


class _Raws(msgspec.Struct, gc=False):
    Records: list[msgspec.Raw]


class _Form(NamedTuple):
    """How to read records out of a text."""

    heads: Callable[[Any], list[_Head]]
    raws: Callable[[Any], list[msgspec.Raw]]


_head = msgspec.json.Decoder(_Head).decode
_neck = msgspec.json.Decoder(_Neck).decode
_heads = msgspec.json.Decoder(_Heads).decode
_raws = msgspec.json.Decoder(_Raws).decode

_ARRAY = _Form(msgspec.json.Decoder(list[_Head]).decode, msgspec.json.Decoder(list[msgspec.Raw]).decode)
_FILE = _Form(lambda text: _heads(text).Records, lambda text: _raws(text).Records)


def batches(stream: IO[bytes], piece: int = PIECE) -> Iterator[Batch]:
    """Yield the records of *stream*, gzip or plain JSON, in order; after the last that can be read, raise Damaged."""
    try:
        yield from _batches(stream, piece)
    except RecursionError:
        raise Damaged("not JSON as CloudTrail writes it: it is nested too deeply") from None


def _batches(stream: IO[bytes], piece: int) -> Iterator[Batch]:
    held, opened, count, enough, fault = bytearray(), False, 0, piece // 2, ""
    try:
        for found in _unpacked(stream, piece):
            held += found
            if not opened and (opening := _OPENING.match(held, len(_MARK) if held.startswith(_MARK) else 0)):
                del held[: opening.end()]
                opened = True
            if len(held) > _LARGEST:
                raise Damaged("not JSON as CloudTrail writes it: no record ends within 64 MB")  # noqa: TRY301 - one exit
            if not opened or len(held) < enough:
                continue
            if batch := _front(held, count):
                count += batch.size
                yield batch
            # Every try reads all that is held: a record that is large must not be read piece by piece again.
            enough = max(piece // 2, 0 if batch else 2 * len(held))
    except Damaged as damage:
        fault = str(damage)
    except msgspec.DecodeError:
        pass  # what is left says so itself
    last, left = _rest(held, count, opened=opened)
    if last.size:
        yield last
    if fault or left:
        raise Damaged(fault or left)


def _unpacked(stream: IO[bytes], piece: int) -> Iterator[bytes]:
    """Yield the content of *stream* in pieces, whole as far as it goes; raise Damaged where gzip's own checks fail."""
    packed = stream.read(piece)
    if not packed.startswith(_GZIP):
        while packed:
            yield packed
            packed = stream.read(piece)
        return
    while packed.startswith(_GZIP):  # gzip members may follow one another
        packed = yield from _member(packed, stream, piece)
        while packed and not packed.strip(b"\0"):  # padding, as tapes and block devices leave it
            packed = stream.read(piece)
    if packed:
        raise Damaged("something that is not gzip follows the gzip data")


def _member(packed: bytes, stream: IO[bytes], piece: int) -> Generator[bytes, None, bytes]:
    """Yield what one gzip member holds; return what follows it."""
    member = isal_zlib.decompressobj(_GZIP_FORMAT)
    while True:
        try:
            found = member.decompress(packed, piece)
        except IsalError as error:  # type: ignore[misc]  # its stubs forget that it is an exception
            raise Damaged(f"damaged gzip data: {error}") from error
        if found:
            yield found
        if member.eof:
            return member.unused_data + stream.read(piece)
        packed = member.unconsumed_tail
        if not packed and len(found) < piece:  # else there is more to come of what it has taken in
            packed = stream.read(piece)
            if not packed:
                raise Damaged("truncated: the gzip data ends before its end mark")


def _front(held: bytearray, base: int) -> Batch | None:
    """Take the records out of the front of *held*, an array without its end; None where no border is found yet.

    Raises DecodeError where it is no JSON.
    """
    for cut in _borders(held, len(held)):
        held[cut] = ord("]")
        try:
            batch = _scanned(memoryview(held)[: cut + 1], _ARRAY, base)
        except msgspec.DecodeError as error:
            held[cut] = ord(",")
            place = _PLACE.search(str(error))
            if place and int(place[1]) < cut:  # not for want of a bracket
                raise
            continue
        held[cut] = ord("[")
        del held[:cut]
        return batch
    return None


def _borders(held: bytearray, end: int) -> Iterator[int]:
    """Yield the commas before *end* that may stand between two records, the likeliest first."""
    usual = held.rfind(_USUAL_BORDER, 0, end)
    if usual > 0:
        yield usual
    start = max(0, end - _TAIL)
    for found in islice(reversed(list(_BORDER.finditer(held, start, end))), _TRIES):
        yield found.start(1)


def _scanned(text: memoryview | bytes, form: _Form, base: int) -> Batch:
    """Count the records in *text* and pick those that tell of a resource; raise DecodeError where it is no JSON."""
    try:
        heads = form.heads(text)
    except msgspec.ValidationError:  # not every record is an object
        heads = [_head_of(raw) for raw in form.raws(text)]
    if heads and not base and _of_others(heads[0], text, form):
        raise Damaged("not a CloudTrail log file: its Records are none of CloudTrail's")
    try:
        likely = [number for number, head in enumerate(heads) if head.eventName in _NAMES]
    except TypeError:  # one has a list or an object for a name
        likely = [number for number, head in enumerate(heads) if str(head.eventName) in _NAMES]
    raws = form.raws(text) if likely else []
    return Batch(len(heads), [(base + number, bytes(raws[number])) for number in likely if _tells(raws[number])])


def _head_of(raw: msgspec.Raw) -> _Head:
    with suppress(msgspec.ValidationError):
        return _head(raw)
    return _Head()


def _tells(raw: msgspec.Raw) -> bool:
    neck = _neck(raw)
    return isinstance(neck.eventSource, str) and (neck.eventSource, neck.eventName) in TELLING


def _of_others(first: _Head, text: memoryview | bytes, form: _Form) -> bool:
    """Tell records of CloudTrail from those of S3's notifications, streams and the like, whose source is "aws:s3"."""
    if not isinstance(first.eventName, str):
        return True
    return bool(_FOREIGN.search(text)) and ":" in str(_neck(form.raws(text)[0]).eventSource)


def _rest(held: bytearray, base: int, *, opened: bool) -> tuple[Batch, str]:
    """Return the records of the end of the file, and what is wrong there, "" where nothing is."""
    if not held:
        return Batch(0, []), "empty" if not base else "truncated: the JSON ends too early"
    text = _OPENED + bytes(held) if opened else bytes(held).removeprefix(_MARK)
    try:
        return _scanned(text, _FILE, base), ""
    except msgspec.ValidationError:
        return Batch(0, []), "not a CloudTrail log file: it holds no list of Records"
    except msgspec.DecodeError as error:
        return _salvaged(held, base, str(error)) if opened else (Batch(0, []), f"not JSON: {error}")


def _salvaged(held: bytearray, base: int, error: str) -> tuple[Batch, str]:
    """Return the whole records in front of the place where the JSON breaks off or is none."""
    place = _PLACE.search(error)
    said = "not JSON: " + error if place else "truncated: the JSON ends in the middle of a record"
    end = min(len(held), int(place[1]) - len(_OPENED)) if place else len(held)
    last = held.rfind(b"}", 0, end) + 1
    for cut in filter(None, (last, *_borders(held, end))):
        with suppress(msgspec.DecodeError):
            return _scanned(bytes(held[:cut]) + b"]", _ARRAY, base), said
    return Batch(0, []), said
