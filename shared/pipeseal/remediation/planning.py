"""Fold the controls of a resource's kind over its snapshot into a Plan; pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeseal.controls import controls_for
from pipeseal.model import Finding, Plan, R, Refused
from pipeseal.settings import Mode

if TYPE_CHECKING:
    from pipeseal.settings import Settings


def make_plan(
    resource: R, settings: Settings, exempted: Collection[str] = (), suspended: Collection[str] = ()
) -> Plan[R]:
    """Return what is wrong with *resource* and what it should be; a compliant resource has a plan without findings.

    What the controls named in *exempted* and in *suspended* find is kept apart, and no remediation is planned for it.
    """
    after = proposed = resource
    findings, exempted_findings, suspended_findings = [], [], []
    for control in controls_for(resource):
        mode = settings.mode_of(control.id)
        reasons = control.reasons(resource, settings) if mode is not Mode.OFF else ()
        if not reasons:
            continue
        finding = Finding(control, mode, reasons)
        if control.id in exempted:
            exempted_findings.append(finding)
            continue
        if control.id in suspended:
            suspended_findings.append(finding)
            continue
        former = after
        try:
            proposed = control.fix(proposed, settings)
            after = control.fix(after, settings) if mode is Mode.ENFORCE else after
        except Refused as refusal:
            finding = replace(finding, refusal=str(refusal))
        findings.append(replace(finding, writes=after != former))
    return Plan(resource, after, proposed, tuple(findings), tuple(exempted_findings), tuple(suspended_findings))
