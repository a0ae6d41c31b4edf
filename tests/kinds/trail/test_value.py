"""A trail as a value: its baseline, and what is found against it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.resources import COMPLETE_SETTINGS, basic, trail

from pipeseal.kinds.trail.selectors import ALL_MANAGEMENT_EVENTS
from pipeseal.model import Action

WITHOUT_KMS = basic({"ExcludeManagementEventSources": ["kms.amazonaws.com"]})
WITHOUT_RDS = basic({"ExcludeManagementEventSources": ["rdsdata.amazonaws.com"]})
COMPLETE = {"selectors": dict(ALL_MANAGEMENT_EVENTS), "settings": COMPLETE_SETTINGS}
ONE_REGION = {**COMPLETE_SETTINGS, "IsMultiRegionTrail": False}


@pytest.mark.parametrize(
    ("found", "baseline"),
    [
        (trail(), COMPLETE),
        (trail(WITHOUT_RDS), {**COMPLETE, "selectors": WITHOUT_RDS}),
        (trail(WITHOUT_KMS), {"settings": COMPLETE_SETTINGS}),
        (trail(WITHOUT_KMS, event_name="PutEventSelectors"), {"selectors": None, "settings": COMPLETE_SETTINGS}),
        (trail(WITHOUT_KMS, baseline=COMPLETE), COMPLETE),
        (trail(WITHOUT_KMS, baseline={"selectors": WITHOUT_KMS}), {**COMPLETE, "selectors": WITHOUT_KMS}),
        (trail(settings=ONE_REGION), {**COMPLETE, "settings": ONE_REGION}),
        (trail(settings=ONE_REGION, event_name="UpdateTrail"), {**COMPLETE, "settings": None}),
        (trail(settings=ONE_REGION, baseline=COMPLETE), COMPLETE),
        (trail({}, exists=False, baseline={"settings": ONE_REGION}), {"settings": ONE_REGION}),
    ],
)
def test_the_baseline_keeps_what_was_better(found: Any, baseline: dict[str, Any]) -> None:
    """A part without losses becomes the baseline; a part with losses keeps the former one, or None if unknown."""
    assert found.new_baseline() == baseline


def test_gaps_are_new_only_against_a_baseline_or_a_change() -> None:
    """Without a baseline, gaps are findings only after PutEventSelectors."""
    assert not trail(WITHOUT_KMS).new_gaps
    assert not trail(WITHOUT_KMS, event_name="UpdateTrail").new_gaps
    assert trail(WITHOUT_KMS, event_name="PutEventSelectors").new_gaps
    assert trail(WITHOUT_KMS, baseline={"selectors": None}).new_gaps
    assert trail(WITHOUT_KMS, baseline=COMPLETE).new_gaps
    assert not trail(WITHOUT_KMS, baseline={"selectors": WITHOUT_KMS}).new_gaps


def test_a_change_is_described_with_what_is_excluded_then() -> None:
    """Logging and selectors are one step each, and the step says which events are not recorded."""
    action, steps = trail(logging=False).describe_change(trail(WITHOUT_KMS))
    assert action is Action.REMEDIATED
    assert steps == (
        "logging switched on",
        "event selectors replaced: It excludes management events of kms.amazonaws.com.",
    )
    assert trail(WITHOUT_KMS).describe_change(trail())[1] == (
        "event selectors replaced: all management events are recorded",
    )
