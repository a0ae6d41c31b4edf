"""`pipeseal demo` plays its scenes as text or JSON, and with --serve keeps the account open until it is stopped."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result
from rich.console import Console
from tests.interruptible import interruptible

from pipeseal.cli import main
from pipeseal.cli._diff import difference
from pipeseal.cli._screen import DONE, DemoScreen
from pipeseal.model import Action
from pipeseal.sandbox.account import EmbeddedAccount, ReceivedAlert
from pipeseal.sandbox.router import EventDelivery

ALERTING_CONTROLS = {
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
def document() -> dict[str, Any]:
    """Return the JSON output of all scenes."""
    result = run("demo", "--format", "json")
    assert result.exit_code == 0
    assert result.stderr == ""
    parsed: dict[str, Any] = json.loads(result.stdout)
    return parsed


def test_the_scenes_violate_the_controls_of_every_kind(document: dict[str, Any]) -> None:
    """The JSON has an outcome and an alert for each of these controls, with the documented fields."""
    assert set(document) == {"outcomes", "alerts"}
    assert all(set(outcome) == {"resource", "controls", "action", "reasons"} for outcome in document["outcomes"])
    assert {control for outcome in document["outcomes"] for control in outcome["controls"]} == ALERTING_CONTROLS
    assert {control for alert in document["alerts"] for control in alert["controls"]} == ALERTING_CONTROLS
    actions = {outcome["action"] for outcome in document["outcomes"]}
    assert actions >= {"remediated", "rejected", "quarantined", "detected"}


def test_every_event_is_delivered_twice_and_alerted_once(document: dict[str, Any]) -> None:
    """Each outcome with a violation has one alert, and no secret is in the output."""
    violations = [outcome["resource"] for outcome in document["outcomes"] if outcome["controls"]]
    assert [alert["resource"]["arn"] for alert in document["alerts"]] == violations
    assert len({alert["id"] for alert in document["alerts"]}) == len(document["alerts"])
    assert "a-plaintext-" not in json.dumps(document)


def test_the_text_fits_a_terminal_of_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a pipe the text has no escape sequences and no line beyond 80 columns, and contains no secret or log line."""
    monkeypatch.setenv("COLUMNS", "80")
    result = run("demo")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert "events delivered again, " in result.stdout
    assert ": 0 writes, 0 alerts" in result.stdout
    assert "a-plaintext-" not in result.stdout
    assert '"level"' not in result.stdout


def eventually(found: Callable[[], Any], seconds: float = 30) -> Any:
    """Return the first true value that *found* returns; fail after that many *seconds*."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(0.05)
    raise AssertionError(f"no result within {seconds} seconds")


@contextmanager
def serving(out: Path, shell: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """Run `demo --serve` with its output in *out*; the *shell* commands run first in the same process."""
    program = [sys.executable, "-c", "from pipeseal.cli import main; main()", "demo", "--serve", "--for", "600"]
    command = ["/bin/sh", "-c", f'{shell} exec "$@"', "sh", *program]
    with out.open("w") as stream, interruptible():
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)  # noqa: S603 - this program
    with process:
        try:
            yield process
        finally:
            process.kill()


def endpoint(out: Path) -> str:
    """Return the endpoint URL, once the output in *out* names it and the commands to try."""
    eventually(lambda: "aws kms create-key" in out.read_text())
    found = re.search(r"AWS_ENDPOINT_URL=(\S+)", out.read_text())
    assert found
    return found[1]


def delete_policy_and_wait(url: str, out: Path) -> None:
    """Delete the policy of the artifact bucket, and wait until it is restored and the output shows that."""
    s3 = boto3.client("s3", "us-east-1", endpoint_url=url, aws_access_key_id="eve", aws_secret_access_key="none")

    def policy() -> str:
        try:
            return str(s3.get_bucket_policy(Bucket="acme-webshop-artifacts")["Policy"])
        except s3.exceptions.ClientError:
            return ""

    s3.delete_bucket_policy(Bucket="acme-webshop-artifacts")
    assert "DenyInsecureConnections" in eventually(policy)
    s3.close()
    eventually(lambda: "email    [pipeseal]" in out.read_text())


def test_serve_remediates_changes_from_outside_until_it_is_stopped(tmp_path: Path) -> None:
    """A bucket policy deleted over HTTP is restored and shown; SIGTERM closes the account with exit status 0."""
    out = tmp_path / "out"
    with serving(out) as process:
        delete_policy_and_wait(endpoint(out), out)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    shown = out.read_text()
    assert "s3:DeleteBucketPolicy  acme-webshop-artifacts  by eve" in shown
    assert "Closed: 1 event handled." in shown


def test_sigint_closes_the_account(tmp_path: Path) -> None:
    """Ctrl-C ends --serve with exit status 0 and the number of handled events."""
    out = tmp_path / "out"
    with serving(out) as process:
        endpoint(out)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert "Closed: 0 events handled." in out.read_text()


def test_sigterm_closes_an_account_that_ignores_sigint(tmp_path: Path) -> None:
    """A background job of a script inherits an ignored SIGINT: SIGINT has no effect, SIGTERM closes the account."""
    out = tmp_path / "out"
    with serving(out, "trap '' INT TERM;") as process:
        url = endpoint(out)
        process.send_signal(signal.SIGINT)
        delete_policy_and_wait(url, out)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert "Closed: 1 event handled." in out.read_text()


def test_serve_closes_the_account_after_the_given_time() -> None:
    """--for ends --serve with exit status 0."""
    result = run("demo", "--serve", "--for", "0")
    assert result.exit_code == 0
    assert "Closed: 0 events handled." in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--serve", "--format", "json"), "--format json is for the scenes"),
        (("--serve", "--report", "page.html"), "--report is about the scenes"),
        (("--for", "3"), "--for needs --serve"),
        (("--port", "70000"), "70000"),
    ],
)
def test_contradictory_options_are_rejected(arguments: tuple[str, ...], message: str) -> None:
    """They end with exit status 2 before the account opens."""
    result = run("demo", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without moto the demo ends with one line and exit status 2."""
    for module in ("account", "server"):
        monkeypatch.delitem(sys.modules, f"pipeseal.sandbox.{module}", raising=False)
    monkeypatch.setitem(sys.modules, "moto.core.base_backend", None)
    result = run("demo")
    assert result.exit_code == 2
    assert "needs moto, which is not installed" in result.stderr
    assert "make setup" in result.stderr


