"""No secret leaves pipeseal: the log, alerts, the ledger, dead letters, and what the commands print."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from click.testing import CliRunner
from tests.fake_account import ACCOUNT, REGION, FakeAccount, event
from tests.fake_resources import create_bucket, create_pipeline, pipeline_action
from tests.resources import revision
from tests.secrets.fake_secrets import AWS_SECRET_ACCESS_KEY, PASSWORD, TOKENS

import remediate
from pipeseal.cli import main

# Each value, and the text that contains it.
SECRETS = {
    **{name: (token, token) for name, token in TOKENS.items()},
    "password": (PASSWORD, f"DB_PASSWORD={PASSWORD}"),
    "secret access key": (AWS_SECRET_ACCESS_KEY, f"export AWS_SECRET_ACCESS_KEY={AWS_SECRET_ACCESS_KEY}"),
    "URL": (PASSWORD, f"postgres://app:{PASSWORD}@db/shop"),
    "command": (PASSWORD, f"curl -u ci:{PASSWORD} https://example.com"),
}
SOURCE = {"type": "GITHUB", "location": "https://github.com/acme/harbor"}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/build"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:pipeseal-PipelineFunction-1A2B3C"
EVENTS = (
    event("CreatePipeline", {"pipeline": {"name": "release"}}),
    event("UpdateProject", {"name": "harbor"}),
    event("RegisterApplicationRevision", {"applicationName": "harbor"}),
)


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """Return what the functions log."""
    stream = StringIO()
    monkeypatch.setattr(remediate.logger.registered_handler, "stream", stream)
    return stream


def create_resources() -> None:
    """Create a pipeline, a build project and an application that contain every secret in every field."""
    texts = [text for _, text in SECRETS.values()]
    together = "\n".join(texts)
    create_bucket()
    variables = json.dumps([{"name": f"V{number}", "value": text} for number, text in enumerate(texts)])
    create_pipeline(source=pipeline_action("Checkout", EnvironmentVariables=variables, UserParameters=together))
    codebuild: Any = boto3.client("codebuild")
    codebuild.create_project(
        name="harbor",
        description=together[:250],
        source={**SOURCE, "buildspec": json.dumps({"phases": {"build": {"commands": texts}}})},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "i",
            "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [{"name": f"V{number}", "value": text} for number, text in enumerate(texts)],
        },
        serviceRole=ROLE,
        tags=[{"key": f"t{number}", "value": text} for number, text in enumerate(texts[:40])],
    )
    codedeploy: Any = boto3.client("codedeploy")
    codedeploy.create_application(applicationName="harbor", computePlatform="Server")
    codedeploy.register_application_revision(applicationName="harbor", revision=revision(together))


def printed(*words: str) -> str:
    """Return what a command prints, on both streams."""
    result = CliRunner().invoke(main, words)
    assert result.exit_code in {0, 1}, result.output  # 1: there are violations
    return result.stdout + result.stderr


def shown(account: FakeAccount, logs: StringIO, folder: Path) -> dict[str, str]:
    """Deliver events for the resources, run the commands, and return everything that pipeseal wrote, by place."""
    outcomes = [outcome for happened in EVENTS for outcome in account.deliver(happened)]
    assert {outcome["action"] for outcome in outcomes} >= {"detected"}
    dead_letters = boto3.client("sqs").create_queue(QueueName="pipeseal-dead-letters")["QueueUrl"]
    for name in ("quarantine", "sweep"):
        boto3.client("sqs").create_queue(QueueName=f"pipeseal-{name}")
    for happened in EVENTS:
        context = {"functionArn": f"{FUNCTION}:$LATEST", "condition": "RetriesExhausted"}
        response = {"errorType": "Contested", "errorMessage": "another writer"}
        body = {"requestContext": context, "requestPayload": happened, "responsePayload": response}
        boto3.client("sqs").send_message(QueueUrl=dead_letters, MessageBody=json.dumps(body))
    report = folder / "report.html"
    with patch("pipeseal.aws.queues._WAIT_SECONDS", 0):
        places: dict[str, Any] = {
            "outcomes": json.dumps(outcomes),
            "alerts": json.dumps(account.alerts()),
            "ledger": json.dumps(account.entries(), default=str),
            "scan": printed("scan"),
            "scan as JSON": printed("scan", "--format", "json"),
            "history": printed("history"),
            "history as JSON": printed("history", "--format", "json"),
            "redrive": printed("redrive", "--dry-run"),
            "report": printed("report", "--output", str(report))
            + (report.read_text(encoding="utf-8") if report.exists() else ""),
        }
        ids = [entry["id"] for entry in account.entries() if "id" in entry]
        places["show"] = "".join(printed("show", identifier) for identifier in ids)
    return {**places, "log": logs.getvalue()}


def test_no_secret_is_shown(account: FakeAccount, logs: StringIO, tmp_path: Path) -> None:
    """Every secret is in every kind of resource, each of them is alerted, and no output contains any of the secrets."""
    create_resources()
    places = shown(account, logs, tmp_path)
    assert {place for place, text in places.items() if not text.strip()} == set()
    found = [(place, name) for place, text in places.items() for name, (value, _) in SECRETS.items() if value in text]
    assert found == []
    assert all(control in places["alerts"] for control in ("CODEPIPELINE.SECRETS", "CODEBUILD.SECRETS", "CODEDEPLOY"))
