"""A program: writes the file of a new control and its test from templates.

`make new-control ID=S3.EXAMPLE` runs it. The new control reports nothing; it passes lint, type checks and
the laws of all controls as it is. Exit status: 0 the files were written, 2 an argument is invalid.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template

from pipeseal.controls import every_control
from pipeseal.model import Kind
from pipeseal.text import conjoin

ROOT = Path(__file__).parents[2]
_ID = re.compile(r"[A-Z][A-Z0-9]*\.[A-Z][A-Z0-9_]*")
_HERE = Path(__file__).parent


class Invalid(ValueError):
    """The ID or the kind cannot be used; the text states why and what is valid."""


def validated(control_id: str, kind_name: str) -> Kind:
    """Return the kind of the new control; raises Invalid."""
    if not _ID.fullmatch(control_id):
        raise Invalid(f"ID is {control_id!r}; it must be SERVICE.RULE in upper case, such as S3.EXAMPLE")
    if kind_name and kind_name not in set(Kind):
        raise Invalid(f"KIND is {kind_name!r}; it must be one of: {', '.join(Kind)}")
    kind = Kind(kind_name) if kind_name else _only_kind(control_id)
    prefixes = _prefixes(kind)
    if not control_id.startswith(prefixes):
        raise Invalid(f"ID is {control_id!r}; the ID of a control for a {kind} must begin with {conjoin(prefixes)}")
    if control_id in {control.id for control in every_control()}:
        raise Invalid(f"ID is {control_id!r}; this control exists already")
    return kind


def _prefixes(kind: Kind) -> tuple[str, ...]:
    """Return what the IDs of the controls of *kind* begin with."""
    return tuple(f"{prefix.upper()[:-1]}." for prefix in kind.spec.control_files if prefix.endswith("_"))


def _only_kind(control_id: str) -> Kind:
    """Return the kind whose controls have IDs like this one; raises Invalid unless there is exactly one."""
    found = [kind for kind in Kind if control_id.startswith(_prefixes(kind))]
    if len(found) == 1:
        return found[0]
    if found:
        raise Invalid(f"ID is {control_id!r}; add KIND=, one of: {', '.join(found)}")
    known = sorted(prefix for kind in Kind for prefix in _prefixes(kind))
    raise Invalid(f"ID is {control_id!r}; it must begin with one of: {', '.join(known)}")


def files(control_id: str, kind: Kind) -> dict[Path, str]:
    """Return path -> content of the control and its test, relative to the repository."""
    name = control_id.lower().replace(".", "_")
    values = {
        "id": control_id,
        "name": name,
        "kind": str(kind),
        "member": kind.name,
        "value": kind.capitalize(),
    }
    return {
        Path(f"shared/pipeseal/controls/{name}.py"): _filled("control.py.txt", values),
        Path(f"tests/controls/test_{name}.py"): _filled("test_control.py.txt", values),
    }


def _filled(template: str, values: dict[str, str]) -> str:
    return Template((_HERE / template).read_text("utf-8")).substitute(values)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files and print the next steps; return the exit status."""
    parser = argparse.ArgumentParser(prog="make new-control", usage="make new-control ID=S3.EXAMPLE [KIND=bucket]")
    parser.add_argument("id")
    parser.add_argument("kind", nargs="?", default="", help="the kind of resource, where the ID does not say it")
    parser.add_argument("--root", type=Path, default=ROOT, help="repository to write to")
    given = parser.parse_args(arguments)
    try:
        contents = files(given.id, validated(given.id, given.kind))
        _require_absent(given.root, contents)
    except Invalid as problem:
        sys.stderr.write(f"new-control: {problem}\n")
        return 2
    for path, content in contents.items():
        (given.root / path).write_text(content, "utf-8")
        sys.stdout.write(f"wrote {path}\n")
    sys.stdout.write(
        "Next: replace the placeholders, then run make docs, lint and test. See docs/adding-a-control.md.\n"
    )
    return 0


def _require_absent(root: Path, paths: Iterable[Path]) -> None:
    for path in paths:
        if (root / path).exists():
            raise Invalid(f"{path} exists already")


if __name__ == "__main__":
    raise SystemExit(main())
