"""CLOUDTRAIL.LOGGING by cases."""

from __future__ import annotations

from typing import Any

import pytest
from tests.resources import ARTIFACT_KEY, SETTLED, advanced, basic, trail

from pipeseal.controls.cloudtrail_logging import CONTROL
from pipeseal.model import Severity
from pipeseal.model.trail import ALL_MANAGEMENT, Trail
from pipeseal.settings import Settings

MANAGEMENT = {"eventCategory": {"Equals": ["Management"]}}
DATA = {"eventCategory": {"Equals": ["Data"]}, "resources.type": {"Equals": ["AWS::S3::Object"]}}
OBJECTS = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}
REMEMBERED = {"selectors": ALL_MANAGEMENT, "settings": SETTLED}

# Selectors that keep all management events, in one form or the other.
WHOLE: list[dict[str, Any]] = [
    dict(ALL_MANAGEMENT),
    basic({}),
    basic({"ReadWriteType": "ReadOnly"}, {"ReadWriteType": "WriteOnly", "DataResources": [OBJECTS]}),
    basic({"ExcludeManagementEventSources": ["kms.amazonaws.com"]}, {}),
    advanced(MANAGEMENT),
    advanced(DATA, MANAGEMENT),
    advanced({**MANAGEMENT, "readOnly": {"Equals": ["true"]}}, {**MANAGEMENT, "readOnly": {"Equals": ["false"]}}),
    advanced({**MANAGEMENT, "readOnly": {"Equals": ["true", "false"]}}),
    advanced(
        {**MANAGEMENT, "eventSource": {"NotEquals": ["kms.amazonaws.com"]}},
        {**MANAGEMENT, "eventSource": {"Equals": ["kms.amazonaws.com"]}},
    ),
    advanced({**MANAGEMENT, "eventName": {"Equals": ["Decrypt"]}}, MANAGEMENT),
]
# Selectors that do not, and what is said of it.
NARROW: list[tuple[dict[str, Any], str]] = [
    (basic({"IncludeManagementEvents": False, "DataResources": [OBJECTS]}), "keeps no management events."),
    (basic({"ReadWriteType": "ReadOnly"}), "keeps no management events that write."),
    (basic({"ReadWriteType": "WriteOnly"}), "keeps no management events that only read."),
    (basic({"ExcludeManagementEventSources": ["kms.amazonaws.com"]}), "management events of kms.amazonaws.com."),
    (advanced(DATA), "keeps no management events."),
    (advanced({**MANAGEMENT, "readOnly": {"Equals": ["true"]}}), "keeps no management events that write."),
    (advanced({**MANAGEMENT, "eventSource": {"NotEquals": ["kms.amazonaws.com"]}}), "events of kms.amazonaws.com."),
    (
        advanced({**MANAGEMENT, "eventSource": {"Equals": ["s3.amazonaws.com"]}}),
        "other services than s3.amazonaws.com.",
    ),
    (advanced({**MANAGEMENT, "eventName": {"NotEquals": ["StopLogging"]}}), "what a filter on eventName leaves out."),
    (
        advanced({**MANAGEMENT, "userIdentity.arn": {"NotStartsWith": ["arn:aws:iam::123456789012:user/eve"]}}),
        "what a filter on userIdentity.arn leaves out.",
    ),
    (advanced({**MANAGEMENT, "readOnly": {"NotEquals": ["false"]}}), "what a filter on readOnly leaves out."),
]


def reasons(of: Trail) -> str:
    """Return what is wrong with a trail, in one text."""
    return " ".join(CONTROL.reasons(of, Settings()))


def test_it_is_critical() -> None:
    """Without CloudTrail pipeseal is blind."""
    assert CONTROL.severity is Severity.CRITICAL


def test_a_stopped_trail_is_started() -> None:
    """Nothing else of it is touched."""
    stopped = trail(logging=False)
    assert "not logging" in reasons(stopped)
    assert CONTROL.fix(stopped, Settings()) == trail()


@pytest.mark.parametrize(
    ("hint", "judged"), [("CreateTrail", False), ("PutEventSelectors", False), ("StopLogging", True)]
)
def test_a_trail_that_never_logged_is_left_to_its_maker(hint: str, judged: bool) -> None:  # noqa: FBT001
    """CloudTrail makes trails that do not log yet; whoever makes one starts it next."""
    made = trail(logging=False, fresh=True, hint=hint)
    assert bool(reasons(made)) is judged
    assert CONTROL.fix(made, Settings()).logging is judged


@pytest.mark.parametrize("selectors", WHOLE)
@pytest.mark.parametrize("sound", [{}, REMEMBERED])
def test_selectors_that_keep_everything_are_let_be(selectors: dict[str, Any], sound: dict[str, Any]) -> None:
    """Whichever form they have, and however many they are."""
    assert reasons(trail(selectors, hint="PutEventSelectors", sound=sound)) == ""


@pytest.mark.parametrize(("selectors", "says"), NARROW)
def test_selectors_that_leave_something_out_go_back(selectors: dict[str, Any], says: str) -> None:
    """The alert says what is missing, and the remembered selectors come back to the letter."""
    narrow = trail(selectors, sound=REMEMBERED)
    assert says in reasons(narrow)
    assert CONTROL.fix(narrow, Settings()) == trail(sound=REMEMBERED)


@pytest.mark.parametrize("former", WHOLE)
def test_either_form_is_put_back(former: dict[str, Any]) -> None:
    """A plain selector in the place of advanced ones, or the other way round."""
    narrow = trail(basic({"IncludeManagementEvents": False}), sound={"selectors": former})
    assert CONTROL.fix(narrow, Settings()).selectors == former


