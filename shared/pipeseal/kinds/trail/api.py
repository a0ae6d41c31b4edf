"""CloudTrail trails: read, list, start logging and restore event selectors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from pipeseal.aws.clients import Client, Clients
from pipeseal.aws.errors import code
from pipeseal.aws.paging import page_argument
from pipeseal.kinds.adapter import Adapter
from pipeseal.kinds.trail.selectors import ALL_MANAGEMENT_EVENTS, FORMS
from pipeseal.kinds.trail.settings import settings_from_response
from pipeseal.kinds.trail.value import Trail
from pipeseal.model import Kind, Listed, Page, Ref

if TYPE_CHECKING:
    from pipeseal.kinds.facts import LedgerFacts
    from pipeseal.kinds.trail.value import TrailBaseline
    from pipeseal.model import Cause
    from pipeseal.settings import Settings


def _with_live_state(cloudtrail: Client, trail: Trail) -> Trail:
    """Return *trail* with everything that pipeseal may write as it is now."""
    status = cloudtrail.get_trail_status(Name=trail.ref.arn)
    found = cloudtrail.get_event_selectors(TrailName=trail.ref.arn)
    return replace(
        trail,
        logging=status["IsLogging"],
        never_logged=not any(status.get(name) for name in ("StartLoggingTime", "StopLoggingTime")),
        selectors=next(({form: found[form]} for form in FORMS if found.get(form)), ALL_MANAGEMENT_EVENTS),
    )


class TrailAdapter(Adapter[Trail]):
    """See Adapter."""

    def list_page(self, clients: Clients, account: str, region: str, token: str) -> Page:
        """Return a page of *account*'s trails whose home Region is *region*: one call; creation times are unknown.

        ListTrails also returns multi-Region trails of other Regions and the organization trails of other accounts.
        """
        found = clients("cloudtrail", region).list_trails(**page_argument("NextToken", token))
        listed = (
            Listed(Ref(Kind.TRAIL, account, region, each["Name"]), None)
            for each in found["Trails"]
            if (each["HomeRegion"], each["TrailARN"].split(":")[4]) == (region, account)
        )
        return Page(tuple(listed), found.get("NextToken", ""))

    def read(self, clients: Clients, ref: Ref, facts: LedgerFacts, _settings: Settings) -> Trail:
        """Return the trail: three calls. A trail that was deleted has `exists` False; it is never None.

        The trail is always one of this account: the ARN of an organization trail names the account that owns it.
        """
        cloudtrail = clients("cloudtrail", ref.region)
        trail = Trail(ref, baseline=cast("TrailBaseline", facts.baseline))
        try:
            settings = settings_from_response(cloudtrail.get_trail(Name=ref.arn)["Trail"])
            return replace(_with_live_state(cloudtrail, trail), settings=settings)
        except ClientError as error:
            if code(error) != "TrailNotFoundException":
                raise
            return replace(trail, exists=False, logging=False, selectors={})

    def with_event(self, trail: Trail, cause: Cause, _past_writes: object) -> Trail:
        """Return *trail* with the name of the event: without a baseline, it tells what was just changed."""
        return replace(trail, event_name=cause.name)

    def write(self, clients: Clients, before: Trail, after: Trail) -> None:
        """Start or stop logging, then replace the event selectors, basic or advanced.

        Only an undo stops logging, with the operator's own permissions: the functions' roles do not allow it.
        """
        cloudtrail = clients("cloudtrail", after.ref.region)
        if after.logging != before.logging:
            switch = cloudtrail.start_logging if after.logging else cloudtrail.stop_logging
            switch(Name=after.ref.arn)
        if after.selectors != before.selectors:
            cloudtrail.put_event_selectors(TrailName=after.ref.arn, **after.selectors)

    def refresh(self, clients: Clients, _before: Trail | None, after: Trail) -> Trail:
        """Return *after* with logging and selectors as they are now, with its own selectors if those are equivalent."""
        live = _with_live_state(clients("cloudtrail", after.ref.region), after)
        return replace(live, selectors=after.selectors) if live.same_as(after) else live

    def tags(self, clients: Clients, ref: Ref) -> dict[str, str]:
        """Return the trail's tags."""
        pages = clients("cloudtrail", ref.region).get_paginator("list_tags").paginate(ResourceIdList=[ref.arn])
        listed = (tag for page in pages for each in page["ResourceTagList"] for tag in each.get("TagsList", ()))
        return {tag["Key"]: tag.get("Value", "") for tag in listed}


ADAPTER = TrailAdapter()
