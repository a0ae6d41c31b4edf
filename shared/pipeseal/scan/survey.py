"""Scan an account and Region: list and read the resources of each kind, check them, and report the violations.

Kinds are scanned concurrently, in two rounds: what the resources of the first round store in a bucket, or encrypt under
a key, decides which controls apply to the buckets and keys of the second.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from pipeseal.aws.errors import code
from pipeseal.model import Kind
from pipeseal.scan import advice
from pipeseal.scan.errors import describe_error
from pipeseal.scan.kind_scan import Dependency, KindScan
from pipeseal.scan.report import ScanReport, ScanViolation
from pipeseal.text import conjoin

if TYPE_CHECKING:
    from pipeseal.exemptions import Exemption
    from pipeseal.runtime import Runtime
    from pipeseal.scan.kind_scan import Progress
    from pipeseal.scan.resource import ScannedResource

_MAX_NAMES = 10
"""How many names a note lists."""


def survey(runtime: Runtime, kinds: Collection[Kind], progress: Progress = lambda *_: None) -> ScanReport:
    """Return a report of all resources of *kinds* in the account and Region of *runtime*; nothing is written.

    Raises what AWS returns where it refuses to list every kind.
    """
    account = runtime.account  # GetCallerIdentity needs no permission: it fails only without valid credentials
    exemptions, exemption_notes = _exemptions(runtime)
    second_round = [kind for kind in Kind if kind in kinds and kind.spec.dependency_level]
    first_round = [
        kind
        for kind in Kind
        if not kind.spec.dependency_level and (kind in kinds or (second_round and kind.spec.depends_on))
    ]

    def scan(kind: Kind, dependencies: Mapping[str, Dependency]) -> KindScan:
        return KindScan(runtime, kind, dependencies, exemptions, progress).run()

    with ThreadPoolExecutor(len(Kind)) as pool:
        advised = pool.submit(lambda: tuple(advice.account_advice(runtime.clients, runtime.region)))
        scans = list(pool.map(lambda kind: scan(kind, {}), first_round))
        dependencies = _dependencies(resource for each in scans for resource in each.scanned)
        scans += pool.map(lambda kind: scan(kind, dependencies), second_round)
    _raise_where_nothing_was_read(scans)
    reported = {each.kind: each.scanned for each in scans if each.kind in kinds}
    violations = (each for scanned in reported.values() for resource in scanned for each in resource.violations)
    return ScanReport(
        account=account,
        region=runtime.region,
        time=runtime.clock.now(),
        scanned={kind: len(reported[kind]) for kind in Kind if kind in reported},
        violations=tuple(sorted(violations, key=_by_severity)),
        unreadable=tuple(unread for each in scans for unread in each.unread),
        advice=advised.result(),
        notes=(*exemption_notes, *_dependency_notes(scans)),
    )


def _exemptions(runtime: Runtime) -> tuple[tuple[Exemption, ...], tuple[str, ...]]:
    """Return the stack's exemptions that a scan can apply, and notes about those that it cannot."""
    try:
        found = runtime.ledger.exemptions.all()
    except (BotoCoreError, ClientError) as error:
        absent = isinstance(error, ClientError) and code(error) == "ResourceNotFoundException"
        reason = "the table does not exist" if absent else describe_error(error)
        return (), (f"The ledger could not be read ({reason}): exemptions are not applied.",)
    of_actors = [each.id for each in found if each.actor and each.is_active(runtime.clock.now())]
    note = f"A scan does not know who caused a violation: exemptions for actors are not applied ({conjoin(of_actors)})."
    return tuple(each for each in found if not each.actor), (note,) if of_actors else ()


def _dependencies(resources: Iterable[ScannedResource]) -> dict[str, Dependency]:
    """Return what *resources* depend on, by ARN."""
    dependencies: dict[str, Dependency] = {}
    for resource in resources:
        for ref, key in resource.dependencies:
            dependencies.setdefault(ref.arn, Dependency(ref, {})).dependents[resource.ref.arn] = key
    return dependencies


def _dependency_notes(scans: Sequence[KindScan]) -> Iterator[str]:
    """Yield the notes about dependencies that are unknown or could not be checked."""
    unread = [f"{each.kind}s" for each in scans if each.unread and each.kind.spec.depends_on]
    if unread and any(each.kind.spec.dependency_level for each in scans):
        yield (
            f"Some {conjoin(unread)} could not be read: a bucket or key that only they use was not checked by the "
            "controls for artifact storage."
        )
    if missing := sorted(ref.name for each in scans for ref in each.missing):
        yield (
            "Artifact buckets and keys that do not exist or belong to another account were not checked: "
            f"{conjoin(missing, _MAX_NAMES)}."
        )


def _raise_where_nothing_was_read(scans: Sequence[KindScan]) -> None:
    """Raise the first error where no kind could be listed and no resource was read."""
    errors = [each.listing_error for each in scans if each.listing_error]
    if errors and len(errors) == len(scans) and not any(each.scanned for each in scans):
        raise errors[0]


def _by_severity(violation: ScanViolation) -> tuple[int, str, str]:
    return -violation.control.severity, violation.control.id, violation.ref.arn
