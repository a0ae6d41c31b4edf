"""What pipeseal's writes to one bucket were based on and when they happened, from the calls that a schedule observed.

The ledger's own statements about that are not used: a test of lost updates must not believe what it tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.races.schedule import ObservedCall


@dataclass(frozen=True, slots=True)
class ObservedWrite:
    """One remediation of the bucket, from its read to its outcome, in the whole seconds of CloudTrail."""

    read_from: int
    """When, at the earliest, the policy was read."""
    read_until: int
    """When, at the latest, the policy was read."""
    confirmed: int
    """When the write was confirmed."""
    last_read: int
    """When the modified document was read: later than *read_until* where a concurrent put made pipeseal write again."""
    sids: frozenset[str]
    """The Sids of the document that was modified and put."""
    removed: frozenset[str]
    """The Sids that it had and that the put document does not have."""


def observed_writes(calls: Sequence[ObservedCall], pipeseal: str) -> Iterator[ObservedWrite]:
    """Yield the remediations among the *calls* of all participants; *pipeseal* is the name of invocations."""
    for number, call in enumerate(calls):
        entry = _begun_entry(call)
        if call.participant.name != pipeseal or not entry:
            continue
        own = [each for each in calls[:number] if each.participant is call.participant]
        read = _last(own, "GetBucketPolicy")
        later = _until_next_intent([each for each in calls[number + 1 :] if each.participant is call.participant])
        puts = [position for position, each in enumerate(later) if each.operation == "PutBucketPolicy"]
        modified = _last([*own, *later[: puts[-1] if puts else 0]], "GetBucketPolicy")
        completed = _completion(calls[number + 1 :], entry)
        yield ObservedWrite(
            _second(read.prepared),
            _second(call.prepared),
            _second((completed or call).prepared),
            max(_second(modified.time), _second(call.prepared)),
            frozenset(_sids(modified.response)),
            frozenset(_sids(modified.response) - _sids(later[puts[-1]].arguments)) if puts else frozenset(),
        )


def _begun_entry(call: ObservedCall) -> str:
    """Return the ID of the entry that a call stored together with its lease, or "" where it did not."""
    if call.operation != "TransactWriteItems" or call.response is None:
        return ""
    puts = [item["Put"] for item in call.arguments["TransactItems"] if "Put" in item]
    return str(puts[0]["Item"]["id"]["S"]) if puts else ""


def _completion(calls: Sequence[ObservedCall], entry: str) -> ObservedCall | None:
    """Return the first attempt of the invocation that completed *entry*; follow-ups make it attempt that again."""
    attempts = [each for each in calls if _completes(each, entry)]
    successful = [each for each in attempts if each.response is not None]
    if not successful:
        return None
    return next(each for each in attempts if each.participant is successful[0].participant)


def _completes(call: ObservedCall, entry: str) -> bool:
    if call.operation != "TransactWriteItems":
        return False
    updates = [item["Update"] for item in call.arguments["TransactItems"] if "Update" in item]
    return any(update.get("ExpressionAttributeValues", {}).get(":entry") == {"S": entry} for update in updates)


def _until_next_intent(calls: Sequence[ObservedCall]) -> list[ObservedCall]:
    end = next((position for position, each in enumerate(calls) if _begun_entry(each)), len(calls))
    return list(calls[:end])


def _last(calls: Sequence[ObservedCall], operation: str) -> ObservedCall:
    return next(each for each in reversed(calls) if each.operation == operation)


def _sids(message: Mapping[str, Any] | None) -> set[str]:
    """Return the Sids of the policy in a request or response; none where the bucket has no policy."""
    policy: dict[str, Any] = json.loads(message["Policy"]) if message else {"Statement": []}
    return {statement["Sid"] for statement in policy["Statement"]}


def _second(time: datetime) -> int:
    return int(time.timestamp())
