"""Fold the controls of a resource's kind over its snapshot into a Plan; pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeseal.controls import controls_for
from pipeseal.model import Finding, Plan, Refused, Resource
from pipeseal.settings import Mode

if TYPE_CHECKING:
    from collections.abc import Collection

    from pipeseal.settings import Settings


def decide(
    resource: Resource, settings: Settings, excused: Collection[str] = (), resting: Collection[str] = ()
) -> Plan:
    """Return what is wrong with *resource* and what it should be; no findings where nothing is wrong.

    What the controls with an id in *excused* or in *resting* find is set apart, and nothing is put right for it.
    """
    after = wanted = resource
    findings = []
    spared = []
    rested = []
    for control in controls_for(resource):
        mode = settings.mode_of(control.id)
        reasons = control.reasons(resource, settings) if mode is not Mode.OFF else ()
        if not reasons:
            continue
        finding = Finding(control, mode, reasons)
        if control.id in excused:
            spared.append(finding)
            continue
        if control.id in resting:
            rested.append(finding)
            continue
        former = after
        try:
            wanted = control.fix(wanted, settings)
            after = control.fix(after, settings) if mode is Mode.ENFORCE else after
        except Refused as refusal:
            finding = replace(finding, refusal=str(refusal))
        findings.append(replace(finding, writes=after != former))
    return Plan(resource, after, wanted, tuple(findings), tuple(spared), tuple(rested))
