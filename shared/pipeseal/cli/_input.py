"""What `pipeseal explain` is given: a file, or JSON lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import click

Answer = dict[str, Any]


def answers(
    lines: IO[bytes] | Iterable[bytes],
    explained: Callable[[Mapping[str, Any]], Answer],
    failed: Callable[[str], Answer],
) -> Iterator[Answer]:
    """Answer each line of JSON by a document, in order; a line that is no question is answered by its error."""
    for line in lines:
        try:
            question = json.loads(line.decode())
        except (ValueError, RecursionError) as error:
            yield failed(f"not JSON: {error}")
        else:
            yield explained(question) if isinstance(question, dict) else failed("not a JSON object")


def text_of(file: str) -> str:
    """Return the text of *file*, "-" being standard input; raise UsageError where it cannot be read as text."""
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return data.decode()
    except OSError as error:
        raise click.UsageError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file} is not UTF-8 text: {error.reason} at byte {error.start}") from error
