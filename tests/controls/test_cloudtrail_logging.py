"""CLOUDTRAIL.LOGGING."""

from __future__ import annotations

from typing import Any

import pytest
from tests.resources import ARTIFACT_KEY, COMPLETE_SETTINGS, advanced, basic, trail

from pipeseal.controls.cloudtrail_logging import CONTROL
from pipeseal.kinds.trail.selectors import ALL_MANAGEMENT_EVENTS
from pipeseal.kinds.trail.value import Trail
from pipeseal.model import Severity
from pipeseal.settings import Settings

MANAGEMENT = {"eventCategory": {"Equals": ["Management"]}}
DATA = {"eventCategory": {"Equals": ["Data"]}, "resources.type": {"Equals": ["AWS::S3::Object"]}}
OBJECTS = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}
BASELINE = {"selectors": ALL_MANAGEMENT_EVENTS, "settings": COMPLETE_SETTINGS}

# Selectors that include all management events, basic and advanced.
COMPLETE: list[dict[str, Any]] = [
    dict(ALL_MANAGEMENT_EVENTS),
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
# Selectors that exclude some, and what the reason states.
NARROW: list[tuple[dict[str, Any], str]] = [
    (basic({"IncludeManagementEvents": False, "DataResources": [OBJECTS]}), "records no management events."),
    (basic({"ReadWriteType": "ReadOnly"}), "records no write management events."),
    (basic({"ReadWriteType": "WriteOnly"}), "records no read management events."),
    (basic({"ExcludeManagementEventSources": ["kms.amazonaws.com"]}), "management events of kms.amazonaws.com."),
    (advanced(DATA), "records no management events."),
    (advanced({**MANAGEMENT, "readOnly": {"Equals": ["true"]}}), "records no write management events."),
    (advanced({**MANAGEMENT, "eventSource": {"NotEquals": ["kms.amazonaws.com"]}}), "events of kms.amazonaws.com."),
    (
        advanced({**MANAGEMENT, "eventSource": {"Equals": ["s3.amazonaws.com"]}}),
        "services other than s3.amazonaws.com.",
    ),
    (advanced({**MANAGEMENT, "eventName": {"NotEquals": ["StopLogging"]}}), "what a filter on eventName excludes."),
    (
        advanced({**MANAGEMENT, "userIdentity.arn": {"NotStartsWith": ["arn:aws:iam::123456789012:user/eve"]}}),
        "what a filter on userIdentity.arn excludes.",
    ),
    (advanced({**MANAGEMENT, "readOnly": {"NotEquals": ["false"]}}), "what a filter on readOnly excludes."),
]


def reasons(found: Trail) -> str:
    """Return the reasons as one text."""
    return " ".join(CONTROL.reasons(found, Settings()))


def test_it_is_critical() -> None:
    """Without CloudTrail pipeseal receives no events."""
    assert CONTROL.severity is Severity.CRITICAL


def test_a_stopped_trail_is_started() -> None:
    """Logging is started, and nothing else is changed."""
    stopped = trail(logging=False)
    assert "not logging" in reasons(stopped)
    assert CONTROL.fix(stopped, Settings()) == trail()


@pytest.mark.parametrize(
    ("hint", "reported"), [("CreateTrail", False), ("PutEventSelectors", False), ("StopLogging", True)]
)
def test_a_new_trail_that_never_logged_is_not_reported(hint: str, reported: bool) -> None:  # noqa: FBT001
    """A new trail does not log until its creator calls StartLogging."""
    new = trail(logging=False, never_logged=True, event_name=hint)
    assert bool(reasons(new)) is reported
    assert CONTROL.fix(new, Settings()).logging is reported


@pytest.mark.parametrize("selectors", COMPLETE)
@pytest.mark.parametrize("baseline", [{}, BASELINE])
def test_complete_selectors_are_compliant(selectors: dict[str, Any], baseline: dict[str, Any]) -> None:
    """Basic and advanced selectors are compliant if together they include all management events."""
    assert reasons(trail(selectors, event_name="PutEventSelectors", baseline=baseline)) == ""


@pytest.mark.parametrize(("selectors", "says"), NARROW)
def test_selectors_of_the_baseline_are_restored(selectors: dict[str, Any], says: str) -> None:
    """The reason states what is missing, and the selectors of the baseline are restored unchanged."""
    narrow = trail(selectors, baseline=BASELINE)
    assert says in reasons(narrow)
    assert CONTROL.fix(narrow, Settings()) == trail(baseline=BASELINE)


@pytest.mark.parametrize("former", COMPLETE)
def test_both_forms_of_selectors_are_restored(former: dict[str, Any]) -> None:
    """Advanced selectors replace basic ones, and the reverse."""
    narrow = trail(basic({"IncludeManagementEvents": False}), baseline={"selectors": former})
    assert CONTROL.fix(narrow, Settings()).selectors == former


@pytest.mark.parametrize(("selectors", "says"), NARROW)
def test_selectors_without_a_baseline_are_only_reported(selectors: dict[str, Any], says: str) -> None:
    """The selectors were just changed, and the ledger has no baseline of them."""
    narrow = trail(selectors, event_name="PutEventSelectors")
    assert says in reasons(narrow)
    assert "ledger has no baseline of the event selectors" in reasons(narrow)
    assert CONTROL.fix(narrow, Settings()) is narrow


@pytest.mark.parametrize(("selectors", "_"), NARROW)
def test_a_trail_that_never_recorded_more_is_compliant(selectors: dict[str, Any], _: str) -> None:
    """A trail without management events is intended, as long as its selectors do not change."""
    assert reasons(trail(selectors, event_name="StartLogging")) == ""
    assert reasons(trail(selectors, baseline={"selectors": selectors})) == ""


def test_only_new_exclusions_are_reported() -> None:
    """An exclusion in the baseline is compliant."""
    former = basic({"ExcludeManagementEventSources": ["rdsdata.amazonaws.com"]})
    both = basic({"ExcludeManagementEventSources": ["kms.amazonaws.com", "rdsdata.amazonaws.com"]})
    assert reasons(trail(both, baseline={"selectors": former})) == "It excludes management events of kms.amazonaws.com."
    assert CONTROL.fix(trail(both, baseline={"selectors": former}), Settings()).selectors == former


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"IsMultiRegionTrail": False}, "every Region"),
        ({"IncludeGlobalServiceEvents": False}, "global services"),
        ({"LogFileValidationEnabled": False}, "validation is off"),
        ({"IsOrganizationTrail": False}, "whole organization"),
        ({"S3BucketName": "elsewhere"}, "went to bucket harbor-trail, and now go to elsewhere"),
        ({"KmsKeyId": None}, f"encrypted under {ARTIFACT_KEY}, and now under none"),
        ({"KmsKeyId": "other"}, "and now under other"),
        ({"CloudWatchLogsLogGroupArn": None}, "went to the log group logs too, and now to none"),
    ],
)
def test_weaker_settings_are_only_reported(change: dict[str, Any], says: str) -> None:
    """The reason states the former and the current value, and nothing is written."""
    former = {
        **COMPLETE_SETTINGS, "IsOrganizationTrail": True, "KmsKeyId": ARTIFACT_KEY, "CloudWatchLogsLogGroupArn": "logs"
    }  # fmt: skip
    weaker = trail(settings={**former, **change}, baseline={"selectors": ALL_MANAGEMENT_EVENTS, "settings": former})
    (reason,) = CONTROL.reasons(weaker, Settings())
    assert says in reason
    assert CONTROL.fix(weaker, Settings()) is weaker


