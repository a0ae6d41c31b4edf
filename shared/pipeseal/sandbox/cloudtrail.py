"""Additions to moto's CloudTrail: trail ARNs as names, default event selectors, one type of selectors per trail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.exceptions import JsonRESTError

if TYPE_CHECKING:
    from moto.cloudtrail.models import Trail

_DEFAULT_SELECTOR = {
    "ReadWriteType": "All",
    "IncludeManagementEvents": True,
    "DataResources": [],
    "ExcludeManagementEventSources": [],
}
_MAX_SELECTORS = 5
_INVALID = "InvalidEventSelectorsException"


def extend_moto() -> None:
    """Replace the calls that moto implements differently; calling it again has no effect."""
    for call in (delete_trail, get_event_selectors, get_trail, put_event_selectors):
        setattr(CloudTrailResponse, call.__name__, call)


def delete_trail(self: CloudTrailResponse) -> str:
    """Handle DeleteTrail, by name or ARN; raise TrailNotFoundException where the trail does not exist."""
    trail = _trail(self, "Name")
    del self.cloudtrail_backend.trails[trail.trail_name]
    return json.dumps({})


def get_trail(self: CloudTrailResponse) -> str:
    """Handle GetTrail, with HomeRegion and HasCustomEventSelectors."""
    trail = _trail(self, "Name")
    custom = bool(trail.event_selectors or trail.advanced_event_selectors)
    described = {**trail.description(include_region=True), "HasCustomEventSelectors": custom}
    return json.dumps({"Trail": {name: value for name, value in described.items() if value not in (None, "")}})


def get_event_selectors(self: CloudTrailResponse) -> str:
    """Handle GetEventSelectors; a new trail logs all management events."""
    trail = _trail(self, "TrailName")
    if trail.advanced_event_selectors:
        return json.dumps({"TrailARN": trail.arn, "AdvancedEventSelectors": trail.advanced_event_selectors})
    return json.dumps({"TrailARN": trail.arn, "EventSelectors": trail.event_selectors or [_DEFAULT_SELECTOR]})


def put_event_selectors(self: CloudTrailResponse) -> str:
    """Handle PutEventSelectors; basic event selectors replace advanced ones, and advanced ones replace basic ones."""
    trail, request = _trail(self, "TrailName"), json.loads(self.body)
    basic, advanced = request.get("EventSelectors"), request.get("AdvancedEventSelectors")
    if bool(basic) == bool(advanced) or len(basic or ()) > _MAX_SELECTORS:
        raise JsonRESTError(_INVALID, "Specify either event selectors, at most five, or advanced event selectors.")
    trail.event_selectors = [_DEFAULT_SELECTOR | each for each in basic or ()]
    trail.advanced_event_selectors = advanced or []
    selectors: dict[str, object] = {"AdvancedEventSelectors": advanced}
    if basic:
        selectors = {"EventSelectors": trail.event_selectors}
    return json.dumps({"TrailARN": trail.arn, **selectors})


def _trail(response: CloudTrailResponse, parameter: str) -> Trail:
    """Return the trail that the *parameter* of the request names, by name or ARN."""
    return response.cloudtrail_backend.get_trail(str(json.loads(response.body).get(parameter, "")))
