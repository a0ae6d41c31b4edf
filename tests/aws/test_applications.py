"""The CodeDeploy adapter on moto: what an application deploys, by whichever way it came."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from tests.account import ACCOUNT, REGION, Account
from tests.resources import revision

from pipeseal.aws import applications
from pipeseal.aws.clients import client
from pipeseal.model import Kind, Ref
from pipeseal.model.application import Application, contents
from pipeseal.settings import Settings

REF = Ref(Kind.APPLICATION, ACCOUNT, REGION, "harbor")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/codedeploy"
IN_S3 = revision(bucket="harbor", key="app.zip", bundleType="zip")


@pytest.fixture(autouse=True)
def codedeploy(account: Account) -> Any:
    """Give an application with a tag and one group."""
    made = boto3.client("codedeploy")
    tags: Any = [{"Key": "owner", "Value": "crew"}]
    made.create_application(applicationName="harbor", computePlatform="Lambda", tags=tags)
    made.create_deployment_group(applicationName="harbor", deploymentGroupName="production", serviceRoleArn=ROLE)
    return made


def read() -> Application:
    """Read the application by the adapter."""
    found = applications.read(client, REF, None, Settings())
    assert found
    return found


def texts(found: Application) -> list[str]:
    """Return the texts that stand in its revisions."""
    return [text for each in found.revisions for _, _, text in contents(each)]


def test_an_application_says_what_it_is() -> None:
    """Its groups and tags, and of revisions as yet none."""
    found = read()
    assert (found.groups, found.tags, found.revisions) == (("production",), {"owner": "crew"}, ())
    assert list(found.uses()) == []


def test_an_application_that_is_gone_is_none(codedeploy: Any) -> None:
    """Deleted meanwhile, or named by an event of long ago."""
    gone = Ref(Kind.APPLICATION, ACCOUNT, REGION, "gone")
    assert applications.read(client, gone, None, Settings()) is None
    assert codedeploy.list_applications()["applications"] == ["harbor"]


def test_a_registered_revision_leads_to_its_bucket(codedeploy: Any) -> None:
    """Each bucket once, in the application's Region; the newest revision first."""
    for bucket in ("quay", "harbor", "quay"):
        codedeploy.register_application_revision(
            applicationName="harbor", revision=revision(bucket=bucket, key=f"{bucket}.zip", bundleType="zip")
        )
    places = [Ref(Kind.BUCKET, ACCOUNT, REGION, name) for name in ("harbor", "quay")]
    assert [ref for ref, _ in read().uses()] == places


def test_a_deployment_is_known_without_its_event(codedeploy: Any) -> None:
    """The group names its last deployment, and that one its revision and what somebody wrote of it."""
    codedeploy.create_deployment(
        applicationName="harbor", deploymentGroupName="production", revision=IN_S3, description="release 7"
    )
    found = read()
    assert found.revisions == (IN_S3,)
    assert found.descriptions == ("release 7",)


@pytest.mark.parametrize("name", ["string", "appSpecContent"])
@pytest.mark.parametrize("deployed", [False, True])
def test_the_text_of_a_revision_is_read(codedeploy: Any, name: str, deployed: bool) -> None:  # noqa: FBT001
    """The register may name a text by its SHA-256 alone, and then CodeDeploy is asked for it; each counts once."""
    given = revision("version: 0.0", name)
    if deployed:
        codedeploy.create_deployment(applicationName="harbor", deploymentGroupName="production", revision=given)
    else:
        codedeploy.register_application_revision(applicationName="harbor", revision=given)
    assert "content" not in codedeploy.list_application_revisions(applicationName="harbor")["revisions"][0][name]
    assert texts(read()) == ["version: 0.0"]


def test_many_texts_are_asked_for_in_slices(codedeploy: Any) -> None:
    """CodeDeploy tells of 25 revisions at once."""
    written = [f"version: 0.0 # {number:02}" for number in range(60)]
    for text in written:
        codedeploy.register_application_revision(applicationName="harbor", revision=revision(text))
    assert sorted(texts(read())) == written


def test_only_what_is_there_is_asked_for(account: Account, codedeploy: Any) -> None:
    """An application of S3 revisions that was never deployed costs five calls."""
    codedeploy.register_application_revision(applicationName="harbor", revision=IN_S3)
    with account.calls() as calls:
        read()
    assert sorted(calls) == [
        "BatchGetDeploymentGroups",
        "GetApplication",
        "ListApplicationRevisions",
        "ListDeploymentGroups",
        "ListTagsForResource",
    ]


def test_an_application_is_only_watched() -> None:
    """Nothing is completed, written or read back."""
    found = read()
    assert applications.complete(client, found, Settings()) is found
    assert applications.reread(client, found, found) is found
    with pytest.raises(NotImplementedError, match="only watched"):
        applications.write(client, found, found)
