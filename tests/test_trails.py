"""Trails from outside: an event in, CloudTrail recording again, the ledger wiser, the subscriber told once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from tests.account import ACCOUNT, ENVIRONMENT, REGION, Account, event, writes
from tests.resources import advanced, basic

from pipeseal.amendment import Declined
from pipeseal.aws.clients import client
from pipeseal.aws.world import World
from pipeseal.exemptions import Grounds
from pipeseal.undo import carry_out, reversal

ARN = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/harbor"
WHOLE: dict[str, Any] = {
    "Name": "harbor",
    "S3BucketName": "harbor-trail",
    "IsMultiRegionTrail": True,
    "EnableLogFileValidation": True,
}
BLIND = basic({"ReadWriteType": "All", "IncludeManagementEvents": False})
DATA = {"eventCategory": {"Equals": ["Data"]}, "resources.type": {"Equals": ["AWS::S3::Object"]}}
PLAIN = basic(
    {"ReadWriteType": "All", "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::harbor/"]}]}
)
ADVANCED = advanced({"eventCategory": {"Equals": ["Management"]}}, DATA)
STARTED = event("StartLogging", {"name": ARN})
STOPPED = event("StopLogging", {"name": "harbor"})
SELECTED = event("PutEventSelectors", {"trailName": "harbor"})
UPDATED = event("UpdateTrail", {"name": "harbor"})
DELETED = event("DeleteTrail", {"name": ARN})


@pytest.fixture
def cloudtrail(account: Account) -> Any:
    """Give a client on an account with the trail harbor, which nobody has looked at yet."""
    for name in ("harbor-trail", "elsewhere"):
        boto3.client("s3").create_bucket(Bucket=name)
    made = boto3.client("cloudtrail")
    made.create_trail(**WHOLE)
    made.start_logging(Name="harbor")
    return made


def actions(account: Account, *events: Mapping[str, Any]) -> list[str]:
    """Deliver *events*; return what became of the trail each time."""
    return [outcome["action"] for each in events for outcome in account.deliver(each)]


def memory() -> Any:
    """Return what the ledger remembers the trail to have been sound with."""
    key = {"resource": {"S": ARN}, "id": {"S": "#memory"}}
    item = boto3.client("dynamodb").get_item(TableName=ENVIRONMENT["LEDGER_TABLE"], Key=key).get("Item", {})
    return json.loads(item["sound"]["S"]) if "sound" in item else None


def test_logging_goes_on_again(account: Account, cloudtrail: Any) -> None:
    """At once and told once; our own StartLogging, coming back as an event, is a fixed point."""
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


def test_it_goes_on_again_each_time(account: Account, cloudtrail: Any) -> None:
    """And each time somebody is told."""
    for _ in range(2):
        cloudtrail.stop_logging(Name="harbor")
        assert actions(account, event("StopLogging", {"name": ARN})) == ["remediated"]
    assert len(account.alerts()) == len(account.entries()) == 2


@pytest.mark.parametrize("former", [PLAIN, ADVANCED], ids=["plain", "advanced"])
@pytest.mark.parametrize("narrow", [BLIND, advanced(DATA)], ids=["plain", "advanced"])
def test_selectors_go_back_to_what_the_ledger_remembers(
    account: Account, cloudtrail: Any, former: dict[str, Any], narrow: dict[str, Any]
) -> None:
    """Exactly, in the form that they had, data events included."""
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
        ["event selectors replaced: all management events are kept"],
    )


def test_selectors_that_the_ledger_does_not_know_are_told_of_once(account: Account, cloudtrail: Any) -> None:
    """Nothing is written, and the alert says why."""
    cloudtrail.put_event_selectors(TrailName="harbor", **BLIND)
    with account.calls() as calls:
        assert actions(account, SELECTED, SELECTED) == ["detected", "known"]
    assert "PutEventSelectors" not in calls
    (alert,) = account.alerts()
    assert "ledger does not know" in " ".join(alert["findings"][0]["reasons"])
    assert actions(account, STARTED, UPDATED, SELECTED) == ["known"] * 3
    assert not account.alerts()
    assert memory()["selectors"] is None
    cloudtrail.put_event_selectors(TrailName="harbor", **ADVANCED)
    assert actions(account, SELECTED) == ["compliant"]
    assert set(memory()["selectors"]) == {"AdvancedEventSelectors"}


def test_the_ledger_learns_only_what_is_new(account: Account, cloudtrail: Any) -> None:
    """One write at the first look, none at the next; a wider selector is learned, a narrower one never."""
    with account.calls() as calls:
        actions(account, event("CreateTrail", {"name": "harbor"}), STARTED)
    assert writes(calls) == ["UpdateItem"]
    assert memory()["settings"]["S3BucketName"] == "harbor-trail"
    cloudtrail.put_event_selectors(TrailName="harbor", **ADVANCED)
    actions(account, SELECTED)
    assert set(memory()["selectors"]) == {"AdvancedEventSelectors"}
    cloudtrail.put_event_selectors(TrailName="harbor", **BLIND)
    cloudtrail.update_trail(Name="harbor", IsMultiRegionTrail=False)
    actions(account, UPDATED)
    assert set(memory()["selectors"]) == {"AdvancedEventSelectors"}
    assert memory()["settings"]["IsMultiRegionTrail"] is True


def test_a_narrowing_update_is_told_of_with_before_and_after(account: Account, cloudtrail: Any) -> None:
    """Once, however often it is looked at; put right by a person it is forgotten."""
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


def test_a_narrowing_update_of_an_unknown_trail_is_told_of(account: Account, cloudtrail: Any) -> None:
    """Nobody knows how it was; what it should have is known."""
    cloudtrail.update_trail(Name="harbor", IsMultiRegionTrail=False)
    assert actions(account, UPDATED, UPDATED, STARTED) == ["detected", "known", "known"]
    assert len(account.alerts()) == 1
    cloudtrail.update_trail(Name="harbor", IsMultiRegionTrail=True)
    assert actions(account, UPDATED) == ["compliant"]
    assert memory()["settings"]["IsMultiRegionTrail"] is True


def test_what_only_a_person_can_mend_is_not_told_again_with_what_was_mended(account: Account, cloudtrail: Any) -> None:
    """One alert tells of both; our own StartLogging finds the rest as it was told of."""
    actions(account, STARTED)
    cloudtrail.update_trail(Name="harbor", EnableLogFileValidation=False)
    cloudtrail.stop_logging(Name="harbor")
    assert actions(account, STOPPED, STARTED, UPDATED) == ["remediated", "known", "known"]
    assert len(account.alerts()) == 1


@pytest.mark.parametrize("known", [True, False])
def test_a_deleted_trail_is_told_of_once(account: Account, cloudtrail: Any, known: bool) -> None:  # noqa: FBT001
    """Gone is no "absent" here; made again and deleted again, it is told again."""
    if known:
        actions(account, STARTED)
    cloudtrail.delete_trail(Name="harbor")
    assert actions(account, DELETED, DELETED, UPDATED) == ["detected", "known", "known"]
    (alert,) = account.alerts()
    text = " ".join(alert["findings"][0]["reasons"])
    assert (alert["action"], alert["severity"], alert["done"]) == ("detected", "critical", [])
    assert ("harbor-trail" in text) is known
    cloudtrail.create_trail(**WHOLE)
    assert actions(account, event("CreateTrail", {"name": "harbor"})) == ["compliant"]
    cloudtrail.delete_trail(Name="harbor")
    assert actions(account, DELETED) == ["detected"]


def test_a_refused_call_and_anothers_trail_are_nothing(account: Account, cloudtrail: Any) -> None:
    """A member account that tries to stop the organisation's trail is refused by CloudTrail itself."""
    theirs = f"arn:aws:cloudtrail:{REGION}:210987654321:trail/organisation"
    assert actions(account, event("StopLogging", {"name": theirs})) == []
    assert actions(account, event("StopLogging", {"name": "harbor"}, errorCode="AccessDenied")) == []


