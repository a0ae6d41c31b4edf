"""What holds for every document that hypothesis can make."""

from __future__ import annotations

import json
import time
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st
from tests.secrets.made_up import GITHUB, TOKENS

from pipeseal.secrets import in_pipeline, in_text, in_variables

Document = dict[str, Any]
# Of the words that the walk knows.
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
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(WORDS | st.text(max_size=8), inner, max_size=4)
        | st.dictionaries(WORDS, inner, max_size=3).map(json.dumps)
    ),
    max_leaves=25,
)
NAMES = st.text("abcdefghijklmnopqrstuvwxyzABC -_\n\x1b", min_size=1, max_size=30)
# Of letters that no name above has, so that a name cannot hold one by chance.
PLANTED = st.text("XYZ0123456789", min_size=8, max_size=40).filter(lambda text: not text.isdecimal())


@given(ANYTHING)
def test_any_json_can_be_judged(value: object) -> None:
    """Wrong types, nulls and odd shapes never raise, and every finding is printable."""
    for found in (
        *in_pipeline({"stages": value}),
        *in_pipeline({"x": value}),
        *in_variables(cast("list[Document]", [value]), "p"),
        *in_text(str(value), "p", "w"),
    ):
        assert all(text.isprintable() for text in (found.path, found.where, found.what, found.advice))


@given(ANYTHING)
def test_each_finding_comes_once(value: object) -> None:
    """No finding is told twice, and the same document gives the same findings."""
    found = in_pipeline({"stages": value})
    assert len(set(found)) == len(found)
    assert in_pipeline({"stages": value}) == found


@given(PLANTED, NAMES, NAMES, st.sampled_from(list(TOKENS.values())))
def test_what_is_planted_is_found_and_never_told(planted: str, stage: str, name: str, token: str) -> None:
    """A secret under a telling name, a token under any, and both in names too, appear in no finding."""
    document = {
        "stages": [
            {
                "name": stage + planted,
                "actions": [
                    {
                        "name": f"{token} {name}",
                        "configuration": {
                            "UserParameters": json.dumps({"password": planted, name + planted: {"token": token}}),
                            "EnvironmentVariables": json.dumps([{"name": f"{planted}_PASSWORD", "value": planted}]),
                        },
                        "commands": [
                            f"docker login -u me -p {planted}",
                            f"curl https://me:{planted}@example.com",
                            token,
                        ],
                    }
                ],
            }
        ]
    }
    found = in_pipeline(document)
    assert len({secret.path for secret in found}) >= 7
    assert planted not in repr(found)
    assert token not in repr(found)


@given(NAMES, NAMES, NAMES)
def test_renaming_stages_and_actions_changes_no_verdict(one: str, two: str, three: str) -> None:
    """What a stage or an action is called decides nothing."""

    def paths(stage: str, action: str) -> list[tuple[str, str]]:
        made = {
            "name": action,
            "configuration": {"Password": "Tr0ub4dor", "TokenUrl": "https://a.example", "Branch": "main"},
        }
        return [(found.path, found.what) for found in in_pipeline({"stages": [{"name": stage, "actions": [made]}]})]

    assert paths(one, two) == paths(three, one) == paths("Build", "Do")


@given(
    st.sampled_from(list(TOKENS.values())),
    st.text("abc =:'\"{}[],\n", max_size=30),
    st.text("abc =:'\"{}[],\n", max_size=30),
)
def test_surroundings_do_not_hide_a_token(token: str, before: str, after: str) -> None:
    """Whatever punctuation stands around it, a token is found and not told."""
    found = in_text(f"{before} {token} {after}", "p", "w")
    assert found
    assert token not in repr(found)


def test_depth_and_breadth_are_no_trouble() -> None:
    """Nesting past Python's own limit, long lists and strings of a megabyte are judged in a few seconds."""
    began = time.process_time()
    deep: Any = {"password": "Tr0ub4dor"}
    for _ in range(20_000):
        deep = [{"a": deep}]
    assert len(in_pipeline({"stages": deep})) == 1
    assert len(in_pipeline({"stages": "[" * 100_000 + "]" * 100_000, "password": "Tr0ub4dor"})) == 1
    assert len(in_pipeline({"stages": [{"name": f"s{i}", "password": f"Tr0ub4dor{i}"} for i in range(20_000)]})) == 1000
    assert len(in_text("a=b; " * 200_000 + GITHUB, "p", "w")) == 1
    assert time.process_time() - began < 20
