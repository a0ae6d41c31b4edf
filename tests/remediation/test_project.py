"""CodeBuild projects: encryption is turned on again, their buckets are remediated, and secrets are alerted."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from tests.fake_account import ACCOUNT, REGION, FakeAccount, event, writes
from tests.fake_resources import create_bucket, live_statements
from tests.operations.operator import OPERATOR

from pipeseal.controls.s3_sse_uploads import deny_other_encryption
from pipeseal.controls.s3_tls import deny_insecure
from pipeseal.exemptions import Grounds
from pipeseal.operations.amendment import Declined, carry_out
from pipeseal.operations.undo import plan_undo
from pipeseal.runtime import Runtime

ARN = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/harbor"
SECRET = "Hunter2-made-up-7"
UNENCRYPTED = {"type": "S3", "location": "harbor", "packaging": "ZIP", "encryptionDisabled": True}
LOGS = {"status": "ENABLED", "location": "harbor-logs/builds", "encryptionDisabled": True}
BUILD_ENVIRONMENT = {"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"}
PROJECT: dict[str, Any] = {
    "name": "harbor",
    "source": {"type": "GITHUB", "location": "https://github.com/acme/harbor"},
    "artifacts": UNENCRYPTED,
    "secondaryArtifacts": [{**UNENCRYPTED, "artifactIdentifier": "docs", "location": "quay"}],
    "cache": {"type": "S3", "location": "harbor-cache/one"},
    "environment": BUILD_ENVIRONMENT,
    "serviceRole": f"arn:aws:iam::{ACCOUNT}:role/build",
    "logsConfig": {"cloudWatchLogs": {"status": "ENABLED"}, "s3Logs": LOGS},
}
CREATED = event("CreateProject", {"name": "harbor"}, {"project": {"name": "harbor", "arn": ARN}})
UPDATED = event("UpdateProject", {"name": "harbor"})
PARTS = ("artifacts", "secondaryArtifacts", "logsConfig")


@pytest.fixture
def codebuild(account: FakeAccount) -> Any:
    """Return a client of an account with the buckets that the project writes to."""
    for name in ("harbor", "quay", "harbor-cache", "harbor-logs"):
        create_bucket(name)
    return boto3.client("codebuild")


def live() -> dict[str, Any]:
    """Return the project."""
    found: Any = boto3.client("codebuild").batch_get_projects(names=["harbor"])["projects"][0]
    return dict(found)


def disabled() -> list[bool]:
    """Return whether encryption is disabled for artifacts, secondary artifacts and logs."""
    found = live()
    parts = [found["artifacts"], *found["secondaryArtifacts"], found["logsConfig"]["s3Logs"]]
    return [part["encryptionDisabled"] for part in parts]


def test_encryption_is_turned_on_and_the_buckets_are_remediated(account: FakeAccount, codebuild: Any) -> None:
    """One UpdateProject changes only the violations; every bucket is remediated; a second delivery does nothing."""
    codebuild.create_project(**PROJECT)
    before = live()
    with account.calls() as calls:
        outcomes = account.deliver(CREATED)
    assert calls.count("UpdateProject") == 1
    assert [(outcome["resource"].rsplit(":", 1)[1], outcome["action"]) for outcome in outcomes] == [
        ("project/harbor", "remediated"),
        *((name, "remediated") for name in ("harbor", "quay", "harbor-logs", "harbor-cache")),
    ]
    assert disabled() == [False, False, False]
    after = live()
    kept = [name for name in before if name not in (*PARTS, "lastModified")]
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert after["artifacts"] == UNENCRYPTED | {"encryptionDisabled": False}
    for name in ("harbor", "quay", "harbor-logs", "harbor-cache"):
        arn = f"arn:aws:s3:::{name}"
        assert live_statements(name) == [deny_other_encryption(arn).statement, deny_insecure(arn).statement]
    alert = account.alerts()[0]
    assert (alert["controls"], alert["resource"]["type"]) == (["CODEBUILD.ARTIFACT_ENCRYPTION"], "project")
    entry = next(each for each in account.entries() if each["kind"] == "project")
    assert entry["before"] == {"artifacts": True, "secondary:docs": True, "logs": True}
    assert entry["after"] == {"artifacts": False, "secondary:docs": False, "logs": False}
    with account.calls() as calls:
        again = account.deliver(CREATED)
    assert {outcome["action"] for outcome in again} == {"compliant"}
    assert not writes(calls)


def test_a_password_in_a_variable_is_alerted_once_until_it_returns(account: FakeAccount, codebuild: Any) -> None:
    """The project is not changed, and no outcome, alert or entry contains the password."""
    secret = {**BUILD_ENVIRONMENT, "environmentVariables": [{"name": "DB_PASSWORD", "value": SECRET}]}
    codebuild.create_project(**{**PROJECT, "artifacts": {"type": "NO_ARTIFACTS"}, "secondaryArtifacts": [],
                                "logsConfig": {}, "cache": {"type": "NO_CACHE"}})  # fmt: skip
    seen = []
    everything: list[Any] = []
    for environment in (secret, secret, BUILD_ENVIRONMENT, secret):
        codebuild.update_project(name="harbor", environment=environment)
        (outcome,) = account.deliver(UPDATED)
        seen.append(outcome["action"])
        everything.append(outcome)
    assert seen == ["detected", "known", "compliant", "detected"]
    alerts = account.alerts()
    assert [alert["severity"] for alert in alerts] == ["critical", "critical"]
    assert live()["environment"]["environmentVariables"][0]["value"] == SECRET
    assert SECRET not in json.dumps([everything, alerts, account.entries()])


def test_a_project_with_unknown_fields_is_alerted_and_not_changed(
    account: FakeAccount, codebuild: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update would lose fields that this version of boto3 does not know, so the remediation fails."""
    codebuild.create_project(**PROJECT)
    monkeypatch.setattr(
        "pipeseal.kinds.project.api._locked", lambda *_: "this version of boto3 does not know all fields"
    )
    with account.calls() as calls:
        (outcome, *_) = account.deliver(CREATED)
    assert outcome["action"] == "failed"
    assert "UpdateProject" not in calls
    assert "does not know all fields" in account.alerts()[0]["findings"][0]["refusal"]


