"""Add and end exemptions so that a repeated command has no further effect."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeseal.aws.transient import RetryBudget
from pipeseal.operations.retrying import run_reported

if TYPE_CHECKING:
    from pipeseal.exemptions import Exemption
    from pipeseal.ledger.exemption_store import ExemptionStore

_REPEATED = timedelta(minutes=10)
"""Ends that differ by less are those of one command that was repeated, such as with --until 30d."""


def add_once(exemption: Exemption, exemptions: ExemptionStore, retry: RetryBudget) -> Exemption:
    """Add *exemption*, and return it; return the one that an earlier run of the command added, where there is one.

    Raises Unfinished where it is unknown whether it was added.
    """
    for each in retry.run(exemptions.all):
        same = replace(each, id=exemption.id, until=exemption.until) == exemption
        if same and abs(each.until - exemption.until) < _REPEATED:
            return each
    run_reported(retry, lambda: exemptions.add(exemption), f"the exemption {exemption.id} was added")
    return exemption


def end_once(exemption: Exemption, exemptions: ExemptionStore, retry: RetryBudget) -> None:
    """End *exemption*; raise Unfinished where it is unknown whether it was ended.

    Where it does not exist any more, an attempt whose response was lost has ended it, or another process has.
    """
    run_reported(retry, lambda: exemptions.end(exemption.id), f"the exemption {exemption.id} was ended")
