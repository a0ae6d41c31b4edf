"""Look at everything there is, whether an event told of it or not: list it page by page, hand it on over a queue.

CloudTrail's delivery is best effort, and what was there before pipeseal never had an event. A sweep begins on schedule
with a message for each kind of resource, and goes on in messages, so that one that stops is taken up where it stopped:

    {"list": "s3", "token": "", "began": "2026-11-21T09:30:00+00:00"}    list from that page on
    {"look": "s3", "names": ["harbor", "quay"], "began": "..."}          put these right
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeseal.aws.pages import slices
from pipeseal.exemptions import due
from pipeseal.model import Actor, Cause, Kind, Ref
from pipeseal.reconcile import reconcile
from pipeseal.reminder import remind

if TYPE_CHECKING:
    from pipeseal.aws.pages import Page
    from pipeseal.aws.world import World
    from pipeseal.model import Outcome

SWEEP = Actor("the sweep", "pipeseal")
_NAMES = 25
"""Resources in one message: they share one question to the ledger, and are looked at again where one of them fails."""
_RESERVE = timedelta(minutes=2)
"""What must be left of an invocation to list and hand on one more page."""

Message = Mapping[str, Any]


class Unfinished(Exception):
    """Some resources of a message could not be looked at; the text names the first and says how many more."""


def begin(world: World) -> None:
    """Ask for every kind of resource to be listed, and remind people of exemptions that end."""
    began = world.clock().isoformat(timespec="seconds")
    world.queue.send([{"list": str(kind), "token": "", "began": began} for kind in Kind])
    for exemption, state in due(world.ledger.exemptions(), world.ledger.reminded(), world.clock()):
        world.remind(remind(exemption, state, world.account, world.region))
        world.ledger.remind(exemption.id, state)


def cause_of(message: Message) -> Cause:
    """Return what made pipeseal look: the sweep that *message* belongs to."""
    began = datetime.fromisoformat(message["began"])
    return Cause(f"sweep of {message['began']}", "Sweep", began, SWEEP)


def hand_on(message: Message, world: World) -> bool:
    """List what *message* asks for and send it on in messages; True where the kind was listed to its end."""
    kind, token, began = Kind(message["list"]), message["token"], message["began"]
    while True:
        page = world.page(kind, token)
        names = [ref.name for ref in _grown(page, world)]
        world.queue.send([{"look": str(kind), "names": list(some), "began": began} for some in slices(names, _NAMES)])
        token = page.token
        if not token:
            return True
        if world.ends and world.clock() + _RESERVE > world.ends:
            world.queue.send([{"list": str(kind), "token": token, "began": began}])
            return False


def _grown(page: Page, world: World) -> Iterator[Ref]:
    """Yield what is old enough: who makes a bucket gives it its policy a moment later."""
    grace = timedelta(minutes=world.settings.grace_minutes)
    for listed in page.found:
        if listed.created is None or world.clock() - listed.created >= grace:
            yield listed.ref


def look(message: Message, world: World) -> Iterator[Outcome]:
    """Put right what *message* names; yield the outcomes as they come.

    One that fails keeps no other from its turn. Raises Unfinished at the end where any did.
    """
    cause, kind = cause_of(message), Kind(message["look"])
    refs = [Ref(kind, world.account, world.region, name) for name in message["names"]]
    world.recall(refs)
    failures: list[tuple[Ref, Exception]] = []
    for ref in refs:
        try:
            yield from reconcile(ref, cause, world)
        except Exception as failure:  # noqa: BLE001 - all of them are raised below
            failures.append((ref, failure))
    if failures:
        first, why = failures[0]
        raise Unfinished(f"{len(failures)} of {len(refs)} failed, {first.arn} first: {why!r}") from why