def test_detect_mode_starts_nothing(account: Account, cloudtrail: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told, with what would be done."""
    monkeypatch.setenv("CONTROL_MODES", "CLOUDTRAIL.LOGGING=detect")
    cloudtrail.stop_logging(Name="harbor")
    assert actions(account, STOPPED, STOPPED) == ["detected", "known"]
    (alert,) = account.alerts()
    assert alert["proposed"] == ["logging switched on"]
    assert not cloudtrail.get_trail_status(Name="harbor")["IsLogging"]


@pytest.fixture
def world(account: Account) -> World:
    """Give the world of an operator."""
    return World({name: ENVIRONMENT[name] for name in ("AWS_REGION", "LEDGER_TABLE", "ALERT_TOPIC_ARN")}, client)


GROUNDS = Grounds("ada", "the trail moves", datetime.now(UTC) + timedelta(days=1))


def test_undo_stops_it_again_and_it_stays(account: Account, cloudtrail: Any, world: World) -> None:
    """With an exemption, so that the StopLogging of the undo is let be."""
    cloudtrail.stop_logging(Name="harbor")
    entry = account.deliver(STOPPED)[0]["ledger_id"]
    outcome = carry_out(reversal(entry, GROUNDS, world), world)
    assert outcome.steps == ("logging switched off",)
    assert not cloudtrail.get_trail_status(Name="harbor")["IsLogging"]
    assert actions(account, STOPPED) == ["exempt"]


def test_undo_narrows_the_selectors_again(account: Account, cloudtrail: Any, world: World) -> None:
    """To the letter."""
    actions(account, STARTED)
    cloudtrail.put_event_selectors(TrailName="harbor", **advanced(DATA))
    entry = account.deliver(SELECTED)[0]["ledger_id"]
    carry_out(reversal(entry, GROUNDS, world), world)
    found = cloudtrail.get_event_selectors(TrailName="harbor")
    assert {"AdvancedEventSelectors": found["AdvancedEventSelectors"]} == advanced(DATA)
    assert actions(account, SELECTED) == ["exempt"]


def test_undo_of_a_trail_that_is_gone_is_refused(account: Account, cloudtrail: Any, world: World) -> None:
    """There is nothing to put back, even by force."""
    cloudtrail.stop_logging(Name="harbor")
    entry = account.deliver(STOPPED)[0]["ledger_id"]
    cloudtrail.delete_trail(Name="harbor")
    with pytest.raises(Declined, match="gone"):
        reversal(entry, replace(GROUNDS, reason="force"), world, force=True)
