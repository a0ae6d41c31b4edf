"""The CloudTrail events of trails; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeseal.kinds.events import (
    KindEvents,
    Reconstruction,
    Record,
    SnapshotContext,
    listed_arns,
    mapping,
    refs_named,
    refs_named_or_arn,
)
from pipeseal.kinds.trail.selectors import ALL_MANAGEMENT_EVENTS, FORMS
from pipeseal.kinds.trail.settings import EXPECTED_SETTINGS, settings_from_record
from pipeseal.kinds.trail.value import Trail
from pipeseal.model import Kind, Ref


def _refs(record: Record, account: str, region: str) -> Iterator[Ref]:
    """Yield the trail: the response gives its ARN; the request its name, or an ARN of any Region or account."""
    request = mapping(record.get("requestParameters"))
    response = mapping(record.get("responseElements"))
    for value in (response.get("trailARN"), request.get("name"), request.get("trailName")):
        if found := tuple(refs_named_or_arn(Kind.TRAIL, account, region, value)):
            yield from found
            return
    for owner, trail_region, resource in listed_arns(record, "cloudtrail"):
        if found := tuple(refs_named(Kind.TRAIL, owner, trail_region, resource.removeprefix("trail/"))):
            yield from found
            return


def _unseen(ref: Ref) -> Reconstruction[Trail]:
    return Reconstruction(Trail(ref), frozenset({"logging", "selectors", "settings"}))


def _update(known: Reconstruction[Trail], name: str, request: Record, response: Record) -> Reconstruction[Trail]:
    trail = known.with_context(event_name=name, exists=name != "DeleteTrail")
    match name:
        case "CreateTrail":
            settings = settings_from_record(response or request)
            return trail.with_known(
                logging=False, never_logged=True, selectors=ALL_MANAGEMENT_EVENTS, settings=settings
            )
        case "UpdateTrail":
            # The response has all settings, the request only those that change.
            settings = {**_former_settings(known), **settings_from_record(response or request)}
            return trail.with_known(settings=settings) if response else trail.with_context(settings=settings)
        case "DeleteTrail":
            return trail.with_known(logging=False, selectors={})
        case "PutEventSelectors":
            return _with_selectors(trail, request)
    return trail.with_known(logging=name == "StartLogging", never_logged=False)


def _former_settings(known: Reconstruction[Trail]) -> Mapping[str, object]:
    """Return the settings before an update; where they are unknown, settings that violate no control."""
    return dict.fromkeys(EXPECTED_SETTINGS, True) if "settings" in known.unknown else known.resource.settings


def _with_selectors(trail: Reconstruction[Trail], request: Record) -> Reconstruction[Trail]:
    for form in FORMS:
        found = request.get(form[0].lower() + form[1:])
        if isinstance(found, list) and found:
            return trail.with_known(selectors={form: _capitalized(found)})
    return trail


def _capitalized(value: object) -> object:
    """Return *value* with the API's field names, which begin with a lower-case letter in CloudTrail records."""
    if isinstance(value, Mapping):
        return {str(name)[:1].upper() + str(name)[1:]: _capitalized(each) for name, each in value.items()}
    return [_capitalized(each) for each in value] if isinstance(value, list) else value


def _complete(known: Reconstruction[Trail], context: SnapshotContext) -> Reconstruction[Trail]:
    return known.with_context(baseline=context.baseline)


EVENTS = KindEvents(
    kind=Kind.TRAIL,
    triggers=dict.fromkeys(
        ("CreateTrail", "StartLogging", "StopLogging", "DeleteTrail", "PutEventSelectors", "UpdateTrail"), _refs
    ),
    other_changes={},
    creations=frozenset({"CreateTrail"}),
    unseen=_unseen,
    update=_update,
    complete=_complete,
)
