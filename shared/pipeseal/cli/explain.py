"""`pipeseal explain`: what a document means to the controls, or what a control does; offline."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import TypedDict

import click
from rich.text import Text

from pipeseal.cli._account import output
from pipeseal.cli._diff import difference
from pipeseal.cli._explain_control import control
from pipeseal.cli._explain_pipeline import pipeline
from pipeseal.cli._input import explain_lines, text_of
from pipeseal.cli._terminal import Terminal
from pipeseal.controls.s3_sse_uploads import deny_unencrypted
from pipeseal.controls.s3_tls import deny_insecure
from pipeseal.policy import Policy, PolicyError, Verdict, validation_errors
from pipeseal.text import printable

_BUCKET = re.compile(r"[A-Za-z0-9._-]{1,255}")
_PARTITION = re.compile(r"aws(-[a-z]+)*")
_COMPLETE, _INCOMPLETE, _BAD_INPUT = 0, 1, 2


class VerdictDocument(TypedDict):
    """Whether a policy denies what it should."""

    verdict: str
    """full, objects-only, partial or none."""
    reasons: list[str]


class PolicyExplanation(TypedDict):
    """What `explain bucket --format json` prints."""

    bucket: str | None
    tls: VerdictDocument
    sse: VerdictDocument
    sealed: Mapping[str, object] | None
    """The policy with the missing statements added; None where there is none."""
    added: list[str]
    """Sids of the statements that were added."""
    error: str | None


@click.group(short_help="Explain a policy, a pipeline or a control; offline.")
def explain() -> None:
    """Explain what a document means to pipeseal's controls, or what a control does; makes no call to AWS."""


explain.add_command(control)
explain.add_command(pipeline)


@explain.command(short_help="Explain what a bucket policy denies and what pipeseal would add.")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), required=False)
@click.option("--bucket", "name", metavar="NAME", help="The name of the bucket that the policy is for.")
@click.option(
    "--partition",
    metavar="NAME",
    default="aws",
    show_default=True,
    help="The partition of the bucket's ARN: aws, aws-cn, aws-us-gov.",
)
@output
@click.option(
    "--batch", is_flag=True, help='Read JSON lines {"bucket", "partition", "policy"} and print one line for each.'
)
@click.pass_context
def bucket(  # noqa: PLR0913 - one argument for each option
    context: click.Context, file: str | None, name: str | None, partition: str, form: str, *, batch: bool
) -> None:
    """Explain the bucket policy in FILE ("-" reads standard input).

    \b
    --format json and --batch print one object for each policy:
      bucket     name
      tls, sse   {"verdict": full|objects-only|partial|none, "reasons"}: whether the policy denies requests over HTTP,
                 and uploads without SSE-KMS
      sealed     the policy with the missing statements; null where none can be proposed
      added      Sids of the statements that were added
      error      why the input is invalid, or null

    Exit status: 0 the policy needs no change, 1 statements are missing, 2 the input is not a bucket policy.
    """  # noqa: D301 - click's mark for "do not wrap" is the character itself
    if batch:
        for explanation in explain_lines(sys.stdin.buffer, explain_policy, reject_line):
            click.echo(json.dumps(explanation))
        return
    if not file or not name:
        raise click.UsageError("give FILE and --bucket NAME, or --batch with JSON lines on standard input")
    policy = text_of(file)
    explanation = explain_policy({"bucket": name, "partition": partition, "policy": policy})
    if form == "json":
        click.echo(json.dumps(explanation, indent=2))
    else:
        _show(explanation, file, policy)
    context.exit(_BAD_INPUT if explanation["error"] else _INCOMPLETE if explanation["added"] else _COMPLETE)


def explain_policy(question: Mapping[str, object]) -> PolicyExplanation:
    """Return the explanation of {"bucket", "partition" (optional), "policy"}, with an error where it is invalid."""
    name, partition = question.get("bucket"), question.get("partition") or "aws"
    if not isinstance(name, str) or not _BUCKET.fullmatch(name):
        return _invalid(name, "bucket: must be the name of a bucket, such as harbor-artifacts")
    if not isinstance(partition, str) or not _PARTITION.fullmatch(partition):
        return _invalid(name, "partition: must be the name of a partition, such as aws or aws-cn")
    if "policy" not in question:
        return _invalid(name, "policy: is missing; give the document, its text, or null for a bucket without a policy")
    try:
        policy = Policy.parse(_document(question["policy"]))
    except PolicyError as error:
        return _invalid(name, str(error))
    return _evaluated(name, f"arn:{partition}:s3:::{name}", policy)


def _document(policy: object) -> str | Mapping[str, object] | None:
    if policy is None or isinstance(policy, str | dict):
        return policy
    raise PolicyError("policy: must be an object, a string or null")


def _evaluated(name: str, arn: str, policy: Policy) -> PolicyExplanation:
    tls, sse = deny_insecure(arn), deny_unencrypted(arn)
    error: str | None = "; ".join(validation_errors(policy, arn)) or None
    sealed: Policy | None = policy
    try:
        sealed = policy.require(sse).require(tls)
    except PolicyError as refusal:
        sealed, error = None, str(refusal)
    return {
        "bucket": name,
        "tls": _verdict_document(policy.verdict(tls)),
        "sse": _verdict_document(policy.verdict(sse)),
        "sealed": sealed.document if sealed is not None else None,
        "added": list(sealed.sids_not_in(policy)) if sealed is not None else [],
        "error": error,
    }


def _verdict_document(verdict: Verdict) -> VerdictDocument:
    return {"verdict": str(verdict.coverage), "reasons": list(verdict.reasons)}


def reject_line(error: str) -> PolicyExplanation:
    """Return the explanation of a line that is not a JSON object."""
    return _invalid(None, error)


def _invalid(name: object, error: str) -> PolicyExplanation:
    return {
        "bucket": name if isinstance(name, str) else None,
        "tls": {"verdict": "none", "reasons": []},
        "sse": {"verdict": "none", "reasons": []},
        "sealed": None,
        "added": [],
        "error": error,
    }


_MARKS = {"+": "green", "-": "red"}
_COLOURS = {"full": "green", "objects-only": "yellow", "partial": "yellow", "none": "red"}


def _show(explanation: PolicyExplanation, file: str, policy: str) -> None:
    console = Terminal()
    if error := explanation["error"]:
        Terminal(stderr=True).print(Text(printable(f"{file}: {error}"), "red"))
        if explanation["sealed"] is None and not explanation["tls"]["reasons"]:
            return
    verdicts = {
        "Requests over HTTP are denied": explanation["tls"],
        "Uploads without SSE-KMS are denied": explanation["sse"],
    }
    for title, verdict in verdicts.items():
        console.print(Text.assemble(f"{title}: ", (verdict["verdict"], f"bold {_COLOURS[verdict['verdict']]}")))
        for reason in verdict["reasons"]:
            console.print(Text(f"  {printable(reason)}"))
    if explanation["added"]:
        console.print()
        for mark, line in difference(json.loads(policy), explanation["sealed"], console.width - len("+ ")):
            console.print(Text(f"{mark} {line}", _MARKS.get(mark, "")))
    elif not error:
        console.print("\nThe policy needs no change.")