def test_stronger_settings_are_compliant() -> None:
    """More Regions and a new KMS key are not reported."""
    weaker = {**COMPLETE_SETTINGS, "IsMultiRegionTrail": False}
    assert reasons(trail(settings={**COMPLETE_SETTINGS, "KmsKeyId": ARTIFACT_KEY}, baseline={"settings": weaker})) == ""


@pytest.mark.parametrize(("hint", "reported"), [("UpdateTrail", True), ("StartLogging", False)])
def test_settings_without_a_baseline_are_reported_after_a_change(hint: str, reported: bool) -> None:  # noqa: FBT001
    """A single-Region trail is intended, as long as its settings do not change."""
    assert ("IsMultiRegionTrail is off" in reasons(trail(settings={"S3BucketName": "b"}, event_name=hint))) is reported


DELETED: dict[str, Any] = {"selectors": {}, "exists": False, "logging": False, "settings": {}}


def test_a_deleted_trail_is_reported_with_the_commands_to_create_it() -> None:
    """The reasons state what it recorded and the commands; nothing is written."""
    deleted = trail(
        **DELETED,
        baseline={**BASELINE, "settings": {**COMPLETE_SETTINGS, "S3KeyPrefix": "a b", "KmsKeyId": ARTIFACT_KEY}},
    )
    text = reasons(deleted)
    assert "The trail no longer exists" in text
    assert "every Region in bucket harbor-trail" in text
    assert (
        "`aws cloudtrail create-trail --region us-east-1 --name harbor --s3-bucket-name harbor-trail --s3-key-prefix "
        f"'a b' --is-multi-region-trail --enable-log-file-validation --kms-key-id {ARTIFACT_KEY}`" in text
    )
    assert "`aws cloudtrail start-logging --region us-east-1 --name harbor`" in text
    assert "put-event-selectors" not in text
    assert CONTROL.fix(deleted, Settings()) is deleted


def test_the_commands_include_the_selectors() -> None:
    """Short selectors are in the command; for long ones it refers to the ledger."""
    as_returned = basic({**ALL_MANAGEMENT_EVENTS["EventSelectors"][0], "DataResources": []})
    assert "put-event-selectors" not in reasons(trail(**DELETED, baseline={**BASELINE, "selectors": as_returned}))
    few, many = advanced(MANAGEMENT, DATA), basic(*[{"DataResources": [OBJECTS]}] * 30)
    assert "--advanced-event-selectors '[{" in reasons(trail(**DELETED, baseline={**BASELINE, "selectors": few}))
    assert "#record" in reasons(trail(**DELETED, baseline={**BASELINE, "selectors": many}))


def test_a_deleted_trail_without_a_baseline_is_reported() -> None:
    """The reasons contain no commands."""
    assert "ledger has no baseline of the trail" in reasons(trail(**DELETED))
