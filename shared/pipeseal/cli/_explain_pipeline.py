"""`pipeseal explain pipeline`: what the controls find in a pipeline's structure alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TypedDict

import click
from rich.text import Text

from pipeseal import secrets
from pipeseal.cli._account import output
from pipeseal.cli._input import explain_lines, text_of
from pipeseal.cli._terminal import Terminal
from pipeseal.controls import controls_of
from pipeseal.kinds.pipeline.value import Pipeline, is_artifact_store, stores_of
from pipeseal.model import Kind, Ref
from pipeseal.remediation.planning import make_plan
from pipeseal.settings import Mode, Settings
from pipeseal.text import printable

# The controls that need only the structure; the others need what KMS says of the keys.
_CONTROLS = ("CODEPIPELINE.ARTIFACT_KEY", "CODEPIPELINE.SECRETS")
_COMPLIANT, _VIOLATED, _BAD_INPUT = 0, 1, 2
_UNKNOWN_PIPELINE = Ref(Kind.PIPELINE, "", "", "")
# The structure is the whole input, or in GetPipeline's response, the parameters of a call, or a CloudTrail event.
_WRAPPERS = ("detail", "requestParameters", "pipeline")


class PipelineViolation(TypedDict):
    """One reason why the pipeline violates a control."""

    control: str
    reason: str
    path: str


class PipelineExplanation(TypedDict):
    """What `explain pipeline --format json` prints."""

    name: str | None
    violations: list[PipelineViolation]
    error: str | None


@click.command(short_help="Explain what is wrong with a pipeline's structure.")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), required=False)
@output
@click.option("--batch", is_flag=True, help='Read JSON lines {"pipeline": {...}} and print one line for each.')
@click.pass_context
def pipeline(context: click.Context, file: str | None, form: str, *, batch: bool) -> None:
    """Explain what is wrong with the pipeline in FILE ("-" reads standard input).

    FILE holds the output of `aws codepipeline get-pipeline`, the structure in it, or the parameters of a CloudTrail
    record. Secrets are never shown.

    \b
    --format json and --batch print one object for each pipeline:
      name         name, or null
      violations   [{"control", "reason", "path": the place in the structure}]
      error        why the input is invalid, or null

    Exit status: 0 compliant, 1 violations were found, 2 the input is not a pipeline.
    """  # noqa: D301 - click's mark for "do not wrap" is the character itself
    if batch:
        for explanation in explain_lines(sys.stdin.buffer, explain_pipeline, reject_pipeline):
            click.echo(json.dumps(explanation))
        return
    if not file:
        raise click.UsageError("give FILE, or --batch with JSON lines on standard input")
    (explanation,) = explain_lines([text_of(file).encode()], explain_pipeline, reject_pipeline)
    if form == "json":
        click.echo(json.dumps(explanation, indent=2))
    else:
        _show(explanation, file)
    context.exit(_BAD_INPUT if explanation["error"] else _VIOLATED if explanation["violations"] else _COMPLIANT)


def explain_pipeline(question: Mapping[str, object]) -> PipelineExplanation:
    """Return the violations in every valid part of {"pipeline"}, and which parts are invalid."""
    document: object = question
    for wrapper in _WRAPPERS * 2:  # GetPipeline's response has a "pipeline" of its own
        document = document[wrapper] if isinstance(document, Mapping) and wrapper in document else document
    if not isinstance(document, Mapping):
        return reject_pipeline("pipeline: must be an object, the structure of a pipeline")
    if document is question and not {"artifactStore", "artifactStores", "stages"} & set(document):
        return reject_pipeline("pipeline: is missing; give the structure as GetPipeline or CloudTrail returns it")
    plan = make_plan(Pipeline(_UNKNOWN_PIPELINE, document), _settings())
    return {
        "name": _name(document),
        "violations": [
            {"control": finding.control.id, "reason": str(reason), "path": getattr(reason, "path", "")}
            for finding in plan.findings
            for reason in finding.reasons
        ],
        "error": "; ".join(_validation_errors(document)) or None,
    }


@cache
def _settings() -> Settings:
    others = {control.id: Mode.OFF for control in controls_of(Kind.PIPELINE) if control.id not in _CONTROLS}
    return Settings(mode=Mode.DETECT, control_modes=others, require_customer_key=True)


def reject_pipeline(error: str) -> PipelineExplanation:
    """Return the explanation of an input that is not a pipeline."""
    return {"name": None, "violations": [], "error": error}


def _name(document: Mapping[str, object]) -> str | None:
    """Return the pipeline's name; None where it has none, or where the name contains a secret."""
    name = document.get("name")
    return name if isinstance(name, str) and not secrets.in_text(name, "", "") else None


def _validation_errors(document: Mapping[str, object]) -> Iterator[str]:
    """Yield what makes the structure invalid; an exported structure may lack its stages."""
    if not isinstance(document.get("name", ""), str):
        yield "name: must be a string"
    if not isinstance(document.get("artifactStores") or {}, Mapping):
        yield "artifactStores: must be an object"
    stores = list(stores_of(document, ""))
    if not stores:
        yield "artifactStore: must be an object with type S3 and a location, or artifactStores one for each Region"
    valid = {store.path for store in Pipeline(_UNKNOWN_PIPELINE, document).stores}
    for number, (region, path, store) in enumerate(stores):
        if path not in valid:
            place = path if not region else f"artifactStores[#{number}]"
            rule = (
                "must be under a Region"
                if is_artifact_store(store)
                else "must be an object with type S3 and a location"
            )
            yield f"{place}: {rule}"
    yield from _invalid_stages(document.get("stages"), "stages")


def _invalid_stages(stages: object, path: str) -> Iterator[str]:
    """Yield which of *stages*, or of their actions, are invalid."""
    if stages is None:
        return
    if not isinstance(stages, list):
        yield f"{path}: must be a list"
        return
    for number, stage in enumerate(stages):
        if not isinstance(stage, Mapping):
            yield f"{path}[{number}]: must be an object"
        elif path == "stages":
            yield from _invalid_stages(stage.get("actions"), f"stages[{number}].actions")


def _show(explanation: PipelineExplanation, file: str) -> None:
    console = Terminal()
    if error := explanation["error"]:
        Terminal(stderr=True).print(Text(printable(f"{file}: {error}"), "red"))
    for violation in explanation["violations"]:
        console.print(Text.assemble((violation["control"], "bold red"), f"  {printable(violation['path'])}"))
        console.print(Text(f"  {printable(violation['reason'])}"))
    if not explanation["violations"] and not error:
        console.print("Compliant: every artifact store names a key, and there are no plaintext secrets.")
