"""CODEPIPELINE.FREE_TEXT."""

from __future__ import annotations

from typing import Any

import pytest
from tests.resources import PIPELINE, action, application, document, pipeline

from pipeseal.controls import controls_of
from pipeseal.controls.codepipeline_free_text import CONTROL
from pipeseal.controls.codepipeline_secrets import CONTROL as SECRETS
from pipeseal.kinds.pipeline.value import Pipeline
from pipeseal.model import Kind, Reason
from pipeseal.settings import Settings

EMAIL = "ada.lovelace@example.com"
TOKEN = "ghp_" + "m7Kq2ZtR9xWb" * 3
BUCKET = "arn:aws:s3:::harbor"


def tagged(**tags: str) -> Pipeline:
    """Return a pipeline with *tags*."""
    return pipeline(tags={PIPELINE: tags})


def approving(**configuration: str) -> Pipeline:
    """Return a pipeline with an approval action in its second stage."""
    made = document()
    made["stages"][1]["actions"] = [{**action("Approve", **configuration), "actionTypeId": {"category": "Approval"}}]
    return pipeline(made)


def reasons(resource: Any) -> list[tuple[str, str]]:
    """Return the path and the sentence of each reason."""
    found = CONTROL.reasons(resource, Settings())
    return [(reason.path, reason) for reason in found if isinstance(reason, Reason)]


@pytest.mark.parametrize(
    ("resource", "path", "content"),
    [
        (
            approving(CustomData=f"Ask {EMAIL}: she knows"),
            "stages[1].actions[0].configuration.CustomData",
            "email address",
        ),
        (
            approving(ExternalEntityLink="https://ada@wiki.example.com/x"),
            "stages[1].actions[0].configuration.ExternalEntityLink",
            "user information in a URL",
        ),
        (approving(CustomData=f"mailto:{EMAIL}"), "stages[1].actions[0].configuration.CustomData", "email address"),
        (pipeline({**document(), "name": EMAIL}), "name", "email address"),
        (
            pipeline({**document(), "variables": [{"name": "TO", "description": f"who gets it, {EMAIL}"}]}),
            "variables[0].description",
            "email address",
        ),
        (
            pipeline(
                {**document(), "triggers": [{"gitConfiguration": {"push": [{"branches": {"includes": [EMAIL]}}]}}]}
            ),
            "triggers[0].gitConfiguration.push[0].branches.includes[0]",
            "email address",
        ),
        (tagged(team="crew", owner=EMAIL), "tags[1].value", "email address"),
        (tagged(**{EMAIL: "owner"}), "tags[0].key", "email address"),
        (tagged(DbPassword="made-up-but-literal"), "tags[0].value", "a credential"),
        (tagged(link="https://ada:made-up-but-literal@example.com/"), "tags[0].value", "a credential"),
        (tagged(note=TOKEN), "tags[0].value", "a credential (GitHub Personal Access Token)"),
        (pipeline(tags={BUCKET: {"owner": EMAIL}}), f"{BUCKET} tags[0].value", "email address"),
        (application(tags={"owner": EMAIL}), "tags[0].value", "email address"),
        (application(groups=("production", EMAIL)), "deploymentGroups[1]", "email address"),
        (application(descriptions=(f"see {EMAIL}",)), "descriptions[0]", "email address"),
    ],
)
def test_the_field_is_reported_without_its_value(resource: Any, path: str, content: str) -> None:
    """The reason has the path and what the field contains, never the value; nothing is written."""
    ((found, reason),) = reasons(resource)
    assert (found, content in reason) == (path, True)
    assert not any(value in reason for value in (EMAIL, TOKEN, "made-up-but-literal", "ada"))
    assert CONTROL.fix(resource, Settings()) is resource


@pytest.mark.parametrize(
    "text",
    [
        "git@github.com:acme/harbor.git",
        "ssh://git@github.com/acme/harbor.git",
        "deploy@build.example.com:/srv/harbor",
        f"arn:aws:sts::123456789012:assumed-role/crew/{EMAIL}",
        f"https://example.com/people/{EMAIL}",
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
def test_similar_text_is_compliant(text: str) -> None:
    """Repository addresses, ARNs, URL paths, versions and references are not reported."""
    assert reasons(tagged(note=text)) == []
    assert reasons(approving(CustomData=text)) == []


def test_a_credential_is_reported_once() -> None:
    """A credential that CODEPIPELINE.SECRETS reports is not reported again; an email address beside it is."""
    leaking = approving(ExternalEntityLink=f"https://ada:made-up-but-literal@example.com/ {EMAIL}")
    assert len(SECRETS.reasons(leaking, Settings())) == 1
    ((_, reason),) = reasons(leaking)
    assert "email address" in reason


def test_tags_that_cannot_be_read_are_reported() -> None:
    """Unreadable tags are never considered compliant."""
    (reason,) = CONTROL.reasons(pipeline(tags={PIPELINE: {}, BUCKET: None}), Settings())
    assert reason == f"The tags of {BUCKET} could not be read, so their content is unknown."


def test_aws_generated_tags_are_not_checked() -> None:
    """The resource owner cannot change tags with the prefix aws:."""
    assert reasons(tagged(**{"aws:createdBy": f"AssumedRole:AROA:{EMAIL}"})) == []


def test_other_fields_are_not_checked() -> None:
    """Action configuration is not free text; CODEPIPELINE.SECRETS checks it for secrets."""
    assert reasons(pipeline(document(EnvironmentVariables=f'[{{"name": "TO", "value": "{EMAIL}"}}]'))) == []


def test_applications_are_checked_too() -> None:
    """The data protection guidance of CodeDeploy is the same as that of CodePipeline."""
    assert CONTROL in controls_of(Kind.APPLICATION)
