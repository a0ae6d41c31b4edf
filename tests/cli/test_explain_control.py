"""`pipeseal explain control`: every control tells all that a person needs, in words for people."""

from __future__ import annotations

import json
import re
import shlex
from datetime import UTC, datetime

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
every = pytest.mark.parametrize("control", CONTROLS, ids=[control.id for control in CONTROLS])


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["explain", "control", *arguments])


@every
def test_every_control_is_told_in_words_for_people(control: Control) -> None:
    """What it checks, says and does are sentences, without a programmer's words; its parameters are the template's."""
    answer = explained(control)
    for name in ("checks", "says", "does"):
        text = answer[name]
        assert text.endswith(".")
        assert text.startswith("pipeseal") or text[0].isupper()
        assert not re.search(r"[*]|\b(Return|Raises?|Refused|None|fix)\b", text), text
    assert answer["does"].split()[0] in {"Leaves", "Only"}
    assert set(answer["parameters"]) <= set(TEMPLATE["Parameters"])
    assert bool(answer["writes"]) == any(re.search(":(?!Get|List|Describe|BatchGet)", p) for p in control.permissions)


@every
def test_what_is_to_be_copied_works(control: Control) -> None:
    """The command that excuses names a control that there is; ControlModes takes what switches it."""
    answer = explained(control)
    for command in answer["exempt"]:
        words = shlex.split(command)
        given = dict(zip(words[3::2], words[4::2], strict=True))
        resource = given["--resource"].replace("ARN", "arn:aws:s3:::harbor")
        grounds = Grounds(given["--owner"], given["--reason"], NOW.replace(year=2027))
        assert grant(given["--control"], resource, grounds, NOW).control == control.id
    for command in answer["switch"]:
        value = command.partition("ControlModes=")[2]
        assert re.fullmatch(TEMPLATE["Parameters"]["ControlModes"]["AllowedPattern"], value)


def test_a_person_reads_it_on_one_screen() -> None:
    """The id in any case; headings, and every command on a line of its own."""
    result = run("s3.tls")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:2] == ["S3.TLS  high", "Bucket denies requests that are not made over TLS"]
    for heading in ("What it checks", "Why", "What it does", "So that it does not come back"):
        assert heading in lines
    assert "  sam deploy --parameter-overrides ControlModes=S3.TLS=off" in lines
    assert len(lines) < 40


def test_without_an_id_all_are_listed() -> None:
    """One a line, and the same for machines."""
    assert [line.split()[0] for line in run().stdout.splitlines()] == [control.id for control in CONTROLS]
    listed = json.loads(run("--format", "json").stdout)["controls"]
    assert listed[0] == {
        "id": CONTROLS[0].id,
        "severity": CONTROLS[0].severity.name.lower(),
        "title": CONTROLS[0].title,
    }


def test_for_machines_it_is_the_same() -> None:
    """Everything that the text is made of."""
    assert json.loads(run("KMS.ROTATION", "--format", "json").stdout) == explained(
        next(control for control in CONTROLS if control.id == "KMS.ROTATION")
    )


@pytest.mark.parametrize(("typed", "meant"), [("S3.TSL", "S3.TLS"), ("kms.rotate", "KMS.ROTATION"), ("tls", "S3.TLS")])
def test_a_near_miss_is_named(typed: str, meant: str) -> None:
    """Bad input, with what was probably meant."""
    result = run(typed)
    assert (result.exit_code, result.stdout) == (2, "")
    assert meant in result.stderr


def test_what_is_near_nothing_leads_to_the_list() -> None:
    """No wild guess, and no control character on the terminal."""
    result = run("\x1b[2Jqqq")
    assert result.exit_code == 2
    assert "did you mean" not in result.stderr
    assert "\x1b" not in result.stderr
    assert "pipeseal explain control lists them all" in result.stderr