@pytest.mark.parametrize(("selectors", "says"), NARROW)
def test_selectors_that_nobody_remembers_are_only_told_of(selectors: dict[str, Any], says: str) -> None:
    """Somebody has just put them, and the ledger does not know what was there."""
    narrow = trail(selectors, hint="PutEventSelectors")
    assert says in reasons(narrow)
    assert "ledger does not know" in reasons(narrow)
    assert CONTROL.fix(narrow, Settings()) is narrow


@pytest.mark.parametrize(("selectors", "_"), NARROW)
def test_a_trail_that_was_never_wider_is_let_be(selectors: dict[str, Any], _: str) -> None:
    """A trail of data events alone is somebody's choice, until somebody changes it."""
    assert reasons(trail(selectors, hint="StartLogging")) == ""
    assert reasons(trail(selectors, sound={"selectors": selectors})) == ""


def test_what_was_left_out_before_is_not_asked_for() -> None:
    """Narrowing is measured by what was: an old exclusion is not told of, a new one is."""
    former = basic({"ExcludeManagementEventSources": ["rdsdata.amazonaws.com"]})
    both = basic({"ExcludeManagementEventSources": ["kms.amazonaws.com", "rdsdata.amazonaws.com"]})
    assert reasons(trail(both, sound={"selectors": former})) == "It leaves out management events of kms.amazonaws.com."
    assert CONTROL.fix(trail(both, sound={"selectors": former}), Settings()).selectors == former


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"IsMultiRegionTrail": False}, "every Region"),
        ({"IncludeGlobalServiceEvents": False}, "global services"),
        ({"LogFileValidationEnabled": False}, "validation is off"),
        ({"IsOrganizationTrail": False}, "whole organisation"),
        ({"S3BucketName": "elsewhere"}, "went to bucket harbor-trail, and now go to elsewhere"),
        ({"KmsKeyId": None}, f"encrypted under {ARTIFACT_KEY}, and now under none"),
        ({"KmsKeyId": "other"}, "and now under other"),
        ({"CloudWatchLogsLogGroupArn": None}, "went to the log group logs too, and now to none"),
    ],
)
def test_lesser_settings_are_told_of(change: dict[str, Any], says: str) -> None:
    """With before and after; they are not written back."""
    former = {
        **SETTLED, "IsOrganizationTrail": True, "KmsKeyId": ARTIFACT_KEY, "CloudWatchLogsLogGroupArn": "logs"
    }  # fmt: skip
    lesser = trail(settings={**former, **change}, sound={"selectors": ALL_MANAGEMENT, "settings": former})
    (reason,) = CONTROL.reasons(lesser, Settings())
    assert says in reason
    assert CONTROL.fix(lesser, Settings()) is lesser


def test_greater_settings_are_let_be() -> None:
    """More Regions, a key where there was none."""
    lesser = {**SETTLED, "IsMultiRegionTrail": False}
    assert reasons(trail(settings={**SETTLED, "KmsKeyId": ARTIFACT_KEY}, sound={"settings": lesser})) == ""


@pytest.mark.parametrize(("hint", "told"), [("UpdateTrail", True), ("StartLogging", False)])
def test_settings_that_nobody_remembers_are_told_of_once_changed(hint: str, told: bool) -> None:  # noqa: FBT001
    """A trail of one Region is somebody's choice, until somebody changes it."""
    assert ("IsMultiRegionTrail is off" in reasons(trail(settings={"S3BucketName": "b"}, hint=hint))) is told


GONE: dict[str, Any] = {"selectors": {}, "exists": False, "logging": False, "settings": {}}


def test_a_trail_that_is_gone_is_told_of_with_the_way_back() -> None:
    """What it was, and the commands that make it again; nothing is written."""
    gone = trail(**GONE, sound={**REMEMBERED, "settings": {**SETTLED, "S3KeyPrefix": "a b", "KmsKeyId": ARTIFACT_KEY}})
    text = reasons(gone)
    assert "gone" in text
    assert "every Region in bucket harbor-trail" in text
    assert (
        "`aws cloudtrail create-trail --region us-east-1 --name harbor --s3-bucket-name harbor-trail --s3-key-prefix "
        f"'a b' --is-multi-region-trail --enable-log-file-validation --kms-key-id {ARTIFACT_KEY}`" in text
    )
    assert "`aws cloudtrail start-logging --region us-east-1 --name harbor`" in text
    assert "put-event-selectors" not in text
    assert CONTROL.fix(gone, Settings()) is gone


def test_the_way_back_has_the_selectors() -> None:
    """In the command where they are short; else it says where they are."""
    as_aws_says = basic({**ALL_MANAGEMENT["EventSelectors"][0], "DataResources": []})
    assert "put-event-selectors" not in reasons(trail(**GONE, sound={**REMEMBERED, "selectors": as_aws_says}))
    few, many = advanced(MANAGEMENT, DATA), basic(*[{"DataResources": [OBJECTS]}] * 30)
    assert "--advanced-event-selectors '[{" in reasons(trail(**GONE, sound={**REMEMBERED, "selectors": few}))
    assert "#memory" in reasons(trail(**GONE, sound={**REMEMBERED, "selectors": many}))


def test_a_trail_that_is_gone_and_unknown_is_told_of_too() -> None:
    """Without the way back."""
    assert "does not know how it was" in reasons(trail(**GONE))
