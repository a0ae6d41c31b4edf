"""Paths and locations of findings, and the names in them."""

from __future__ import annotations

import pytest
from tests.secrets.fake_secrets import GITHUB_TOKEN, PASSWORD
from tests.secrets.structures import action, pipeline

from pipeseal.secrets import in_pipeline


def test_a_secret_in_a_name_is_replaced_by_its_index() -> None:
    """A token in the name of a stage or in a key is a finding, and the index replaces it in path and location."""
    document = {
        "stages": [
            {
                "name": GITHUB_TOKEN,
                "actions": [{"name": "Do", "configuration": {GITHUB_TOKEN: "x", "Password": PASSWORD}}],
            }
        ]
    }
    found = in_pipeline(document)
    assert [(finding.path, finding.location) for finding in found] == [
        ("stages[0].name", "stage [0], field name"),
        ("stages[0].actions[0].configuration[#0]", "stage [0], action Do, field [#0]"),
        ("stages[0].actions[0].configuration.Password", "stage [0], action Do, field Password"),
    ]
    assert GITHUB_TOKEN not in repr(found)


def test_a_secret_that_a_name_repeats_is_hidden() -> None:
    """A secret that is found in one field is hidden in all names of the document."""
    document = pipeline(action(f"deploy {PASSWORD}", "AWS", "CodeBuild", configuration={"Password": PASSWORD}))
    (found,) = in_pipeline(document)
    assert found.location == "stage Build, action [0], field Password"


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
def test_names_are_printable_and_short(name: str, shown: str) -> None:
    """Control characters are replaced, long names are cut, and the index replaces a blank name."""
    document = {"stages": [{"name": name, "actions": [{"name": name, "configuration": {"Password": PASSWORD}}]}]}
    (found,) = in_pipeline(document)
    assert found.location == f"stage {shown}, action {shown}, field Password"


def test_a_key_with_separators_is_quoted_in_the_path() -> None:
    """Dots, spaces and line breaks in a key are not mistaken for steps of the path."""
    (found,) = in_pipeline({"a.b\nc": {"Password": PASSWORD}})
    assert found.path == '["a.b?c"].Password'
