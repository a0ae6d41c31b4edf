"""Fold the controls of a resource's kind over its snapshot into a Plan; pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeseal.controls import controls_of
from pipeseal.model import Finding, Plan, Refused, Resource
from pipeseal.settings import Mode

if TYPE_CHECKING:
    from collections.abc import Collection

    from pipeseal.settings import Settings


def decide(resource: Resource, settings: Settings, excused: Collection[str] = ()) -> Plan:
    """Return what is wrong with *resource* and what it should be; no findings where nothing is wrong.

    What the controls with an id in *excused* find is set apart, and nothing is put right for it.
    """
    after = wanted = resource
    findings = []
    spared = []
    for control in controls_of(resource.ref.kind):
        mode = settings.mode_of(control.id)
        reasons = control.reasons(resource, settings) if mode is not Mode.OFF else ()
        if not reasons:
            continue
        finding = Finding(control, mode, reasons)
        if control.id in excused:
            spared.append(finding)
            continue
        former = after
        try:
            wanted = control.fix(wanted, settings)
            after = control.fix(after, settings) if mode is Mode.ENFORCE else after
        except Refused as refusal:
            finding = replace(finding, refusal=str(refusal))
        findings.append(replace(finding, writes=after != former))
    return Plan(resource, after, wanted, tuple(findings), tuple(spared))
