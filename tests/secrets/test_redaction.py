"""Redactions of AWS."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.secrets.structures import action, pipeline

from pipeseal.secrets import in_pipeline
from pipeseal.secrets.redaction import REDACTIONS, holds_redaction, is_redaction


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("****", True),
        ("HIDDEN_DUE_TO_SECURITY_REASONS", True),
        ("***", False),
        ("********", False),
        (" ****\n", False),
        ("**", False),
        ("****a", False),
        ("a****", False),
        ("HIDDEN_DUE_TO_SECURITY_REASONS.", False),
        ("hidden_due_to_security_reasons", False),
        ("", False),
        (None, False),
        (["****"], False),
    ],
)
def test_a_redaction_is_the_exact_text_of_aws(value: object, expected: bool) -> None:  # noqa: FBT001 - a column
    """A redaction is what AWS returns, character for character."""
    assert is_redaction(value) is expected


def with_configuration(owner: str, **configuration: str) -> dict[str, Any]:
    """Return a pipeline with one action of a type of *owner*."""
    return pipeline(action("Do", owner, "Any", configuration=configuration))


@pytest.mark.parametrize("redaction", REDACTIONS)
@pytest.mark.parametrize("owner", ["ThirdParty", "Custom"])
def test_a_pipeline_holds_a_redaction(redaction: str, owner: str) -> None:
    """A property of an action of a third party's or a custom type can be redacted, under any name."""
    assert holds_redaction(with_configuration(owner, OAuthToken=redaction))
    assert holds_redaction(with_configuration(owner, Licence=redaction))


@pytest.mark.parametrize("redaction", REDACTIONS)
def test_a_redacted_token_of_an_aws_action(redaction: str) -> None:
    """In an action of AWS, a property that is named as a secret can be redacted."""
    assert holds_redaction(with_configuration("AWS", OAuthToken=redaction))


@pytest.mark.parametrize("redaction", REDACTIONS)
@pytest.mark.parametrize(
    "document",
    [
        lambda text: with_configuration("AWS", UserParameters=text),
        lambda text: with_configuration("AWS", CustomData=text),
        lambda text: with_configuration("Custom", Path=f"releases/{text}/app.zip"),
        lambda text: with_configuration("Custom", Parameters=json.dumps({"token": text})),
        lambda text: pipeline(variables=[{"name": "X", "defaultValue": text, "description": text}]),
        lambda text: pipeline(action(text, "AWS", "Commands", commands=[text])),
        lambda text: pipeline(triggers=[{"gitConfiguration": {"push": [{"branches": {"includes": [text]}}]}}]),
        lambda text: {"name": text, "stages": text},
        lambda text: {"stages": [text, {"actions": text}, {"actions": [text, {"configuration": text}]}]},
    ],
)
def test_the_text_of_a_redaction_elsewhere_is_no_redaction(document: Any, redaction: str) -> None:
    """Asterisks that a person writes where AWS redacts nothing do not prevent a remediation."""
    assert not holds_redaction(document(redaction))


@pytest.mark.parametrize("value", ["***", "*****", "********"])
def test_other_asterisks_are_placeholders(value: str) -> None:
    """A number of asterisks that AWS does not return is no secret under any name."""
    assert in_pipeline(with_configuration("Custom", Password=value)) == ()
