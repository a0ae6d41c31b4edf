"""CloudTrail's own event history, the last 90 days of one Region, as if it were a log file; no trail is needed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from time import monotonic, sleep
from typing import Any

from pipeseal.backtest.reading import Portion
from pipeseal.backtest.sources import Source
from pipeseal.cloudtrail import TELLING

_INTERVAL = 0.5
"""Seconds between two requests: LookupEvents takes two a second of an account and Region, whoever asks."""

_PAGE = 50


def history(region: str) -> Source:
    """Name the event history of *region* as a source."""
    return Source(f"CloudTrail event history of {region}", 0)


NAMES = sorted({name for _, name in TELLING})
"""The names of events that are asked for, one after another: LookupEvents takes one condition at a time."""


def looked_up(
    cloudtrail: Any,
    since: datetime,
    asked: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = monotonic,
    pause: Callable[[float], None] = sleep,
) -> Iterator[Portion]:
    """Yield what the event history holds from *since* on, as portions of file 0; *asked* hears when a name is done.

    Raises ClientError where AWS refuses.
    """
    next_request, position = clock(), 0
    for name in NAMES:
        page: Mapping[str, Any] = {"NextToken": ""}
        while (token := page.get("NextToken")) is not None:
            pause(max(0.0, next_request - clock()))
            next_request = clock() + _INTERVAL
            page = cloudtrail.lookup_events(
                LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}],
                StartTime=since,
                MaxResults=_PAGE,
                **({"NextToken": token} if token else {}),
            )
            texts = [event["CloudTrailEvent"] for event in page["Events"] if event.get("CloudTrailEvent")]
            telling = [(position + number, text.encode()) for number, text in enumerate(texts) if _tells(text)]
            position += len(texts)
            yield Portion(0, len(texts), telling)
        asked()
    yield Portion(0, ended=True)


def _tells(text: str) -> bool:
    """Sort out other services' events of the same name."""
    record = json.loads(text)
    return (record.get("eventSource"), record.get("eventName")) in TELLING
