"""Detection in pipeline structures, as GetPipeline returns and CloudTrail records them."""

from __future__ import annotations

import json

import pytest
from tests.secrets.fake_secrets import AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, GITHUB_TOKEN, PASSWORD, TOKENS
from tests.secrets.structures import Document, action, pipeline, pipeline_with, variables

from pipeseal.secrets import in_pipeline


def rule(**rest: object) -> Document:
    """Return the conditions of a stage with one rule."""
    rule_type = {"category": "Rule", "owner": "AWS", "provider": "LambdaInvoke", "version": "1"}
    return {"conditions": [{"result": "FAIL", "rules": [{"name": "Gate", "ruleTypeId": rule_type, **rest}]}]}


CONFIGURATION = "stages[1].actions[0].configuration"


@pytest.mark.parametrize(
    "value",
    [
        "****",
        "HIDDEN_DUE_TO_SECURITY_REASONS",
        "{{resolve:secretsmanager:gh:SecretString:t}}",
        GITHUB_TOKEN,
        "#{variables.T}",
        "",
        None,
    ],
)
@pytest.mark.parametrize("key", ["actionTypeId", "actionType"])
def test_every_oauth_token_is_a_finding(key: str, value: str | None) -> None:
    """A connection should replace a GitHub version 1 action, even if its token is redacted, a reference or empty."""
    source = action("Git", "ThirdParty", "GitHub", configuration={"Owner": "o", "OAuthToken": value})
    source[key] = source.pop("actionTypeId")
    (found,) = in_pipeline(pipeline(source))
    assert found.path == f"{CONFIGURATION}.OAuthToken"
    assert found.location == "stage Build, action Git, field OAuthToken"
    assert found.description == "GitHub version 1 OAuth token"
    assert "connection" in found.advice


def test_an_oauth_token_of_another_action_type() -> None:
    """The key OAuthToken is a finding in an action of any type."""
    (found,) = in_pipeline(pipeline_with(OAuthToken="#{variables.T}"))
    assert found.description == "OAuth token"


