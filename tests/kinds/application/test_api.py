"""The CodeDeploy adapter on moto: what it reads of an application's revisions, and with how many calls."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from tests.fake_account import ACCOUNT, REGION, FakeAccount
from tests.resources import revision

from pipeseal.aws.clients import client
from pipeseal.clock import Clock
from pipeseal.kinds.application.api import ADAPTER
from pipeseal.kinds.application.value import Application, inline_texts
from pipeseal.kinds.facts import LedgerFacts
from pipeseal.model import Kind, Ref
from pipeseal.settings import Settings

REF = Ref(Kind.APPLICATION, ACCOUNT, REGION, "harbor")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/codedeploy"
IN_S3 = revision(bucket="harbor", key="app.zip", bundleType="zip")


@pytest.fixture(autouse=True)
def codedeploy(account: FakeAccount) -> Any:
    """Return a client of an account with an application that has a tag and one deployment group."""
    made = boto3.client("codedeploy")
    tags: Any = [{"Key": "owner", "Value": "crew"}]
    made.create_application(applicationName="harbor", computePlatform="Lambda", tags=tags)
    made.create_deployment_group(applicationName="harbor", deploymentGroupName="production", serviceRoleArn=ROLE)
    return made


def read() -> Application:
    """Read the application with the adapter."""
    found = ADAPTER.read(client, REF, LedgerFacts(), Settings())
    assert found
    return found


def texts(found: Application) -> list[str]:
    """Return the texts that CodeDeploy stores of its revisions."""
    return [text for each in found.revisions for _, _, text in inline_texts(each)]


def test_an_application_without_revisions_has_groups_and_tags() -> None:
    """An application that was never deployed has its groups and tags, no revisions and no dependencies."""
    found = read()
    assert (found.groups, found.tags, found.revisions) == (("production",), {"owner": "crew"}, ())
    assert list(found.dependencies()) == []


def test_the_tags_of_a_deployment_group_are_read(codedeploy: Any) -> None:
    """The tags of each group are free-form fields, in the order of the groups."""
    arn = f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:deploymentgroup:harbor/production"
    codedeploy.tag_resource(ResourceArn=arn, Tags=[{"Key": "contact", "Value": "crew"}])
    found = read()
    assert found.group_tags == ({"contact": "crew"},)
    assert [(text.path, text.text) for text in found.texts()][-2:] == [
        ("deploymentGroups[0].tags[0].key", "contact"),
        ("deploymentGroups[0].tags[0].value", "crew"),
    ]


def test_a_deleted_application_is_none(codedeploy: Any) -> None:
    """An application that no longer exists is read as None."""
    deleted = Ref(Kind.APPLICATION, ACCOUNT, REGION, "deleted")
    assert ADAPTER.read(client, deleted, LedgerFacts(), Settings()) is None
    assert codedeploy.list_applications()["applications"] == ["harbor"]


def test_the_buckets_of_registered_revisions_are_dependencies(codedeploy: Any) -> None:
    """Each bucket is a dependency once, in the application's Region, that of the newest revision first."""
    for bucket in ("quay", "harbor", "quay"):
        codedeploy.register_application_revision(
            applicationName="harbor", revision=revision(bucket=bucket, key=f"{bucket}.zip", bundleType="zip")
        )
    buckets = [Ref(Kind.BUCKET, ACCOUNT, REGION, name) for name in ("harbor", "quay")]
    assert [ref for ref, _ in read().dependencies()] == buckets


def test_the_last_deployment_is_read_from_its_group(codedeploy: Any) -> None:
    """The deployment group names its last deployment, which has the revision and the description."""
    codedeploy.create_deployment(
        applicationName="harbor", deploymentGroupName="production", revision=IN_S3, description="release 7"
    )
    found = read()
    assert found.revisions == (IN_S3,)
    assert found.descriptions == ("release 7",)


@pytest.mark.parametrize("name", ["string", "appSpecContent"])
@pytest.mark.parametrize("deployed", [False, True])
def test_the_text_of_a_revision_is_read(codedeploy: Any, name: str, deployed: bool) -> None:  # noqa: FBT001
    """ListApplicationRevisions returns only the SHA-256 of a text; the text is read, and each revision is kept once."""
    given = revision("version: 0.0", name)
    if deployed:
        codedeploy.create_deployment(applicationName="harbor", deploymentGroupName="production", revision=given)
    else:
        codedeploy.register_application_revision(applicationName="harbor", revision=given)
    assert "content" not in codedeploy.list_application_revisions(applicationName="harbor")["revisions"][0][name]
    assert texts(read()) == ["version: 0.0"]


def test_many_texts_are_read_in_slices(codedeploy: Any) -> None:
    """BatchGetApplicationRevisions accepts 25 revisions; the texts of more are read with several calls."""
    written = [f"version: 0.0 # {number:02}" for number in range(60)]
    for text in written:
        codedeploy.register_application_revision(applicationName="harbor", revision=revision(text))
    assert sorted(texts(read())) == written


def test_an_application_that_was_never_deployed_costs_six_calls(account: FakeAccount, codedeploy: Any) -> None:
    """Deployments and texts are not requested where there are none; the tags of its group are."""
    codedeploy.register_application_revision(applicationName="harbor", revision=IN_S3)
    with account.calls() as calls:
        read()
    assert sorted(calls) == [
        "BatchGetDeploymentGroups",
        "GetApplication",
        "ListApplicationRevisions",
        "ListDeploymentGroups",
        "ListTagsForResource",
        "ListTagsForResource",
    ]


def test_an_application_is_never_written() -> None:
    """Loading details and refreshing return the same value, and writing raises."""
    found = read()
    assert ADAPTER.load_details(client, found, Settings(), Clock()) is found
    assert ADAPTER.refresh(client, found, found) is found
    with pytest.raises(NotImplementedError, match="does not write"):
        ADAPTER.write(client, found, found)
