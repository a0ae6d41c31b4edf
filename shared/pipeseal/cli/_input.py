"""The input of `pipeseal explain`: a file, or JSON lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, TypeVar

import click

_Document = TypeVar("_Document")


def explain_lines(
    lines: IO[bytes] | Iterable[bytes],
    explain: Callable[[Mapping[str, object]], _Document],
    reject: Callable[[str], _Document],
) -> Iterator[_Document]:
    """Yield one document for each line, in order: *explain* of a JSON object, *reject* of an error."""
    for line in lines:
        try:
            question = json.loads(line.decode())
        except (ValueError, RecursionError) as error:
            yield reject(f"not JSON: {error}")
        else:
            yield explain(question) if isinstance(question, dict) else reject("not a JSON object")


def text_of(file: str) -> str:
    """Return the text of *file*, "-" for standard input; raise UsageError where it cannot be read as UTF-8."""
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return data.decode()
    except OSError as error:
        raise click.UsageError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file} is not UTF-8 text: {error.reason} at byte {error.start}") from error
