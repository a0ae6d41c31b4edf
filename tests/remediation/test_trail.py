"""Trails: logging is turned on again, event selectors return to the baseline, and other changes are alerted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from tests.fake_account import ACCOUNT, ENVIRONMENT, REGION, FakeAccount, event, writes
from tests.fake_resources import create_bucket
from tests.operations.operator import OPERATOR
from tests.resources import advanced, basic

from pipeseal.exemptions import Grounds
from pipeseal.operations.amendment import Declined, carry_out
from pipeseal.operations.undo import plan_undo
from pipeseal.runtime import Runtime

ARN = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/harbor"
COMPLIANT: dict[str, Any] = {
    "Name": "harbor",
    "S3BucketName": "harbor-trail",
    "IsMultiRegionTrail": True,
    "EnableLogFileValidation": True,
}
NO_MANAGEMENT = basic({"ReadWriteType": "All", "IncludeManagementEvents": False})
DATA = {"eventCategory": {"Equals": ["Data"]}, "resources.type": {"Equals": ["AWS::S3::Object"]}}
BASIC = basic(
    {"ReadWriteType": "All", "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::harbor/"]}]}
)
ADVANCED = advanced({"eventCategory": {"Equals": ["Management"]}}, DATA)
STARTED = event("StartLogging", {"name": ARN})
STOPPED = event("StopLogging", {"name": "harbor"})
SELECTED = event("PutEventSelectors", {"trailName": "harbor"})
UPDATED = event("UpdateTrail", {"name": "harbor"})
DELETED = event("DeleteTrail", {"name": ARN})


@pytest.fixture
def cloudtrail(account: FakeAccount) -> Any:
    """Return a client of an account with the trail harbor, of which the ledger has no record yet."""
    for name in ("harbor-trail", "elsewhere"):
        create_bucket(name)
    made = boto3.client("cloudtrail")
    made.create_trail(**COMPLIANT)
    made.start_logging(Name="harbor")
    return made


def actions(account: FakeAccount, *events: Mapping[str, Any]) -> list[str]:
    """Deliver *events*; return the action of each outcome."""
    return [outcome["action"] for each in events for outcome in account.deliver(each)]


def baseline() -> Any:
    """Return the trail's baseline in the ledger, None where there is none."""
    key = {"resource": {"S": ARN}, "id": {"S": "#record"}}
    item = boto3.client("dynamodb").get_item(TableName=ENVIRONMENT["LEDGER_TABLE"], Key=key).get("Item", {})
    return json.loads(item["baseline"]["S"]) if "baseline" in item else None


def test_logging_is_turned_on_again(account: FakeAccount, cloudtrail: Any) -> None:
    """It is alerted once, and the event of pipeseal's own StartLogging finds the trail compliant."""
    cloudtrail.stop_logging(Name="harbor")
    with account.calls() as calls:
        assert actions(account, STOPPED) == ["remediated"]
    assert [call for call in writes(calls) if call.endswith(("Logging", "Selectors"))] == ["StartLogging"]
    assert cloudtrail.get_trail_status(Name="harbor")["IsLogging"]
    (alert,), (entry,) = account.alerts(), account.entries()
    assert (alert["action"], alert["severity"], alert["controls"]) == ("remediated", "critical", ["CLOUDTRAIL.LOGGING"])
    assert alert["resource"] == {"type": "trail", "name": "harbor", "arn": ARN}
    assert alert["done"] == ["logging switched on"]
    assert (entry["before"]["logging"], entry["after"]["logging"]) == (False, True)
    with account.calls() as calls:
        assert actions(account, STARTED, STOPPED) == ["compliant", "compliant"]
    assert not writes(calls)
    assert not account.alerts()


def test_each_stop_is_remediated_and_alerted(account: FakeAccount, cloudtrail: Any) -> None:
    """Two stops make two alerts and two entries."""
    for _ in range(2):
        cloudtrail.stop_logging(Name="harbor")
        assert actions(account, event("StopLogging", {"name": ARN})) == ["remediated"]
    assert len(account.alerts()) == len(account.entries()) == 2


