"""CODEPIPELINE.SECRETS by cases; where secrets hide is the detector's own test."""

from __future__ import annotations

from tests.resources import document, pipeline

from pipeseal.controls.codepipeline_secrets import CONTROL
from pipeseal.settings import Settings


def test_a_token_is_told_of_by_its_place() -> None:
    """The reason names stage, action and field, says what to use instead, and never shows the value."""
    found = pipeline(document(OAuthToken="gho-made-up-value"))
    (reason,) = CONTROL.reasons(found, Settings())
    assert all(word in reason for word in ("Build", "Compile", "OAuthToken"))
    assert "made-up-value" not in reason


def test_a_secret_is_never_removed() -> None:
    """Only its owner can replace a secret without breaking what it opens."""
    found = pipeline(document(OAuthToken="****"))
    assert CONTROL.fix(found, Settings()) is found


def test_a_pipeline_without_secrets_is_let_be() -> None:
    """Branch and project names are no secrets."""
    assert CONTROL.reasons(pipeline(document(ProjectName="compile")), Settings()) == ()
