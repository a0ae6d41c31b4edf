"""CODEBUILD.ARTIFACT_ENCRYPTION."""

from __future__ import annotations

from typing import Any

import pytest
from tests.resources import ACCOUNT, REGION, project

from pipeseal.controls.codebuild_artifact_encryption import CONTROL
from pipeseal.model import Action, Kind, Reason, Ref, Refused
from pipeseal.settings import Settings

UNENCRYPTED = {"type": "S3", "location": "harbor", "packaging": "ZIP", "encryptionDisabled": True}
LOGS = {"status": "ENABLED", "location": "harbor-logs/builds", "encryptionDisabled": True}
EVERYTHING: dict[str, Any] = {
    "artifacts": UNENCRYPTED,
    "secondaryArtifacts": [{**UNENCRYPTED, "artifactIdentifier": "docs", "location": "quay"}, {"type": "NO_ARTIFACTS"}],
    "logsConfig": {"cloudWatchLogs": {"status": "ENABLED"}, "s3Logs": LOGS},
    "cache": {"type": "S3", "location": "harbor-cache/one"},
}


def test_encryption_is_enabled_everywhere() -> None:
    """Artifacts, secondary artifacts and logs are remediated; nothing else changes."""
    violating = project(**EVERYTHING)
    reasons = CONTROL.reasons(violating, Settings())
    assert [reason.path for reason in reasons if isinstance(reason, Reason)] == [
        "artifacts.encryptionDisabled",
        "secondaryArtifacts[0].encryptionDisabled",
        "logsConfig.s3Logs.encryptionDisabled",
    ]
    fixed = CONTROL.fix(violating, Settings())
    assert fixed.document == {
        **violating.document,
        "artifacts": UNENCRYPTED | {"encryptionDisabled": False},
        "secondaryArtifacts": [
            EVERYTHING["secondaryArtifacts"][0] | {"encryptionDisabled": False},
            {"type": "NO_ARTIFACTS"},
        ],
        "logsConfig": {"cloudWatchLogs": {"status": "ENABLED"}, "s3Logs": LOGS | {"encryptionDisabled": False}},
    }
    action, steps = violating.describe_change(fixed)
    assert action is Action.REMEDIATED
    assert steps == (
        "artifacts: encryption switched on",
        "secondary artifacts docs: encryption switched on",
        "logs in S3: encryption switched on",
    )
    assert fixed.with_state(violating.state()) == violating
    assert not fixed.same_as(violating)


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
def test_other_projects_are_compliant(parts: dict[str, Any]) -> None:
    """Artifacts that CodePipeline manages and logs that are not enabled are not checked."""
    compliant = project(**parts)
    assert CONTROL.reasons(compliant, Settings()) == ()
    assert CONTROL.fix(compliant, Settings()) is compliant


def test_an_update_that_would_lose_fields_is_refused() -> None:
    """A project with fields that boto3 does not know is not changed, and the refusal states why."""
    with pytest.raises(Refused, match="fields of tomorrow"):
        CONTROL.fix(project(None, "fields of tomorrow", artifacts=UNENCRYPTED), Settings())
    compliant = project(None, "fields of tomorrow")
    assert CONTROL.fix(compliant, Settings()) is compliant


def test_an_undo_does_not_restore_removed_artifacts() -> None:
    """The recorded state of secondary artifacts that no longer exist is ignored."""
    found = project(artifacts=UNENCRYPTED, secondaryArtifacts=[]).with_state(project(**EVERYTHING).state())
    assert found == project(artifacts=UNENCRYPTED, secondaryArtifacts=[])


def test_a_project_depends_on_every_bucket_that_it_writes_to() -> None:
    """Buckets of artifacts, secondary artifacts, logs and cache are listed once, by name or ARN, without the prefix."""
    parts = EVERYTHING | {"logsConfig": {"s3Logs": LOGS | {"location": "arn:aws:s3:::harbor/logs"}}}
    assert list(project(**parts).dependencies()) == [
        (Ref(Kind.BUCKET, ACCOUNT, REGION, name), "") for name in ("harbor", "quay", "harbor-cache")
    ]
    none: dict[str, Any] = {"artifacts": {"type": "CODEPIPELINE", "location": "theirs"}, "cache": {"type": "LOCAL"}}
    assert list(project(**none).dependencies()) == []