SECRET_CONFIGURATIONS: dict[str, tuple[Document, str, str]] = {
    "direct": ({"Password": PASSWORD}, ".Password", "field Password"),
    "redacted by CodePipeline": ({"JenkinsToken": "****"}, ".JenkinsToken", "field JenkinsToken"),
    "redacted under any name": ({"Licence": "****"}, ".Licence", "field Licence"),
    "redacted by CloudTrail": (
        {"ClientSecret": "HIDDEN_DUE_TO_SECURITY_REASONS"},
        ".ClientSecret",
        "field ClientSecret",
    ),
    "variable": (
        {"EnvironmentVariables": variables(STAGE="prod", DB_PASSWORD=PASSWORD)},
        ".EnvironmentVariables[1].value",
        "field EnvironmentVariables DB_PASSWORD",
    ),
    "variable without type": (
        {"EnvironmentVariables": json.dumps([{"name": "TOKEN", "value": PASSWORD}])},
        ".EnvironmentVariables[0].value",
        "field EnvironmentVariables TOKEN",
    ),
    "variable with a token": (
        {"EnvironmentVariables": variables(SETTING=GITHUB_TOKEN)},
        ".EnvironmentVariables[0].value",
        "field EnvironmentVariables SETTING",
    ),
    "variable with an option": (
        {"EnvironmentVariables": variables(JAVA_OPTS=f"-Xmx1g -Ddb.password={PASSWORD}")},
        ".EnvironmentVariables[0].value",
        "field EnvironmentVariables JAVA_OPTS",
    ),
    "URL": (
        {"EnvironmentVariables": variables(DATABASE_URL=f"postgres://app:{PASSWORD}@db/shop")},
        ".EnvironmentVariables[0].value",
        "field EnvironmentVariables DATABASE_URL",
    ),
    "parameter overrides": (
        {"ParameterOverrides": json.dumps({"Env": "prod", "DbPassword": PASSWORD})},
        ".ParameterOverrides.DbPassword",
        "field ParameterOverrides DbPassword",
    ),
    "parameter overrides as a list": (
        {"ParameterOverrides": json.dumps([{"ParameterKey": "DbPassword", "ParameterValue": PASSWORD}])},
        ".ParameterOverrides[0].ParameterValue",
        "field ParameterOverrides DbPassword",
    ),
    "parameter overrides as an object": (
        {"ParameterOverrides": {"DbPassword": PASSWORD}},
        ".ParameterOverrides.DbPassword",
        "field ParameterOverrides DbPassword",
    ),
    "user parameters": (
        {"UserParameters": json.dumps({"db": {"apiKey": PASSWORD}})},
        ".UserParameters.db.apiKey",
        "field UserParameters db apiKey",
    ),
    "user parameters as text": (
        {"UserParameters": f"env=prod,token={PASSWORD}"},
        ".UserParameters",
        "field UserParameters",
    ),
    "JSON in JSON": (
        {"UserParameters": json.dumps({"body": json.dumps({"client_secret": PASSWORD})})},
        ".UserParameters.body.client_secret",
        "field UserParameters body client_secret",
    ),
    "repeated key": (
        {"UserParameters": f'{{"password": "{PASSWORD}", "password": ""}}'},
        ".UserParameters.password[0]",
        "field UserParameters password[0]",
    ),
    "list of secrets": (
        {"UserParameters": json.dumps({"tokens": ["", PASSWORD]})},
        ".UserParameters.tokens[1]",
        "field UserParameters tokens[1]",
    ),
    "value in an object": (
        {"UserParameters": json.dumps({"DbPassword": {"value": PASSWORD}})},
        ".UserParameters.DbPassword.value",
        "field UserParameters DbPassword value",
    ),
    "number": (
        {"UserParameters": '{"password": 20240131}'},
        ".UserParameters.password",
        "field UserParameters password",
    ),
    "header": (
        {"UserParameters": json.dumps({"headers": {"Authorization": "Bearer " + PASSWORD}})},
        ".UserParameters.headers.Authorization",
        "field UserParameters headers Authorization",
    ),
    "inside a function": (
        {"ParameterOverrides": json.dumps({"Url": {"Fn::Sub": f"https://u:{PASSWORD}@${{Host}}/"}})},
        ".ParameterOverrides.Url.Fn::Sub",
        "field ParameterOverrides Url Fn::Sub",
    ),
    "external link": (
        {"ExternalEntityLink": f"https://u:{PASSWORD}@example.com"},
        ".ExternalEntityLink",
        "field ExternalEntityLink",
    ),
    "webhook": ({"Hook": TOKENS["Discord webhook URL"]}, ".Hook", "field Hook"),
}


@pytest.mark.parametrize(
    ("configuration", "path", "location"), SECRET_CONFIGURATIONS.values(), ids=list(SECRET_CONFIGURATIONS)
)
def test_a_secret_in_the_configuration_of_an_action(configuration: Document, path: str, location: str) -> None:
    """The finding has the path and location of the field, also in JSON, and does not contain the value."""
    (found,) = in_pipeline(pipeline_with(**configuration))
    assert found.path == CONFIGURATION + path
    assert found.location == f"stage Build, action Do, {location}"
    assert PASSWORD not in repr(found)


