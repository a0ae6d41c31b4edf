"""`pipeseal explain pipeline`: what the controls find in a pipeline's structure alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import click
from rich.text import Text

from pipeseal import secrets
from pipeseal.cli._input import answers, text_of
from pipeseal.cli._terminal import Terminal
from pipeseal.controls import controls_of
from pipeseal.decide import decide
from pipeseal.model import Kind, Ref
from pipeseal.model.pipeline import Pipeline, is_store, stores_of
from pipeseal.settings import Mode, Settings

# What a structure shows by itself: whether a key is sound, only KMS knows.
_SHOWN = ("CODEPIPELINE.ARTIFACT_KEY", "CODEPIPELINE.SECRETS")
_SOUND, _VIOLATED, _BAD_INPUT = 0, 1, 2
_NOWHERE = Ref(Kind.PIPELINE, "", "", "")
# A structure may come as it is, in GetPipeline's answer, in a call's parameters or in a whole CloudTrail event.
_WRAPPERS = ("detail", "requestParameters", "pipeline")


@click.command(short_help="What is wrong with a pipeline's structure.")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), required=False)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--batch", is_flag=True, help='Read JSON lines {"pipeline": {...}} and answer each by a line.')
@click.pass_context
def pipeline(context: click.Context, file: str | None, form: str, *, batch: bool) -> None:
    """Say what is wrong with the pipeline in FILE ("-" reads standard input).

    FILE holds what `aws codepipeline get-pipeline` answers, the structure in it, or the parameters of a CloudTrail
    record. Secrets are never shown.

    Exit status: 0 nothing is wrong, 1 something is, 2 the input is no pipeline.
    """
    if batch:
        for answer in answers(sys.stdin.buffer, explained, failed):
            click.echo(json.dumps(answer))
        return
    if not file:
        raise click.UsageError("give FILE, or --batch with JSON lines on standard input")
    (answer,) = answers([text_of(file).encode()], explained, failed)
    if form == "json":
        click.echo(json.dumps(answer, indent=2))
    else:
        _show(answer, file)
    context.exit(_BAD_INPUT if answer["error"] else _VIOLATED if answer["violations"] else _SOUND)


def explained(question: Mapping[str, Any]) -> dict[str, Any]:
    """Answer {"pipeline"}: what is wrong with whatever of it can be read, and what cannot be."""
    document: Any = question
    for wrapper in _WRAPPERS * 2:  # GetPipeline's whole answer may itself stand under "pipeline"
        document = document[wrapper] if isinstance(document, Mapping) and wrapper in document else document
    if not isinstance(document, Mapping):
        return failed("pipeline: must be an object, a pipeline's structure")
    if document is question and not {"artifactStore", "artifactStores", "stages"} & set(document):
        return failed("pipeline: is missing; give the structure, as GetPipeline or CloudTrail has it")
    plan = decide(Pipeline(_NOWHERE, document), _settings())
    return {
        "name": _name(document),
        "violations": [
            {"control": finding.control.id, "reason": str(reason), "path": getattr(reason, "path", "")}
            for finding in plan.findings
            for reason in finding.reasons
        ],
        "error": "; ".join(_faults(document)) or None,
    }


@cache
def _settings() -> Settings:
    others = {control.id: Mode.OFF for control in controls_of(Kind.PIPELINE) if control.id not in _SHOWN}
    return Settings(mode=Mode.DETECT, control_modes=others, require_customer_key=True)


def failed(error: str) -> dict[str, Any]:
    """Answer what is no pipeline at all."""
    return {"name": None, "violations": [], "error": error}


def _name(document: Mapping[str, Any]) -> str | None:
    """Return the pipeline's name, None where it has none or it gives a secret away."""
    name = document.get("name")
    return name if isinstance(name, str) and not secrets.in_text(name, "", "") else None


def _faults(document: Mapping[str, Any]) -> Iterator[str]:
    """Say what of a structure no pipeline can have; an exported one may lack its stages."""
    if not isinstance(document.get("name", ""), str):
        yield "name: must be a string"
    if not isinstance(document.get("artifactStores") or {}, Mapping):
        yield "artifactStores: must be an object"
    stores = list(stores_of(document, ""))
    if not stores:
        yield "artifactStore: must be an object with type S3 and a location, or artifactStores one for each Region"
    readable = {store.path for store in Pipeline(_NOWHERE, document).stores}
    for number, (region, path, store) in enumerate(stores):
        if path not in readable:
            place = path if not region else f"artifactStores[#{number}]"
            what = (
                "must be an object with type S3 and a location" if not is_store(store) else "must stand under a Region"
            )
            yield f"{place}: {what}"
    yield from _misshapen(document.get("stages"), "stages")


def _misshapen(stages: object, path: str) -> Iterator[str]:
    if stages is None:
        return
    if not isinstance(stages, list):
        yield f"{path}: must be a list"
        return
    for number, stage in enumerate(stages):
        if not isinstance(stage, Mapping):
            yield f"{path}[{number}]: must be an object"
        elif path == "stages":
            yield from _misshapen(stage.get("actions"), f"stages[{number}].actions")


def _show(answer: Mapping[str, Any], file: str) -> None:
    console = Terminal()
    if answer["error"]:
        Terminal(stderr=True).print(Text(f"{file}: {answer['error']}", "red"))
    for violation in answer["violations"]:
        console.print(Text.assemble((violation["control"], "bold red"), f"  {violation['path']}"))
        console.print(Text(f"  {violation['reason']}"))
    if not answer["violations"] and not answer["error"]:
        console.print("Nothing is wrong: every artifact store names a key, and no secret stands in clear.")
