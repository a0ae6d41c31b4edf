"""Whole pipelines, as GetPipeline and CloudTrail give them, and CodeBuild's variables."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.secrets.made_up import AWS_KEY_ID, AWS_SECRET, GITHUB, TOKENS

from pipeseal.secrets import in_pipeline, in_variables

Document = dict[str, Any]
PASSWORD = "Tr0ub4dor" + "-and-3"


def action(name: str, owner: str, provider: str, **rest: object) -> Document:
    """Make an action of version 1."""
    kind = {"category": "Build", "owner": owner, "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": kind, "runOrder": 1, "configuration": {}, **rest}


def pipeline(*actions: Document, **rest: object) -> Document:
    """Make a pipeline of a harmless Source stage and a stage Build of *actions*."""
    repository = {
        "ConnectionArn": "arn:aws:codestar-connections:eu-west-1:111122223333:connection/c",
        "BranchName": "main",
    }
    source = action("Git", "AWS", "CodeStarSourceConnection", configuration=repository)
    stages = [{"name": "Source", "actions": [source]}, {"name": "Build", "actions": list(actions)}]
    return {"name": "shop", "roleArn": "arn:aws:iam::111122223333:role/cp", "stages": stages, **rest}


def configured(**configuration: object) -> Document:
    """Make a pipeline whose second stage has one action of that *configuration*."""
    return pipeline(action("Do", "AWS", "CodeBuild", configuration=configuration))


def variables(**values: str) -> str:
    """Return the JSON that CodeBuild's action takes for environment variables."""
    return json.dumps([{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in values.items()])


def rule(**rest: object) -> Document:
    """Make a stage's conditions of one rule."""
    kind = {"category": "Rule", "owner": "AWS", "provider": "LambdaInvoke", "version": "1"}
    return {"conditions": [{"result": "FAIL", "rules": [{"name": "Gate", "ruleTypeId": kind, **rest}]}]}


CONFIGURATION = "stages[1].actions[0].configuration"


@pytest.mark.parametrize(
    "value",
    [
        "****",
        "HIDDEN_DUE_TO_SECURITY_REASONS",
        "{{resolve:secretsmanager:gh:SecretString:t}}",
        GITHUB,
        "#{variables.T}",
        "",
        None,
    ],
)
@pytest.mark.parametrize("key", ["actionTypeId", "actionType"])
def test_an_oauth_token_counts_by_its_presence(key: str, value: str | None) -> None:
    """GitHub version 1 is to be replaced by a connection, whatever its masked token is."""
    made = action("Git", "ThirdParty", "GitHub", configuration={"Owner": "o", "OAuthToken": value})
    made[key] = made.pop("actionTypeId")
    (found,) = in_pipeline(pipeline(made))
    assert found.path == f"{CONFIGURATION}.OAuthToken"
    assert found.where == "stage Build, action Git, field OAuthToken"
    assert found.what == "GitHub version 1 OAuth token"
    assert "connection" in found.advice


def test_an_oauth_token_of_another_action() -> None:
    """The key alone is enough, in an action of any type."""
    (found,) = in_pipeline(configured(OAuthToken="#{variables.T}"))
    assert found.what == "OAuth token"


SECRET_CONFIGURATIONS: dict[str, tuple[Document, str, str]] = {
    "direct": ({"Password": PASSWORD}, ".Password", "field Password"),
    "masked by AWS": ({"JenkinsToken": "****"}, ".JenkinsToken", "field JenkinsToken"),
    "masked under any name": ({"Licence": "****"}, ".Licence", "field Licence"),
    "masked by CloudTrail": ({"ClientSecret": "HIDDEN_DUE_TO_SECURITY_REASONS"}, ".ClientSecret", "field ClientSecret"),
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
    "variable by format": (
        {"EnvironmentVariables": variables(HARMLESS=GITHUB)},
        ".EnvironmentVariables[0].value",
        "field EnvironmentVariables HARMLESS",
    ),
    "variable by its text": (
        {"EnvironmentVariables": variables(JAVA_OPTS=f"-Xmx1g -Ddb.password={PASSWORD}")},
        ".EnvironmentVariables[0].value",
        "field EnvironmentVariables JAVA_OPTS",
    ),
    "URL": (
        {"EnvironmentVariables": variables(DATABASE_URL=f"postgres://app:{PASSWORD}@db/shop")},
        ".EnvironmentVariables[0].value",
        "field EnvironmentVariables DATABASE_URL",
    ),
    "overrides": (
        {"ParameterOverrides": json.dumps({"Env": "prod", "DbPassword": PASSWORD})},
        ".ParameterOverrides.DbPassword",
        "field ParameterOverrides DbPassword",
    ),
    "overrides as a list": (
        {"ParameterOverrides": json.dumps([{"ParameterKey": "DbPassword", "ParameterValue": PASSWORD}])},
        ".ParameterOverrides[0].ParameterValue",
        "field ParameterOverrides DbPassword",
    ),
    "overrides, not a string": (
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
    "key that comes twice": (
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
    "link": (
        {"ExternalEntityLink": f"https://u:{PASSWORD}@example.com"},
        ".ExternalEntityLink",
        "field ExternalEntityLink",
    ),
    "webhook": ({"Hook": TOKENS["Slack webhook URL"]}, ".Hook", "field Hook"),
}


@pytest.mark.parametrize(
    ("configuration", "path", "where"), SECRET_CONFIGURATIONS.values(), ids=list(SECRET_CONFIGURATIONS)
)
def test_a_secret_in_an_actions_configuration(configuration: Document, path: str, where: str) -> None:
    """A finding leads to the field, through the JSON in it, and tells nothing of the value."""
    (found,) = in_pipeline(configured(**configuration))
    assert found.path == CONFIGURATION + path
    assert found.where == f"stage Build, action Do, {where}"
    assert PASSWORD not in repr(found)


@pytest.mark.parametrize(
    ("document", "path", "where"),
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
            pipeline(triggers=[{"gitConfiguration": {"push": [{"branches": {"includes": ["main", GITHUB]}}]}}]),
            "triggers[0].gitConfiguration.push[0].branches.includes[1]",
            "field triggers[0] gitConfiguration push[0] branches includes[1]",
        ),
        *(
            (
                {"stages": [{"name": "Build", "actions": [], event: rule(**rest)}]},
                f"stages[0].{event}.conditions[0].rules[0].{path}",
                f"stage Build, {event}, rule Gate, {where}",
            )
            for event in ("beforeEntry", "onSuccess", "onFailure")
            for rest, path, where in (
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
def test_a_secret_elsewhere(document: Document, path: str, where: str) -> None:
    """Commands, variables, triggers and the rules of conditions are looked through as well."""
    (found,) = in_pipeline(document)
    assert (found.path, found.where) == (path, where)
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
        {"EnvironmentVariables": json.dumps([{"name": "TOKEN", "value": GITHUB, "type": "SECRETS_MANAGER"}])},
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
def test_a_harmless_configuration(configuration: Document) -> None:
    """References, whereabouts, switches, placeholders and plain settings are let be."""
    assert in_pipeline(configured(**configuration)) == ()


def test_findings_come_in_document_order() -> None:
    """A person reads the findings as they read the pipeline."""
    first = action(
        "One", "AWS", "CodeBuild", configuration={"EnvironmentVariables": variables(A=AWS_KEY_ID, SECRET=AWS_SECRET)}
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
        ({"EnvironmentVariables": variables(KEY=AWS_KEY_ID)}, "role"),
        ({"Password": PASSWORD}, "Secrets Manager"),
    ],
)
def test_the_advice_fits_the_place(configuration: Document, advice: str) -> None:
    """A person is told what CodePipeline offers in that very place."""
    (found,) = in_pipeline(configured(**configuration))
    assert advice in found.advice


def test_a_name_that_is_a_secret_is_replaced_by_its_index() -> None:
    """A token in a stage's name or in a key is found, and its place is told by number."""
    document = {
        "stages": [{"name": GITHUB, "actions": [{"name": "Do", "configuration": {GITHUB: "x", "Password": PASSWORD}}]}]
    }
    found = in_pipeline(document)
    assert [(secret.path, secret.where) for secret in found] == [
        ("stages[0].name", "stage [0], field name"),
        ("stages[0].actions[0].configuration[#0]", "stage [0], action Do, field [#0]"),
        ("stages[0].actions[0].configuration.Password", "stage [0], action Do, field Password"),
    ]
    assert GITHUB not in repr(found)


def test_a_secret_that_is_repeated_in_a_name_is_not_shown_there() -> None:
    """What is found in one place is hidden in the names of all others."""
    document = pipeline(action(f"deploy {PASSWORD}", "AWS", "CodeBuild", configuration={"Password": PASSWORD}))
    (found,) = in_pipeline(document)
    assert found.where == "stage Build, action [0], field Password"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Line\nbreak", "Line?break"),
        ("Esc\x1b[31m", "Esc?[31m"),
        ("Turned\u202eround", "Turned?round"),
        ("Sep\u2028arated", "Sep?arated"),
        ("Lone\ud800", "Lone?"),
        ("x" * 5000, "x" * 63 + "…"),
        ("", "[0]"),
        ("   ", "[0]"),
    ],
)
def test_names_are_fit_for_a_log_line_and_a_mail(name: str, shown: str) -> None:
    """Control characters and length do no harm in what a person reads."""
    document = {"stages": [{"name": name, "actions": [{"name": name, "configuration": {"Password": PASSWORD}}]}]}
    (found,) = in_pipeline(document)
    assert found.where == f"stage {shown}, action {shown}, field Password"


def test_a_key_that_is_no_word_is_quoted_in_the_path() -> None:
    """Dots, spaces and line breaks in a key do not look like further steps."""
    (found,) = in_pipeline({"a.b\nc": {"Password": PASSWORD}})
    assert found.path == '["a.b?c"].Password'


@pytest.mark.parametrize(
    ("variable", "secret"),
    [
        ({"name": "DB_PASSWORD", "value": PASSWORD, "type": "PLAINTEXT"}, True),
        ({"name": "DB_PASSWORD", "value": PASSWORD}, True),
        ({"name": "DB_PASSWORD", "value": "changeme"}, True),
        ({"name": "DB_PASSWORD", "value": "1234"}, True),
        ({"name": "db_password", "value": "Pa$$w0rd"}, True),
        ({"name": "API_TOKEN", "value": "abc"}, True),
        ({"name": "ANYTHING", "value": AWS_KEY_ID}, True),
        ({"name": "ANYTHING", "value": f"https://{GITHUB}@github.com/o/r"}, True),
        ({"name": "TOKEN", "value": PASSWORD, "type": None}, True),
        ({"name": "TOKEN", "value": PASSWORD, "type": ["SECRETS_MANAGER"]}, True),
        ({"name": "DOCKER_CREDENTIALS", "value": "bot:" + PASSWORD}, True),
        ({"name": "TOKEN", "value": f"a1b2c3-{PASSWORD}-" + "#{variables.Env}"}, True),
        ({"name": "DB_PASSWORD", "value": "/prod/db", "type": "PARAMETER_STORE"}, False),
        ({"name": "ANYTHING", "value": AWS_KEY_ID, "type": "PARAMETER_STORE"}, False),
        ({"name": "DB_PASSWORD", "value": "prod/db:password", "type": "secrets_manager"}, False),
        ({"name": "STAGE", "value": "prod", "type": "PLAINTEXT"}, False),
        ({"name": "PWD", "value": "/codebuild/output/src", "type": "PLAINTEXT"}, False),
        ({"name": "TOKEN"}, False),
        ({"name": None, "value": None}, False),
        ({}, False),
    ],
)
def test_a_variable_of_codebuild(variable: Document, secret: bool) -> None:  # noqa: FBT001 - a column of the table
    """A plaintext variable is judged by name and format; one of a reference type is never a literal."""
    found = in_variables([{"name": "A", "value": "b"}, variable], "environment.environmentVariables")
    assert [each.path for each in found] == ["environment.environmentVariables[1].value"] * secret
    assert all(each.where == f"variable {variable['name']}" for each in found)
