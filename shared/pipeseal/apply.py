"""Carry out what was only proposed for a resource, because it is watched or the function was refused it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeseal.amendment import Amendment, Declined, answered, check, live, write
from pipeseal.controls import controls_of
from pipeseal.custody import as_of
from pipeseal.model import Action, Actor, Finding, Outcome, Refused
from pipeseal.settings import Mode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeseal.aws.entries import Entry
    from pipeseal.aws.world import World


def proposal(identity: str, world: World, *, force: bool = False) -> Amendment:
    """Return what carrying out the proposal of the entry *identity* comes to; nothing is written.

    Raises Declined, where the resource was changed since unless *force*.
    """
    entry = answered(identity, world)
    _check(entry)
    before = live(entry, world)
    left, wanted = (as_of(before, state, entry.proposed) for state in (entry.after, entry.wanted))
    if before.same_as(wanted):
        raise Declined(f"{entry.ref.arn} is as {entry.id} proposed already")
    if not (force or before.same_as(left)):
        raise Declined(
            f"{entry.ref.arn} was changed after {entry.id}, and what was proposed then would take that back: wait for "
            "the entry of the change (pipeseal history), or use --force; what --force would do, --force --dry-run shows"
        )
    check(entry, before, wanted)
    action: Action = before.changed(wanted)[0]
    return Amendment(entry, action, before, wanted, tuple(_findings(entry, before, world)))


def carry_out(amendment: Amendment, by: Actor, world: World) -> Outcome:
    """Do what `proposal` came to, in the name of *by*; raise Declined where that would do harm by now."""
    return write(amendment, by, world)


def _check(entry: Entry) -> None:
    """Raise Declined where nothing is proposed."""
    if entry.applied_by:
        raise Declined(f"{entry.id} was carried out already, by {entry.applied_by}")
    if not entry.proposed:
        what = entry.outcome or entry.intent
        raise Declined(
            f"{entry.id} proposes nothing ({what}): what pipeseal may put right was put right, and the rest its owner "
            f"must; pipeseal show {entry.id} says what is wrong"
        )


def _findings(entry: Entry, before: Any, world: World) -> Iterator[Finding]:
    """Yield what the entry's controls found; an undo excuses the resource from those that write."""
    known = {control.id: control for control in controls_of(entry.ref.kind)}
    found = [
        Finding(known[each["control"]], Mode(each["mode"]), tuple(each["reasons"]))
        for each in entry.findings
        if each["control"] in known and not each["writes"]
    ]
    writing = [each for each in found if _writes(each, before, world)]
    # The stack's settings, by which a control may want something else, are not the operator's: rather all than none.
    return (replace(each, writes=True) for each in writing or found)


def _writes(finding: Finding, before: Any, world: World) -> bool:
    try:
        return bool(finding.control.fix(before, world.settings) != before)
    except Refused:
        return False
