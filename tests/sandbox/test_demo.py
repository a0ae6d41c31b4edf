"""`pipeseal demo` tells the story, to people and to machines, and stays up when it is asked to."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

from pipeseal.cli import main
from pipeseal.cli._diff import difference

ALL = {
    "S3.TLS",
    "S3.SSE_UPLOADS",
    "S3.DEFAULT_ENCRYPTION",
    "S3.FOREIGN_WRITE",
    "KMS.ROTATION",
    "KMS.SYMMETRIC",
    "CODEPIPELINE.FREE_TEXT",
    "CODEPIPELINE.SYMMETRIC_KEY",
    "CODEPIPELINE.SECRETS",
    "CLOUDTRAIL.LOGGING",
    "CODEDEPLOY.SECRETS",
    "CODEBUILD.ARTIFACT_ENCRYPTION",
    "CODEBUILD.SECRETS",
}


def run(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """Return what the story says to machines."""
    result = run("demo", "--format", "json")
    assert result.exit_code == 0
    assert result.stderr == ""
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_every_control_is_at_work_and_alerts(told: dict[str, Any]) -> None:
    """The JSON has an outcome and an alert for each control, in the shape that was promised."""
    assert set(told) == {"outcomes", "alerts"}
    assert all(set(outcome) == {"resource", "controls", "action", "reasons"} for outcome in told["outcomes"])
    assert {control for outcome in told["outcomes"] for control in outcome["controls"]} == ALL
    assert {control for alert in told["alerts"] for control in alert["controls"]} == ALL
    actions = {outcome["action"] for outcome in told["outcomes"]}
    assert actions >= {"remediated", "rejected", "quarantined", "detected"}


def test_one_alert_a_resource_and_none_for_second_deliveries(told: dict[str, Any]) -> None:
    """Every event came twice, every alert once, and the token is in neither."""
    acted = [outcome["resource"] for outcome in told["outcomes"] if outcome["controls"]]
    assert [alert["resource"]["arn"] for alert in told["alerts"]] == acted
    assert len({alert["id"] for alert in told["alerts"]}) == len(told["alerts"])
    assert "-in-clear" not in json.dumps(told)


def test_the_story_fits_a_terminal_of_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Piped, it has no colours, no line is too long, and it ends well."""
    monkeypatch.setenv("COLUMNS", "80")
    result = run("demo")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert "events delivered again, " in result.stdout
    assert ": 0 writes, 0 alerts" in result.stdout
    assert "-in-clear" not in result.stdout
    assert '"level"' not in result.stdout


def eventually(found: Callable[[], Any], seconds: float = 30) -> Any:
    """Return what *found* returns, once that is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(0.05)
    raise AssertionError(f"still nothing after {seconds} seconds")


def test_serve_seals_what_is_broken_from_outside_until_it_is_stopped(tmp_path: Path) -> None:
    """A policy deleted over HTTP is back within a second and shown; a signal ends it with a last line."""
    out = tmp_path / "out"
    command = [sys.executable, "-c", "from pipeseal.cli import main; main()", "demo", "--serve", "--for", "60"]
    with out.open("w") as stream, subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT) as served:  # noqa: S603
        url = eventually(lambda: re.search(r"AWS_ENDPOINT_URL=(\S+)", out.read_text()))[1]
        s3 = boto3.client("s3", "us-east-1", endpoint_url=url, aws_access_key_id="eve", aws_secret_access_key="none")

        def policy() -> str:
            try:
                return str(s3.get_bucket_policy(Bucket="acme-webshop-artifacts")["Policy"])
            except s3.exceptions.ClientError:
                return ""

        s3.delete_bucket_policy(Bucket="acme-webshop-artifacts")
        assert "DenyInsecureConnections" in eventually(policy)
        s3.close()
        eventually(lambda: "mail     [pipeseal]" in out.read_text())
        served.send_signal(signal.SIGTERM)
        assert served.wait(60) == 0
    shown = out.read_text()
    assert "s3:DeleteBucketPolicy  acme-webshop-artifacts  by eve" in shown
    assert "Closed: 1 event handled." in shown


def test_serve_stops_by_itself_after_the_time_given() -> None:
    """--for ends it as Ctrl-C does."""
    result = run("demo", "--serve", "--for", "0")
    assert result.exit_code == 0
    assert "Closed: 0 events handled." in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--serve", "--format", "json"), "--format json is for the story"),
        (("--for", "3"), "--for needs --serve"),
        (("--port", "70000"), "70000"),
    ],
)
def test_options_that_make_no_sense_are_refused(arguments: tuple[str, ...], said: str) -> None:
    """Exit status 2, before anything is started."""
    result = run("demo", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_what_is_missing_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """No moto, no template: one line, exit status 2."""
    monkeypatch.delitem(sys.modules, "pipeseal.sandbox.account", raising=False)
    monkeypatch.setitem(sys.modules, "moto.core.base_backend", None)
    result = run("demo")
    assert result.exit_code == 2
    assert "needs moto, which is not installed" in result.stderr
    assert "make setup" in result.stderr


def test_no_template_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Away from a clone the demo says where it can run."""
    monkeypatch.setattr("pipeseal.sandbox.stack.__file__", str(tmp_path / "stack.py"))
    monkeypatch.chdir(tmp_path)
    result = run("demo")
    assert result.exit_code == 2
    assert "run this in a clone" in result.stderr


def test_commands_are_found_by_their_file() -> None:
    """The help lists the commands, and a module that holds none is none."""
    assert "demo " in run("--help").stdout
    assert run("nonsense").exit_code == 2


OURS = {"Sid": "Ours", "Effect": "Deny"}
THEIRS = {"Sid": "Theirs", "Effect": "Allow"}


@pytest.mark.parametrize("before", [{"Statement": [THEIRS]}, {"Statement": THEIRS}])
def test_a_statement_that_joins_others_is_all_that_a_diff_shows_as_new(before: dict[str, Any]) -> None:
    """Nothing is shown as removed, whether there was a list already or not."""
    lines = list(difference(before, {"Statement": [THEIRS, OURS]}, 30))
    assert [line.strip() for mark, line in lines if mark == "+"] == ["{", '"Sid": "Ours",', '"Effect": "Deny"', "}"]
    assert "-" not in {mark for mark, _ in lines}


def test_a_first_policy_is_all_new_and_a_removed_line_is_shown() -> None:
    """Without a policy before, every line is added; what is gone is marked as gone."""
    assert {mark for mark, _ in difference(None, {"Statement": [OURS]}, 80)} == {"+"}
    gone = list(difference({"Statement": [THEIRS, OURS]}, {"Statement": [OURS]}, 80))
    assert ("-", '    {"Sid": "Theirs", "Effect": "Allow"},') in gone or any(mark == "-" for mark, _ in gone)
