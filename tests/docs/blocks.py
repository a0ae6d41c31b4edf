"""The parts of README.md and docs/ that are made by a program: output of commands, and tables made from code.

A block stands between two comments; the first says what belongs into it:

    <!-- output: pipeseal explain control S3.TLS -->                     what the command prints; needs no account
    <!-- output on the embedded account: pipeseal history --limit 3 -->  what it prints where the demo was played
    <!-- generated: controls -->                                         a table, by its name in TABLES
    <!-- /output --> or <!-- /generated -->                              the end of the block
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import UUID

from tests.docs import tables

ROOT = Path(__file__).parents[2]
_OUTPUT = re.compile(
    r"<!-- output(?P<account> on the embedded account)?: (?P<command>.+?) -->\n.*?<!-- /output -->", re.DOTALL
)
_GENERATED = re.compile(r"<!-- generated: (?P<name>[a-z-]+) -->\n.*?<!-- /generated -->", re.DOTALL)
_EXPECTED_STATUS = {0, 1}
_WIDTH = "100"

Environment = Mapping[str, str]


class CommandFailed(Exception):
    """A command in the documentation failed; the text names it and quotes its error."""


def documents() -> list[Path]:
    """Return the paths of the pages that hold blocks."""
    return [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if has_blocks(page)]


def has_blocks(page: Path) -> bool:
    """Return whether *page* holds a block."""
    text = page.read_text("utf-8")
    return bool(_OUTPUT.search(text) or _GENERATED.search(text))


def refresh(text: str, account: Environment | None) -> str:
    """Return the page *text* with new blocks; those that need an account stay as they are without *account*.

    *account* is the environment of commands that work on the embedded account. Raises CommandFailed.
    """

    def output(found: re.Match[str]) -> str:
        if found["account"] and account is None:
            return found[0]
        opening, _, _ = found[0].partition("\n")
        shown = printed(found["command"], account if found["account"] and account else {})
        return f"{opening}\n```text\n$ {found['command']}\n{shown}\n```\n<!-- /output -->"

    def table(found: re.Match[str]) -> str:
        opening, _, _ = found[0].partition("\n")
        return f"{opening}\n{tables.TABLES[found['name']]()}<!-- /generated -->"

    return _GENERATED.sub(table, _OUTPUT.sub(output, text))


def printed(command: str, environment: Environment) -> str:
    """Return what the shell *command* prints on stdout, with constant IDs, times and ports. Raises CommandFailed."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    fixed = {"PATH": path, "COLUMNS": _WIDTH, "NO_COLOR": "1", "TERM": "dumb", "PYTHONUTF8": "1"}
    ended = subprocess.run(  # noqa: S603 - the documentation's own commands
        ["/bin/bash", "-c", command],
        cwd=ROOT,
        env={**inherited, **fixed, **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if ended.returncode not in _EXPECTED_STATUS:
        raise CommandFailed(f"{command}: exit status {ended.returncode}: {ended.stderr.strip()}")
    return with_constants("\n".join(line.rstrip() for line in ended.stdout.strip("\n").splitlines()))


def with_constants(text: str) -> str:
    """Return *text* with IDs, times and ports that do not change from run to run; equal ones stay equal."""
    for pattern, replacement in _VARIABLE:
        known: dict[str, str] = {}

        def constant(
            found: re.Match[str], known: dict[str, str] = known, replacement: Callable[[int], str] = replacement
        ) -> str:
            return known.setdefault(found[0], replacement(len(known)))

        text = re.sub(pattern, constant, text)
    return text


_VARIABLE: tuple[tuple[str, Callable[[int], str]], ...] = (
    (r"(?<=127\.0\.0\.1:)\d+", lambda _: "50005"),  # of the usual length, because of the frames around it
    (r"\b\d{8}T\d{6}Z-[0-9a-f]{10}\b", lambda number: f"20261121T0930{number:02}Z-5f0c9a7b21"),
    (r"\bex-\d{8}-[0-9a-f]{8}\b", lambda number: f"ex-20261121-7b21{number:04x}"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", lambda number: str(UUID(int=(0x1C3A << 112) + number))),
    (r"\b[0-9a-f]{8}(?=\.\.\.)", lambda number: f"1c3a{number:04x}"),
    (r"\b\d{4}-\d\d-\d\d(?=[T ]\d\d:\d\d)", lambda _: "2026-11-21"),
    (r"\b\d{1,2} [A-Z][a-z]{2}(?= \d\d:\d\d UTC)", lambda _: "21 Nov"),
    (r"(?<=[T ])\d\d:\d\d(:\d\d)?(\.\d+)?(?=Z|\+00:00| UTC|  )", lambda _: "09:30"),
    (r"\b\d+\.\d+(?= s(econds)?\b)", lambda _: "0.1"),
)
