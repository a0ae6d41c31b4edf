"""`pipeseal explain`: what a document means and what pipeseal would make of it, offline."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

import click
from rich.text import Text

from pipeseal.cli._diff import difference
from pipeseal.cli._explain_control import control
from pipeseal.cli._explain_pipeline import pipeline
from pipeseal.cli._input import answers, text_of
from pipeseal.cli._terminal import Terminal
from pipeseal.controls.s3_sse_uploads import deny_unencrypted
from pipeseal.controls.s3_tls import deny_insecure
from pipeseal.policy import Policy, PolicyError, Verdict, faults

_BUCKET = re.compile(r"[A-Za-z0-9._-]{1,255}")
_PARTITION = re.compile(r"aws(-[a-z]+)*")
_SEALED, _NOT_SEALED, _BAD_INPUT = 0, 1, 2
_UNKNOWN = {"verdict": "none", "reasons": []}


@click.group(short_help="Say what a document means, or what a control does; offline.")
def explain() -> None:
    """Say what a document means and what pipeseal would make of it, or what a control does; asks nothing of AWS."""


explain.add_command(control)
explain.add_command(pipeline)


@explain.command(short_help="What a bucket policy lets through, and what would be added.")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), required=False)
@click.option("--bucket", "name", metavar="NAME", help="Name of the bucket that the policy is for.")
@click.option(
    "--partition",
    metavar="NAME",
    default="aws",
    show_default=True,
    help="Partition of its ARN: aws, aws-cn, aws-us-gov.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--batch", is_flag=True, help='Read JSON lines {"bucket", "partition", "policy"} and answer each by a line.'
)
@click.pass_context
def bucket(  # noqa: PLR0913 - one argument an option
    context: click.Context, file: str | None, name: str | None, partition: str, form: str, *, batch: bool
) -> None:
    """Explain the bucket policy in FILE ("-" reads standard input).

    Exit status: 0 the bucket is sealed already, 1 it is not, 2 the input is no bucket policy.
    """
    if batch:
        for answer in answers(sys.stdin.buffer, explained, _unread):
            click.echo(json.dumps(answer))
        return
    if not file or not name:
        raise click.UsageError("give FILE and --bucket NAME, or --batch with JSON lines on standard input")
    policy = text_of(file)
    answer = explained({"bucket": name, "partition": partition, "policy": policy})
    if form == "json":
        click.echo(json.dumps(answer, indent=2))
    else:
        _show(answer, file, policy)
    context.exit(_BAD_INPUT if answer["error"] else _NOT_SEALED if answer["added"] else _SEALED)


def explained(question: Mapping[str, Any]) -> dict[str, Any]:
    """Answer {"bucket", "partition"?, "policy"}: verdicts, the policy as an artifact bucket gets it, or an error."""
    name, partition = question.get("bucket"), question.get("partition") or "aws"
    if not isinstance(name, str) or not _BUCKET.fullmatch(name):
        return _failed(name, "bucket: must be a bucket's name, such as harbor-artifacts")
    if not isinstance(partition, str) or not _PARTITION.fullmatch(partition):
        return _failed(name, "partition: must be a partition's name, such as aws or aws-cn")
    if "policy" not in question:
        return _failed(name, "policy: is missing; give the document, its text, or null for a bucket without one")
    try:
        policy = Policy.parse(_document(question["policy"]))
    except PolicyError as error:
        return _failed(name, str(error))
    return _judged(name, f"arn:{partition}:s3:::{name}", policy)


def _document(policy: object) -> str | Mapping[str, Any] | None:
    if policy is None or isinstance(policy, str | dict):
        return policy
    raise PolicyError("policy: must be an object, a string or null")


def _judged(name: str, arn: str, policy: Policy) -> dict[str, Any]:
    tls, sse = deny_insecure(arn), deny_unencrypted(arn)
    error: str | None = "; ".join(faults(policy, arn)) or None
    sealed: Policy | None = policy
    try:
        sealed = policy.require(sse).require(tls)
    except PolicyError as refusal:
        sealed, error = None, str(refusal)
    return {
        "bucket": name,
        "tls": _verdict(policy.verdict(tls)),
        "sse": _verdict(policy.verdict(sse)),
        "sealed": sealed and sealed.document,
        "added": list(sealed.sids_beyond(policy)) if sealed else [],
        "error": error,
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {"verdict": str(verdict.level), "reasons": list(verdict.reasons)}


def _unread(error: str) -> dict[str, Any]:
    return _failed(None, error)


def _failed(name: object, error: str) -> dict[str, Any]:
    shown = name if isinstance(name, str) else None
    return {"bucket": shown, "tls": _UNKNOWN, "sse": _UNKNOWN, "sealed": None, "added": [], "error": error}


_MARKS = {"+": "green", "-": "red"}
_COLOURS = {"full": "green", "objects-only": "yellow", "partial": "yellow", "none": "red"}


def _show(answer: Mapping[str, Any], file: str, policy: str) -> None:
    console = Terminal()
    if answer["error"]:
        Terminal(stderr=True).print(Text(f"{file}: {answer['error']}", "red"))
        if answer["sealed"] is None and not answer["tls"]["reasons"]:
            return
    for title, key in (("Requests in clear are refused", "tls"), ("Uploads outside AWS KMS are refused", "sse")):
        verdict = answer[key]
        console.print(Text.assemble(f"{title}: ", (verdict["verdict"], f"bold {_COLOURS[verdict['verdict']]}")))
        for reason in verdict["reasons"]:
            console.print(Text(f"  {reason}"))
    if answer["added"]:
        console.print()
        for mark, line in difference(json.loads(policy), answer["sealed"], console.width - len("+ ")):
            console.print(Text(f"{mark} {line}", _MARKS.get(mark, "")))
    elif not answer["error"]:
        console.print("\nSealed already: there is nothing to add.")
