"""The additions to moto's CodePipeline behave as CodePipeline does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from pipeseal.sandbox.codepipeline import extend_moto, stored

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient

TRUST = {
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]
}


def structure(role: str) -> dict[str, Any]:
    """Return the structure of a pipeline with a GitHub source action, which has a token, and a build action."""
    source = {"category": "Source", "owner": "ThirdParty", "provider": "GitHub", "version": "1"}
    build = {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"}
    return {
        "name": "shop",
        "roleArn": role,
        "artifactStore": {"type": "S3", "location": "shop-artifacts"},
        "stages": [
            {
                "name": "Source",
                "actions": [
                    {"name": "Fetch", "actionTypeId": source, "configuration": {"Owner": "o", "OAuthToken": "made-up"}}
                ],
            },
            {
                "name": "Build",
                "actions": [{"name": "Compile", "actionTypeId": build, "configuration": {"ProjectName": "p"}}],
            },
        ],
    }


@pytest.fixture
def client() -> Iterator[CodePipelineClient]:
    """Return a client of an account with the pipeline "shop"."""
    extend_moto()
    extend_moto()  # a second call has no effect
    with mock_aws():
        role = boto3.client("iam", "us-east-1").create_role(
            RoleName="pipeline", AssumeRolePolicyDocument=json.dumps(TRUST)
        )
        codepipeline = boto3.client("codepipeline", "us-east-1")
        codepipeline.create_pipeline(pipeline=cast("Any", structure(role["Role"]["Arn"])))
        yield codepipeline


def inbound(client: CodePipelineClient, stage: int = 1) -> dict[str, Any]:
    """Return the state of the inbound transition of the stage with that index."""
    return dict(client.get_pipeline_state(name="shop")["stageStates"][stage].get("inboundTransitionState", {}))


def disable(client: CodePipelineClient, **changes: str) -> None:
    """Disable the inbound transition of Build, with *changes* to the request."""
    request: dict[str, Any] = {
        "pipelineName": "shop",
        "stageName": "Build",
        "transitionType": "Inbound",
        "reason": "no (key) - why?",
    }
    client.disable_stage_transition(**request | changes)


def test_a_transition_is_enabled_unless_it_is_disabled(client: CodePipelineClient) -> None:
    """GetPipelineState returns what DisableStageTransition or EnableStageTransition set last."""
    assert inbound(client) == {"enabled": True}
    assert inbound(client, 0) == {}
    disable(client)
    disabled = inbound(client)
    assert (disabled["enabled"], disabled["disabledReason"]) == (False, "no (key) - why?")
    client.enable_stage_transition(pipelineName="shop", stageName="Build", transitionType="Inbound")
    assert inbound(client)["enabled"] is True
    assert "disabledReason" not in inbound(client)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"reason": "a colon: no"}, "ValidationException"),
        ({"reason": "a comma, no"}, "ValidationException"),
        ({"reason": "x" * 301}, "ValidationException"),
        ({"pipelineName": "a/b"}, "ValidationException"),
        ({"transitionType": "Sideways"}, "ValidationException"),
        ({"pipelineName": "unknown"}, "PipelineNotFoundException"),
        ({"stageName": "Unknown"}, "StageNotFoundException"),
    ],
)
def test_an_invalid_transition_is_rejected(client: CodePipelineClient, changes: dict[str, str], code: str) -> None:
    """A request that violates a constraint, or names no existing pipeline or stage, changes nothing."""
    with pytest.raises(ClientError) as error:
        disable(client, **changes)
    assert error.value.response["Error"]["Code"] == code
    assert inbound(client) == {"enabled": True}


def test_a_reason_of_300_characters_is_accepted(client: CodePipelineClient) -> None:
    """300 characters is the maximum length of DisabledReason."""
    disable(client, reason="x" * 300)
    assert len(inbound(client)["disabledReason"]) == 300


def test_the_state_of_an_unknown_pipeline_is_an_error(client: CodePipelineClient) -> None:
    """GetPipelineState raises PipelineNotFoundException."""
    with pytest.raises(client.exceptions.PipelineNotFoundException):
        client.get_pipeline_state(name="unknown")


def test_a_token_is_stored_and_masked_in_responses(client: CodePipelineClient) -> None:
    """GetPipeline masks OAuthToken and no other field."""
    configuration = client.get_pipeline(name="shop")["pipeline"]["stages"][0]["actions"][0]["configuration"]
    assert configuration == {"Owner": "o", "OAuthToken": "****"}
    assert stored("shop")["stages"][0]["actions"][0]["configuration"]["OAuthToken"] == "made-up"


def test_an_update_with_the_mask_overwrites_the_token(client: CodePipelineClient) -> None:
    """UpdatePipeline with the response of GetPipeline stores "****" as the token."""
    answer = client.update_pipeline(pipeline=client.get_pipeline(name="shop")["pipeline"])
    assert answer["pipeline"]["version"] == 2
    assert stored("shop")["stages"][0]["actions"][0]["configuration"]["OAuthToken"] == "****"


def test_a_disabled_transition_is_kept_by_updates_and_deleted_with_the_pipeline(client: CodePipelineClient) -> None:
    """UpdatePipeline keeps it; a pipeline that is created again has enabled transitions."""
    disable(client)
    document = client.get_pipeline(name="shop")["pipeline"]
    client.update_pipeline(pipeline=document)
    assert inbound(client)["enabled"] is False
    client.delete_pipeline(name="shop")
    client.create_pipeline(pipeline=document)
    assert inbound(client) == {"enabled": True}
