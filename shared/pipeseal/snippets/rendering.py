"""Snippet parts -> the text of a CloudFormation template and of a Terraform configuration; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import TypedDict

from pipeseal.snippets import cloudformation, terraform
from pipeseal.snippets.part import SnippetPart
from pipeseal.snippets.quoting import ascii_line

_LONGEST = 8_000
"""Characters of either text. An alert holds both twice, as JSON strings within JSON, and SNS accepts 256 KB."""
_WIDTH = 72


class Snippets(TypedDict):
    """The snippets of one resource; both are empty where nothing must change."""

    cloudformation: str
    """YAML."""
    terraform: str
    """HCL."""


def render(title: str, parts: Sequence[SnippetPart], summary: str) -> Snippets:
    """Return *parts* in both languages, in printable ASCII, at most 8,000 characters each.

    Each text begins with *title* as a comment. *summary* replaces the code where that is too long.
    """
    if not parts:
        return {"cloudformation": "", "terraform": ""}
    heading = list(_comment(title))
    return {
        "cloudformation": _limited(heading, _template(parts), summary),
        "terraform": _limited(heading, _configuration(parts), summary),
    }


def _limited(heading: list[str], lines: Iterable[str], summary: str) -> str:
    text = "\n".join([*heading, *lines, ""])
    if len(text) <= _LONGEST:
        return text
    instead = ascii_line(f"The code has {len(text)} characters, too many for an alert. {summary}")
    shortened = instead if len(instead) < _LONGEST // 2 else instead[: _LONGEST // 2] + "..."
    return "\n".join([*heading, *_comment(shortened), ""])


def _comment(text: str) -> Iterator[str]:
    yield from (f"# {line}" for line in wrap(text, _WIDTH, break_on_hyphens=False))


def _template(parts: Iterable[SnippetPart]) -> Iterator[str]:
    started = False
    for part in parts:
        if part.logical_id and not started:
            yield "Resources:"
            started = True
        yield from (f"  {line}" for line in _comment(part.comment))
        if part.logical_id:
            resource = {part.logical_id: {"Type": part.cloudformation_type, "Properties": part.properties}}
            yield from (f"  {line}" for line in cloudformation.lines(resource))


def _configuration(parts: Iterable[SnippetPart]) -> Iterator[str]:
    for part in parts:
        yield ""
        yield from _comment(part.comment)
        if part.logical_id:
            yield f'resource "{part.terraform_type}" "this" {{'
            yield from (f"  {line}" for line in terraform.lines(part.arguments))
            yield "}"