def test_outside_a_clone_the_demo_names_where_to_run_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a template it ends with one line and exit status 2."""
    monkeypatch.setattr("pipeseal.sandbox.template.__file__", str(tmp_path / "template.py"))
    monkeypatch.chdir(tmp_path)
    result = run("demo")
    assert result.exit_code == 2
    assert "run this in a clone" in result.stderr


def test_a_port_in_use_is_named_with_the_option_for_another() -> None:
    """The demo ends with one line and exit status 2."""
    with EmbeddedAccount() as account:
        result = run("demo", "--port", account.url.rpartition(":")[2])
    assert result.exit_code == 2
    assert "cannot listen on port" in result.stderr
    assert "--port" in result.stderr


def test_the_commands_are_the_modules_of_the_package() -> None:
    """The help lists them; an unknown command ends with exit status 2."""
    assert "demo " in run("--help").stdout
    assert run("nonsense").exit_code == 2


def test_every_action_has_words() -> None:
    """The screen can show every outcome."""
    assert set(DONE) == set(Action)


def test_an_identifier_is_not_broken_across_lines() -> None:
    """A line with a long ARN loses its indentation instead, at 80 columns."""
    arn = "arn:aws:kms:us-east-1:123456789012:key/57674a91-4b30-4c81-8279-16760fc99129"
    finding = {"severity": "high", "control": "KMS.SYMMETRIC", "reasons": [f"The key is {arn}, a"], "refusal": ""}
    alert = ReceivedAlert("subject", {"id": "e", "findings": [finding], "done": [f"replaced by {arn}"]}, {}, "")
    outcome: Any = {"action": "remediated", "resource": arn, "ledger_id": "e"}
    event = {"detail": {"userIdentity": {}, "eventName": "CreateKey"}}
    with EmbeddedAccount() as account:
        console = Console(file=StringIO(), width=80, record=True)
        DemoScreen(console, account).show_delivery(EventDelivery("f", event, (outcome,), "", 0.1), {"e": alert})
        lines = console.export_text().splitlines()
    assert sum(arn in line for line in lines) == 2
    assert max(map(len, lines)) <= 80


OURS = {"Sid": "Ours", "Effect": "Deny"}
THEIRS = {"Sid": "Theirs", "Effect": "Allow"}


@pytest.mark.parametrize("before", [{"Statement": [THEIRS]}, {"Statement": THEIRS}])
def test_a_diff_marks_only_the_added_statement(before: dict[str, Any]) -> None:
    """No line is marked as removed, whether Statement was a list or an object."""
    lines = list(difference(before, {"Statement": [THEIRS, OURS]}, 30))
    assert [line.strip() for mark, line in lines if mark == "+"] == ["{", '"Sid": "Ours",', '"Effect": "Deny"', "}"]
    assert "-" not in {mark for mark, _ in lines}


def test_a_diff_marks_a_new_policy_as_added_and_a_missing_statement_as_removed() -> None:
    """Without a policy before, every line is added."""
    assert {mark for mark, _ in difference(None, {"Statement": [OURS]}, 80)} == {"+"}
    lines = list(difference({"Statement": [THEIRS, OURS]}, {"Statement": [OURS]}, 30))
    removed = {line.strip() for mark, line in lines if mark == "-"}
    assert {'"Sid": "Theirs",', '"Effect": "Allow"'} <= removed
    assert not {'"Sid": "Ours",', '"Effect": "Deny"'} & removed