@pytest.mark.parametrize("former", [BASIC, ADVANCED], ids=["basic", "advanced"])
@pytest.mark.parametrize("narrow", [NO_MANAGEMENT, advanced(DATA)], ids=["basic", "advanced"])
def test_selectors_return_to_the_baseline(
    account: FakeAccount, cloudtrail: Any, former: dict[str, Any], narrow: dict[str, Any]
) -> None:
    """They are restored exactly and in the same form, basic or advanced, with their data events."""
    cloudtrail.put_event_selectors(TrailName="harbor", **former)
    before = cloudtrail.get_event_selectors(TrailName="harbor")
    assert actions(account, SELECTED) == ["compliant"]
    cloudtrail.put_event_selectors(TrailName="harbor", **narrow)
    assert actions(account, SELECTED, SELECTED) == ["remediated", "compliant"]
    after = cloudtrail.get_event_selectors(TrailName="harbor")
    forms = ("EventSelectors", "AdvancedEventSelectors")
    assert [after.get(form) for form in forms] == [before.get(form) for form in forms]
    (alert,) = account.alerts()
    assert (alert["severity"], alert["done"]) == (
        "critical",
        ["event selectors replaced: all management events are recorded"],
    )


def test_selectors_without_a_baseline_are_alerted_once(account: FakeAccount, cloudtrail: Any) -> None:
    """Nothing is written, and the alert states that the ledger has no baseline."""
    cloudtrail.put_event_selectors(TrailName="harbor", **NO_MANAGEMENT)
    with account.calls() as calls:
        assert actions(account, SELECTED, SELECTED) == ["detected", "known"]
    assert "PutEventSelectors" not in calls
    (alert,) = account.alerts()
    assert "ledger has no baseline" in " ".join(alert["findings"][0]["reasons"])
    assert actions(account, STARTED, UPDATED, SELECTED) == ["known"] * 3
    assert not account.alerts()
    assert baseline()["selectors"] is None
    cloudtrail.put_event_selectors(TrailName="harbor", **ADVANCED)
    assert actions(account, SELECTED) == ["compliant"]
    assert set(baseline()["selectors"]) == {"AdvancedEventSelectors"}


def test_only_a_compliant_and_changed_state_is_stored_as_baseline(account: FakeAccount, cloudtrail: Any) -> None:
    """The first read writes once, the next not at all; wider selectors are stored, narrower ones are not."""
    with account.calls() as calls:
        actions(account, event("CreateTrail", {"name": "harbor"}), STARTED)
    assert writes(calls) == ["UpdateItem"]
    assert baseline()["settings"]["S3BucketName"] == "harbor-trail"
    cloudtrail.put_event_selectors(TrailName="harbor", **ADVANCED)
    actions(account, SELECTED)
    assert set(baseline()["selectors"]) == {"AdvancedEventSelectors"}
    cloudtrail.put_event_selectors(TrailName="harbor", **NO_MANAGEMENT)
    cloudtrail.update_trail(Name="harbor", IsMultiRegionTrail=False)
    actions(account, UPDATED)
    assert set(baseline()["selectors"]) == {"AdvancedEventSelectors"}
    assert baseline()["settings"]["IsMultiRegionTrail"] is True


def test_a_narrowing_update_is_alerted_with_before_and_after(account: FakeAccount, cloudtrail: Any) -> None:
    """It is alerted once, however often the trail is read, until its owner corrects it."""
    actions(account, STARTED)
    cloudtrail.update_trail(Name="harbor", S3BucketName="elsewhere", EnableLogFileValidation=False)
    with account.calls() as calls:
        assert actions(account, UPDATED, UPDATED, STARTED) == ["detected", "known", "known"]
    assert "UpdateTrail" not in calls
    (alert,) = account.alerts()
    text = " ".join(alert["findings"][0]["reasons"])
    assert alert["severity"] == "critical"
    assert "went to bucket harbor-trail, and now go to elsewhere" in text
    assert "validation is off" in text
    cloudtrail.update_trail(Name="harbor", S3BucketName="harbor-trail", EnableLogFileValidation=True)
    assert actions(account, UPDATED) == ["compliant"]


def test_a_narrowing_update_of_an_unknown_trail_is_alerted(account: FakeAccount, cloudtrail: Any) -> None:
    """Without a baseline the trail is compared with what every trail should have."""
    cloudtrail.update_trail(Name="harbor", IsMultiRegionTrail=False)
    assert actions(account, UPDATED, UPDATED, STARTED) == ["detected", "known", "known"]
    assert len(account.alerts()) == 1
    cloudtrail.update_trail(Name="harbor", IsMultiRegionTrail=True)
    assert actions(account, UPDATED) == ["compliant"]
    assert baseline()["settings"]["IsMultiRegionTrail"] is True


