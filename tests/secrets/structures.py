"""Builders of pipeline structures as GetPipeline returns them."""

from __future__ import annotations

import json
from typing import Any

Document = dict[str, Any]


def action(name: str, owner: str, provider: str, **rest: object) -> Document:
    """Return an action of version 1."""
    action_type = {"category": "Build", "owner": owner, "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": action_type, "runOrder": 1, "configuration": {}, **rest}


def pipeline(*actions: Document, **rest: object) -> Document:
    """Return a pipeline with a stage Source, which contains no secret, and a stage Build with *actions*."""
    repository = {
        "ConnectionArn": "arn:aws:codestar-connections:eu-west-1:111122223333:connection/c",
        "BranchName": "main",
    }
    source = action("Git", "AWS", "CodeStarSourceConnection", configuration=repository)
    stages = [{"name": "Source", "actions": [source]}, {"name": "Build", "actions": list(actions)}]
    return {"name": "shop", "roleArn": "arn:aws:iam::111122223333:role/cp", "stages": stages, **rest}


def pipeline_with(**configuration: object) -> Document:
    """Return a pipeline whose second stage has one action with that *configuration*."""
    return pipeline(action("Do", "AWS", "CodeBuild", configuration=configuration))


def variables(**values: str) -> str:
    """Return the environment variables of a CodeBuild action as JSON."""
    return json.dumps([{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in values.items()])
