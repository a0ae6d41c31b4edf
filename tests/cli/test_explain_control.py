"""`pipeseal explain control`: prints the metadata of each control."""

from __future__ import annotations

import json
import re
import shlex
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.template import TEMPLATE

from pipeseal.cli import main
from pipeseal.cli._explain_control import explained
from pipeseal.controls import every_control
from pipeseal.exemptions import Grounds, grant
from pipeseal.model import Control

NOW = datetime(2026, 11, 21, tzinfo=UTC)
CONTROLS = every_control()
all_controls = pytest.mark.parametrize("control", CONTROLS, ids=[control.id for control in CONTROLS])


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["explain", "control", *arguments])


def headings(result: Result) -> list[str]:
    """Return the headings: the lines after an empty line."""
    lines = result.stdout.splitlines()
    return [line for before, line in pairwise(lines) if not before]


@all_controls
def test_the_json_document_is_the_metadata(control: Control[Any]) -> None:
    """Every field of the metadata is printed unchanged, under the names of the JSON contract."""
    document = json.loads(run(control.id, "--format", "json").stdout)
    assert document == explained(control)
    assert document == {
        "id": control.id,
        "title": control.title,
        "severity": control.severity.name.lower(),
        "kinds": [str(kind) for kind in control.kinds],
        "checks": control.description,
        "says": control.reports,
        "risk": control.risk,
        "does": control.remediation,
        "writes": [p for p in control.permissions if re.search(":(?!Get|List|Describe|BatchGet)", p)],
        "permissions": list(control.permissions),
        "parameters": list(control.parameters),
        "advice": control.advice,
        "false_positives": control.false_positives,
        "requirements": {str(standard): list(ids) for standard, ids in control.requirements.items()},
        "inferred_requirements": {str(standard): list(ids) for standard, ids in control.inferred_requirements.items()},
        "source": control.source,
        "exempt": document["exempt"],
        "switch": document["switch"],
    }


@all_controls
def test_the_printed_commands_run(control: Control[Any]) -> None:
    """The exemption names an existing control and a valid resource, and ControlModes accepts the mode."""
    document = explained(control)
    for command in document["exempt"]:
        words = shlex.split(command)
        options = dict(zip(words[3::2], words[4::2], strict=True))
        resource = options["--resource"].replace("ARN", "arn:aws:s3:::harbor")
        grounds = Grounds(options["--owner"], options["--reason"], NOW.replace(year=2027))
        assert grant(options["--control"], resource, grounds, NOW).control == control.id
    for command in document["switch"]:
        value = command.partition("ControlModes=")[2]
        assert re.fullmatch(TEMPLATE["Parameters"]["ControlModes"]["AllowedPattern"], value)


def test_the_text_has_headings_and_commands_on_lines_of_their_own() -> None:
    """The ID is accepted in any case; URLs and commands are not wrapped."""
    result = run("s3.tls")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:2] == ["S3.TLS  high", "Bucket should require TLS"]
    assert headings(result) == [
        "Checks",
        "Risk",
        "Remediation",
        "Parameters",
        "Permissions",
        "Advice",
        "False positives",
        "Requirements",
        "Source",
        "Exempt a resource",
        "Detect only, or disable",
    ]
    assert "  Writes with s3:PutBucketPolicy." in lines
    assert "  PCI DSS v4.0.1: 4.2.1" in lines
    assert "  ISO/IEC 27001:2022: A.5.14, A.8.24 (inferred by pipeseal)" in lines
    assert "  sam deploy --parameter-overrides ControlModes=S3.TLS=off" in lines
    assert max(len(line) for line in lines if not line.startswith(("  pipeseal", "  sam"))) <= 100
    assert len(lines) < 60


def test_empty_sections_are_omitted() -> None:
    """A control without parameters, permissions and requirements has no such headings."""
    assert {"Parameters", "Permissions", "Requirements"}.isdisjoint(headings(run("PIPESEAL.ACCESS")))


def test_without_an_id_all_controls_are_listed() -> None:
    """The text has one control per line, and the JSON has ID, severity and title."""
    assert [line.split()[0] for line in run().stdout.splitlines()] == [control.id for control in CONTROLS]
    listed = json.loads(run("--format", "json").stdout)["controls"]
    assert listed[0] == {
        "id": CONTROLS[0].id,
        "severity": CONTROLS[0].severity.name.lower(),
        "title": CONTROLS[0].title,
    }


@pytest.mark.parametrize(("typed", "meant"), [("S3.TSL", "S3.TLS"), ("kms.rotate", "KMS.ROTATION"), ("tls", "S3.TLS")])
def test_similar_ids_are_suggested(typed: str, meant: str) -> None:
    """An unknown ID is bad input; the error names similar IDs."""
    result = run(typed)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Similar IDs: " in result.stderr
    assert meant in result.stderr


def test_without_a_similar_id_the_error_names_the_list() -> None:
    """There is no arbitrary suggestion, and control characters are not printed."""
    result = run("\x1b[2Jqqq")
    assert result.exit_code == 2
    assert "Similar IDs" not in result.stderr
    assert "\x1b" not in result.stderr
    assert "run pipeseal explain control" in result.stderr
