"""The CodeBuild adapter on moto: what it writes back, and what it must not write."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from tests.fake_account import ACCOUNT, REGION, FakeAccount, writes

from pipeseal.aws.clients import client
from pipeseal.clock import Clock
from pipeseal.kinds.facts import LedgerFacts
from pipeseal.kinds.project.api import ADAPTER
from pipeseal.kinds.project.value import Project
from pipeseal.model import Kind, Ref
from pipeseal.settings import Settings

REF = Ref(Kind.PROJECT, ACCOUNT, REGION, "harbor")
UNENCRYPTED = {"type": "S3", "location": "harbor", "path": "builds", "packaging": "ZIP", "encryptionDisabled": True}
PROJECT: dict[str, Any] = {
    "name": "harbor",
    "source": {"type": "GITHUB", "location": "https://github.com/acme/harbor", "gitCloneDepth": 1},
    "artifacts": UNENCRYPTED,
    "secondaryArtifacts": [{**UNENCRYPTED, "artifactIdentifier": "docs"}],
    "environment": {"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
    "serviceRole": f"arn:aws:iam::{ACCOUNT}:role/build",
    "logsConfig": {"cloudWatchLogs": {"status": "ENABLED", "groupName": "builds"}},
}


@pytest.fixture(autouse=True)
def codebuild(account: FakeAccount) -> Any:
    """Return a client of an account with a project that writes everything unencrypted."""
    made: Any = boto3.client("codebuild")
    made.create_project(**PROJECT)
    return made


def read() -> Project:
    """Read the project with the adapter."""
    found = ADAPTER.read(client, REF, LedgerFacts(), Settings())
    assert found
    return found


def test_a_project_is_read_in_one_call(account: FakeAccount) -> None:
    """One call reads everything, details add nothing, and a deleted project is None."""
    with account.calls() as calls:
        found = read()
    assert calls == ["BatchGetProjects"]
    assert {name: found.document[name] for name in PROJECT} == PROJECT
    assert (found.locked, ADAPTER.load_details(client, found, Settings(), Clock())) == ("", found)
    deleted = Ref(Kind.PROJECT, ACCOUNT, REGION, "deleted")
    assert ADAPTER.read(client, deleted, LedgerFacts(), Settings()) is None


@pytest.mark.parametrize(
    ("state", "parts"),
    [
        ({"artifacts": False}, {"artifacts"}),
        ({"secondary:docs": False}, {"secondaryArtifacts"}),
        ({"artifacts": False, "secondary:docs": False}, {"artifacts", "secondaryArtifacts"}),
        ({}, set()),
    ],
)
def test_only_the_parts_that_differ_are_written(
    account: FakeAccount, monkeypatch: pytest.MonkeyPatch, state: dict[str, bool], parts: set[str]
) -> None:
    """UpdateProject keeps the parts that it is not called with, so that concurrent changes of them are not reverted."""
    arguments: list[set[str]] = []
    made = client("codebuild", REGION)
    update = made.update_project

    def recording(**given: Any) -> Any:
        arguments.append(set(given))
        return update(**given)

    monkeypatch.setattr(made, "update_project", recording)
    before = read()
    after = before.with_state(state)
    with account.calls() as calls:
        ADAPTER.write(client, before, after)
    assert arguments == ([{"name", *parts}] if parts else [])
    assert writes(calls) == (["UpdateProject"] if parts else [])
    live = read()
    assert live.state() == {**before.state(), **state}
    untouched = set(PROJECT) - parts
    assert {name: live.document[name] for name in untouched} == {name: PROJECT[name] for name in untouched}


@pytest.mark.parametrize(("place", "locked"), [("artifacts", True), ("logsConfig", True), ("environment", False)])
def test_a_field_that_boto3_does_not_know_locks_the_project(place: str, locked: bool) -> None:  # noqa: FBT001
    """A field that botocore drops prevents a write only in a part that is written back."""

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


def test_refresh_returns_the_live_project(codebuild: Any) -> None:
    """A concurrent change is returned; after a deletion the project is returned unchanged."""
    before = read()
    after = before.with_state({"artifacts": False})
    ADAPTER.write(client, before, after)
    codebuild.update_project(name="harbor", artifacts={**UNENCRYPTED, "path": "elsewhere"})
    assert ADAPTER.refresh(client, before, after).document["artifacts"]["path"] == "elsewhere"
    codebuild.delete_project(name="harbor")
    assert ADAPTER.refresh(client, before, after) is after
