"""CloudTrail trails: whether one is there and logging, its settings and event selectors, and putting those back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from pipeseal.aws.clients import Clients, code
from pipeseal.aws.pages import Listed, Page, asking
from pipeseal.model import Kind, Ref
from pipeseal.model.trail import ALL_MANAGEMENT, Trail

if TYPE_CHECKING:
    from pipeseal.aws.memory import Memory
    from pipeseal.settings import Settings

_FORMS = ("EventSelectors", "AdvancedEventSelectors")
# What it takes to tell what a trail lost, and to make it again.
_SETTINGS = (
    "S3BucketName",
    "S3KeyPrefix",
    "SnsTopicName",
    "IncludeGlobalServiceEvents",
    "IsMultiRegionTrail",
    "LogFileValidationEnabled",
    "CloudWatchLogsLogGroupArn",
    "CloudWatchLogsRoleArn",
    "KmsKeyId",
    "IsOrganizationTrail",
)


def page(clients: Clients, account: str, region: str, token: str) -> Page:
    """Return the trails that *account* made in *region*, one call a page; CloudTrail does not say when it was made.

    A trail of every Region is at home in one, and an organisation's is its own account's.
    """
    found = clients("cloudtrail", region).list_trails(**asking("NextToken", token))
    listed = (
        Listed(Ref(Kind.TRAIL, account, region, each["Name"]), None)
        for each in found["Trails"]
        if (each["HomeRegion"], each["TrailARN"].split(":")[4]) == (region, account)
    )
    return Page(tuple(listed), found.get("NextToken", ""))


def read(clients: Clients, ref: Ref, memory: Memory, _settings: Settings) -> Trail:
    """Return the trail as it is now: three calls. One that is gone is a Trail that does not exist, never None.

    No other account's trail comes here: an organisation's trail has its own account in its ARN.
    """
    cloudtrail = clients("cloudtrail", ref.region)
    trail = Trail(ref, sound=memory.sound)
    try:
        described = cloudtrail.get_trail(Name=ref.arn)["Trail"]
        settings = {name: described[name] for name in _SETTINGS if name in described}
        return replace(_looked_at(cloudtrail, trail), settings=settings)
    except ClientError as error:
        if code(error) != "TrailNotFoundException":
            raise
        return replace(trail, exists=False, logging=False, selectors={})


def _looked_at(cloudtrail: Any, trail: Trail) -> Trail:
    """Return *trail* with what pipeseal may write as it is now."""
    status = cloudtrail.get_trail_status(Name=trail.ref.arn)
    found = cloudtrail.get_event_selectors(TrailName=trail.ref.arn)
    return replace(
        trail,
        logging=status["IsLogging"],
        fresh=not any(status.get(name) for name in ("StartLoggingTime", "StopLoggingTime")),
        selectors=next(({form: found[form]} for form in _FORMS if found.get(form)), ALL_MANAGEMENT),
    )


def complete(_clients: Clients, trail: Trail, _settings: Settings) -> Trail:
    """Return *trail*: there is nothing more to ask."""
    return trail


def write(clients: Clients, before: Trail, after: Trail) -> None:
    """Switch logging, then replace the selectors: whole, in whichever of the two forms they are.

    Only an undo switches logging off, with the operator's own permissions: the functions' roles do not have them.
    """
    cloudtrail = clients("cloudtrail", after.ref.region)
    if after.logging != before.logging:
        switch = cloudtrail.start_logging if after.logging else cloudtrail.stop_logging
        switch(Name=after.ref.arn)
    if after.selectors != before.selectors:
        cloudtrail.put_event_selectors(TrailName=after.ref.arn, **after.selectors)


def reread(clients: Clients, _before: Trail | None, after: Trail) -> Trail:
    """Return *after* with logging and selectors as they are now; its own selectors where they mean the same."""
    live = _looked_at(clients("cloudtrail", after.ref.region), after)
    return replace(live, selectors=after.selectors) if live.same_as(after) else live


def tags(clients: Clients, ref: Ref) -> dict[str, str]:
    """Return the trail's tags."""
    pages = clients("cloudtrail", ref.region).get_paginator("list_tags").paginate(ResourceIdList=[ref.arn])
    listed = (tag for page in pages for each in page["ResourceTagList"] for tag in each.get("TagsList", ()))
    return {tag["Key"]: tag.get("Value", "") for tag in listed}
