"""Build specifications and AppSpecs in YAML: references in every spelling, and secrets in every kind of scalar."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.secrets.fake_secrets import PASSWORD, generated

from pipeseal.secrets import in_text
from pipeseal.secrets.documents import parse_yaml

REFERENCES = [
    (
        "version: 0.2\nenv:\n  ? secrets-manager\n  : NPM_TOKEN: ci-npm7:token\nphases:\n  build:\n"
        "    commands:\n      - make\n"
    ),
    (
        "version: 0.2\nenv:\n  secrets-manager: &sm\n    NPM_TOKEN: ci-npm7:token\nphases:\n  build:\n"
        "    commands:\n      - make\n"
    ),
    (
        "version: 0.2\nenv:\n  secrets-manager: !!map\n    NPM_TOKEN: ci-npm7:token\nphases:\n  build:\n"
        "    commands:\n      - make\n"
    ),
    (
        'version: 0.2\nenv:\n  "secrets\\x2dmanager":\n    NPM_TOKEN: ci-npm7:token\nphases:\n  build:\n'
        "    commands:\n      - make\n"
    ),
    (
        "version: 0.2\nenv:\n  secrets-manager:   \n    NPM_TOKEN:   ci-npm7:token   # c\nphases:\n"
        "  build:\n    commands:\n      - make\n"
    ),
    (
        'version: 0.2\nenv:\n  secrets-manager: {\n    NPM_TOKEN: "ci-npm7:token",\n'
        "    DB_PASSWORD: prod-db9 }\nphases:\n  build:\n    commands:\n      - make\n"
    ),
    (
        "env: {secrets-manager: {A_TOKEN: ci7:x}, parameter-store: {B_TOKEN: ci-npm7}}\nphases:\n  build:\n"
        "    commands:\n      - make\n"
    ),
    "version: 0.2\r\nenv:\r\n  secrets-manager:\r\n    NPM_TOKEN: ci-npm7:token\r\nphases: {}\r\n",
    (
        "version: 0.2\nenv:\n  secrets-manager:\n    \"NPM_TOKEN\": 'ci-npm7:token'\n    DB_PASSWORD: |\n"
        "      prod-db9:pw\nphases:\n  build:\n    commands:\n      - make\n"
    ),
    (
        "version: 0.2\nenv:\n  parameter-store:\n    NPM_TOKEN: >-\n      ci-npm7\nphases:\n  build:\n"
        "    commands:\n      - make\n"
    ),
    '{"version":"0.2","env":{"parameter-store":{"NPM_TOKEN":"ci-npm7"}},"phases":{}}',
    (
        'version: 0.2\nenv:\n  variables:\n    NPM_TOKEN: ""\n    A_PASSWORD: ~\n    B_TOKEN: null\n'
        "    C_TOKEN:\nphases:\n  build:\n    commands:\n      - make\n"
    ),
    (
        "version: 0.2\nenv:\n  variables:\n    A: &a x\n  parameter-store:\n    NPM_TOKEN: *a\nphases:\n"
        "  build:\n    commands:\n      - make\n"
    ),
    (
        "%YAML 1.1\n---\nversion: 0.2\nenv:\n  secrets-manager:\n    NPM_TOKEN: ci-npm7:token\nphases:\n"
        "  build:\n    commands:\n      - make\n...\n"
    ),
    (
        "version: 0.2\nenv:\n\tsecrets-manager:\n\t\tNPM_TOKEN: ci-npm7:token\nphases:\n  build:\n"
        "    commands:\n      - make\n"
    ),
    (
        "version: 0.2\nenv:\n  secrets-manager:\n    NPM_TOKEN: ci-npm7:token\nphases:\n  build:\n"
        '    commands:\n      - echo "token: none"\n      - echo key: value: x\n'
    ),
    (
        "version: 0.0\nResources:\n  - f:\n      Properties:\n        Password: !Ref DbPassword\n"
        '        Token: !Sub "${Token}"\n        Secret: !GetAtt A.Secret\n'
    ),
]
SECRETS = [
    (
        "version: 0.2\nenv:\n  variables:\n    DB_PASSWORD: >\n      {SECRET}\nphases:\n  build:\n"
        "    commands:\n      - make\n"
    ),
    ("version: 0.2\nenv:\n  variables: {DB_PASSWORD: {SECRET}}\nphases:\n  build:\n    commands:\n      - make\n"),
    (
        "version: 0.2\nenv:\n  variables:\n    DB_PASSWORD: &p {SECRET}\n    X: *p\nphases:\n  build:\n"
        "    commands:\n      - make\n"
    ),
    "version: 0.2\n# token: {TOKEN}\nphases:\n  build:\n    commands:\n      - make\n",
    "version: 0.2 # curl -u a:{SECRET} x\nphases:\n  build:\n    commands:\n      - make\n",
    "version: 0.2\nphases:\n  build:\n    commands:\n      - $password = '{SECRET}'\n",
    ("version: 0.2\nphases:\n  build:\n    commands:\n      - |\n        $x = 1\n        $password = '{SECRET}'\n"),
    "version: 0.2\nphases:\n  build:\n    commands:\n      - '$env:TOKEN = \"{TOKEN}\"'\n",
    (
        "version: 0.2\nphases:\n  build:\n    commands:\n      - >-\n        curl\n        -u ci:{SECRET}\n"
        "        https://x\n"
    ),
    "version: 0.2\nphases:\n  build:\n    commands: [ 'docker login -u a -p {SECRET}' ]\n",
    ("version: 0.2\nphases:\n  install:\n    commands:\n      - export A_TOKEN={TOKEN}\n      - echo key: value: x\n"),
    (
        "version: 0.2\nenv:\n  variables:\n    K: |\n      -----BEGIN RSA PRIVATE KEY-----\n"
        "      MII{TOKEN}\n      {TOKEN}\nphases:\n  build:\n    commands:\n      - make\n"
    ),
    (
        "version: 0.2\nenv:\n  secrets-manager:\n    A: x:y\n  variables:\n    DB_PASSWORD: {SECRET}\n"
        "phases:\n  build:\n    commands:\n      - make\n"
    ),
    (
        "version: 0.2\nenv:\n  variables:\n    ? DB_PASSWORD\n    : {SECRET}\nphases:\n  build:\n"
        "    commands:\n      - make\n"
    ),
    "env:\n    variables:\n        DB_PASSWORD: '{SECRET}'\nphases: {}\n",
    "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: x.sh --password {SECRET}\n",
    "version: 0.2\nenv:\n  variables:\n    DB_PASSWORD: {SECRET}\n    BAD: [unclosed\n",
]


@pytest.mark.parametrize("text", REFERENCES)
def test_a_reference_in_any_spelling(text: str) -> None:
    """The names of secrets and parameters, and values that are empty or functions, are no findings."""
    assert in_text(text, "source.buildspec", "source, buildspec") == ()


@pytest.mark.parametrize("template", SECRETS)
def test_a_secret_in_any_scalar(template: str) -> None:
    """A secret is found in plain, quoted, block and flow scalars, in comments, and in a document that is invalid."""
    text = template.replace("{SECRET}", PASSWORD).replace("{TOKEN}", generated(40))
    found = in_text(text, "source.buildspec", "source, buildspec")
    assert found
    assert not any(value in repr(found) for value in (PASSWORD, generated(40)))


def test_the_path_continues_in_yaml() -> None:
    """The path and the location include the keys of the document."""
    text = f"version: 0.2\nphases:\n  build:\n    commands:\n      - make\n      - docker login -u a -p {PASSWORD}\n"
    (found,) = in_text(text, "source.buildspec", "source, buildspec")
    assert found.path == "source.buildspec.phases.build.commands[1]"
    assert found.location == "source, buildspec, field phases build commands[1]"


def test_a_comment_has_the_path_of_the_document() -> None:
    """What is no part of the content is checked as text."""
    (found,) = in_text(f"# token={generated(40)}\nphases:\n  build: {{}}\n", "source.buildspec", "source, buildspec")
    assert found.path == "source.buildspec"


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("env:\n  a: 1\n", {"env": {"a": "1"}}),
        ("env:\n  a: &x v\n  b: *x\n", {"env": {"a": "v", "b": "v"}}),
        ("env:\n  a: &x {b: c}\n  d: *x\n", {"env": {"a": {"b": "c"}, "d": ""}}),
        ("env:\n  a: 1\n  a: 2\n", {"env": {"a": ["1", "2"]}}),
        ("env:\n  a: !Ref B\n", {"env": {"a": {"Ref": "B"}}}),
        ("env:\n  a: !Sub x\n", {"env": {"a": {"Fn::Sub": "x"}}}),
        ("env:\n  a: !Join [b, c]\n", {"env": {"a": {"Fn::Join": ["b", "c"]}}}),
        ("env:\n  ? [a, b]\n  : c\n", {"env": {"": "c"}}),
        ("env:\n  a: |\n    b\n    c\n", {"env": {"a": "b\nc\n"}}),
        ("env: 1\n---\nenv: 2\n", [{"env": "1"}, {"env": "2"}]),
    ],
)
def test_a_document_is_read(text: str, content: object) -> None:
    """Every scalar is text, a repeated key keeps each value, and a tag of CloudFormation becomes its function."""
    document = parse_yaml(text)
    assert document is not None
    assert document.content == content


@pytest.mark.parametrize(
    "text",
    ["env: a", "a:\n  b: c\n", "env:\n  a: [\n", "env:\n\ta: b\n", "env:\n" + " a: b\n" * 20_000, "- env\n- b\n"],
)
def test_other_texts_are_not_read_as_yaml(text: str) -> None:
    """One line, another kind of document, invalid YAML and a very long document are checked as text."""
    assert parse_yaml(text) is None


def test_an_anchor_in_an_anchor_is_not_expanded() -> None:
    """A document that multiplies itself by references is read once."""
    levels = [f"a{number}: &a{number} [*a{number - 1}, *a{number - 1}]" for number in range(1, 60)]
    text = "env: {}\na0: &a0 x\n" + "\n".join(levels) + "\n"
    document = parse_yaml(text)
    assert document is not None
    assert len(json.dumps(document.content)) < 10_000


@given(st.text("aenv:-[]{}&*!|>#'\"%@`? \n\t,\\0~", max_size=60))
def test_every_text_can_be_read(text: str) -> None:
    """A text that begins as a build specification raises no error."""
    document = parse_yaml(f"env:\n  a: b\n{text}")
    assert document is None or document.content is not None