@pytest.mark.parametrize(
    ("document", "path", "location"),
    [
        (
            pipeline(action("Run", "AWS", "Commands", commands=["make", f"docker login -u a -p {PASSWORD}"])),
            "stages[1].actions[0].commands[1]",
            "stage Build, action Run, field commands[1]",
        ),
        (
            pipeline(action("Run", "AWS", "Commands", environmentVariables=[{"name": "API_TOKEN", "value": PASSWORD}])),
            "stages[1].actions[0].environmentVariables[0].value",
            "stage Build, action Run, variable API_TOKEN",
        ),
        (
            pipeline(variables=[{"name": "DbPassword", "defaultValue": PASSWORD}]),
            "variables[0].defaultValue",
            "variable DbPassword",
        ),
        (
            pipeline(variables=[{"name": "X", "defaultValue": "1", "description": f"use password={PASSWORD}"}]),
            "variables[0].description",
            "variable X, field description",
        ),
        (
            pipeline(triggers=[{"gitConfiguration": {"push": [{"branches": {"includes": ["main", GITHUB_TOKEN]}}]}}]),
            "triggers[0].gitConfiguration.push[0].branches.includes[1]",
            "field triggers[0] gitConfiguration push[0] branches includes[1]",
        ),
        *(
            (
                {"stages": [{"name": "Build", "actions": [], event: rule(**rest)}]},
                f"stages[0].{event}.conditions[0].rules[0].{path}",
                f"stage Build, {event}, rule Gate, {location}",
            )
            for event in ("beforeEntry", "onSuccess", "onFailure")
            for rest, path, location in (
                (
                    {"configuration": {"UserParameters": f"password={PASSWORD}"}},
                    "configuration.UserParameters",
                    "field UserParameters",
                ),
                ({"commands": [f"export TOKEN={PASSWORD}"]}, "commands[0]", "field commands[0]"),
                ({"configuration": {"ApiKey": PASSWORD}}, "configuration.ApiKey", "field ApiKey"),
            )
        ),
    ],
)
def test_a_secret_outside_the_configuration_of_an_action(document: Document, path: str, location: str) -> None:
    """Commands, variables, triggers and the rules of conditions are checked too."""
    (found,) = in_pipeline(document)
    assert (found.path, found.location) == (path, location)
    assert PASSWORD not in repr(found)


@pytest.mark.parametrize(
    "configuration",
    [
        {},
        {"EnvironmentVariables": json.dumps([{"name": "DB_PASSWORD", "value": "/prod/db", "type": "PARAMETER_STORE"}])},
        {
            "EnvironmentVariables": json.dumps(
                [{"name": "DB_PASSWORD", "value": "db:password", "type": "SECRETS_MANAGER"}]
            )
        },
        {"EnvironmentVariables": json.dumps([{"name": "TOKEN", "value": GITHUB_TOKEN, "type": "SECRETS_MANAGER"}])},
        {"EnvironmentVariables": variables(DB_PASSWORD="#{variables.DbPassword}", TOKEN="#{Build.TOKEN}")},
        {
            "EnvironmentVariables": variables(
                DB_PASSWORD="arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-a1b2c3"
            )
        },
        {"EnvironmentVariables": variables(DB_PASSWORD="{{resolve:ssm-secure:/db:1}}", TOKEN="<token>", SECRET="")},
        {"EnvironmentVariables": variables(DB_PASSWORD="/prod/db/password", DB_SECRET="prod/db", DB_TOKEN="DB_TOKEN")},
        {"EnvironmentVariables": variables(SECRET_NAME="prod/db", SECRET_ARN="x", TOKEN_URL="https://a.example/token")},
        {"EnvironmentVariables": variables(PASSWORD_LENGTH="32", TOKEN_TTL="3600", USE_PASSWORD="true", TOKENS="5")},
        {
            "EnvironmentVariables": variables(
                KMS_KEY_ID="123e4567-e89b-12d3-a456-426614174000", ENCRYPTION_KEY="alias/artifacts"
            )
        },
        {"EnvironmentVariables": variables(ENCRYPTION_KEY="123e4567-e89b-12d3-a456-426614174000", AUTH="AWS_IAM")},
        {
            "EnvironmentVariables": variables(
                TOKENIZER="bert-base-v2", AUTHOR="Jane Doe", COMPASS="north", PRIMARY_KEY="id"
            )
        },
        {
            "EnvironmentVariables": variables(
                IMAGE="secretsmanager:v1", COMMIT="0a1b2c3d" * 5, BRANCH="feature/password-reset"
            )
        },
        {
            "EnvironmentVariables": variables(
                PASSWORD_FILE="/run/secrets/db", TOKEN="file:///run/token", CREDENTIALS="jenkins-ssh"
            )
        },
        {
            "EnvironmentVariables": variables(
                API_KEY="YOUR_API_KEY", TOKEN="replace-me", SECRET="xxxxxxxx", PASSWORD="none"
            )
        },
        {
            "EnvironmentVariables": variables(
                DATABASE_URL="postgres://db.example.com:5432/shop", REPO="git@github.com:o/r.git"
            )
        },
        {"ParameterOverrides": json.dumps({"DbPassword": {"Fn::GetParam": ["Out", "params.json", "DbPassword"]}})},
        {
            "ParameterOverrides": json.dumps(
                {"DbPassword": {"Ref": "DbPassword"}, "Token": {"Fn::GetAtt": ["A", "Token"]}}
            )
        },
        {"ParameterOverrides": json.dumps({"DbPassword": "{{resolve:secretsmanager:db:SecretString:password}}"})},
        {"ParameterOverrides": json.dumps({"DbPasswordParameter": "DbPassword", "SecretName": "shop", "Key": "k"})},
        {"ParameterOverrides": json.dumps([{"ParameterKey": "DbPassword", "UsePreviousValue": True}])},
        {
            "UserParameters": json.dumps(
                {"token": None, "password": "", "secret": False, "credentials": {}, "apiKey": []}
            )
        },
        {
            "UserParameters": json.dumps(
                {"secrets": [{"name": "DB", "valueFrom": "arn:aws:ssm:eu-west-1:1:parameter/db"}]}
            )
        },
        {"UserParameters": json.dumps({"maxTokens": 4096, "password_min": 12, "nextToken": "abc123def"})},
        {"UserParameters": "secret=#{variables.S},token=${TOKEN}"},
        {
            "S3Bucket": "b",
            "S3ObjectKey": "releases/token-service/app.zip",
            "KMSEncryptionKeyARN": "x",
            "Extract": "true",
        },
        {"ExternalEntityLink": "https://example.com/@user:8080/x", "CustomData": "Ask security about the token."},
        {"ProjectName": "password-service", "PrimarySource": "Git", "PollForSourceChanges": "false"},
        {
            "TemplatePath": "Built::secret.yaml",
            "RoleArn": "arn:aws:iam::111122223333:role/token",
            "Capabilities": "CAPABILITY_IAM",
        },
    ],
)
def test_a_configuration_without_secrets(configuration: Document) -> None:
    """References, locations of secrets, Booleans, placeholders and other settings are not findings."""
    assert in_pipeline(pipeline_with(**configuration)) == ()


