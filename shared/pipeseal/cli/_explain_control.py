"""`pipeseal explain control`: the metadata of a control as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from textwrap import fill
from typing import TypedDict

import click
from rich.text import Text

from pipeseal.cli._account import output
from pipeseal.cli._control_ids import control_ids, control_of
from pipeseal.cli._terminal import Terminal
from pipeseal.controls import every_control
from pipeseal.model import AnyControl, Ref, Requirements
from pipeseal.text import conjoin

_MAX_WIDTH, _INDENT = 100, "  "
_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "blue"}
_READ_VERBS = ("BatchGet", "Describe", "Get", "List")
_UNWRAPPED = ("https://", "pipeseal ", "sam ")


class ControlDocument(TypedDict):
    """A control as `--format json` prints it."""

    id: str
    title: str
    severity: str
    kinds: list[str]
    checks: str
    says: str
    risk: str
    does: str
    writes: list[str]
    permissions: list[str]
    parameters: list[str]
    advice: str
    false_positives: str
    requirements: dict[str, list[str]]
    inferred_requirements: dict[str, list[str]]
    source: str
    exempt: list[str]
    switch: list[str]


@click.command(short_help="Explain a control: check, risk, remediation, parameters.")
@click.argument("control_id", metavar="[ID]", required=False, shell_complete=control_ids)
@output
def control(control_id: str | None, form: str) -> None:
    """Explain the control ID: what it checks, the risk, the remediation and its parameters. Without ID, list all.

    Exit status: 0 on success, 2 if there is no such control.
    """
    if control_id is None:
        _print_list(form)
        return
    document = explained(control_of(control_id))
    if form == "json":
        click.echo(json.dumps(document, indent=2))
    else:
        _print(document)


def explained(found: AnyControl) -> ControlDocument:
    """Return the metadata of the control, with the commands that exempt a resource or change the mode."""
    arns = [Ref(kind, "ACCOUNT", "REGION", "NAME").arn for kind in found.kinds] or ["ARN"]
    return {
        "id": found.id,
        "title": found.title,
        "severity": _severity(found),
        "kinds": [str(kind) for kind in found.kinds],
        "checks": found.description,
        "says": found.reports,
        "risk": found.risk,
        "does": found.remediation,
        "writes": [action for action in found.permissions if not action.partition(":")[2].startswith(_READ_VERBS)],
        "permissions": list(found.permissions),
        "parameters": list(found.parameters),
        "advice": found.advice,
        "false_positives": found.false_positives,
        "requirements": _named(found.requirements),
        "inferred_requirements": _named(found.inferred_requirements),
        "source": found.source,
        "exempt": [
            f"pipeseal exempt add --control {found.id} --resource '{arn}' --owner 'OWNER' --reason 'REASON' --until 30d"
            for arn in arns
        ],
        "switch": [f"sam deploy --parameter-overrides ControlModes={found.id}={mode}" for mode in ("detect", "off")],
    }


def _severity(found: AnyControl) -> str:
    return found.severity.name.lower()


def _named(requirements: Requirements) -> dict[str, list[str]]:
    return {str(standard): list(ids) for standard, ids in requirements.items()}


# ------------------------------------------------------------------------------ text output


def _print_list(form: str) -> None:
    rows = [{"id": each.id, "severity": _severity(each), "title": each.title} for each in every_control()]
    if form == "json":
        click.echo(json.dumps({"controls": rows}, indent=2))
        return
    console, width = Terminal(), max(len(row["id"]) for row in rows)
    for row in rows:
        console.print(
            Text.assemble(
                (row["id"].ljust(width), "bold"), "  ", (row["severity"].ljust(8), _STYLES[row["severity"]]), "  "
            ).append(row["title"])
        )


def _print(document: ControlDocument) -> None:
    console = Terminal()
    severity = document["severity"]
    console.print(Text.assemble((document["id"], "bold"), "  ", (severity, _STYLES[severity])))
    console.print(Text(document["title"]))
    width = min(console.width, _MAX_WIDTH)
    for heading, lines in _sections(document):
        console.print()
        console.print(Text(heading, "bold"))
        for line in lines:
            # Commands and URLs stay on one line, so that they can be copied.
            console.print(Text(_INDENT + line if line.startswith(_UNWRAPPED) else _wrapped(line, width)))


def _sections(document: ControlDocument) -> Iterator[tuple[str, list[str]]]:
    kinds = f" Applies to: {conjoin(document['kinds'])}." if document["kinds"] else ""
    yield "Checks", [f"{document['checks']}{kinds}", document["says"]]
    yield "Risk", [document["risk"]]
    writes = [f"Writes with {conjoin(document['writes'])}."] if document["writes"] else []
    yield "Remediation", [document["does"], *writes]
    if document["parameters"]:
        yield "Parameters", [conjoin(document["parameters"])]
    if document["permissions"]:
        yield "Permissions", [", ".join(document["permissions"])]
    yield "Advice", [document["advice"]]
    yield "False positives", [document["false_positives"]]
    if requirements := [*_requirement_lines(document)]:
        yield "Requirements", requirements
    yield "Source", [document["source"]]
    yield "Exempt a resource", document["exempt"]
    yield "Detect only, or disable", document["switch"]


def _requirement_lines(document: ControlDocument) -> Iterator[str]:
    for standard, ids in document["requirements"].items():
        yield f"{standard}: {', '.join(ids)}"
    for standard, ids in document["inferred_requirements"].items():
        yield f"{standard}: {', '.join(ids)} (inferred by pipeseal)"


def _wrapped(text: str, width: int) -> str:
    return fill(
        text,
        width,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
