"""The CodeBuild adapter on moto: what is written back, and what must not be."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from tests.account import ACCOUNT, REGION, Account, writes

from pipeseal.aws import projects
from pipeseal.aws.clients import client
from pipeseal.model import Kind, Ref
from pipeseal.model.project import Project
from pipeseal.settings import Settings

REF = Ref(Kind.PROJECT, ACCOUNT, REGION, "harbor")
CLEAR = {"type": "S3", "location": "harbor", "path": "builds", "packaging": "ZIP", "encryptionDisabled": True}
PROJECT: dict[str, Any] = {
    "name": "harbor",
    "source": {"type": "GITHUB", "location": "https://github.com/acme/harbor", "gitCloneDepth": 1},
    "artifacts": CLEAR,
    "secondaryArtifacts": [{**CLEAR, "artifactIdentifier": "docs"}],
    "environment": {"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
    "serviceRole": f"arn:aws:iam::{ACCOUNT}:role/build",
    "logsConfig": {"cloudWatchLogs": {"status": "ENABLED", "groupName": "builds"}},
}


@pytest.fixture(autouse=True)
def codebuild(account: Account) -> Any:
    """Give a project that leaves everything unencrypted."""
    made: Any = boto3.client("codebuild")
    made.create_project(**PROJECT)
    return made


def read() -> Project:
    """Read the project by the adapter."""
    found = projects.read(client, REF, None, Settings())
    assert found
    return found


def test_a_project_is_read_in_one_call(account: Account) -> None:
    """Nothing is completed; one that is gone is none."""
    with account.calls() as calls:
        found = read()
    assert calls == ["BatchGetProjects"]
    assert {name: found.document[name] for name in PROJECT} == PROJECT
    assert (found.locked, projects.complete(client, found, Settings())) == ("", found)
    assert projects.read(client, Ref(Kind.PROJECT, ACCOUNT, REGION, "gone"), None, Settings()) is None


@pytest.mark.parametrize(
    ("state", "parts"),
    [
        ({"artifacts": False}, {"artifacts"}),
        ({"secondary:docs": False}, {"secondaryArtifacts"}),
        ({"artifacts": False, "secondary:docs": False}, {"artifacts", "secondaryArtifacts"}),
        ({}, set()),
    ],
)
def test_only_the_parts_that_differ_are_given(
    account: Account, monkeypatch: pytest.MonkeyPatch, state: dict[str, bool], parts: set[str]
) -> None:
    """UpdateProject leaves what it is not given, and so nothing that somebody changes meanwhile is taken back."""
    given: list[set[str]] = []
    made = client("codebuild", REGION)
    update = made.update_project

    def spied(**asked: Any) -> Any:
        given.append(set(asked))
        return update(**asked)

    monkeypatch.setattr(made, "update_project", spied)
    before = read()
    after = before.with_state(state)
    with account.calls() as calls:
        projects.write(client, before, after)
    assert given == ([{"name", *parts}] if parts else [])
    assert writes(calls) == (["UpdateProject"] if parts else [])
    live = read()
    assert live.state() == {**before.state(), **state}
    untouched = set(PROJECT) - parts
    assert {name: live.document[name] for name in untouched} == {name: PROJECT[name] for name in untouched}


@pytest.mark.parametrize(("place", "locked"), [("artifacts", True), ("logsConfig", True), ("environment", False)])
def test_a_field_that_boto3_does_not_know_locks_what_would_lose_it(place: str, locked: bool) -> None:  # noqa: FBT001
    """Only the parts that are written back matter."""

    def newer(response_dict: dict[str, Any], **_: object) -> None:
        sent = json.loads(response_dict["body"])
        sent["projects"][0][place]["fieldOfTomorrow"] = "x"
        response_dict["body"] = json.dumps(sent).encode()

    events = client("codebuild", REGION).meta.events
    events.register_first("before-parse.codebuild.BatchGetProjects", newer, unique_id="newer")
    try:
        assert ("does not know all fields" in read().locked) is locked
    finally:
        events.unregister("before-parse.codebuild.BatchGetProjects", unique_id="newer")


def test_what_others_wrote_meanwhile_is_read_back(codebuild: Any) -> None:
    """After a write the live project counts."""
    before = read()
    after = before.with_state({"artifacts": False})
    projects.write(client, before, after)
    codebuild.update_project(name="harbor", artifacts={**CLEAR, "path": "elsewhere"})
    assert projects.reread(client, before, after).document["artifacts"]["path"] == "elsewhere"
    codebuild.delete_project(name="harbor")
    assert projects.reread(client, before, after) is after