def test_detect_mode_changes_no_project(account: FakeAccount, codebuild: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The alert states the proposed change."""
    monkeypatch.setenv("MODE", "detect")
    codebuild.create_project(**PROJECT)
    assert account.deliver(CREATED)[0]["action"] == "detected"
    assert disabled() == [True, True, True]
    assert account.alerts()[0]["proposed"][0] == "artifacts: encryption switched on"


def test_a_remediation_can_be_undone(account: FakeAccount, codebuild: Any, runtime: Runtime) -> None:
    """An undo turns encryption off and adds an exemption; fields that were changed since are kept."""
    codebuild.create_project(**PROJECT)
    (outcome, *_) = account.deliver(CREATED)
    codebuild.update_project(name="harbor", description="since then")
    until = runtime.clock.now().replace(year=runtime.clock.now().year + 1)
    done = carry_out(
        plan_undo(outcome["ledger_id"], Grounds("ada", "public by intent", until), runtime), OPERATOR, runtime
    )
    assert done.steps[0] == "artifacts: encryption switched off"
    assert disabled() == [True, True, True]
    assert live()["description"] == "since then"
    assert account.deliver(UPDATED)[0]["action"] == "exempt"


def test_an_undo_that_would_lose_a_field_is_declined(
    account: FakeAccount, codebuild: Any, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project that has gained fields which boto3 does not know must be changed by hand."""
    codebuild.create_project(**PROJECT)
    (outcome, *_) = account.deliver(CREATED)
    monkeypatch.setattr(
        "pipeseal.kinds.project.api._locked", lambda *_: "this version of boto3 does not know all fields"
    )
    until = runtime.clock.now().replace(year=runtime.clock.now().year + 1)
    with pytest.raises(Declined, match="does not know all fields; change it by hand"):
        plan_undo(outcome["ledger_id"], Grounds("ada", "public by intent", until), runtime)


def test_a_deleted_project_is_not_an_error(account: FakeAccount) -> None:
    """A project that was deleted before the event arrived is absent, and not alerted."""
    assert account.deliver(UPDATED)[0]["action"] == "absent"
    assert not account.alerts()


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        ({"name": "harbor"}, None),
        ({"name": ARN}, None),
        ({"awsActId": ACCOUNT}, {"project": {"name": "harbor", "arn": f"{ARN}:0a1b"}}),
        ({"name": ARN}, {"project": {"name": "harbor"}}),
    ],
)
def test_every_form_of_a_record_names_its_project(account: FakeAccount, request_: object, response: object) -> None:
    """The record has the name, the ARN, or only the response has them."""
    (outcome,) = account.deliver(event("UpdateProject", request_, response))
    assert outcome["resource"] == ARN