def test_findings_are_in_document_order() -> None:
    """The findings have the order of the stages, actions and fields of the pipeline."""
    first = action(
        "One",
        "AWS",
        "CodeBuild",
        configuration={"EnvironmentVariables": variables(A=AWS_ACCESS_KEY_ID, SECRET=AWS_SECRET_ACCESS_KEY)},
    )
    second = action("Two", "AWS", "Commands", commands=[f"export TOKEN={PASSWORD}"])
    last = [{"name": "Token", "defaultValue": PASSWORD}]
    assert [found.path for found in in_pipeline(pipeline(first, second, variables=last))] == [
        f"{CONFIGURATION}.EnvironmentVariables[0].value",
        f"{CONFIGURATION}.EnvironmentVariables[1].value",
        "stages[1].actions[1].commands[0]",
        "variables[0].defaultValue",
    ]


@pytest.mark.parametrize(
    ("configuration", "advice"),
    [
        ({"EnvironmentVariables": variables(TOKEN=PASSWORD)}, "type SECRETS_MANAGER"),
        ({"ParameterOverrides": json.dumps({"DbPassword": PASSWORD})}, "{{resolve:secretsmanager:"),
        ({"UserParameters": json.dumps({"token": PASSWORD})}, "pass its ARN"),
        ({"EnvironmentVariables": variables(KEY=AWS_ACCESS_KEY_ID)}, "role"),
        ({"Password": PASSWORD}, "Secrets Manager"),
    ],
)
def test_the_advice_depends_on_the_field(configuration: Document, advice: str) -> None:
    """The advice names what CodePipeline supports instead of a literal in that field."""
    (found,) = in_pipeline(pipeline_with(**configuration))
    assert advice in found.advice
