"""CODEPIPELINE.SECRETS by cases; where secrets hide is the detector's own test."""

from __future__ import annotations

import re

import pytest
from tests.resources import HOLDS, document, pipeline

from pipeseal.controls.codepipeline_secrets import CONTROL
from pipeseal.decide import decide
from pipeseal.model import Action, Reason
from pipeseal.model.pipeline import Transition
from pipeseal.settings import Settings


def test_a_token_is_told_of_by_its_place() -> None:
    """The reason names stage, action and field, says what to use instead, and never shows the value."""
    found = pipeline(document(OAuthToken="gho-made-up-value"))
    (reason,) = CONTROL.reasons(found, Settings())
    assert isinstance(reason, Reason)
    assert reason.path == "stages[1].actions[0].configuration.OAuthToken"
    assert all(word in reason for word in ("Build", "Compile", "OAuthToken"))
    assert "made-up-value" not in reason


def test_a_secret_is_never_removed() -> None:
    """Only its owner can replace a secret without breaking what it opens."""
    found = pipeline(document(OAuthToken="****"))
    assert CONTROL.fix(found, Settings()) is found


def test_a_pipeline_without_secrets_is_let_be() -> None:
    """Branch and project names are no secrets."""
    assert CONTROL.reasons(pipeline(document(ProjectName="compile")), Settings()) == ()


STOPPING = Settings(quarantine_secrets=True)
WAY = Transition("Build", enabled=True)
LEAKING = pipeline(document(DB_PASSWORD="made-up-but-literal"), transition=WAY)


def test_a_pipeline_with_a_secret_is_stopped_on_request() -> None:
    """Nothing passes into the second stage, and the reason says why, in the letters that CodePipeline takes."""
    stopped = CONTROL.fix(LEAKING, STOPPING)
    assert stopped.transition is not None
    assert (stopped.transition.stage, stopped.transition.enabled) == ("Build", False)
    assert "secret" in stopped.transition.reason
    assert re.fullmatch(r"[a-zA-Z0-9!@ ().*?-]{1,300}", stopped.transition.reason)
    assert LEAKING.changed(stopped)[0] is Action.QUARANTINED
    assert CONTROL.fix(LEAKING, Settings()) is LEAKING, "only on request"


@pytest.mark.parametrize("structure", [document(), document(DB_PASSWORD="made-up-but-literal")], ids=["gone", "let be"])
def test_the_quarantine_ends_with_its_ground(structure: dict[str, object]) -> None:
    """The secret is gone, or the operator no longer wants pipelines stopped for one."""
    held = pipeline(structure, transition=WAY.held(frozenset(HOLDS[:1])))
    assert "still quarantined" in CONTROL.reasons(held, Settings())[-1]
    assert CONTROL.fix(held, Settings()).transition == WAY


def test_a_quarantine_for_two_reasons_ends_with_the_last() -> None:
    """Each control takes back its own ground alone, and says what the way is still closed for."""
    both = WAY.held(frozenset(HOLDS))
    assert re.fullmatch(r"[a-zA-Z0-9!@ ().*?-]{1,300}", both.reason)
    held = pipeline(document(DB_PASSWORD="made-up-but-literal"), transition=both)
    plan = decide(held, STOPPING)
    assert plan.after.transition == WAY.held(frozenset(HOLDS[:1]))
    action, (step,) = held.changed(plan.after)
    assert (action, "stays disabled" in step) == (Action.QUARANTINED, True)
    assert decide(pipeline(transition=plan.after.transition), STOPPING).after.transition == WAY
