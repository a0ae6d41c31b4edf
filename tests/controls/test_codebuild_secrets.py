"""CODEBUILD.SECRETS."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.resources import project

from pipeseal.controls.codebuild_secrets import CONTROL
from pipeseal.model import Reason
from pipeseal.settings import Settings

SECRET = "Hunter2-made-up-7"
SOURCE = {"type": "GITHUB", "location": "https://github.com/acme/harbor"}


def variables(*given: dict[str, str]) -> dict[str, Any]:
    """Return an environment with these variables."""
    return {"environment": {"type": "LINUX_CONTAINER", "environmentVariables": list(given)}}


def buildspec(text: str) -> dict[str, Any]:
    """Return a source with this buildspec."""
    return {"source": {**SOURCE, "buildspec": text}}


IN_YAML = f"version: 0.2\nenv:\n  variables:\n    DB_PASSWORD: {SECRET}\nphases: {{}}\n"
REFERENCES = {"DB_PASSWORD": "prod-db", "API_TOKEN": "/harbor/api-token"}


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        (variables({"name": "DB_PASSWORD", "value": SECRET}), "environment.environmentVariables[0].value"),
        (
            variables({"name": "A", "value": "b"}, {"name": "DB_PASSWORD", "value": SECRET, "type": "PLAINTEXT"}),
            "environment.environmentVariables[1].value",
        ),
        (buildspec(IN_YAML), "source.buildspec.env.variables.DB_PASSWORD"),
        (buildspec(json.dumps({"env": {"variables": {"DB_PASSWORD": SECRET}}})),
         "source.buildspec.env.variables.DB_PASSWORD"),
        (buildspec(f"phases:\n  build:\n    commands:\n      - mysql --password={SECRET}\n"),
         "source.buildspec.phases.build.commands[0]"),
        ({"description": f"nightly; db password: {SECRET}"}, "description"),
        ({"tags": [{"key": "team", "value": "web"}, {"key": "token", "value": SECRET}]}, "tags[1].value"),
        ({"webhook": {"url": "https://api.github.com/repos/a/b/hooks/1", "secret": SECRET}}, "webhook.secret"),
        ({"source": {**SOURCE, "location": f"https://ada:{SECRET}@git.example.com/harbor.git"}}, "source.location"),
        ({"secondarySources": [{**SOURCE, "location": f"https://ada:{SECRET}@git.example.com/a.git"}]},
         "secondarySources[0].location"),
        ({"source": {**SOURCE, "auth": {"type": "OAUTH", "resource": "ghp_" + "a1B2c3D4e5F6" * 3}}},
         "source.auth.resource"),
        ({"source": {**SOURCE, "buildStatusConfig": {"targetUrl": f"https://ada:{SECRET}@ci.example.com"}}},
         "source.buildStatusConfig.targetUrl"),
    ],
)  # fmt: skip
def test_a_secret_is_reported_with_its_path(parts: dict[str, Any], path: str) -> None:
    """The finding has the path of the secret and never its value."""
    (reason,) = CONTROL.reasons(project(**parts), Settings())
    assert isinstance(reason, Reason)
    assert reason.path == path
    assert SECRET not in reason
    assert "ghp_" not in reason


@pytest.mark.parametrize(
    "parts",
    [
        {},
        variables(
            {"name": "DB_PASSWORD", "value": "prod-db:password", "type": "SECRETS_MANAGER"},
            {"name": "API_TOKEN", "value": "/harbor/api-token", "type": "PARAMETER_STORE"},
            {"name": "STAGE", "value": "production"},
        ),
        buildspec("ci/buildspec.yml"),
        buildspec("arn:aws:s3:::harbor/buildspec.yml"),
        buildspec(json.dumps({"env": {"secrets-manager": REFERENCES, "parameter-store": REFERENCES}})),
        buildspec("env:\n  secrets-manager:\n    DB_PASSWORD: prod-db:password\n    API_TOKEN: prod-api\nphases: {}\n"),
        {"source": {**SOURCE, "auth": {"type": "SECRETS_MANAGER",
                    "resource": "arn:aws:secretsmanager:us-east-1:123456789012:secret:github-AbCdEf"}}},
        {"source": {"type": "NO_SOURCE"}, "environment": None, "secondarySources": None},
    ],
)  # fmt: skip
def test_references_and_other_text_are_compliant(parts: dict[str, Any]) -> None:
    """References to secrets are compliant, in YAML and in JSON."""
    assert CONTROL.reasons(project(**parts), Settings()) == ()


def test_nothing_is_written() -> None:
    """The control only notifies."""
    violating = project(**buildspec(IN_YAML))
    assert CONTROL.fix(violating, Settings()) is violating
