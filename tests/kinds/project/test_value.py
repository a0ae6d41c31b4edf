"""A project as a value: its output locations, and the texts that may contain secrets."""

from __future__ import annotations

from tests.resources import project

LOGS = {"s3Logs": {"status": "ENABLED", "location": "arn:aws:s3:::quay/logs", "encryptionDisabled": True}}
SECONDARY = [
    {"type": "S3", "location": "harbor", "artifactIdentifier": "docs", "encryptionDisabled": True},
    {"type": "S3", "location": "harbor"},
    {"type": "CODEPIPELINE", "artifactIdentifier": "ignored", "encryptionDisabled": True},
]


def test_output_locations_are_those_in_s3() -> None:
    """Artifacts, secondary artifacts and logs in S3 are output locations, with their bucket; others are not."""
    found = project(secondaryArtifacts=SECONDARY, logsConfig=LOGS)
    assert [(each.name, each.bucket, each.path) for each in found.output_locations] == [
        ("artifacts", "harbor", "artifacts.encryptionDisabled"),
        ("secondary:docs", "harbor", "secondaryArtifacts[0].encryptionDisabled"),
        ("secondary:1", "harbor", "secondaryArtifacts[1].encryptionDisabled"),
        ("logs", "quay", "logsConfig.s3Logs.encryptionDisabled"),
    ]
    assert found.state() == {"artifacts": False, "secondary:docs": True, "secondary:1": False, "logs": True}


def test_a_state_changes_only_its_locations() -> None:
    """Locations in the state that the project does not have are ignored, and without a change it is returned itself."""
    found = project(secondaryArtifacts=SECONDARY, logsConfig=LOGS)
    after = found.with_state({"secondary:docs": False, "secondary:deleted": True})
    assert after.state() == {**found.state(), "secondary:docs": False}
    assert after.document["secondaryArtifacts"][1:] == SECONDARY[1:]
    assert found.with_state({"secondary:deleted": True}) is found


def test_the_texts_of_every_source_are_found() -> None:
    """The fields of the primary and the secondary sources that have content are yielded with their paths."""
    found = project(
        source={"type": "GITHUB", "location": "https://github.com/acme/harbor", "auth": {"resource": "token"}},
        secondarySources=[
            {"type": "S3", "buildspec": "version: 0.2", "buildStatusConfig": {"targetUrl": "https://ci"}}
        ],
    )
    assert list(found.inline_texts()) == [
        ("source.location", "source, location", "https://github.com/acme/harbor"),
        ("source.auth.resource", "source, auth.resource", "token"),
        ("secondarySources[0].buildspec", "secondary source [0], buildspec", "version: 0.2"),
        (
            "secondarySources[0].buildStatusConfig.targetUrl",
            "secondary source [0], buildStatusConfig.targetUrl",
            "https://ci",
        ),
    ]
