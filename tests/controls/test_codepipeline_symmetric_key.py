"""CODEPIPELINE.SYMMETRIC_KEY by cases."""

from __future__ import annotations

import re

import pytest
from tests.resources import ARTIFACT_KEY, HOLDS, REGION, document, key, pipeline

from pipeseal.controls.codepipeline_symmetric_key import CONTROL
from pipeseal.model import Action
from pipeseal.model.key import Key, Unread
from pipeseal.model.pipeline import Pipeline, Transition
from pipeseal.settings import Settings

NAMED = "1c3a5e7f-0b2d-4f68-9ace-13579bdf2468"
OPERATORS = Settings(artifact_keys={REGION: ARTIFACT_KEY})
WAY = Transition("Build", enabled=True)
RSA = key("RSA_2048", "SIGN_VERIFY")


def under(found: Key | Unread, operators: Key | Unread | None = None, **fields: object) -> Pipeline:
    """Make a pipeline whose store is under what was *found*, and the operator's key beside it."""
    keys = {(REGION, NAMED): found} | ({(REGION, ARTIFACT_KEY): operators} if operators else {})
    return pipeline(document((REGION, "harbor", NAMED)), keys=keys, **{"transition": WAY, **fields})


@pytest.mark.parametrize(
    "found",
    [
        RSA,
        key("HMAC_256", "GENERATE_VERIFY_MAC"),
        key(status="Disabled"),
        key(status="PendingDeletion"),
        Unread("does not exist", missing=True),
    ],
    ids=["asymmetric", "HMAC", "disabled", "pending deletion", "missing"],
)
def test_a_key_that_cannot_encrypt_is_replaced(found: Key | Unread) -> None:
    """Where the operator's key can take its place, it does, and nothing is quarantined."""
    fixed = CONTROL.fix(under(found, operators=key()), OPERATORS)
    assert fixed.stores[0].key == ARTIFACT_KEY
    assert fixed.transition == WAY


@pytest.mark.parametrize(
    ("broken", "settings"),
    [
        (under(RSA), Settings()),
        (under(RSA, operators=key(), locked="AWS masks a token in it"), OPERATORS),
        (under(RSA, operators=key("RSA_4096")), OPERATORS),
        (under(RSA, operators=Unread("does not exist", missing=True)), OPERATORS),
    ],
    ids=["no key of the operator's", "a masked token", "the operator's key is no better", "the operator's is gone"],
)
def test_a_pipeline_that_cannot_be_mended_is_quarantined(broken: Pipeline, settings: Settings) -> None:
    """Nothing passes into the second stage, the structure stays, and the reason says why and how to lift it."""
    fixed = CONTROL.fix(broken, settings)
    assert fixed.document == broken.document
    assert fixed.transition is not None
    assert (fixed.transition.stage, fixed.transition.enabled) == ("Build", False)
    assert "symmetric key" in fixed.transition.reason
    assert "enable this transition" in fixed.transition.reason
    assert re.fullmatch(r"[a-zA-Z0-9!@ ().*?-]{1,300}", fixed.transition.reason), "CodePipeline takes no other text"


def test_a_way_that_is_closed_already_stays_as_it_is() -> None:
    """Somebody else's reason for a disabled transition is not overwritten."""
    closed = under(RSA, transition=Transition("Build", enabled=False, reason="release freeze"))
    assert CONTROL.fix(closed, Settings()) is closed


QUARANTINED = WAY.held(frozenset(HOLDS[1:]))


@pytest.mark.parametrize("sound", [key(), None], ids=["a sound key", "the AWS managed key"])
def test_a_quarantine_ends_when_the_key_is_in_order(sound: Key | None) -> None:
    """The owner named another key: the way is open again, and the alert says so."""
    named = NAMED if sound else ""
    mended = pipeline(
        document((REGION, "harbor", named)),
        keys={(REGION, named): sound} if sound else {},
        transition=QUARANTINED,
    )
    (reason,) = CONTROL.reasons(mended, Settings())
    assert "still quarantined" in reason
    fixed = CONTROL.fix(mended, Settings())
    assert fixed.transition == WAY
    action, (step,) = mended.changed(fixed)
    assert (action, "enabled" in step) == (Action.REMEDIATED, True)


def test_pipeseal_mends_and_lifts_in_one() -> None:
    """The operator gave a key after the quarantine."""
    fixed = CONTROL.fix(under(RSA, operators=key(), transition=QUARANTINED), OPERATORS)
    assert (fixed.stores[0].key, fixed.transition) == (ARTIFACT_KEY, WAY)


@pytest.mark.parametrize(
    "held",
    [
        under(RSA, transition=QUARANTINED),
        under(Unread("could not be read (AccessDeniedException)", missing=False), transition=QUARANTINED),
    ],
    ids=["still broken", "unread now"],
)
def test_a_quarantine_stays_while_the_key_may_be_unsound(held: Pipeline) -> None:
    """What cannot be read is never taken for fine."""
    assert CONTROL.fix(held, Settings()) is held


def test_somebody_elses_closed_way_is_never_opened() -> None:
    """Only what begins with pipeseal's own words is pipeseal's."""
    frozen = under(key(), transition=Transition("Build", enabled=False, reason="release freeze"))
    assert CONTROL.reasons(frozen, Settings()) == ()
    assert CONTROL.fix(frozen, Settings()) is frozen


def test_a_key_that_may_not_be_read_is_said_and_left() -> None:
    """Another account's key may well be fine: no workload is stopped for it, and it is never taken for fine."""
    foreign = under(Unread("could not be read (AccessDeniedException)", missing=False))
    assert CONTROL.fix(foreign, OPERATORS) is foreign
    assert "could not be read" in CONTROL.reasons(foreign, OPERATORS)[0]


def test_every_region_is_judged() -> None:
    """A pipeline over two Regions is as good as the worse of its stores."""
    both = pipeline(
        document((REGION, "harbor", NAMED), ("eu-west-1", "harbor-west", "other")),
        keys={(REGION, NAMED): key(), ("eu-west-1", "other"): RSA},
    )
    (reason,) = CONTROL.reasons(both, Settings())
    assert "eu-west-1" in reason


def test_a_store_without_a_key_is_let_be() -> None:
    """It is under the AWS managed key, which is symmetric."""
    assert CONTROL.reasons(pipeline(), Settings()) == ()
