"""CodeBuild from outside: an event names a project, which is put right, and its buckets after it."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from tests.account import ACCOUNT, ENVIRONMENT, REGION, Account, event, writes

from pipeseal.amendment import Declined
from pipeseal.aws.clients import client
from pipeseal.aws.world import World
from pipeseal.controls.s3_sse_uploads import deny_otherwise_encrypted
from pipeseal.controls.s3_tls import deny_insecure
from pipeseal.exemptions import Grounds
from pipeseal.undo import carry_out, reversal

ARN = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/harbor"
SECRET = "Hunter2-made-up-7"
CLEAR = {"type": "S3", "location": "harbor", "packaging": "ZIP", "encryptionDisabled": True}
LOGS = {"status": "ENABLED", "location": "harbor-logs/builds", "encryptionDisabled": True}
ENVIRONMENT_OF_BUILD = {"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"}
PROJECT: dict[str, Any] = {
    "name": "harbor",
    "source": {"type": "GITHUB", "location": "https://github.com/acme/harbor"},
    "artifacts": CLEAR,
    "secondaryArtifacts": [{**CLEAR, "artifactIdentifier": "docs", "location": "quay"}],
    "cache": {"type": "S3", "location": "harbor-cache/one"},
    "environment": ENVIRONMENT_OF_BUILD,
    "serviceRole": f"arn:aws:iam::{ACCOUNT}:role/build",
    "logsConfig": {"cloudWatchLogs": {"status": "ENABLED"}, "s3Logs": LOGS},
}
CREATED = event("CreateProject", {"name": "harbor"}, {"project": {"name": "harbor", "arn": ARN}})
UPDATED = event("UpdateProject", {"name": "harbor"})
PARTS = ("artifacts", "secondaryArtifacts", "logsConfig")


@pytest.fixture
def codebuild(account: Account) -> Any:
    """Give the buckets that projects write to."""
    for name in ("harbor", "quay", "harbor-cache", "harbor-logs"):
        boto3.client("s3").create_bucket(Bucket=name)
    return boto3.client("codebuild")


def live() -> dict[str, Any]:
    """Return the project as it is now."""
    found: Any = boto3.client("codebuild").batch_get_projects(names=["harbor"])["projects"][0]
    return dict(found)


def disabled() -> list[bool]:
    """Return what is left unencrypted: artifacts, secondary artifacts, logs."""
    found = live()
    parts = [found["artifacts"], *found["secondaryArtifacts"], found["logsConfig"]["s3Logs"]]
    return [part["encryptionDisabled"] for part in parts]


def test_encryption_is_switched_on_again_and_the_buckets_are_sealed(account: Account, codebuild: Any) -> None:
    """One write that gives only what was wrong; every bucket follows; a second delivery does nothing."""
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
    assert after["artifacts"] == CLEAR | {"encryptionDisabled": False}
    for name in ("harbor", "quay", "harbor-logs", "harbor-cache"):
        arn = f"arn:aws:s3:::{name}"
        policy = json.loads(boto3.client("s3").get_bucket_policy(Bucket=name)["Policy"])
        assert policy["Statement"] == [deny_otherwise_encrypted(arn).statement, deny_insecure(arn).statement]
    told = account.alerts()[0]
    assert (told["controls"], told["resource"]["type"]) == (["CODEBUILD.ARTIFACT_ENCRYPTION"], "project")
    entry = next(each for each in account.entries() if each["kind"] == "codebuild")
    assert entry["before"] == {"artifacts": True, "secondary:docs": True, "logs": True}
    assert entry["after"] == {"artifacts": False, "secondary:docs": False, "logs": False}
    with account.calls() as calls:
        again = account.deliver(CREATED)
    assert {outcome["action"] for outcome in again} == {"compliant"}
    assert not writes(calls)


def test_a_password_among_the_variables_is_told_of_once(account: Account, codebuild: Any) -> None:
    """Alert only; the value is nowhere, and it is told again when it comes back."""
    secret = {**ENVIRONMENT_OF_BUILD, "environmentVariables": [{"name": "DB_PASSWORD", "value": SECRET}]}
    codebuild.create_project(**{**PROJECT, "artifacts": {"type": "NO_ARTIFACTS"}, "secondaryArtifacts": [],
                                "logsConfig": {}, "cache": {"type": "NO_CACHE"}})  # fmt: skip
    seen = []
    everything: list[Any] = []
    for environment in (secret, secret, ENVIRONMENT_OF_BUILD, secret):
        codebuild.update_project(name="harbor", environment=environment)
        (outcome,) = account.deliver(UPDATED)
        seen.append(outcome["action"])
        everything.append(outcome)
    assert seen == ["detected", "known", "compliant", "detected"]
    told = account.alerts()
    assert [alert["severity"] for alert in told] == ["critical", "critical"]
    assert live()["environment"]["environmentVariables"][0]["value"] == SECRET
    assert SECRET not in json.dumps([everything, told, account.entries()])


def test_a_project_with_fields_unknown_is_left_and_told_of(
    account: Account, codebuild: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing its artifacts back would lose them, so a person must switch encryption on."""
    codebuild.create_project(**PROJECT)
    monkeypatch.setattr("pipeseal.aws.projects._locked", lambda *_: "this version of boto3 does not know all fields")
    with account.calls() as calls:
        (outcome, *_) = account.deliver(CREATED)
    assert outcome["action"] == "failed"
    assert "UpdateProject" not in calls
    assert "does not know all fields" in account.alerts()[0]["findings"][0]["refusal"]


def test_detect_mode_writes_to_no_project(account: Account, codebuild: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be done is said."""
    monkeypatch.setenv("MODE", "detect")
    codebuild.create_project(**PROJECT)
    assert account.deliver(CREATED)[0]["action"] == "detected"
    assert disabled() == [True, True, True]
    assert account.alerts()[0]["proposed"][0] == "artifacts: encryption switched on"


def test_it_can_be_undone(account: Account, codebuild: Any) -> None:
    """An operator takes it back and answers for it; the other fields stay as they have become."""
    codebuild.create_project(**PROJECT)
    (outcome, *_) = account.deliver(CREATED)
    codebuild.update_project(name="harbor", description="since then")
    world = World({**ENVIRONMENT}, clients=client)
    until = world.clock().replace(year=world.clock().year + 1)
    done = carry_out(reversal(outcome["ledger_id"], Grounds("ada", "public by intent", until), world), world)
    assert done.steps[0] == "artifacts: encryption switched off"
    assert disabled() == [True, True, True]
    assert live()["description"] == "since then"
    assert account.deliver(UPDATED)[0]["action"] == "exempt"


def test_an_undo_loses_no_field_either(account: Account, codebuild: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that has got fields meanwhile that boto3 does not know is put back by hand."""
    codebuild.create_project(**PROJECT)
    (outcome, *_) = account.deliver(CREATED)
    monkeypatch.setattr("pipeseal.aws.projects._locked", lambda *_: "this version of boto3 does not know all fields")
    world = World({**ENVIRONMENT}, clients=client)
    until = world.clock().replace(year=world.clock().year + 1)
    with pytest.raises(Declined, match="does not know all fields; do it by hand"):
        reversal(outcome["ledger_id"], Grounds("ada", "public by intent", until), world)


def test_a_project_that_is_gone_is_no_error(account: Account) -> None:
    """Somebody deleted it meanwhile."""
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
def test_a_record_names_its_project_in_every_shape(account: Account, request_: object, response: object) -> None:
    """By name, by ARN, or in the answer alone, as older records have it."""
    (outcome,) = account.deliver(event("UpdateProject", request_, response))
    assert outcome["resource"] == ARN
