"""The CloudTrail adapter on moto: both forms of selectors, deleted trails, the fewest calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.fake_account import ACCOUNT, REGION, FakeAccount
from tests.resources import advanced, basic

from pipeseal.aws.clients import client
from pipeseal.kinds.facts import LedgerFacts
from pipeseal.kinds.trail.api import ADAPTER
from pipeseal.kinds.trail.value import Trail
from pipeseal.model import Kind, Ref
from pipeseal.settings import Settings

REF = Ref(Kind.TRAIL, ACCOUNT, REGION, "harbor")
BASIC = basic({"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True, "DataResources": []})
ADVANCED = advanced({"eventCategory": {"Equals": ["Management"]}, "readOnly": {"Equals": ["false"]}})


@pytest.fixture
def cloudtrail(account: FakeAccount) -> Any:
    """Return a client of an account with the trail harbor, which is logging."""
    boto3.client("s3").create_bucket(Bucket="harbor-trail")
    made = boto3.client("cloudtrail")
    made.create_trail(Name="harbor", S3BucketName="harbor-trail", IsMultiRegionTrail=True)
    made.start_logging(Name="harbor")
    return made


def read(**baseline: Any) -> Trail:
    """Read the trail with that baseline."""
    return ADAPTER.read(client, REF, LedgerFacts(baseline=baseline), Settings())


def test_a_trail_is_read_in_three_calls(account: FakeAccount, cloudtrail: Any) -> None:
    """The three calls read settings, status and selectors; the baseline is that of the ledger."""
    with account.calls() as calls:
        found = read(settings={"S3BucketName": "former"})
    assert calls == ["GetTrail", "GetTrailStatus", "GetEventSelectors"]
    assert (found.exists, found.logging, found.never_logged) == (True, True, False)
    assert (found.settings["S3BucketName"], found.settings["IsMultiRegionTrail"]) == ("harbor-trail", True)
    assert found.baseline == {"settings": {"S3BucketName": "former"}}
    assert not found.gaps


def test_a_trail_that_never_logged_is_distinguished_from_a_stopped_one(cloudtrail: Any) -> None:
    """Only a trail that was started or stopped before has StartLoggingTime or StopLoggingTime."""
    cloudtrail.create_trail(Name="new", S3BucketName="harbor-trail")
    new = ADAPTER.read(client, replace(REF, name="new"), LedgerFacts(), Settings())
    assert (new.logging, new.never_logged) == (False, True)
    cloudtrail.stop_logging(Name="harbor")
    assert (read().logging, read().never_logged) == (False, False)


def test_a_deleted_trail_is_not_none(account: FakeAccount, cloudtrail: Any) -> None:
    """A deleted trail is a value that does not exist and that has its baseline, because its absence is a finding."""
    cloudtrail.delete_trail(Name=REF.arn)
    with account.calls() as calls:
        found = read(selectors=BASIC)
    assert calls == ["GetTrail"]
    assert (found.exists, found.logging, found.baseline) == (False, False, {"selectors": BASIC})


@pytest.mark.parametrize(("former", "later"), [(BASIC, ADVANCED), (ADVANCED, BASIC)])
def test_selectors_of_either_form_are_restored(
    account: FakeAccount, cloudtrail: Any, former: Mapping[str, Any], later: Mapping[str, Any]
) -> None:
    """One call restores the former selectors in their own form, basic or advanced."""
    cloudtrail.put_event_selectors(TrailName="harbor", **former)
    before = read()
    cloudtrail.put_event_selectors(TrailName="harbor", **later)
    now = read()
    assert set(now.selectors) == set(later)
    with account.calls() as calls:
        ADAPTER.write(client, now, replace(now, selectors=before.selectors))
    assert calls == ["PutEventSelectors"]
    assert read().selectors == before.selectors


@pytest.mark.parametrize(("on", "call"), [(True, "StartLogging"), (False, "StopLogging")])
def test_logging_is_switched(account: FakeAccount, cloudtrail: Any, on: bool, call: str) -> None:  # noqa: FBT001
    """Starting and stopping logging is one call each."""
    after = replace(read(), logging=on)
    with account.calls() as calls:
        ADAPTER.write(client, replace(after, logging=not on), after)
    assert calls == [call]
    assert ADAPTER.refresh(client, after, after).same_as(after)


def test_refresh_keeps_equivalent_selectors(cloudtrail: Any) -> None:
    """Selectors that CloudTrail returns in another order, with defaults added, count as those that were written."""
    written = replace(read(), selectors=basic({"ReadWriteType": "ReadOnly"}, {"ReadWriteType": "WriteOnly"}))
    returned = {"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True, "DataResources": []}
    cloudtrail.put_event_selectors(TrailName="harbor", **basic(returned, {"ReadWriteType": "ReadOnly"}))
    assert ADAPTER.refresh(client, written, written) == written


def test_a_denied_read_raises(cloudtrail: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trail that must not be read is neither compliant nor deleted."""
    refusal = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetTrailStatus")

    def refuse(*_: object) -> None:
        raise refusal

    monkeypatch.setattr("moto.cloudtrail.responses.CloudTrailResponse.get_trail_status", refuse)
    with pytest.raises(ClientError, match="AccessDenied"):
        read()
