"""The additions to moto's CloudTrail behave as CloudTrail does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from pipeseal.sandbox import extend_moto

ARN = "arn:aws:cloudtrail:us-east-1:123456789012:trail/harbor"
BASIC = {"ReadWriteType": "WriteOnly"}
ADVANCED = {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}


@pytest.fixture
def client() -> Iterator[Any]:
    """Return a client of an account with the trail harbor."""
    extend_moto()
    extend_moto()  # a second call has no effect
    with mock_aws():
        boto3.client("s3", "us-east-1").create_bucket(Bucket="harbor-trail")
        cloudtrail = boto3.client("cloudtrail", "us-east-1")
        cloudtrail.create_trail(Name="harbor", S3BucketName="harbor-trail")
        yield cloudtrail


def test_a_new_trail_logs_all_management_events(client: Any) -> None:
    """GetEventSelectors returns the default selector; GetTrail returns no custom selectors, and the home Region."""
    (selector,) = client.get_event_selectors(TrailName="harbor")["EventSelectors"]
    assert (selector["ReadWriteType"], selector["IncludeManagementEvents"]) == ("All", True)
    trail = client.get_trail(Name=ARN)["Trail"]
    assert (trail["HasCustomEventSelectors"], trail["HomeRegion"], "KmsKeyId" in trail) == (False, "us-east-1", False)


@pytest.mark.parametrize("name", ["harbor", ARN])
def test_basic_and_advanced_event_selectors_replace_each_other(client: Any, name: str) -> None:
    """A trail has one type of event selectors at a time; defaults are filled in."""
    client.put_event_selectors(TrailName=name, EventSelectors=[BASIC])
    client.put_event_selectors(TrailName=name, AdvancedEventSelectors=[ADVANCED])
    found = client.get_event_selectors(TrailName=name)
    assert ("EventSelectors" in found, found["AdvancedEventSelectors"]) == (False, [ADVANCED])
    client.put_event_selectors(TrailName=name, EventSelectors=[BASIC])
    found = client.get_event_selectors(TrailName=name)
    assert "AdvancedEventSelectors" not in found
    assert found["EventSelectors"][0]["IncludeManagementEvents"] is True
    assert client.get_trail(Name=name)["Trail"]["HasCustomEventSelectors"] is True


@pytest.mark.parametrize(
    "selectors",
    [{}, {"EventSelectors": [BASIC], "AdvancedEventSelectors": [ADVANCED]}, {"EventSelectors": [BASIC] * 6}],
)
def test_invalid_event_selectors_are_rejected(client: Any, selectors: dict[str, Any]) -> None:
    """No selectors, both types at once, or more than five raise InvalidEventSelectorsException."""
    with pytest.raises(ClientError, match="InvalidEventSelectorsException"):
        client.put_event_selectors(TrailName="harbor", **selectors)


@pytest.mark.parametrize("name", ["harbor", ARN])
def test_a_trail_is_deleted_by_name_or_arn(client: Any, name: str) -> None:
    """Calls on a deleted trail raise TrailNotFoundException."""
    client.delete_trail(Name=name)
    for call, argument in ((client.get_trail, "Name"), (client.get_event_selectors, "TrailName")):
        with pytest.raises(client.exceptions.TrailNotFoundException):
            call(**{argument: name})
    with pytest.raises(client.exceptions.TrailNotFoundException):
        client.delete_trail(Name=name)
