"""CODEPIPELINE.SYMMETRIC_KEY."""

from __future__ import annotations

import re

import pytest
from tests.resources import ARTIFACT_KEY, QUARANTINE_REASONS, REGION, document, key, pipeline

from pipeseal.controls.codepipeline_symmetric_key import CONTROL
from pipeseal.kinds.key.value import Key, UnreadableKey
from pipeseal.kinds.pipeline.value import Pipeline, Transition
from pipeseal.model import Action
from pipeseal.settings import Settings

NAMED = "1c3a5e7f-0b2d-4f68-9ace-13579bdf2468"
WITH_ARTIFACT_KEY = Settings(artifact_keys={REGION: ARTIFACT_KEY})
OPEN = Transition("Build", enabled=True)
RSA = key("RSA_2048", "SIGN_VERIFY")


def using(found: Key | UnreadableKey, artifact_key: Key | UnreadableKey | None = None, **fields: object) -> Pipeline:
    """Return a pipeline whose store names the key *found*; *artifact_key* is the key in ArtifactKeyArn."""
    keys = {(REGION, NAMED): found} | ({(REGION, ARTIFACT_KEY): artifact_key} if artifact_key else {})
    return pipeline(document((REGION, "harbor", NAMED)), keys=keys, **{"transition": OPEN, **fields})


@pytest.mark.parametrize(
    "found",
    [
        RSA,
        key("HMAC_256", "GENERATE_VERIFY_MAC"),
        key(status="Disabled"),
        key(status="PendingDeletion"),
        UnreadableKey("does not exist", missing=True),
    ],
    ids=["asymmetric", "HMAC", "disabled", "pending deletion", "missing"],
)
def test_an_unusable_key_is_replaced(found: Key | UnreadableKey) -> None:
    """If the key in ArtifactKeyArn is usable, the store names it and the pipeline is not quarantined."""
    fixed = CONTROL.fix(using(found, artifact_key=key()), WITH_ARTIFACT_KEY)
    assert fixed.stores[0].key == ARTIFACT_KEY
    assert fixed.transition == OPEN


@pytest.mark.parametrize(
    ("broken", "settings"),
    [
        (using(RSA), Settings()),
        (using(RSA, artifact_key=key(), locked="AWS redacted a token in it"), WITH_ARTIFACT_KEY),
        (using(RSA, artifact_key=key("RSA_4096")), WITH_ARTIFACT_KEY),
        (using(RSA, artifact_key=UnreadableKey("does not exist", missing=True)), WITH_ARTIFACT_KEY),
    ],
    ids=["no ArtifactKeyArn", "redacted token", "artifact key asymmetric", "artifact key missing"],
)
def test_a_pipeline_that_cannot_be_updated_is_quarantined(broken: Pipeline, settings: Settings) -> None:
    """The transition into the second stage is disabled, with the cause and how to end it; the structure is kept."""
    fixed = CONTROL.fix(broken, settings)
    assert fixed.document == broken.document
    assert fixed.transition is not None
    assert (fixed.transition.stage, fixed.transition.enabled) == ("Build", False)
    assert "symmetric key" in fixed.transition.reason
    assert "enable this transition" in fixed.transition.reason
    assert re.fullmatch(r"[a-zA-Z0-9!@ ().*?-]{1,300}", fixed.transition.reason), "CodePipeline accepts no other text"


def test_a_transition_that_another_writer_disabled_is_kept() -> None:
    """The reason of another writer is not overwritten."""
    closed = using(RSA, transition=Transition("Build", enabled=False, reason="release freeze"))
    assert CONTROL.fix(closed, Settings()) is closed


QUARANTINED = OPEN.quarantined(QUARANTINE_REASONS[1:])


@pytest.mark.parametrize("usable", [key(), None], ids=["usable key", "AWS managed key"])
def test_a_quarantine_ends_when_the_key_is_usable(usable: Key | None) -> None:
    """When the pipeline names another key, the transition is enabled again."""
    named = NAMED if usable else ""
    corrected = pipeline(
        document((REGION, "harbor", named)),
        keys={(REGION, named): usable} if usable else {},
        transition=QUARANTINED,
    )
    (reason,) = CONTROL.reasons(corrected, Settings())
    assert "still quarantined" in reason
    fixed = CONTROL.fix(corrected, Settings())
    assert fixed.transition == OPEN
    action, (step,) = corrected.describe_change(fixed)
    assert (action, "enabled" in step) == (Action.REMEDIATED, True)


def test_one_remediation_sets_the_key_and_ends_the_quarantine() -> None:
    """ArtifactKeyArn was set after the pipeline was quarantined."""
    fixed = CONTROL.fix(using(RSA, artifact_key=key(), transition=QUARANTINED), WITH_ARTIFACT_KEY)
    assert (fixed.stores[0].key, fixed.transition) == (ARTIFACT_KEY, OPEN)


@pytest.mark.parametrize(
    "held",
    [
        using(RSA, transition=QUARANTINED),
        using(UnreadableKey("could not be read (AccessDeniedException)", missing=False), transition=QUARANTINED),
    ],
    ids=["still unusable", "not readable"],
)
def test_a_quarantine_stays_while_the_key_may_be_unusable(held: Pipeline) -> None:
    """A key that cannot be read is never considered usable."""
    assert CONTROL.fix(held, Settings()) is held


def test_a_transition_that_another_writer_disabled_is_not_enabled() -> None:
    """Only a reason that begins with pipeseal's prefix is a quarantine."""
    frozen = using(key(), transition=Transition("Build", enabled=False, reason="release freeze"))
    assert CONTROL.reasons(frozen, Settings()) == ()
    assert CONTROL.fix(frozen, Settings()) is frozen


def test_a_key_that_cannot_be_read_is_reported_and_not_replaced() -> None:
    """A key of another account may be usable, so the pipeline is not changed."""
    foreign = using(UnreadableKey("could not be read (AccessDeniedException)", missing=False))
    assert CONTROL.fix(foreign, WITH_ARTIFACT_KEY) is foreign
    assert "could not be read" in CONTROL.reasons(foreign, WITH_ARTIFACT_KEY)[0]


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        (RSA, "has the key spec RSA_2048; CodePipeline requires SYMMETRIC_DEFAULT"),
        (key(usage="SIGN_VERIFY"), "has the key usage SIGN_VERIFY; CodePipeline requires ENCRYPT_DECRYPT"),
        (key(status="Disabled"), "has the key state Disabled; CodePipeline requires Enabled"),
        (UnreadableKey("does not exist", missing=True), "does not exist"),
    ],
)
def test_the_finding_states_the_fault(found: Key | UnreadableKey, fault: str) -> None:
    """The sentence names the store, its key and the property that CodePipeline does not support."""
    reason = f"The artifact store in {REGION} uses the key {NAMED}, which {fault}."
    assert CONTROL.reasons(using(found), Settings()) == (reason,)


def test_every_region_is_checked() -> None:
    """A pipeline with stores in two Regions is reported if one of them is in violation."""
    both = pipeline(
        document((REGION, "harbor", NAMED), ("eu-west-1", "harbor-west", "other")),
        keys={(REGION, NAMED): key(), ("eu-west-1", "other"): RSA},
    )
    (reason,) = CONTROL.reasons(both, Settings())
    assert "eu-west-1" in reason


def test_a_store_without_a_key_is_compliant() -> None:
    """It uses the AWS managed key, which is symmetric."""
    assert CONTROL.reasons(pipeline(), Settings()) == ()
