"""Check every resource, whether an event reported it or not: list page by page, distribute the work over a queue.

CloudTrail delivers to EventBridge on a best-effort basis, and what existed before pipeseal was deployed never had an
event. A schedule begins a sweep with one message for each kind of resource. All progress is in messages, so that a
sweep whose function was stopped continues where it was:

    {"list": "bucket", "token": "", "began": "2026-11-21T09:30:00+00:00"}     list the kind from that page on
    {"check": "bucket", "names": ["acme-1", "acme-2"], "began": "..."}        remediate these resources
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypedDict

from pipeseal.aws.paging import slices
from pipeseal.exemptions import due_reminders
from pipeseal.model import Actor, Cause, Kind, Ref
from pipeseal.notify.reminder import remind
from pipeseal.remediation.reconcile import reconcile

if TYPE_CHECKING:
    from pipeseal.model import Outcome, Page
    from pipeseal.runtime import Runtime

SWEEP = Actor("the sweep", "pipeseal")
SWEEP_EVENT = "Sweep"
"""Name of the cause of what a sweep finds: nothing says when that was done."""
_NAMES = 25
"""Resources in one message: they share one read of the ledger, and are all checked again where one of them fails."""
_RESERVE = timedelta(minutes=2)
"""What must be left of an invocation to list and distribute one more page."""


class ListMessage(TypedDict):
    """List a kind of resource from a page on."""

    list: str
    token: str
    began: str


class CheckMessage(TypedDict):
    """Check the named resources of a kind."""

    check: str
    names: list[str]
    began: str


class PartlyChecked(Exception):
    """Some resources of a message could not be checked; the text names the first and counts the others."""


def begin(runtime: Runtime) -> None:
    """Request a list of every kind of resource, and send reminders of exemptions that end."""
    now = runtime.clock.now()
    began = now.isoformat(timespec="seconds")
    messages: list[ListMessage] = [{"list": str(kind), "token": "", "began": began} for kind in Kind]
    runtime.sweep_queue.send_all(messages)
    exemptions = runtime.ledger.exemptions
    for exemption, stage in due_reminders(exemptions.all(), exemptions.reminded(), now):
        runtime.notifier.send_reminder(remind(exemption, stage, runtime.account, runtime.region))
        exemptions.set_reminded(exemption.id, stage)


def cause_of(began: str) -> Cause:
    """Return the cause of everything that the sweep which began at that time (ISO 8601) finds."""
    return Cause(f"sweep of {began}", SWEEP_EVENT, datetime.fromisoformat(began), SWEEP)


def distribute(message: ListMessage, runtime: Runtime) -> bool:
    """List the kind that *message* names and send messages to check what was found.

    Returns True where the kind was listed to its end, False where a message to continue was sent instead.
    """
    kind, token, began = Kind(message["list"]), message["token"], message["began"]
    queue = runtime.sweep_queue
    while True:
        page = runtime.resources.list_page(kind, runtime.account, runtime.region, token)
        names = [ref.name for ref in _past_grace_period(page, runtime)]
        checks: list[CheckMessage] = [
            {"check": str(kind), "names": list(some), "began": began} for some in slices(names, _NAMES)
        ]
        queue.send_all(checks)
        token = page.token
        if not token:
            return True
        if runtime.clock.remaining_below(_RESERVE):
            rest: ListMessage = {"list": str(kind), "token": token, "began": began}
            queue.send_all([rest])
            return False


def _past_grace_period(page: Page, runtime: Runtime) -> Iterator[Ref]:
    """Yield the resources that are old enough: a new bucket often gets its policy a moment later."""
    grace, now = timedelta(minutes=runtime.settings.grace_minutes), runtime.clock.now()
    for listed in page.found:
        if listed.created is None or now - listed.created >= grace:
            yield listed.ref


def check(message: CheckMessage, runtime: Runtime) -> Iterator[Outcome]:
    """Remediate the resources that *message* names; yield the outcomes as they come.

    A resource that fails does not keep the others from being checked; PartlyChecked is raised at the end.
    """
    cause, kind = cause_of(message["began"]), Kind(message["check"])
    refs = [Ref(kind, runtime.account, runtime.region, name) for name in message["names"]]
    records = runtime.ledger.records.get_many([ref.arn for ref in refs])
    failures: list[tuple[Ref, Exception]] = []
    for ref in refs:
        try:
            yield from reconcile(ref, cause, runtime, records[ref.arn])
        except Exception as failure:  # noqa: BLE001 - all of them are raised below
            failures.append((ref, failure))
    if failures:
        first, why = failures[0]
        raise PartlyChecked(f"{len(failures)} of {len(refs)} failed, {first.arn} first: {why!r}") from why
