"""Where the log files are: on disk, in S3 or on standard input; listed in an order that does not change."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pipeseal.aws.clients import Clients

STANDARD_INPUT = "-"
_S3 = "s3://"
_ENDINGS = (".json", ".json.gz")
_DIGESTS = "CloudTrail-Digest"
_ANY_REGION = "us-east-1"
"""S3 says itself where a bucket is."""

# Organisations' trails have the organisation's id in front of the account.
_DELIVERED = re.compile(r"(?:^|/)AWSLogs/(?:o-[a-z0-9]+/)?(\d{12})/CloudTrail/([a-z0-9-]+)/")


class NoSource(ValueError):
    """What was named holds no log file; the text names it."""


class Unreadable(Exception):
    """A log file cannot be fetched; the text says why."""


class Account(NamedTuple):
    """Whose clients read from S3: the options of the AWS CLI."""

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None

    def clients(self) -> tuple[str, Clients]:
        """Return the region and the clients that these options name; made where they are needed, in a worker too."""
        from pipeseal.aws.sessions import session  # noqa: PLC0415 - files on disk need no botocore

        return session(*self)


@dataclass(frozen=True, slots=True)
class Source:
    """One log file."""

    name: str
    """A path, an s3:// URL, or "-"."""
    size: int
    """Bytes as it is stored; 0 where nobody knows."""

    @property
    def owner(self) -> tuple[str, str]:
        """Return the account and the Region that CloudTrail put into its path; "" where it is no such path."""
        found = _DELIVERED.search(self.name)
        return (found[1], found[2]) if found else ("", "")

    def opened(self, account: Account) -> AbstractContextManager[IO[bytes]]:
        """Open it; raise OSError or Unreadable where that fails, then or while it is read."""
        if self.name == STANDARD_INPUT:
            return nullcontext(sys.stdin.buffer)
        if self.name.startswith(_S3):
            return _fetched(self.name, account)
        return Path(self.name).open("rb")


@contextmanager
def _fetched(url: str, account: Account) -> Iterator[IO[bytes]]:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - files on disk need no botocore

    bucket, key = _parted(url)
    region, clients = account.clients()
    try:
        with closing(clients("s3", region or _ANY_REGION).get_object(Bucket=bucket, Key=key)["Body"]) as body:
            yield body
    except (BotoCoreError, ClientError) as error:
        raise Unreadable(f"S3 does not give it: {error}") from error


def found(paths: Iterable[str], account: Account) -> Iterator[Source | tuple[str, str]]:
    """Yield every log file that *paths* name, and (name, error) of a folder that cannot be read.

    Raises NoSource where a path names none, and what botocore raises where S3 refuses to list.
    """
    for path in paths:
        if path == STANDARD_INPUT:
            yield Source(path, 0)
        elif path.startswith(_S3):
            yield from _in_s3(path, account)
        else:
            yield from _on_disk(path)


def _on_disk(path: str) -> Iterator[Source | tuple[str, str]]:
    if not Path(path).exists():
        raise NoSource(f"{path}: no such file or folder")
    if not Path(path).is_dir():
        yield Source(path, Path(path).stat().st_size)
        return
    empty = True
    refused: list[OSError] = []
    for folder, folders, names in os.walk(path, onerror=refused.append):
        folders.sort()
        for name in sorted(names):
            file = Path(folder, name)
            if name.endswith(_ENDINGS) and _DIGESTS not in str(file) and (size := _size(file)) is not None:
                empty = False
                yield Source(str(file), size)
    for error in refused:
        empty = False
        yield str(error.filename), f"cannot be listed: {error.strerror}"
    if empty:
        raise NoSource(f"{path}: holds no log file; CloudTrail's end in .json.gz or .json")


def _size(file: Path) -> int | None:
    """Return the size of a plain file, and None for what would never end: a pipe, a device."""
    try:
        status = file.stat()
    except OSError:  # a link that leads nowhere: opening it says so
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _in_s3(url: str, account: Account) -> Iterator[Source]:
    bucket, prefix = _parted(url)
    if not bucket:
        raise NoSource(f"{url}: names no bucket; write s3://bucket/prefix")
    region, clients = account.clients()
    empty = True
    pages = clients("s3", region or _ANY_REGION).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for item in (item for page in pages for item in page.get("Contents", ())):
        key = item["Key"]
        if key == prefix or (key.endswith(_ENDINGS) and _DIGESTS not in key):
            empty = False
            yield Source(f"{_S3}{bucket}/{key}", item["Size"])
    if empty:
        raise NoSource(f"{url}: holds no log file; CloudTrail's end in .json.gz or .json")


def _parted(url: str) -> tuple[str, str]:
    bucket, _, key = url.removeprefix(_S3).partition("/")
    return bucket, key
