"""The embedded account's CodeBuild answers as the real one does where moto's has nothing to say."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.account import ACCOUNT, Account

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
def codebuild(account: Account) -> Any:
    """Give a project."""
    extension.extend_moto()  # twice does no harm
    made: Any = boto3.client("codebuild")
    made.create_project(**PROJECT)
    return made


def live(codebuild: Any) -> dict[str, Any]:
    """Return the project as it is now."""
    (found,) = codebuild.batch_get_projects(names=["harbor"])["projects"]
    return dict(found)


def test_what_is_given_replaces_whole_and_the_rest_stays(codebuild: Any) -> None:
    """UpdateProject, as CodeBuild has it."""
    before = live(codebuild)
    assert {name: before[name] for name in PROJECT} == PROJECT
    answer = codebuild.update_project(name="harbor", artifacts={"type": "S3", "location": "quay"}, badgeEnabled=True)
    after = live(codebuild)
    assert answer["project"]["artifacts"] == after["artifacts"] == {"type": "S3", "location": "quay"}
    assert after["badge"]["badgeEnabled"] is True
    kept = set(PROJECT) - {"artifacts"}
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"name": "gone"}, "ResourceNotFoundException"),
        ({"artifacts": {"type": "NO_ARTIFACTS", "encryptionDisabled": True}}, "InvalidInputException"),
        ({"secondaryArtifacts": [{"type": "CODEPIPELINE", "encryptionDisabled": True}]}, "InvalidInputException"),
    ],
)
def test_it_refuses_what_the_service_refuses(codebuild: Any, asked: dict[str, Any], code: str) -> None:
    """A project that is not there, and encryption switched off where CodeBuild does not put the files itself."""
    with pytest.raises(ClientError) as refusal:
        codebuild.update_project(**{"name": "harbor", **asked})
    assert refusal.value.response["Error"]["Code"] == code
