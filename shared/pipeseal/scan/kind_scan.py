"""Scan all resources of one kind: list them, then read and check each one, a few at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Self

from botocore.exceptions import ClientError

from pipeseal.aws.errors import refusal
from pipeseal.aws.paging import slices
from pipeseal.model import Kind, Ref
from pipeseal.scan.errors import describe_error
from pipeseal.scan.permissions import required_action
from pipeseal.scan.report import UnreadResource
from pipeseal.scan.resource import ScannedResource, scan_resource

if TYPE_CHECKING:
    from pipeseal.exemptions import Exemption
    from pipeseal.runtime import Runtime

_BATCH_SIZE = 500
"""How many resources are queued for the threads at once."""

Progress = Callable[[Kind, int, int], None]
"""Called with a kind, how many more of its resources were listed, and how many more were read."""


class Dependency(NamedTuple):
    """A resource that others depend on."""

    ref: Ref
    dependents: dict[str, str]
    """See Resource.dependents."""


@dataclass(slots=True)
class KindScan:
    """The scan of one kind, and what it found so far."""

    runtime: Runtime
    kind: Kind
    dependencies: Mapping[str, Dependency]
    """What the resources that were scanned before depend on, by ARN."""
    exemptions: Sequence[Exemption]
    progress: Progress
    scanned: list[ScannedResource] = field(default_factory=list)
    unread: list[UnreadResource] = field(default_factory=list)
    missing: list[Ref] = field(default_factory=list)
    """Dependencies that do not exist or belong to another account."""
    listing_error: Exception | None = None

    def run(self) -> Self:
        """List and scan all resources of the kind."""
        with ThreadPoolExecutor(self.kind.spec.scan_threads) as pool:
            for refs in self._batches():
                self.progress(self.kind, len(refs), 0)
                for ref, result in zip(refs, pool.map(self._scan, refs), strict=True):
                    self.progress(self.kind, 0, 1)
                    self._add(ref, result)
        return self

    def _batches(self) -> Iterator[Sequence[Ref]]:
        """Yield the listed resources, then the unlisted dependencies: of another Region, or of a kind not listed."""
        unlisted = {arn: each.ref for arn, each in self.dependencies.items() if each.ref.kind is self.kind}
        token = ""
        while True:
            try:
                page = self.runtime.resources.list_page(self.kind, self.runtime.account, self.runtime.region, token)
            except Exception as error:  # noqa: BLE001 - the other kinds are scanned anyway
                self.listing_error = error
                self.unread.append(_unread(self.kind, None, error))
                break
            for listed in page.found:
                unlisted.pop(listed.ref.arn, None)
            yield from slices([listed.ref for listed in page.found], _BATCH_SIZE)
            token = page.token
            if not token:
                break
        yield from slices(list(unlisted.values()), _BATCH_SIZE)

    def _scan(self, ref: Ref) -> ScannedResource | UnreadResource | None:
        dependents = self.dependencies[ref.arn].dependents if ref.arn in self.dependencies else {}
        try:
            return scan_resource(self.runtime, ref, dependents, self.exemptions)
        except Exception as error:  # noqa: BLE001 - the other resources are scanned anyway
            return _unread(self.kind, ref, error)

    def _add(self, ref: Ref, result: ScannedResource | UnreadResource | None) -> None:
        if isinstance(result, ScannedResource):
            self.scanned.append(result)
        elif isinstance(result, UnreadResource):
            self.unread.append(result)
        elif ref.arn in self.dependencies:
            self.missing.append(ref)


def _unread(kind: Kind, ref: Ref | None, error: Exception) -> UnreadResource:
    # After a denied call an adapter may make another one, to find the cause. The first denial is the one to report.
    while isinstance(error.__context__, ClientError):
        error = error.__context__
    permission = ""
    if isinstance(error, ClientError) and (refused := refusal(error)) and refused.denied:
        permission = required_action(error.operation_name, kind) or refused.permission
    return UnreadResource(kind, ref, describe_error(error), permission)
