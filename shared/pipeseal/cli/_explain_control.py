"""`pipeseal explain control`: what a control checks, why, what it does, and how to live with it."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import fields
from textwrap import fill
from types import ModuleType
from typing import Any

import click
from rich.text import Text

from pipeseal.cli._account import output
from pipeseal.cli._control_ids import control_ids, control_of
from pipeseal.cli._terminal import Terminal
from pipeseal.controls import every_control
from pipeseal.model import Control, Ref
from pipeseal.settings import Settings

_WIDEST, _INDENT = 100, "  "
_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "blue"}
_READS = ("BatchGet", "Describe", "Get", "List")
_SETTING = re.compile(r"\bsettings\.([a-z_]+)")
# The template calls every other parameter as the settings do.
_PARAMETERS = {"artifact_keys": "ArtifactKeyArn"}
# A function's docstring says what it returns or raises; for a person that is what the control does.
_FOR_PEOPLE = (
    (re.compile(r"\*(\w+)\*"), r"the \1"),
    (re.compile(r"^Return\b"), "Leaves"),
    (re.compile(r"^Raise Refused:"), "Only tells:"),
    (re.compile(r"\bRaises Refused where\b"), "Only tells where"),
    (re.compile(r"^Say\b"), "Says"),
    (re.compile(r"^Name\b"), "Names"),
)


@click.command(short_help="What a control checks, why, and what it does.")
@click.argument("control_id", metavar="[ID]", required=False, shell_complete=control_ids)
@output
def control(control_id: str | None, form: str) -> None:
    """Say what the control ID checks, why, what it does and what it needs; without ID, list them all.

    Exit status: 0 told, 2 there is no such control.
    """
    if control_id is None:
        _show_all(form)
        return
    found = control_of(control_id)
    if form == "json":
        click.echo(json.dumps(explained(found), indent=2))
    else:
        _show(explained(found))


def explained(found: Control) -> dict[str, Any]:
    """Return all that a person may want to know of a control, in words that stand in its own file."""
    module = sys.modules[found.reasons.__module__]
    return {
        "id": found.id,
        "title": found.title,
        "severity": found.severity.name.lower(),
        "kinds": [kind.name.lower() for kind in found.kinds],
        "checks": _checked(module),
        "says": _said(found.reasons),
        "does": _said(found.fix),
        "writes": [each for each in found.permissions if not each.partition(":")[2].startswith(_READS)],
        "permissions": list(found.permissions),
        "parameters": _parameters(module),
        "advice": found.advice,
        "source": found.source,
        "exempt": [
            f"pipeseal exempt add --control {found.id} --resource '{arn}' --owner 'WHO' --reason 'WHY' --until 30d"
            for arn in [Ref(kind, "ACCOUNT", "REGION", "NAME").arn for kind in found.kinds] or ["ARN"]
        ],
        "switch": [f"sam deploy --parameter-overrides ControlModes={found.id}={mode}" for mode in ("detect", "off")],
    }


def _checked(module: ModuleType) -> str:
    """Return the module's docstring without the id that it begins with."""
    text = _joined(inspect.getdoc(module)).partition(": ")[2]
    return text if text.startswith("pipeseal") else text[:1].upper() + text[1:]


def _said(function: object) -> str:
    text = _joined(inspect.getdoc(function))
    for programmers, peoples in _FOR_PEOPLE:
        text = programmers.sub(peoples, text)
    return text


def _joined(doc: str | None) -> str:
    return " ".join((doc or "").split())


def _parameters(module: ModuleType) -> list[str]:
    """Return the template's parameters that the control's own file asks for."""
    known = {field.name for field in fields(Settings)}
    names = dict.fromkeys(_SETTING.findall(inspect.getsource(module)))
    return [_PARAMETERS.get(name, name.title().replace("_", "")) for name in names if name in known]


# ------------------------------------------------------------------------- what is shown


def _show_all(form: str) -> None:
    rows = [{"id": each.id, "severity": each.severity.name.lower(), "title": each.title} for each in every_control()]
    if form == "json":
        click.echo(json.dumps({"controls": rows}, indent=2))
        return
    console, widest = Terminal(), max(len(row["id"]) for row in rows)
    for row in rows:
        console.print(
            Text.assemble(
                (row["id"].ljust(widest), "bold"), "  ", (row["severity"].ljust(8), _STYLES[row["severity"]]), "  "
            ).append(row["title"])
        )


def _show(answer: dict[str, Any]) -> None:
    console = Terminal()
    console.print(Text.assemble((answer["id"], "bold"), "  ", (answer["severity"], _STYLES[answer["severity"]])))
    console.print(Text(answer["title"]))
    width = min(console.width, _WIDEST)
    for heading, lines in _parts(answer):
        console.print()
        console.print(Text(heading, "bold"))
        for line in lines:
            # What is to be copied stays on one line.
            whole = line.startswith(("https://", "pipeseal ", "sam "))
            console.print(Text(_INDENT + line if whole else _folded(line, width)))


def _parts(answer: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    on = f" Looks at each {' and '.join(answer['kinds'])}." if answer["kinds"] else ""
    yield "What it checks", [f"{answer['checks']}{on}", answer["says"]]
    yield "Why", [answer["source"]]
    writes = f"Writes with {', '.join(answer['writes'])}." if answer["writes"] else "Writes nothing; it only tells."
    yield "What it does", [answer["does"], writes]
    if answer["parameters"]:
        yield "Parameters of template.yaml that it obeys", [", ".join(answer["parameters"])]
    if answer["permissions"]:
        yield "IAM permissions that it needs", [", ".join(answer["permissions"])]
    yield "So that it does not come back", [answer["advice"]]
    yield "To excuse a resource from it, until a day", answer["exempt"]
    yield "To be told only, or not even that", answer["switch"]


def _folded(text: str, width: int) -> str:
    return fill(
        text,
        width,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
