"""Where the log files are: on disk, in S3 or on standard input; found in a stable order."""

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
_SUFFIXES = (".json", ".json.gz")
_DIGESTS = "CloudTrail-Digest"
_ANY_REGION = "us-east-1"
"""For a request without a Region: S3 redirects it to the Region of the bucket."""

# The paths of an organization trail have the organization ID before the account.
_DELIVERY_PATH = re.compile(r"(?:^|/)AWSLogs/(?:o-[a-z0-9]+/)?(\d{12})/CloudTrail/([a-z0-9-]+)/")


class NoLogFile(ValueError):
    """A path leads to no log file; the text names the path."""


class UnreadableFile(Exception):
    """A log file cannot be fetched; the text says why."""


class UnreadableFolder(NamedTuple):
    """A folder that cannot be listed."""

    name: str
    error: str


class AwsOptions(NamedTuple):
    """The options of the AWS CLI that choose credentials, Region and endpoint."""

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None

    def clients(self) -> tuple[str, Clients]:
        """Return the Region and the clients for these options; each process makes its own."""
        from pipeseal.aws.sessions import open_session  # noqa: PLC0415 - files on disk need no botocore

        return open_session(*self)


@dataclass(frozen=True, slots=True)
class Source:
    """One log file."""

    name: str
    """A path, an s3:// URL, or "-"."""
    size: int
    """Bytes as stored, compressed; 0 where unknown."""

    @property
    def account_and_region(self) -> tuple[str, str]:
        """Return the account and the Region in the path that CloudTrail delivered the file to; "" where it has none."""
        found = _DELIVERY_PATH.search(self.name)
        return (found[1], found[2]) if found else ("", "")

    def open(self, options: AwsOptions) -> AbstractContextManager[IO[bytes]]:
        """Open the file; opening and reading raise OSError or UnreadableFile where that fails."""
        if self.name == STANDARD_INPUT:
            return nullcontext(sys.stdin.buffer)
        if self.name.startswith(_S3):
            return _open_object(self.name, options)
        return Path(self.name).open("rb")


@contextmanager
def _open_object(url: str, options: AwsOptions) -> Iterator[IO[bytes]]:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - reading from disk does not need botocore

    bucket, key = _bucket_and_key(url)
    region, clients = options.clients()
    try:
        with closing(clients("s3", region or _ANY_REGION).get_object(Bucket=bucket, Key=key)["Body"]) as body:
            yield body
    except (BotoCoreError, ClientError) as error:
        raise UnreadableFile(f"cannot be read from S3: {error}") from error


def find_sources(paths: Iterable[str], options: AwsOptions) -> Iterator[Source | UnreadableFolder]:
    """Yield each log file that *paths* lead to, and each folder that cannot be listed.

    Raises NoLogFile where a path leads to none, and botocore's exceptions where S3 denies listing.
    """
    for path in paths:
        if path == STANDARD_INPUT:
            yield Source(path, 0)
        elif path.startswith(_S3):
            yield from _in_s3(path, options)
        else:
            yield from _on_disk(path)


def _on_disk(path: str) -> Iterator[Source | UnreadableFolder]:
    if not Path(path).exists():
        raise NoLogFile(f"{path}: no such file or folder")
    if not Path(path).is_dir():
        yield Source(path, Path(path).stat().st_size)
        return
    empty = True
    errors: list[OSError] = []
    for folder, folders, names in os.walk(path, onerror=errors.append):
        folders.sort()
        for name in sorted(names):
            file = Path(folder, name)
            if name.endswith(_SUFFIXES) and _DIGESTS not in str(file) and (size := _size(file)) is not None:
                empty = False
                yield Source(str(file), size)
    for error in errors:
        empty = False
        yield UnreadableFolder(str(error.filename), f"cannot be listed: {error.strerror}")
    if empty:
        raise NoLogFile(f"{path}: no log file found; the names of CloudTrail's log files end in .json.gz or .json")


def _size(file: Path) -> int | None:
    """Return the size of a regular file; None for a pipe or a device, which reading might never end."""
    try:
        status = file.stat()
    except OSError:  # a broken link: opening it reports the error
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _in_s3(url: str, options: AwsOptions) -> Iterator[Source]:
    bucket, prefix = _bucket_and_key(url)
    if not bucket:
        raise NoLogFile(f"{url}: names no bucket; use s3://bucket/prefix")
    region, clients = options.clients()
    empty = True
    pages = clients("s3", region or _ANY_REGION).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for item in (item for page in pages for item in page.get("Contents", ())):
        key = item["Key"]
        if key == prefix or (key.endswith(_SUFFIXES) and _DIGESTS not in key):
            empty = False
            yield Source(f"{_S3}{bucket}/{key}", item["Size"])
    if empty:
        raise NoLogFile(f"{url}: no log file found; the names of CloudTrail's log files end in .json.gz or .json")


def _bucket_and_key(url: str) -> tuple[str, str]:
    bucket, _, key = url.removeprefix(_S3).partition("/")
    return bucket, key
