"""CODEBUILD.ARTIFACT_ENCRYPTION by cases."""

from __future__ import annotations

from typing import Any

import pytest
from tests.resources import ACCOUNT, REGION, project

from pipeseal.controls.codebuild_artifact_encryption import CONTROL
from pipeseal.model import Action, Kind, Reason, Ref, Refused
from pipeseal.settings import Settings

CLEAR = {"type": "S3", "location": "harbor", "packaging": "ZIP", "encryptionDisabled": True}
LOGS = {"status": "ENABLED", "location": "harbor-logs/builds", "encryptionDisabled": True}
EVERYTHING: dict[str, Any] = {
    "artifacts": CLEAR,
    "secondaryArtifacts": [{**CLEAR, "artifactIdentifier": "docs", "location": "quay"}, {"type": "NO_ARTIFACTS"}],
    "logsConfig": {"cloudWatchLogs": {"status": "ENABLED"}, "s3Logs": LOGS},
    "cache": {"type": "S3", "location": "harbor-cache/one"},
}


def test_encryption_is_switched_on_wherever_it_is_off() -> None:
    """Artifacts, secondary artifacts and logs; nothing else changes."""
    sick = project(**EVERYTHING)
    reasons = CONTROL.reasons(sick, Settings())
    assert [reason.path for reason in reasons if isinstance(reason, Reason)] == [
        "artifacts.encryptionDisabled",
        "secondaryArtifacts[0].encryptionDisabled",
        "logsConfig.s3Logs.encryptionDisabled",
    ]
    fixed = CONTROL.fix(sick, Settings())
    assert fixed.document == {
        **sick.document,
        "artifacts": CLEAR | {"encryptionDisabled": False},
        "secondaryArtifacts": [
            EVERYTHING["secondaryArtifacts"][0] | {"encryptionDisabled": False},
            {"type": "NO_ARTIFACTS"},
        ],
        "logsConfig": {"cloudWatchLogs": {"status": "ENABLED"}, "s3Logs": LOGS | {"encryptionDisabled": False}},
    }
    action, steps = sick.changed(fixed)
    assert action is Action.REMEDIATED
    assert steps == (
        "artifacts: encryption switched on",
        "secondary artifacts docs: encryption switched on",
        "logs in S3: encryption switched on",
    )
    assert fixed.with_state(sick.state()) == sick
    assert not fixed.same_as(sick)


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"artifacts": {"type": "S3", "location": "harbor"}},
        {"artifacts": {"type": "NO_ARTIFACTS"}},
        {"artifacts": {"type": "CODEPIPELINE", "encryptionDisabled": False}},
        {"logsConfig": {"s3Logs": {"status": "DISABLED", "encryptionDisabled": True}}},
        {"logsConfig": {"cloudWatchLogs": {"status": "ENABLED"}}},
        {"artifacts": None, "secondaryArtifacts": None, "logsConfig": None, "cache": None},
    ],
)
def test_what_is_encrypted_or_not_there_is_let_be(parts: dict[str, Any]) -> None:
    """CodePipeline looks after what it takes over, and logs that nobody writes need no key."""
    well = project(**parts)
    assert CONTROL.reasons(well, Settings()) == ()
    assert CONTROL.fix(well, Settings()) is well


def test_what_would_be_lost_is_not_written() -> None:
    """A project with fields that boto3 does not know is left to a person, who hears why."""
    with pytest.raises(Refused, match="fields of tomorrow"):
        CONTROL.fix(project(None, "fields of tomorrow", artifacts=CLEAR), Settings())
    well = project(None, "fields of tomorrow")
    assert CONTROL.fix(well, Settings()) is well


def test_a_part_that_is_gone_stays_away_in_an_undo() -> None:
    """What was recorded of secondary artifacts that nobody makes any more is put back nowhere."""
    found = project(artifacts=CLEAR, secondaryArtifacts=[]).with_state(project(**EVERYTHING).state())
    assert found == project(artifacts=CLEAR, secondaryArtifacts=[])


def test_a_project_leads_to_every_bucket_that_it_writes_to() -> None:
    """Artifacts, secondary artifacts, logs and cache, by name or ARN, with or without a prefix; each once."""
    parts = EVERYTHING | {"logsConfig": {"s3Logs": LOGS | {"location": "arn:aws:s3:::harbor/logs"}}}
    assert list(project(**parts).uses()) == [
        (Ref(Kind.BUCKET, ACCOUNT, REGION, name), "") for name in ("harbor", "quay", "harbor-cache")
    ]
    none: dict[str, Any] = {"artifacts": {"type": "CODEPIPELINE", "location": "theirs"}, "cache": {"type": "LOCAL"}}
    assert list(project(**none).uses()) == []
