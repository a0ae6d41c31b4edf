"""Apply what was only proposed for a resource, because of detect mode or a missing permission of the function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeseal.controls import controls_of
from pipeseal.model import Finding, Refused, Resource
from pipeseal.operations.amendment import (
    Amendment,
    Declined,
    find_entry,
    read_live,
    require_writable,
    unfinished_amendment,
)
from pipeseal.remediation.lease import with_parts
from pipeseal.settings import Mode

if TYPE_CHECKING:
    from pipeseal.ledger.entries import LedgerEntry
    from pipeseal.runtime import Runtime


def plan_apply(identity: str, runtime: Runtime, *, force: bool = False) -> Amendment:
    """Return what applying the proposal of the entry *identity* would write; nothing is written yet.

    Where an earlier apply of the entry did not finish, that one is finished.
    Raises Declined, also where the resource was changed since then unless *force*.
    """
    entry = find_entry(identity, runtime)
    _require_applicable(entry)
    live = read_live(entry, runtime)
    if unfinished := unfinished_amendment(entry, live, runtime):
        return replace(unfinished, findings=tuple(_findings(entry, live, runtime)))
    recorded, proposed = (with_parts(live, state, entry.proposed_parts) for state in (entry.after, entry.proposed))
    if live.same_as(proposed):
        raise Declined(f"{entry.ref.arn} already is as {entry.id} proposed")
    if not (force or live.same_as(recorded)):
        raise Declined(
            f"{entry.ref.arn} was changed after {entry.id}, and what was proposed then would revert that change. "
            "Wait for the entry of the change (pipeseal history), or use --force; "
            "--force --dry-run shows what --force would do"
        )
    require_writable(live, proposed)
    action = live.describe_change(proposed)[0]
    return Amendment(entry, action, live, proposed, tuple(_findings(entry, live, runtime)))


def _require_applicable(entry: LedgerEntry) -> None:
    """Raise Declined where nothing is proposed."""
    if entry.applied_by:
        raise Declined(f"{entry.id} was already applied by {entry.applied_by}")
    if not entry.proposed_parts:
        action = entry.outcome or entry.intent
        raise Declined(
            f"{entry.id} proposes nothing ({action}): what pipeseal can remediate was remediated, and the rest needs "
            f"the resource owner; pipeseal show {entry.id} says what is wrong"
        )


def _findings(entry: LedgerEntry, live: Resource, runtime: Runtime) -> Iterator[Finding]:
    """Yield the entry's findings whose controls write: a later undo exempts the resource from these."""
    known = {control.id: control for control in controls_of(entry.ref.kind)}
    found = [
        Finding(known[each["control"]], Mode(each["mode"]), tuple(each["reasons"]))
        for each in entry.findings
        if each["control"] in known and not each["writes"]
    ]
    writing = [each for each in found if _writes(each, live, runtime)]
    # The operator's settings may differ from those of the stack, under which a control may write: then take all of
    # them.
    return (replace(each, writes=True) for each in writing or found)


def _writes(finding: Finding, live: Resource, runtime: Runtime) -> bool:
    try:
        return bool(finding.control.fix(live, runtime.settings) != live)
    except Refused:
        return False
