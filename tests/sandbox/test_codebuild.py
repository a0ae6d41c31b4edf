"""The additions to moto's CodeBuild behave as CodeBuild does."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.fake_account import ACCOUNT, FakeAccount

from pipeseal.sandbox import codebuild as extension

IN_S3 = {"type": "S3", "location": "harbor", "encryptionDisabled": True}
PROJECT: dict[str, Any] = {
    "name": "harbor",
    "source": {"type": "GITHUB", "location": "https://github.com/acme/harbor"},
    "artifacts": IN_S3,
    "secondaryArtifacts": [{**IN_S3, "artifactIdentifier": "docs"}],
    "environment": {"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
    "serviceRole": f"arn:aws:iam::{ACCOUNT}:role/build",
}


@pytest.fixture
def codebuild(account: FakeAccount) -> Any:
    """Return a client of an account with the project harbor."""
    extension.extend_moto()  # a second call has no effect
    client: Any = boto3.client("codebuild")
    client.create_project(**PROJECT)
    return client


def current(codebuild: Any) -> dict[str, Any]:
    """Return the project as it is now."""
    (found,) = codebuild.batch_get_projects(names=["harbor"])["projects"]
    return dict(found)


def test_update_project_replaces_the_given_fields_and_keeps_the_others(codebuild: Any) -> None:
    """A field in the request replaces the whole field of the project."""
    before = current(codebuild)
    assert {name: before[name] for name in PROJECT} == PROJECT
    answer = codebuild.update_project(name="harbor", artifacts={"type": "S3", "location": "quay"}, badgeEnabled=True)
    after = current(codebuild)
    assert answer["project"]["artifacts"] == after["artifacts"] == {"type": "S3", "location": "quay"}
    assert after["badge"]["badgeEnabled"] is True
    kept = set(PROJECT) - {"artifacts"}
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": "gone"}, "ResourceNotFoundException"),
        ({"artifacts": {"type": "NO_ARTIFACTS", "encryptionDisabled": True}}, "InvalidInputException"),
        ({"secondaryArtifacts": [{"type": "CODEPIPELINE", "encryptionDisabled": True}]}, "InvalidInputException"),
    ],
)
def test_invalid_updates_raise_the_error_codes_of_codebuild(codebuild: Any, changes: dict[str, Any], code: str) -> None:
    """The project must exist, and encryption can be disabled only for artifacts that CodeBuild uploads to S3."""
    with pytest.raises(ClientError) as error:
        codebuild.update_project(**{"name": "harbor", **changes})
    assert error.value.response["Error"]["Code"] == code
