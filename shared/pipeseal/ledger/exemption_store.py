"""Read and change the exemptions of a stack, and count their use."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from pipeseal.aws.documents import Document
from pipeseal.exemptions import Exemption
from pipeseal.ledger.table import Item, Table, Value, number, text

EXEMPTIONS: Item = {"resource": {"S": "#exemptions"}, "id": {"S": "#all"}}
_NOTES: Item = {"resource": {"S": "#exemptions"}, "id": {"S": "#notes"}}
_EXEMPTION = "exemption:"
_COUNT = "count:"
_LAST = "last:"
_STAGE = "stage:"


@dataclass(frozen=True, slots=True)
class ExemptionUse:
    """How an exemption was used."""

    count: int
    resource: str
    """ARN of the resource that it was last used for."""
    time: str
    """When that was, ISO 8601."""


def exemptions_of(item: Document) -> tuple[Exemption, ...]:
    """Return the exemptions in the item under EXEMPTIONS; raise ExemptionError where one cannot be parsed."""
    return tuple(Exemption.parse(value["S"]) for name, value in item.items() if name.startswith(_EXEMPTION))


def attributes_of(exemptions: Iterable[Exemption]) -> dict[str, Value]:
    """Return the attributes of the item under EXEMPTIONS that hold *exemptions*."""
    return {_EXEMPTION + each.id: text(each.text) for each in exemptions}


@dataclass(frozen=True, slots=True)
class ExemptionStore:
    """All exemptions of the stack."""

    table: Table

    def all(self) -> tuple[Exemption, ...]:
        """Return all exemptions, ended ones included, ordered by their end."""
        item = self.table.get(EXEMPTIONS)
        return tuple(sorted(exemptions_of(item), key=lambda exemption: (exemption.until, exemption.id)))

    def add(self, exemption: Exemption) -> None:
        """Add *exemption*: it applies from the next read of a resource on."""
        self.table.update(self.table.update_request(EXEMPTIONS, attributes_of([exemption])))

    def end(self, identity: str) -> bool:
        """Remove the exemption with that ID; return False where there is none."""
        name = _EXEMPTION + identity
        request = self.table.update_request(EXEMPTIONS, {}, [name], condition="attribute_exists(#n0)")
        return self.table.update_if(request)

    def count_use(self, exemptions: Iterable[str], resource: str) -> None:
        """Count one more use of each of *exemptions* (IDs) for *resource*."""
        last = json.dumps({"resource": resource, "time": self.table.clock.now().isoformat()})
        for exemption in exemptions:
            sets, adds = {_LAST + exemption: text(last)}, {_COUNT + exemption: number(1)}
            self.table.update(self.table.update_request(_NOTES, sets, adds=adds))

    def uses(self) -> dict[str, ExemptionUse]:
        """Return the use of each exemption that was ever used, by its ID."""
        found = self.table.get(_NOTES)
        return {
            name.removeprefix(_COUNT): ExemptionUse(
                int(value["N"]), **json.loads(found[_LAST + name.removeprefix(_COUNT)]["S"])
            )
            for name, value in found.items()
            if name.startswith(_COUNT)
        }

    def reminded(self) -> dict[str, str]:
        """Return, by exemption ID, the stage of the last reminder that was sent."""
        found = self.table.get(_NOTES)
        return {name.removeprefix(_STAGE): value["S"] for name, value in found.items() if name.startswith(_STAGE)}

    def set_reminded(self, exemption: str, stage: str) -> None:
        """Store that a reminder of that *stage* was sent."""
        self.table.update(self.table.update_request(_NOTES, {_STAGE + exemption: text(stage)}))
