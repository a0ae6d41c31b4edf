"""What the sandbox adds to moto's CloudTrail behaves as AWS does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from pipeseal.sandbox import extend_moto

ARN = "arn:aws:cloudtrail:us-east-1:123456789012:trail/harbor"
PLAIN = {"ReadWriteType": "WriteOnly"}
ADVANCED = {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}


@pytest.fixture
def client() -> Iterator[Any]:
    """Give a client on an account with the trail harbor."""
    extend_moto()
    extend_moto()
    with mock_aws():
        boto3.client("s3", "us-east-1").create_bucket(Bucket="harbor-trail")
        made = boto3.client("cloudtrail", "us-east-1")
        made.create_trail(Name="harbor", S3BucketName="harbor-trail")
        yield made


def test_a_new_trail_keeps_all_management_events(client: Any) -> None:
    """GetEventSelectors says so, and GetTrail that these are CloudTrail's own; where it lives, too."""
    (selector,) = client.get_event_selectors(TrailName="harbor")["EventSelectors"]
    assert (selector["ReadWriteType"], selector["IncludeManagementEvents"]) == ("All", True)
    trail = client.get_trail(Name=ARN)["Trail"]
    assert (trail["HasCustomEventSelectors"], trail["HomeRegion"], "KmsKeyId" in trail) == (False, "us-east-1", False)


@pytest.mark.parametrize("name", ["harbor", ARN])
def test_either_form_takes_the_others_place(client: Any, name: str) -> None:
    """A trail has plain selectors or advanced ones, never both; defaults are filled in."""
    client.put_event_selectors(TrailName=name, EventSelectors=[PLAIN])
    client.put_event_selectors(TrailName=name, AdvancedEventSelectors=[ADVANCED])
    found = client.get_event_selectors(TrailName=name)
    assert ("EventSelectors" in found, found["AdvancedEventSelectors"]) == (False, [ADVANCED])
    client.put_event_selectors(TrailName=name, EventSelectors=[PLAIN])
    found = client.get_event_selectors(TrailName=name)
    assert "AdvancedEventSelectors" not in found
    assert found["EventSelectors"][0]["IncludeManagementEvents"] is True
    assert client.get_trail(Name=name)["Trail"]["HasCustomEventSelectors"] is True


@pytest.mark.parametrize(
    "asked", [{}, {"EventSelectors": [PLAIN], "AdvancedEventSelectors": [ADVANCED]}, {"EventSelectors": [PLAIN] * 6}]
)
def test_what_aws_refuses_is_refused(client: Any, asked: dict[str, Any]) -> None:
    """None of either form, both at once, more than five."""
    with pytest.raises(ClientError, match="InvalidEventSelectorsException"):
        client.put_event_selectors(TrailName="harbor", **asked)


@pytest.mark.parametrize("name", ["harbor", ARN])
def test_a_trail_is_deleted_by_either_name(client: Any, name: str) -> None:
    """And is gone then."""
    client.delete_trail(Name=name)
    for call, argument in ((client.get_trail, "Name"), (client.get_event_selectors, "TrailName")):
        with pytest.raises(client.exceptions.TrailNotFoundException):
            call(**{argument: name})
    with pytest.raises(client.exceptions.TrailNotFoundException):
        client.delete_trail(Name=name)
