"""Detection in the environment variables of CodeBuild projects."""

from __future__ import annotations

from typing import Any

import pytest
from tests.secrets.fake_secrets import AWS_ACCESS_KEY_ID, GITHUB_TOKEN, PASSWORD

from pipeseal.secrets import in_variables


@pytest.mark.parametrize(
    ("variable", "is_secret"),
    [
        ({"name": "DB_PASSWORD", "value": PASSWORD, "type": "PLAINTEXT"}, True),
        ({"name": "DB_PASSWORD", "value": PASSWORD}, True),
        ({"name": "DB_PASSWORD", "value": "changeme"}, True),
        ({"name": "DB_PASSWORD", "value": "1234"}, True),
        ({"name": "db_password", "value": "Pa$$w0rd"}, True),
        ({"name": "API_TOKEN", "value": "abc"}, True),
        ({"name": "ANYTHING", "value": AWS_ACCESS_KEY_ID}, True),
        ({"name": "ANYTHING", "value": f"https://{GITHUB_TOKEN}@github.com/o/r"}, True),
        ({"name": "TOKEN", "value": PASSWORD, "type": None}, True),
        ({"name": "TOKEN", "value": PASSWORD, "type": ["SECRETS_MANAGER"]}, True),
        ({"name": "DOCKER_CREDENTIALS", "value": "bot:" + PASSWORD}, True),
        ({"name": "TOKEN", "value": f"a1b2c3-{PASSWORD}-" + "#{variables.Env}"}, True),
        ({"name": "DB_PASSWORD", "value": "/prod/db", "type": "PARAMETER_STORE"}, False),
        ({"name": "ANYTHING", "value": AWS_ACCESS_KEY_ID, "type": "PARAMETER_STORE"}, False),
        ({"name": "DB_PASSWORD", "value": "prod/db:password", "type": "secrets_manager"}, False),
        ({"name": "STAGE", "value": "prod", "type": "PLAINTEXT"}, False),
        ({"name": "PWD", "value": "/codebuild/output/src", "type": "PLAINTEXT"}, False),
        ({"name": "TOKEN"}, False),
        ({"name": None, "value": None}, False),
        ({}, False),
    ],
)
def test_a_codebuild_variable(variable: dict[str, Any], is_secret: bool) -> None:  # noqa: FBT001 - a column of the table
    """A variable is checked by name and format, unless its type makes its value a reference."""
    found = in_variables([{"name": "A", "value": "b"}, variable], "environment.environmentVariables")
    assert [each.path for each in found] == ["environment.environmentVariables[1].value"] * is_secret
    assert [each.location for each in found] == [f"variable {variable.get('name')}"] * is_secret
