"""Scan one resource: read it, plan its remediation, and describe each violation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from pipeseal.controls import controls_of
from pipeseal.exemptions import Circumstances, exemption_for
from pipeseal.kinds.facts import LedgerFacts
from pipeseal.model import Actor, Finding, Ref, Refused, Resource
from pipeseal.remediation.planning import make_plan
from pipeseal.scan.report import ScanViolation

if TYPE_CHECKING:
    from pipeseal.exemptions import Exemption
    from pipeseal.runtime import Runtime

_UNKNOWN_ACTOR = Actor("", "")


@dataclass(frozen=True, slots=True)
class ScannedResource:
    """A resource that was read and checked; the snapshot is not kept, so that memory stays small."""

    ref: Ref
    dependencies: tuple[tuple[Ref, str], ...]
    """See Resource.dependencies."""
    violations: tuple[ScanViolation, ...]


def scan_resource(
    runtime: Runtime, ref: Ref, dependents: Mapping[str, str], exemptions: Sequence[Exemption]
) -> ScannedResource | None:
    """Read and check one resource; return None where it does not exist or belongs to another account.

    *dependents* are those of the resource (see Resource.dependents). Raises what AWS returns where it cannot be read.
    """
    resource = runtime.resources.read_or_raise(ref, LedgerFacts(dependents=dependents))
    if resource is None or not resource.exists:
        return None
    if not make_plan(resource, runtime.settings).findings:
        return ScannedResource(ref, tuple(resource.dependencies()), ())
    applicable = _applicable_exemptions(runtime, resource, exemptions)
    resource = runtime.resources.load_details(resource)
    plan = make_plan(resource, runtime.settings, applicable)
    violations = (
        _violation(runtime, resource, finding, applicable.get(finding.control.id))
        for finding in (*plan.findings, *plan.exempted)
    )
    return ScannedResource(ref, tuple(resource.dependencies()), tuple(violations))


def _applicable_exemptions(
    runtime: Runtime, resource: Resource, exemptions: Sequence[Exemption]
) -> dict[str, Exemption]:
    """Return the exemptions that apply to *resource* now, by the ID of the control."""
    now, ref = runtime.clock.now(), resource.ref
    circumstances = Circumstances(_UNKNOWN_ACTOR, cache(lambda: runtime.resources.tags(resource)))
    found = {each.id: exemption_for(exemptions, each.id, ref.arn, now, circumstances) for each in controls_of(ref.kind)}
    return {control: exemption for control, exemption in found.items() if exemption}


def _violation(runtime: Runtime, resource: Resource, finding: Finding, exemption: Exemption | None) -> ScanViolation:
    try:
        _, steps = resource.describe_change(finding.control.fix(resource, runtime.settings))
        refusal = finding.refusal
    except Refused as refused:
        steps, refusal = (), str(refused)
    return ScanViolation(
        ref=resource.ref,
        control=finding.control,
        reasons=finding.reasons,
        proposed_steps=steps,
        refusal=refusal,
        dependents=tuple(sorted(resource.dependents)),
        exemption=exemption,
    )
