"""CODEPIPELINE.FREE_TEXT by cases."""

from __future__ import annotations

from typing import Any

import pytest
from tests.resources import PIPELINE, action, application, document, pipeline

from pipeseal.controls import controls_of
from pipeseal.controls.codepipeline_free_text import CONTROL
from pipeseal.controls.codepipeline_secrets import CONTROL as SECRETS
from pipeseal.model import Kind, Reason
from pipeseal.model.pipeline import Pipeline
from pipeseal.settings import Settings

MAIL = "ada.lovelace@example.com"
TOKEN = "ghp_" + "m" * 36
BUCKET = "arn:aws:s3:::harbor"


def tagged(**tags: str) -> Pipeline:
    """Make a pipeline with *tags*."""
    return pipeline(tags={PIPELINE: tags})


def approving(**configuration: str) -> Pipeline:
    """Make a pipeline whose second stage waits for a person."""
    made = document()
    made["stages"][1]["actions"] = [{**action("Approve", **configuration), "actionTypeId": {"category": "Approval"}}]
    return pipeline(made)


def reasons(resource: Any) -> list[tuple[str, str]]:
    """Return the place of each finding and what it says."""
    found = CONTROL.reasons(resource, Settings())
    return [(reason.path, reason) for reason in found if isinstance(reason, Reason)]


@pytest.mark.parametrize(
    ("resource", "path", "what"),
    [
        (approving(CustomData=f"Ask {MAIL}: she knows"), "stages[1].actions[0].configuration.CustomData", "mail"),
        (
            approving(ExternalEntityLink="https://ada@wiki.example.com/x"),
            "stages[1].actions[0].configuration.ExternalEntityLink",
            "user information in a URL",
        ),
        (approving(CustomData=f"mailto:{MAIL}"), "stages[1].actions[0].configuration.CustomData", "mail"),
        (pipeline({**document(), "name": MAIL}), "name", "mail"),
        (
            pipeline({**document(), "variables": [{"name": "TO", "description": f"who gets it, {MAIL}"}]}),
            "variables[0].description",
            "mail",
        ),
        (
            pipeline(
                {**document(), "triggers": [{"gitConfiguration": {"push": [{"branches": {"includes": [MAIL]}}]}}]}
            ),
            "triggers[0].gitConfiguration.push[0].branches.includes[0]",
            "mail",
        ),
        (tagged(team="crew", owner=MAIL), "tags[1].value", "mail"),
        (tagged(**{MAIL: "owner"}), "tags[0].key", "mail"),
        (tagged(DbPassword="made-up-but-literal"), "tags[0].value", "a credential"),
        (tagged(link="https://ada:made-up-but-literal@example.com/"), "tags[0].value", "a credential"),
        (tagged(note=TOKEN), "tags[0].value", "a credential (GitHub token)"),
        (pipeline(tags={BUCKET: {"owner": MAIL}}), f"{BUCKET} tags[0].value", "mail"),
        (application(tags={"owner": MAIL}), "tags[0].value", "mail"),
        (application(groups=("production", MAIL)), "deploymentGroups[1]", "mail"),
        (application(descriptions=(f"see {MAIL}",)), "descriptions[0]", "mail"),
    ],
)
def test_what_should_not_be_there_is_told_by_its_place(resource: Any, path: str, what: str) -> None:
    """Field and place, and never the value: a mail address is personal data."""
    ((place, reason),) = reasons(resource)
    assert (place, what in reason) == (path, True)
    assert not any(value in reason for value in (MAIL, TOKEN, "made-up-but-literal", "ada"))
    assert CONTROL.fix(resource, Settings()) is resource


@pytest.mark.parametrize(
    "text",
    [
        "git@github.com:acme/harbor.git",
        "ssh://git@github.com/acme/harbor.git",
        "deploy@build.example.com:/srv/harbor",
        f"arn:aws:sts::123456789012:assumed-role/crew/{MAIL}",
        f"https://example.com/people/{MAIL}",
        "https://example.com/@user:8080/x",
        "codecommit://profile@harbor",
        "https://#{Source.User}@example.com/",
        "https://${USER}@example.com/",
        "pkg@1.2.3",
        "logo@2x.png",
        "image@sha256:" + "0" * 64,
        "crew",
        "@crew",
        "ada at example.com",
    ],
)
def test_what_only_looks_like_it_is_let_be(text: str) -> None:
    """Addresses of repositories, ARNs, paths of URLs, versions and references."""
    assert reasons(tagged(note=text)) == []
    assert reasons(approving(CustomData=text)) == []


def test_a_credential_is_told_of_once() -> None:
    """What CODEPIPELINE.SECRETS tells of in the structure is not told again; a mail address beside it is."""
    leaking = approving(ExternalEntityLink=f"https://ada:made-up-but-literal@example.com/ {MAIL}")
    assert len(SECRETS.reasons(leaking, Settings())) == 1
    ((_, reason),) = reasons(leaking)
    assert "mail address" in reason


def test_tags_that_cannot_be_read_are_said() -> None:
    """They are never taken for fine."""
    (reason,) = CONTROL.reasons(pipeline(tags={PIPELINE: {}, BUCKET: None}), Settings())
    assert reason == f"The tags of {BUCKET} could not be read, so nobody knows what they hold."


def test_tags_of_aws_itself_are_let_be() -> None:
    """Their owner cannot change them."""
    assert reasons(tagged(**{"aws:createdBy": f"AssumedRole:AROA:{MAIL}"})) == []


def test_other_fields_are_not_free_text() -> None:
    """What a build is configured with is no name; secrets in it are CODEPIPELINE.SECRETS's."""
    assert reasons(pipeline(document(EnvironmentVariables=f'[{{"name": "TO", "value": "{MAIL}"}}]'))) == []


def test_it_judges_applications_too() -> None:
    """The seed documents of CodePipeline and CodeDeploy ask for the same."""
    assert CONTROL in controls_of(Kind.APPLICATION)
