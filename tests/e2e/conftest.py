"""Fixtures: one account for the whole run, and the stack that SAM deploys to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from tests.e2e import stack as sam
from tests.e2e.cloud import Cloud
from tests.e2e.developer import Developer

if TYPE_CHECKING:
    from tests.e2e.stack import DeployedStack


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Return an empty account; all its processes end with the run."""
    with Cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def artifact_key(cloud: Cloud) -> str:
    """Return the operator's key for artifacts."""
    return cloud.artifact_key()


@pytest.fixture(scope="session")
def boundary(cloud: Cloud) -> str:
    """Return a permissions boundary as an organization may require it: everything but changes to IAM."""
    statements = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "NotAction": "iam:PassRole", "Resource": "arn:aws:iam::*"},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    made = cloud.client("iam").create_policy(PolicyName="boundary", PolicyDocument=document)
    return str(made["Policy"]["Arn"])


@pytest.fixture(scope="session")
def stack(cloud: Cloud, artifact_key: str, boundary: str) -> DeployedStack:
    """Return the stack, built and deployed by the SAM CLI."""
    return sam.deploy(
        cloud, sam.build(cloud), ArtifactKeyArn=artifact_key, PermissionsBoundary=boundary, GraceMinutes="0"
    )


@pytest.fixture(scope="session")
def shared_developer(cloud: Cloud, stack: DeployedStack) -> Developer:
    """Return the developer of the whole run."""
    return Developer(cloud, stack, cloud.create_user("ada"), cloud.pipeline_role())


@pytest.fixture
def developer(shared_developer: Developer) -> Developer:
    """Return the developer, with no events, alerts and dead letters of the test before."""
    shared_developer.cloud.deliver()
    shared_developer.stack.alerts()
    shared_developer.stack.dead_letters()
    return shared_developer
