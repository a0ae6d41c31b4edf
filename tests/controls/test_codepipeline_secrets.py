"""CODEPIPELINE.SECRETS; tests/secrets covers detection."""

from __future__ import annotations

import re

import pytest
from tests.resources import QUARANTINE_REASONS, document, pipeline

from pipeseal.controls.codepipeline_secrets import CONTROL
from pipeseal.kinds.pipeline.value import Transition
from pipeseal.model import Action, Reason
from pipeseal.remediation.planning import make_plan
from pipeseal.settings import Settings


def test_a_secret_is_reported_with_its_path() -> None:
    """The reason names stage, action and field, and never contains the value."""
    found = pipeline(document(OAuthToken="gho-made-up-value"))
    (reason,) = CONTROL.reasons(found, Settings())
    assert isinstance(reason, Reason)
    assert reason.path == "stages[1].actions[0].configuration.OAuthToken"
    assert all(word in reason for word in ("Build", "Compile", "OAuthToken"))
    assert "made-up-value" not in reason


def test_a_secret_is_not_removed() -> None:
    """By default the control only notifies."""
    found = pipeline(document(OAuthToken="****"))
    assert CONTROL.fix(found, Settings()) is found


def test_a_pipeline_without_secrets_is_compliant() -> None:
    """Names of branches and projects are not secrets."""
    assert CONTROL.reasons(pipeline(document(ProjectName="compile")), Settings()) == ()


QUARANTINING = Settings(quarantine_secrets=True)
OPEN = Transition("Build", enabled=True)
LEAKING = pipeline(document(DB_PASSWORD="made-up-but-literal"), transition=OPEN)


def test_a_pipeline_with_a_secret_is_quarantined_if_the_operator_chooses() -> None:
    """QuarantineSecrets disables the transition into the second stage, with a reason that CodePipeline accepts."""
    stopped = CONTROL.fix(LEAKING, QUARANTINING)
    assert stopped.transition is not None
    assert (stopped.transition.stage, stopped.transition.enabled) == ("Build", False)
    assert "secret" in stopped.transition.reason
    assert re.fullmatch(r"[a-zA-Z0-9!@ ().*?-]{1,300}", stopped.transition.reason)
    assert LEAKING.describe_change(stopped)[0] is Action.QUARANTINED
    assert CONTROL.fix(LEAKING, Settings()) is LEAKING, "off by default"


@pytest.mark.parametrize(
    "structure",
    [document(), document(DB_PASSWORD="made-up-but-literal")],
    ids=["secret removed", "QuarantineSecrets off"],
)
def test_the_quarantine_ends_with_its_cause(structure: dict[str, object]) -> None:
    """The transition is enabled again when the secret is removed or QuarantineSecrets is turned off."""
    held = pipeline(structure, transition=OPEN.quarantined(QUARANTINE_REASONS[:1]))
    assert "still quarantined" in CONTROL.reasons(held, Settings())[-1]
    assert CONTROL.fix(held, Settings()).transition == OPEN


def test_a_quarantine_with_two_causes_ends_with_the_last() -> None:
    """Each control removes only its own cause, and the reason of the transition states the remaining one."""
    both = OPEN.quarantined(QUARANTINE_REASONS)
    assert re.fullmatch(r"[a-zA-Z0-9!@ ().*?-]{1,300}", both.reason)
    held = pipeline(document(DB_PASSWORD="made-up-but-literal"), transition=both)
    plan = make_plan(held, QUARANTINING)
    assert plan.after.transition == OPEN.quarantined(QUARANTINE_REASONS[:1])
    action, (step,) = held.describe_change(plan.after)
    assert (action, "stays disabled" in step) == (Action.QUARANTINED, True)
    assert make_plan(pipeline(transition=plan.after.transition), QUARANTINING).after.transition == OPEN
