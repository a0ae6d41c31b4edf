"""The CloudTrail adapter on moto: either form of selectors, trails that are gone, the fewest calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.account import ACCOUNT, REGION, Account
from tests.resources import advanced, basic

from pipeseal.aws import trails
from pipeseal.aws.clients import client
from pipeseal.aws.memory import Memory
from pipeseal.model import Kind, Ref
from pipeseal.model.trail import Trail
from pipeseal.settings import Settings

REF = Ref(Kind.TRAIL, ACCOUNT, REGION, "harbor")
PLAIN = basic({"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True, "DataResources": []})
ADVANCED = advanced({"eventCategory": {"Equals": ["Management"]}, "readOnly": {"Equals": ["false"]}})


@pytest.fixture
def cloudtrail(account: Account) -> Any:
    """Give a client on an account with the trail harbor, which is logging."""
    boto3.client("s3").create_bucket(Bucket="harbor-trail")
    made = boto3.client("cloudtrail")
    made.create_trail(Name="harbor", S3BucketName="harbor-trail", IsMultiRegionTrail=True)
    made.start_logging(Name="harbor")
    return made


def read(**sound: Any) -> Trail:
    """Read the trail under a memory of that."""
    return trails.read(client, REF, Memory(sound=sound), Settings())


def test_a_trail_is_read_in_three_calls(account: Account, cloudtrail: Any) -> None:
    """Settings, whether it logs, selectors; what the ledger remembers comes along."""
    with account.calls() as calls:
        found = read(settings={"S3BucketName": "former"})
    assert calls == ["GetTrail", "GetTrailStatus", "GetEventSelectors"]
    assert (found.exists, found.logging, found.fresh) == (True, True, False)
    assert (found.settings["S3BucketName"], found.settings["IsMultiRegionTrail"]) == ("harbor-trail", True)
    assert found.sound == {"settings": {"S3BucketName": "former"}}
    assert not any(found.gaps.values())


def test_a_stopped_trail_is_told_from_one_that_never_logged(cloudtrail: Any) -> None:
    """CloudTrail knows when logging was last started and stopped."""
    cloudtrail.create_trail(Name="fresh", S3BucketName="harbor-trail")
    fresh = trails.read(client, replace(REF, name="fresh"), Memory(), Settings())
    assert (fresh.logging, fresh.fresh) == (False, True)
    cloudtrail.stop_logging(Name="harbor")
    assert (read().logging, read().fresh) == (False, False)


def test_a_trail_that_is_gone_is_no_none(account: Account, cloudtrail: Any) -> None:
    """It is a violation, and the ledger knows how it was."""
    cloudtrail.delete_trail(Name=REF.arn)
    with account.calls() as calls:
        found = read(selectors=PLAIN)
    assert calls == ["GetTrail"]
    assert (found.exists, found.logging, found.sound) == (False, False, {"selectors": PLAIN})


@pytest.mark.parametrize(("former", "later"), [(PLAIN, ADVANCED), (ADVANCED, PLAIN)])
def test_either_form_is_written_back(
    account: Account, cloudtrail: Any, former: Mapping[str, Any], later: Mapping[str, Any]
) -> None:
    """One call, and what is there then is what was there, in its own form."""
    cloudtrail.put_event_selectors(TrailName="harbor", **former)
    before = read()
    cloudtrail.put_event_selectors(TrailName="harbor", **later)
    now = read()
    assert set(now.selectors) == set(later)
    with account.calls() as calls:
        trails.write(client, now, replace(now, selectors=before.selectors))
    assert calls == ["PutEventSelectors"]
    assert read().selectors == before.selectors


@pytest.mark.parametrize(("on", "call"), [(True, "StartLogging"), (False, "StopLogging")])
def test_logging_is_switched(account: Account, cloudtrail: Any, on: bool, call: str) -> None:  # noqa: FBT001
    """By one call, either way: an undo switches it off again."""
    after = replace(read(), logging=on)
    with account.calls() as calls:
        trails.write(client, replace(after, logging=not on), after)
    assert calls == [call]
    assert trails.reread(client, after, after).same_as(after)


def test_the_order_of_what_is_listed_means_nothing(cloudtrail: Any) -> None:
    """CloudTrail may give selectors back in another order, with its defaults filled in."""
    ours = replace(read(), selectors=basic({"ReadWriteType": "ReadOnly"}, {"ReadWriteType": "WriteOnly"}))
    theirs = {"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True, "DataResources": []}
    cloudtrail.put_event_selectors(TrailName="harbor", **basic(theirs, {"ReadWriteType": "ReadOnly"}))
    assert trails.reread(client, ours, ours) == ours


def test_what_cannot_be_read_is_raised(cloudtrail: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trail that may not be looked at is neither sound nor gone."""
    refusal = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetTrailStatus")

    def refuse(*_: object) -> None:
        raise refusal

    monkeypatch.setattr("moto.cloudtrail.responses.CloudTrailResponse.get_trail_status", refuse)
    with pytest.raises(ClientError, match="AccessDenied"):
        read()
