"""What the sandbox adds to moto's CodePipeline behaves as AWS does."""

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
    """Return a pipeline that fetches from GitHub with a token and builds."""
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
    """Return a CodePipeline client on an account with the pipeline "shop"."""
    extend_moto()
    extend_moto()
    with mock_aws():
        role = boto3.client("iam", "us-east-1").create_role(
            RoleName="pipeline", AssumeRolePolicyDocument=json.dumps(TRUST)
        )
        made = boto3.client("codepipeline", "us-east-1")
        made.create_pipeline(pipeline=cast("Any", structure(role["Role"]["Arn"])))
        yield made


def way(client: CodePipelineClient, stage: int = 1) -> dict[str, Any]:
    """Return the state of the transition into the stage with that number."""
    return dict(client.get_pipeline_state(name="shop")["stageStates"][stage].get("inboundTransitionState", {}))


def disable(client: CodePipelineClient, **changes: str) -> None:
    """Disable the transition into Build, with *changes* to the request."""
    request: dict[str, Any] = {
        "pipelineName": "shop",
        "stageName": "Build",
        "transitionType": "Inbound",
        "reason": "no (key) - why?",
    }
    client.disable_stage_transition(**request | changes)


def test_a_transition_is_open_until_it_is_disabled_and_again_once_enabled(client: CodePipelineClient) -> None:
    """GetPipelineState says of the way into a stage what Disable and EnableStageTransition did last."""
    assert way(client) == {"enabled": True}
    assert way(client, 0) == {}
    disable(client)
    closed = way(client)
    assert (closed["enabled"], closed["disabledReason"]) == (False, "no (key) - why?")
    client.enable_stage_transition(pipelineName="shop", stageName="Build", transitionType="Inbound")
    assert way(client)["enabled"] is True
    assert "disabledReason" not in way(client)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"reason": "a colon: no"}, "ValidationException"),
        ({"reason": "a comma, no"}, "ValidationException"),
        ({"reason": "x" * 301}, "ValidationException"),
        ({"pipelineName": "a/b"}, "ValidationException"),
        ({"transitionType": "Sideways"}, "ValidationException"),
        ({"pipelineName": "nobody"}, "PipelineNotFoundException"),
        ({"stageName": "Nowhere"}, "StageNotFoundException"),
    ],
)
def test_what_aws_refuses_is_refused(client: CodePipelineClient, changes: dict[str, str], code: str) -> None:
    """A request outside the service's constraints, or about nothing that is there, changes nothing."""
    with pytest.raises(ClientError) as refusal:
        disable(client, **changes)
    assert refusal.value.response["Error"]["Code"] == code
    assert way(client) == {"enabled": True}


def test_the_longest_reason_is_taken(client: CodePipelineClient) -> None:
    """300 characters are allowed."""
    disable(client, reason="x" * 300)
    assert len(way(client)["disabledReason"]) == 300


def test_the_state_of_no_pipeline_is_an_error(client: CodePipelineClient) -> None:
    """GetPipelineState of an unknown name answers PipelineNotFoundException."""
    with pytest.raises(client.exceptions.PipelineNotFoundException):
        client.get_pipeline_state(name="nobody")


def test_a_token_is_kept_and_never_shown(client: CodePipelineClient) -> None:
    """GetPipeline masks an OAuthToken that is still there, and nothing else."""
    configuration = client.get_pipeline(name="shop")["pipeline"]["stages"][0]["actions"][0]["configuration"]
    assert configuration == {"Owner": "o", "OAuthToken": "****"}
    assert stored("shop")["stages"][0]["actions"][0]["configuration"]["OAuthToken"] == "made-up"


def test_writing_the_mask_back_destroys_the_token(client: CodePipelineClient) -> None:
    """UpdatePipeline with what GetPipeline answered puts "****" in the token's place."""
    answer = client.update_pipeline(pipeline=client.get_pipeline(name="shop")["pipeline"])
    assert answer["pipeline"]["version"] == 2
    assert stored("shop")["stages"][0]["actions"][0]["configuration"]["OAuthToken"] == "****"


def test_an_update_keeps_the_transitions_and_a_new_pipeline_has_its_own(client: CodePipelineClient) -> None:
    """A disabled transition outlives UpdatePipeline, not DeletePipeline."""
    disable(client)
    document = client.get_pipeline(name="shop")["pipeline"]
    client.update_pipeline(pipeline=document)
    assert way(client)["enabled"] is False
    client.delete_pipeline(name="shop")
    client.create_pipeline(pipeline=document)
    assert way(client) == {"enabled": True}
