"""What moto's CloudTrail lacks: names by ARN throughout, one form of selectors at a time, selectors by default."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.exceptions import JsonRESTError

if TYPE_CHECKING:
    from moto.cloudtrail.models import Trail

_BY_DEFAULT = {
    "ReadWriteType": "All",
    "IncludeManagementEvents": True,
    "DataResources": [],
    "ExcludeManagementEventSources": [],
}
_MOST_SELECTORS = 5
_INVALID = "InvalidEventSelectorsException"


def extend_moto() -> None:
    """Teach moto what it lacks; harmless when done twice."""
    for call in (delete_trail, get_event_selectors, get_trail, put_event_selectors):
        setattr(CloudTrailResponse, call.__name__, call)


def delete_trail(self: CloudTrailResponse) -> str:
    """Answer DeleteTrail, which takes an ARN too, and refuses what is not there."""
    trail = _trail(self, "Name")
    del self.cloudtrail_backend.trails[trail.trail_name]
    return json.dumps({})


def get_trail(self: CloudTrailResponse) -> str:
    """Answer GetTrail, which says the home Region and whether there are selectors of the owner's own."""
    trail = _trail(self, "Name")
    custom = bool(trail.event_selectors or trail.advanced_event_selectors)
    described = {**trail.description(include_region=True), "HasCustomEventSelectors": custom}
    return json.dumps({"Trail": {name: value for name, value in described.items() if value not in (None, "")}})


def get_event_selectors(self: CloudTrailResponse) -> str:
    """Answer GetEventSelectors: a trail that was never given any records all management events."""
    trail = _trail(self, "TrailName")
    if trail.advanced_event_selectors:
        return json.dumps({"TrailARN": trail.arn, "AdvancedEventSelectors": trail.advanced_event_selectors})
    return json.dumps({"TrailARN": trail.arn, "EventSelectors": trail.event_selectors or [_BY_DEFAULT]})


def put_event_selectors(self: CloudTrailResponse) -> str:
    """Answer PutEventSelectors: either form takes the other's place."""
    trail, asked = _trail(self, "TrailName"), json.loads(self.body)
    basic, advanced = asked.get("EventSelectors"), asked.get("AdvancedEventSelectors")
    if bool(basic) == bool(advanced) or len(basic or ()) > _MOST_SELECTORS:
        raise JsonRESTError(_INVALID, "Specify either event selectors, at most five, or advanced event selectors.")
    trail.event_selectors = [_BY_DEFAULT | each for each in basic or ()]
    trail.advanced_event_selectors = advanced or []
    chosen: dict[str, Any] = {"AdvancedEventSelectors": advanced}
    if basic:
        chosen = {"EventSelectors": trail.event_selectors}
    return json.dumps({"TrailARN": trail.arn, **chosen})


def _trail(response: CloudTrailResponse, name: str) -> Trail:
    return response.cloudtrail_backend.get_trail(str(json.loads(response.body).get(name, "")))
