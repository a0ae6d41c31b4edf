"""Fixtures: one account for the whole run, and the stack deployed on it by SAM."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from tests.e2e import stack as sam
from tests.e2e.cloud import Cloud
from tests.e2e.job import Job

if TYPE_CHECKING:
    from tests.e2e.stack import Stack


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Give an empty account; it is gone afterwards, whatever happens."""
    with Cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def artifact_key(cloud: Cloud) -> str:
    """Give the operator's key for artifacts."""
    return cloud.artifact_key()


@pytest.fixture(scope="session")
def boundary(cloud: Cloud) -> str:
    """Give a permissions boundary as an organisation might ask for: all but touching people and roles."""
    statements = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "NotAction": "iam:PassRole", "Resource": "arn:aws:iam::*"},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    made = cloud.client("iam").create_policy(PolicyName="boundary", PolicyDocument=document)
    return str(made["Policy"]["Arn"])


@pytest.fixture(scope="session")
def stack(cloud: Cloud, artifact_key: str, boundary: str) -> Stack:
    """Give the stack, built and deployed by the SAM CLI."""
    return sam.deploy(
        cloud, sam.build(cloud), ArtifactKeyArn=artifact_key, PermissionsBoundary=boundary, GraceMinutes="0"
    )


@pytest.fixture(scope="session")
def worker(cloud: Cloud, stack: Stack) -> Job:
    """Give a user who may do anything, at work."""
    return Job(cloud, stack, cloud.person("ada"), cloud.pipeline_role())


@pytest.fixture
def job(worker: Job) -> Job:
    """Give the same, with nothing left over from the test before."""
    worker.cloud.deliver()
    worker.stack.alerts()
    worker.stack.dead_letters()
    return worker
