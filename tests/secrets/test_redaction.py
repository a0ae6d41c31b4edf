"""Redactions of AWS."""

import pytest

from pipeseal.secrets.redaction import REDACTIONS, holds_redaction, is_codepipeline_redaction, is_redacted


@pytest.mark.parametrize(
    ("value", "redacted", "by_codepipeline"),
    [
        ("****", True, True),
        ("********", True, True),
        ("***", True, False),
        (" ****\n", True, False),
        ("HIDDEN_DUE_TO_SECURITY_REASONS", True, False),
        ("**", False, False),
        ("****a", False, False),
        ("a****", False, False),
        ("HIDDEN_DUE_TO_SECURITY_REASONS.", False, False),
        ("hidden_due_to_security_reasons", False, False),
        ("", False, False),
    ],
)
def test_a_redaction_is_the_whole_value(value: str, redacted: bool, by_codepipeline: bool) -> None:  # noqa: FBT001 - columns
    """A redaction is three asterisks or more, or CloudTrail's text; only CodePipeline's has four and no space."""
    assert is_redacted(value) is redacted
    assert is_codepipeline_redaction(value) is by_codepipeline


@pytest.mark.parametrize("redaction", REDACTIONS)
def test_a_text_holds_a_redaction_anywhere(redaction: str) -> None:
    """A redaction inside a longer text counts; a shorter run of asterisks does not."""
    assert is_redacted(redaction)
    assert holds_redaction(f'{{"OAuthToken": "{redaction}"}}')
    assert holds_redaction(redaction)
    assert not holds_redaction('{"Key": "releases/***/app.zip"}')