def test_one_alert_covers_what_was_remediated_and_what_remains(account: FakeAccount, cloudtrail: Any) -> None:
    """The event of pipeseal's own StartLogging does not repeat the alert about what only the owner can correct."""
    actions(account, STARTED)
    cloudtrail.update_trail(Name="harbor", EnableLogFileValidation=False)
    cloudtrail.stop_logging(Name="harbor")
    assert actions(account, STOPPED, STARTED, UPDATED) == ["remediated", "known", "known"]
    assert len(account.alerts()) == 1


@pytest.mark.parametrize("known", [True, False])
def test_a_deleted_trail_is_alerted_once(account: FakeAccount, cloudtrail: Any, known: bool) -> None:  # noqa: FBT001
    """A deleted trail is a violation; created and deleted again, it is alerted again."""
    if known:
        actions(account, STARTED)
    cloudtrail.delete_trail(Name="harbor")
    assert actions(account, DELETED, DELETED, UPDATED) == ["detected", "known", "known"]
    (alert,) = account.alerts()
    text = " ".join(alert["findings"][0]["reasons"])
    assert (alert["action"], alert["severity"], alert["done"]) == ("detected", "critical", [])
    assert ("harbor-trail" in text) is known
    cloudtrail.create_trail(**COMPLIANT)
    assert actions(account, event("CreateTrail", {"name": "harbor"})) == ["compliant"]
    cloudtrail.delete_trail(Name="harbor")
    assert actions(account, DELETED) == ["detected"]


def test_a_failed_call_and_another_accounts_trail_are_ignored(account: FakeAccount, cloudtrail: Any) -> None:
    """CloudTrail itself denies a member account to stop the trail of its organization."""
    theirs = f"arn:aws:cloudtrail:{REGION}:210987654321:trail/organization"
    assert actions(account, event("StopLogging", {"name": theirs})) == []
    assert actions(account, event("StopLogging", {"name": "harbor"}, errorCode="AccessDenied")) == []


def test_detect_mode_starts_no_trail(account: FakeAccount, cloudtrail: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The alert states the proposed change, and the trail stays stopped."""
    monkeypatch.setenv("CONTROL_MODES", "CLOUDTRAIL.LOGGING=detect")
    cloudtrail.stop_logging(Name="harbor")
    assert actions(account, STOPPED, STOPPED) == ["detected", "known"]
    (alert,) = account.alerts()
    assert alert["proposed"] == ["logging switched on"]
    assert not cloudtrail.get_trail_status(Name="harbor")["IsLogging"]


GROUNDS = Grounds("ada", "the trail moves", datetime.now(UTC) + timedelta(days=1))


def test_an_undo_stops_logging_and_it_stays_stopped(account: FakeAccount, cloudtrail: Any, runtime: Runtime) -> None:
    """The event of the undo's own StopLogging finds the trail exempt."""
    cloudtrail.stop_logging(Name="harbor")
    entry = account.deliver(STOPPED)[0]["ledger_id"]
    outcome = carry_out(plan_undo(entry, GROUNDS, runtime), OPERATOR, runtime)
    assert outcome.steps == ("logging switched off",)
    assert not cloudtrail.get_trail_status(Name="harbor")["IsLogging"]
    assert actions(account, STOPPED) == ["exempt"]


def test_an_undo_restores_the_former_selectors(account: FakeAccount, cloudtrail: Any, runtime: Runtime) -> None:
    """They are restored exactly, and stay because of the exemption."""
    actions(account, STARTED)
    cloudtrail.put_event_selectors(TrailName="harbor", **advanced(DATA))
    entry = account.deliver(SELECTED)[0]["ledger_id"]
    carry_out(plan_undo(entry, GROUNDS, runtime), OPERATOR, runtime)
    found = cloudtrail.get_event_selectors(TrailName="harbor")
    assert {"AdvancedEventSelectors": found["AdvancedEventSelectors"]} == advanced(DATA)
    assert actions(account, SELECTED) == ["exempt"]


def test_an_undo_of_a_deleted_trail_is_declined(account: FakeAccount, cloudtrail: Any, runtime: Runtime) -> None:
    """A deleted trail cannot be changed, even with --force."""
    cloudtrail.stop_logging(Name="harbor")
    entry = account.deliver(STOPPED)[0]["ledger_id"]
    cloudtrail.delete_trail(Name="harbor")
    with pytest.raises(Declined, match="no longer exists"):
        plan_undo(entry, replace(GROUNDS, reason="force"), runtime, force=True)
