"""The embedded account's CodeDeploy answers as the real one does where moto's has nothing to say."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.account import ACCOUNT, Account
from tests.resources import revision

from pipeseal.sandbox import codedeploy as extension

IN_S3 = revision(bucket="harbor", key="app.zip", bundleType="zip")
GROUP = {"applicationName": "harbor", "deploymentGroupName": "production"}


@pytest.fixture
def codedeploy(account: Account) -> Any:
    """Give an application with a group."""
    extension.extend_moto()  # twice does no harm
    made: Any = boto3.client("codedeploy")
    made.create_application(applicationName="harbor")
    made.create_deployment_group(**GROUP, serviceRoleArn=f"arn:aws:iam::{ACCOUNT}:role/codedeploy")
    return made


def test_a_revision_is_registered_once_and_listed_by_time(codedeploy: Any) -> None:
    """Registering it again, or deploying it, makes no second one; what was never deployed has no time of use."""
    other = revision(bucket="quay", key="app.zip", bundleType="zip")
    for each in (IN_S3, other, IN_S3):
        codedeploy.register_application_revision(applicationName="harbor", revision=each)
    codedeploy.create_deployment(**GROUP, revision=IN_S3)
    ask = codedeploy.list_application_revisions
    assert ask(applicationName="harbor", sortOrder="descending")["revisions"] == [other, IN_S3]
    assert ask(applicationName="harbor", sortBy="lastUsedTime")["revisions"] == [IN_S3]
    assert ask(applicationName="harbor", s3Bucket="quay")["revisions"] == [other]


def test_a_text_is_listed_by_its_fingerprint_and_told_on_request(codedeploy: Any) -> None:
    """ListApplicationRevisions gives the SHA-256, BatchGetApplicationRevisions the text to it."""
    codedeploy.register_application_revision(
        applicationName="harbor", revision=revision("version: 0.0"), description="first"
    )
    (listed,) = codedeploy.list_application_revisions(applicationName="harbor")["revisions"]
    assert set(listed["string"]) == {"sha256"}
    unknown = {"revisionType": "String", "string": {"sha256": "0" * 64}}
    told = codedeploy.batch_get_application_revisions(applicationName="harbor", revisions=[listed, unknown])
    (info,) = told["revisions"]
    assert info["revisionLocation"]["string"]["content"] == "version: 0.0"
    assert info["genericRevisionInfo"]["description"] == "first"


def test_a_group_knows_what_it_deploys(codedeploy: Any) -> None:
    """Both calls that tell of groups name the revision and the last deployment; one that is not there is left out."""
    made = codedeploy.create_deployment(**GROUP, revision=IN_S3)["deploymentId"]
    one = codedeploy.get_deployment_group(**GROUP)["deploymentGroupInfo"]
    (several,) = codedeploy.batch_get_deployment_groups(
        applicationName="harbor", deploymentGroupNames=["production", "gone"]
    )["deploymentGroupsInfo"]
    for group in (one, several):
        assert group["targetRevision"] == IN_S3
        assert group["lastAttemptedDeployment"]["deploymentId"] == made


@pytest.mark.parametrize(
    ("call", "asked", "code"),
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
def test_it_refuses_what_the_service_refuses(codedeploy: Any, call: str, asked: dict[str, Any], code: str) -> None:
    """With the service's own error codes."""
    with pytest.raises(ClientError) as refusal:
        getattr(codedeploy, call)(**{"applicationName": "harbor", **asked})
    assert refusal.value.response["Error"]["Code"] == code
