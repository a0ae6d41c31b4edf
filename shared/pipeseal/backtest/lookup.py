"""CloudTrail's event history, the last 90 days of one Region, as if it were a log file; it needs no trail."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from time import monotonic, sleep

from pipeseal.aws.clients import Client
from pipeseal.aws.documents import Document
from pipeseal.backtest.reading import Portion
from pipeseal.backtest.sources import Source
from pipeseal.kinds.cloudtrail import changing_calls

_INTERVAL = 0.5
"""Seconds between two requests: LookupEvents has a quota of two requests per second, account and Region."""

_PAGE = 50


def event_history(region: str) -> Source:
    """Return the event history of *region* as a source."""
    return Source(f"CloudTrail event history of {region}", 0)


def event_names() -> list[str]:
    """Return the event names to look up, one after another: LookupEvents accepts one condition."""
    return sorted({name for _, name in changing_calls()})


def look_up(
    cloudtrail: Client,
    since: datetime,
    on_name: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = monotonic,
    sleep: Callable[[float], None] = sleep,
) -> Iterator[Portion]:
    """Yield the records of the event history from *since* on, as portions of file 0.

    *on_name* is called after each event name. Raises ClientError where AWS denies access.
    """
    next_request, position = clock(), 0
    for name in event_names():
        page: Document = {"NextToken": ""}
        while (token := page.get("NextToken")) is not None:
            sleep(max(0.0, next_request - clock()))
            next_request = clock() + _INTERVAL
            page = cloudtrail.lookup_events(
                LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}],
                StartTime=since,
                MaxResults=_PAGE,
                **({"NextToken": token} if token else {}),
            )
            texts = [event["CloudTrailEvent"] for event in page["Events"] if event.get("CloudTrailEvent")]
            changes = [(position + number, text.encode()) for number, text in enumerate(texts) if _is_change(text)]
            position += len(texts)
            yield Portion(0, len(texts), changes)
        on_name()
    yield Portion(0, ended=True)


def _is_change(text: str) -> bool:
    """Return whether the call is of the right service: other services have events of the same names."""
    record = json.loads(text)
    return (record.get("eventSource"), record.get("eventName")) in changing_calls()
