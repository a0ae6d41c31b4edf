"""Read and change what is known of each resource."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeseal.aws.documents import Document, MutableDocument
from pipeseal.ledger.exemption_store import EXEMPTIONS, exemptions_of
from pipeseal.ledger.records import (
    DEPENDENCY,
    DEPENDENT,
    ResourceRecord,
    Times,
    alerted_text,
    record_of,
    remediations_text,
    suspended_text,
)
from pipeseal.ledger.table import RECORD, Table, Throttled, Value, key, text

_ATTEMPTS = 10
_PAUSE = 0.1
"""Seconds before a record is read again that was changed in the meantime."""
MOST_AT_ONCE = 99
"""Records in one call: BatchGetItem takes 100 keys, and the exemptions are one."""


@dataclass(frozen=True, slots=True)
class RecordStore:
    """The records of all resources; a resource is named by its ARN."""

    table: Table

    def get(self, resource: str) -> ResourceRecord:
        """Return the record of *resource*, with all exemptions: one call."""
        return self.get_many([resource])[resource]

    def get_many(self, resources: Sequence[str]) -> dict[str, ResourceRecord]:
        """Return the record of each of *resources*, MOST_AT_ONCE at most: one call."""
        items = self.table.get_many(*map(key, resources), EXEMPTIONS)
        found = {item["resource"]["S"]: item for item in items}
        exemptions = exemptions_of(found.get(EXEMPTIONS["resource"]["S"], {}))
        return {resource: record_of(found.get(resource, {}), exemptions) for resource in resources}

    def all(self) -> Iterator[tuple[str, ResourceRecord]]:
        """Yield the ARN and the record of each known resource, without the exemptions."""
        values = {":record": text(RECORD)}
        for item in self.table.scan(FilterExpression="id = :record", ExpressionAttributeValues=values):
            yield item["resource"]["S"], record_of(item, ())

    def set_dependencies(self, resource: str, former: Mapping[str, str], current: Mapping[str, str]) -> None:
        """Record on both sides that *resource* depends on *current*, no longer on *former* (ARN -> key ARN or "").

        Makes no call where nothing changed.
        """
        added = {arn: key_arn for arn, key_arn in current.items() if former.get(arn) != key_arn}
        removed = [arn for arn in former if arn not in current]
        if not added and not removed:
            return
        own = {DEPENDENCY + arn: text(key_arn) for arn, key_arn in added.items()}
        requests = [self._request(resource, own, [DEPENDENCY + arn for arn in removed])]
        requests += [self._request(arn, {DEPENDENT + resource: text(key_arn)}) for arn, key_arn in added.items()]
        requests += [self._request(arn, {}, [DEPENDENT + resource]) for arn in removed]
        self.table.transact(*({"Update": request} for request in requests))

    def set_baseline(self, resource: str, baseline: Document) -> None:
        """Store the state that later changes of the resource are compared with."""
        self._set(resource, baseline=json.dumps(baseline, sort_keys=True))

    def set_alerted(self, resource: str, fingerprints: Iterable[str]) -> None:
        """Store which of the current violations were alerted."""
        self._set(resource, alerted=alerted_text(fingerprints))

    def set_exempted(self, resource: str, exempted: Mapping[str, str]) -> None:
        """Store the states that actors with an exemption left (see ResourceRecord.exempted)."""
        self._set(resource, exempted=json.dumps(exempted))

    def set_suspended(self, resource: str, suspended: Mapping[str, datetime]) -> None:
        """Store which controls are suspended, and when each was last seen violated."""
        self._set(resource, suspended=suspended_text(suspended))

    def clear_violations(self, resource: str) -> None:
        """Delete what was stored about violations of a resource that is compliant or gone."""
        self._remove(resource, "alerted", "exempted")

    def resume(self, resource: str, control: str = "") -> None:
        """End the suspension of *control*, or of all controls: the next read remediates the resource again.

        May be repeated. What an invocation stores about other controls in the meantime is kept.
        """
        if not control:
            self._remove(resource, "suspended", "remediations", "alerted")
            return
        for _ in range(_ATTEMPTS):
            if self._resume(resource, control):
                return
            self.table.clock.sleep(_PAUSE)
        raise Throttled(f"the record of {resource} was changed {_ATTEMPTS} times in a row; try again")

    def _resume(self, resource: str, control: str) -> bool:
        """End the suspension of *control*; return False where the record was changed since it was read."""
        record = self.get(resource)
        suspended = {each: last for each, last in record.suspended.items() if each != control}
        remediations: Times = {each: times for each, times in record.remediations.items() if each != control}
        kept = {"suspended": text(suspended_text(suspended)), "remediations": text(remediations_text(remediations))}
        was = {"suspended": suspended_text(record.suspended), "remediations": remediations_text(record.remediations)}
        request = self.table.update_request(
            key(resource),
            kept,
            ["alerted"],
            condition=" AND ".join(f"(attribute_not_exists({name}) OR {name} = :was_{name})" for name in was),
            values={f":was_{name}": text(value) for name, value in was.items()},
        )
        return self.table.update_if(request)

    def _set(self, resource: str, **attributes: str) -> None:
        self.table.update(self._request(resource, {name: text(value) for name, value in attributes.items()}))

    def _remove(self, resource: str, *attributes: str) -> None:
        self.table.update(self._request(resource, {}, attributes))

    def _request(self, resource: str, sets: Mapping[str, Value], removes: Iterable[str] = ()) -> MutableDocument:
        return self.table.update_request(key(resource), sets, removes)
