"""Laws of the detection that hold for every document."""

from __future__ import annotations

import json
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st
from tests.secrets.fake_secrets import GITHUB_TOKEN, PASSWORD, TOKENS

from pipeseal.secrets import in_pipeline, in_text, in_variables

# Keys and values that the search treats specially.
WORDS = st.sampled_from(
    sorted(
        {"name", "value", "type", "stages", "actions", "configuration", "commands", "rules", "OAuthToken", "password"}
        | {"Fn::Sub", "actionTypeId", "variables", "defaultValue", "environmentVariables", "UserParameters", "--token"}
        | {"beforeEntry", "conditions", "PLAINTEXT", "SECRETS_MANAGER"}
    )
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | WORDS
    | st.sampled_from(list(TOKENS.values()))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(WORDS | st.text(max_size=8), inner, max_size=4)
        | st.dictionaries(WORDS, inner, max_size=3).map(json.dumps)
    ),
    max_leaves=25,
)
NAMES = st.text("abcdefghijklmnopqrstuvwxyzABC -_\n\x1b", min_size=1, max_size=30)
# No name above contains these characters, so no name contains a secret by chance.
# A long text of one character and few others is a placeholder.
SECRETS = st.text("XYZ0123456789", min_size=8, max_size=40).filter(
    lambda text: not text.isdecimal() and max(map(text.count, text)) * 3 < len(text)
)


@given(VALUES)
def test_every_document_can_be_checked(value: object) -> None:
    """Unexpected types raise no error, hide no secret beside them, and every finding is printable."""
    variable = {"name": "DB_PASSWORD", "value": PASSWORD}
    # Each of these contains one secret beside the generated value, so none of the searches is without a finding.
    searches = (
        in_pipeline({"Password": PASSWORD, "stages": value}),
        in_pipeline({"Password": PASSWORD, "x": value}),
        in_variables(cast("list[dict[str, Any]]", [variable, value]), "path"),
        in_text(f"export DB_PASSWORD={PASSWORD}\n{value}", "path", "location"),
    )
    assert [len(findings) > 0 for findings in searches] == [True] * len(searches)
    alone = in_text(str(value), "path", "location")
    for finding in (*alone, *(finding for findings in searches for finding in findings)):
        assert all(text.isprintable() for text in (finding.path, finding.location, finding.description, finding.advice))
        assert PASSWORD not in repr(finding)


@given(VALUES)
def test_each_finding_is_unique(value: object) -> None:
    """A document gives each finding once, and the same findings every time."""
    document = {"Password": PASSWORD, "stages": value}
    findings = in_pipeline(document)
    assert findings[0].path == "Password"
    assert len(set(findings)) == len(findings)
    assert in_pipeline(document) == findings


@given(SECRETS, NAMES, NAMES, st.sampled_from(list(TOKENS.values())))
def test_every_secret_is_found_and_never_shown(secret: str, stage: str, name: str, token: str) -> None:
    """Secrets and tokens are found, and no finding shows them, even if names in the document repeat them."""
    document = {
        "stages": [
            {
                "name": stage + secret,
                "actions": [
                    {
                        "name": f"{token} {name}",
                        "configuration": {
                            "UserParameters": json.dumps({"password": secret, name + secret: {"token": token}}),
                            "EnvironmentVariables": json.dumps([{"name": f"{secret}_PASSWORD", "value": secret}]),
                        },
                        "commands": [
                            f"docker login -u me -p {secret}",
                            f"curl https://me:{secret}@example.com",
                            token,
                        ],
                    }
                ],
            }
        ]
    }
    findings = in_pipeline(document)
    assert len({finding.path for finding in findings}) >= 7
    assert secret not in repr(findings)
    assert token not in repr(findings)


@given(NAMES, NAMES)
def test_names_of_stages_and_actions_do_not_affect_the_findings(stage: str, action: str) -> None:
    """The findings outside names are the same for any names of the stage and the action."""
    configuration = {"Password": PASSWORD, "TokenUrl": "https://a.example", "Branch": "main"}
    document = {"stages": [{"name": stage, "actions": [{"name": action, "configuration": configuration}]}]}
    findings = [finding for finding in in_pipeline(document) if not finding.path.endswith(".name")]
    assert [(finding.path, finding.description) for finding in findings] == [
        ("stages[0].actions[0].configuration.Password", "plaintext value in Password")
    ]


@given(
    st.sampled_from(list(TOKENS.values())),
    st.text("abc =:'\"{}[],\n", max_size=30),
    st.text("abc =:'\"{}[],\n", max_size=30),
)
def test_surrounding_text_does_not_hide_a_token(token: str, before: str, after: str) -> None:
    """A token between any punctuation is found and not shown."""
    findings = in_text(f"{before} {token} {after}", "path", "location")
    assert findings
    assert token not in repr(findings)


def test_deep_and_long_documents_are_checked() -> None:
    """Nesting beyond Python's recursion limit, long lists and strings of a megabyte raise no error."""
    deep: object = {"password": PASSWORD}
    for _ in range(20_000):
        deep = [{"a": deep}]
    assert len(in_pipeline({"stages": deep})) == 1
    assert len(in_pipeline({"stages": "[" * 100_000 + "]" * 100_000, "password": PASSWORD})) == 1
    assert len(in_pipeline({"stages": [{"name": f"s{i}", "password": f"Tr0ub4dor{i}"} for i in range(20_000)]})) == 1000
    assert len(in_text("a=b; " * 200_000 + GITHUB_TOKEN, "path", "location")) == 1
