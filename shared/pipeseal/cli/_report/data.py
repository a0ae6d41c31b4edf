"""The input of the page: what the ledger of one stack holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pipeseal.model import Kind, kind_and_name

if TYPE_CHECKING:
    from pipeseal.exemptions import Exemption
    from pipeseal.ledger.entries import LedgerEntry
    from pipeseal.ledger.exemption_store import ExemptionUse
    from pipeseal.ledger.records import ResourceRecord


@dataclass(frozen=True, slots=True)
class ReportData:
    """What was read from the ledger of one stack."""

    account: str
    region: str
    stack: str
    start: datetime
    """The start of the reported time."""
    now: datetime
    """Its end."""
    entries: tuple[LedgerEntry, ...]
    """All entries, those before the start included: a violation that is open may have begun long ago."""
    records: Mapping[str, ResourceRecord]
    """By the ARN of the resource."""
    exemptions: tuple[Exemption, ...]
    exemption_uses: Mapping[str, ExemptionUse]
    """By the ID of the exemption."""


def kind_of(arn: str) -> Kind | None:
    """Return the kind of the resource with that ARN; None where pipeseal does not know the kind."""
    found = kind_and_name(arn)
    return found[0] if found else None
