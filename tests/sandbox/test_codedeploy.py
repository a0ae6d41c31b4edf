"""The additions to moto's CodeDeploy behave as CodeDeploy does."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.fake_account import ACCOUNT, FakeAccount
from tests.resources import revision

from pipeseal.sandbox import codedeploy as extension

IN_S3 = revision(bucket="harbor", key="app.zip", bundleType="zip")
GROUP = {"applicationName": "harbor", "deploymentGroupName": "production"}


@pytest.fixture
def codedeploy(account: FakeAccount) -> Any:
    """Return a client of an account with the application harbor and a deployment group."""
    extension.extend_moto()  # a second call has no effect
    client: Any = boto3.client("codedeploy")
    client.create_application(applicationName="harbor")
    client.create_deployment_group(**GROUP, serviceRoleArn=f"arn:aws:iam::{ACCOUNT}:role/codedeploy")
    return client


def test_a_revision_is_registered_once_and_listed_by_time(codedeploy: Any) -> None:
    """Registering or deploying it again adds no second revision; one that was not deployed has no lastUsedTime."""
    other = revision(bucket="quay", key="app.zip", bundleType="zip")
    for each in (IN_S3, other, IN_S3):
        codedeploy.register_application_revision(applicationName="harbor", revision=each)
    codedeploy.create_deployment(**GROUP, revision=IN_S3)
    list_revisions = codedeploy.list_application_revisions
    assert list_revisions(applicationName="harbor", sortOrder="descending")["revisions"] == [other, IN_S3]
    assert list_revisions(applicationName="harbor", sortBy="lastUsedTime")["revisions"] == [IN_S3]
    assert list_revisions(applicationName="harbor", s3Bucket="quay")["revisions"] == [other]


def test_content_is_listed_by_its_sha256_and_returned_on_request(codedeploy: Any) -> None:
    """ListApplicationRevisions returns the SHA-256, BatchGetApplicationRevisions the content."""
    codedeploy.register_application_revision(
        applicationName="harbor", revision=revision("version: 0.0"), description="first"
    )
    (listed,) = codedeploy.list_application_revisions(applicationName="harbor")["revisions"]
    assert set(listed["string"]) == {"sha256"}
    unknown = {"revisionType": "String", "string": {"sha256": "0" * 64}}
    found = codedeploy.batch_get_application_revisions(applicationName="harbor", revisions=[listed, unknown])
    (info,) = found["revisions"]
    assert info["revisionLocation"]["string"]["content"] == "version: 0.0"
    assert info["genericRevisionInfo"]["description"] == "first"


def test_a_deployment_group_has_its_revision_and_last_deployment(codedeploy: Any) -> None:
    """GetDeploymentGroup and BatchGetDeploymentGroups return both; unknown groups are omitted."""
    deployment = codedeploy.create_deployment(**GROUP, revision=IN_S3)["deploymentId"]
    one = codedeploy.get_deployment_group(**GROUP)["deploymentGroupInfo"]
    (several,) = codedeploy.batch_get_deployment_groups(
        applicationName="harbor", deploymentGroupNames=["production", "gone"]
    )["deploymentGroupsInfo"]
    for group in (one, several):
        assert group["targetRevision"] == IN_S3
        assert group["lastAttemptedDeployment"]["deploymentId"] == deployment


@pytest.mark.parametrize(
    ("call", "parameters", "code"),
    [
        ("register_application_revision", {"revision": {"revisionType": "S3"}}, "InvalidRevisionException"),
        ("register_application_revision", {"revision": {}}, "RevisionRequiredException"),
        ("list_application_revisions", {"sortBy": "name"}, "InvalidSortByException"),
        ("batch_get_application_revisions", {"revisions": [IN_S3] * 26}, "BatchLimitExceededException"),
        ("list_application_revisions", {"applicationName": "gone"}, "ApplicationDoesNotExistException"),
        ("batch_get_deployment_groups", {"applicationName": "gone", "deploymentGroupNames": []},
         "ApplicationDoesNotExistException"),
    ],
)  # fmt: skip
def test_invalid_requests_raise_the_error_codes_of_codedeploy(
    codedeploy: Any, call: str, parameters: dict[str, Any], code: str
) -> None:
    """Each invalid request raises the error code that CodeDeploy documents for it."""
    with pytest.raises(ClientError) as error:
        getattr(codedeploy, call)(**{"applicationName": "harbor", **parameters})
    assert error.value.response["Error"]["Code"] == code
