"""A pipeline as a value: malformed structures, keys of its stores, and the quarantine."""

from __future__ import annotations

import re
from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.resources import ARTIFACT_KEY, REGION, SETTINGS, document, key, pipeline

from pipeseal.kinds.pipeline.value import QuarantineReason, Transition, redaction_lock
from pipeseal.model import Action
from pipeseal.remediation.planning import make_plan
from pipeseal.settings import Settings

ENABLED = Transition("Build", enabled=True)
REASONS = [
    frozenset(chosen)
    for chosen in chain.from_iterable(
        combinations(QuarantineReason, size) for size in range(1, len(QuarantineReason) + 1)
    )
]
CODEPIPELINE_REASON = re.compile(r"[a-zA-Z0-9!@ ().*?-]{1,300}")
"""The pattern and the length that DisableStageTransition documents for its reason."""

_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
_STORE = _ANY | st.fixed_dictionaries({}, optional={"location": _ANY, "type": st.just("S3"), "encryptionKey": _ANY})
_MALFORMED = st.fixed_dictionaries(
    {"roleArn": _ANY},
    optional={
        "name": _ANY,
        "artifactStore": _STORE,
        "artifactStores": _ANY | st.dictionaries(st.sampled_from([REGION, "eu-west-1", "?"]), _STORE, max_size=2),
        "stages": _ANY | st.lists(_ANY | st.fixed_dictionaries({"name": _ANY, "actions": _ANY}), max_size=3),
        "variables": _ANY,
        "triggers": _ANY,
    },
)


@given(malformed=_MALFORMED, settings=SETTINGS)
def test_a_malformed_structure_is_checked_as_far_as_it_can_be_read(
    malformed: dict[str, object], settings: Settings
) -> None:
    """With nulls and wrong types anywhere nothing raises, and the state restores what it contains."""
    before = pipeline(malformed, keys={(REGION, ARTIFACT_KEY): key()})
    plan = make_plan(before, settings)
    assert plan.after.with_state(before.state()).same_as(before)
    assert len(list(before.dependencies())) >= len(before.stores)
    assert all(text.path for text in before.texts())
    before.describe_change(plan.after)


def test_a_store_without_a_key_has_none_after_an_undo() -> None:
    """A store that named no key has no encryptionKey afterwards, rather than an empty one."""
    before = pipeline(document((REGION, "harbor", "")))
    after = before.with_keys({REGION: ARTIFACT_KEY})
    assert after.stores[0].key == ARTIFACT_KEY
    assert after.with_state(before.state()).document == before.document


@pytest.mark.parametrize("reasons", REASONS)
def test_codepipeline_accepts_the_reason_of_a_quarantine(reasons: frozenset[str]) -> None:
    """The stored reason has only characters that CodePipeline accepts, at most 300, and is parsed back."""
    quarantined = ENABLED.quarantined(reasons)
    assert CODEPIPELINE_REASON.fullmatch(quarantined.reason)
    assert not quarantined.enabled
    assert quarantined.quarantine_reasons == reasons
    assert quarantined.quarantined(()) == ENABLED


@pytest.mark.parametrize("reasons", REASONS)
def test_a_quarantine_ends_with_its_last_reason(reasons: frozenset[str]) -> None:
    """Each reason is released on its own, and the transition is enabled when none is left."""
    found = pipeline(transition=ENABLED)
    for reason in reasons:
        found = found.quarantined(reason)
        assert found.is_quarantined(reason)
        assert found.quarantined(reason) is found
    assert found.quarantine_reasons == reasons
    for reason in reasons:
        assert found.transition != ENABLED
        found = found.released(reason)
        assert found.released(reason) is found
    assert found.transition == ENABLED


def test_a_transition_that_another_principal_disabled_is_kept() -> None:
    """A pipeline whose transition pipeseal did not disable is neither quarantined nor released."""
    found = pipeline(transition=Transition("Build", enabled=False, reason="on hold"))
    assert found.quarantine_reasons == frozenset()
    assert found.quarantined(QuarantineReason.SECRET) is found
    assert found.released(QuarantineReason.SECRET) is found


def test_a_pipeline_without_a_second_stage_is_not_quarantined() -> None:
    """There is no transition to disable in a structure with one stage."""
    found = pipeline({**document(), "stages": document()["stages"][:1]})
    assert found.quarantined(QuarantineReason.SECRET) is found


def test_a_transition_that_was_not_read_is_quarantined() -> None:
    """Without the live transition, that of the second stage in the structure is disabled."""
    found = pipeline().quarantined(QuarantineReason.ARTIFACT_KEY)
    assert found.transition == ENABLED.quarantined([QuarantineReason.ARTIFACT_KEY])
    action, (step,) = pipeline().describe_change(found)
    assert (action, step) == (
        Action.QUARANTINED,
        "transition into stage Build disabled: nothing is built or deployed",
    )


def test_the_reason_of_an_enabled_transition_is_not_compared() -> None:
    """CodePipeline keeps the last reason when a transition is enabled again."""
    one = pipeline(transition=Transition("Build", enabled=True, reason="former"))
    assert one.same_as(pipeline(transition=ENABLED))
    assert not one.same_as(pipeline(transition=Transition("Build", enabled=False, reason="former")))


@pytest.mark.parametrize("redaction", ["****", "HIDDEN_DUE_TO_SECURITY_REASONS"])
def test_a_redacted_structure_is_locked(redaction: str) -> None:
    """Both texts that AWS returns in place of a token in a secret property lock the structure."""
    assert redaction_lock(document(OAuthToken=redaction)).endswith("would destroy the token")
    assert redaction_lock(document(OAuthToken="{{resolve:secretsmanager:token}}")) == ""
