"""CLOUDTRAIL.LOGGING: a trail logs, and records no less than in its baseline.

pipeseal depends on CloudTrail for its events and for who caused them. Logging and event selectors are restored from the
baseline in the ledger; other changes are only reported.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeseal.kinds.trail.selectors import ALL_MANAGEMENT_EVENTS, describe_gaps, same_selectors
from pipeseal.kinds.trail.settings import BUCKET, MULTI_REGION, create_trail_options
from pipeseal.kinds.trail.value import Trail
from pipeseal.model import Control, Kind, Severity, Standard

if TYPE_CHECKING:
    from pipeseal.settings import Settings

_MAX_SELECTORS_LENGTH = 600


def reasons(trail: Trail, _settings: Settings) -> tuple[str, ...]:
    """Return what the trail no longer records: everything if it is deleted or stopped, or less than its baseline."""
    return tuple(_lost(trail) if trail.exists else _deleted(trail))


def _lost(trail: Trail) -> Iterator[str]:
    if _is_stopped(trail):
        yield "The trail is not logging, so it records no events."
    yield from describe_gaps(trail.new_gaps)
    if trail.new_gaps and not trail.baseline.get("selectors"):
        yield "The ledger has no baseline of the event selectors: pipeseal does not change them."
    yield from trail.setting_losses


def _is_stopped(trail: Trail) -> bool:
    return not trail.logging and (not trail.never_logged or trail.event_name == "StopLogging")


def _deleted(trail: Trail) -> Iterator[str]:
    """Yield what the trail recorded, and the commands that create it again."""
    yield "The trail no longer exists, so it records no events."
    settings, name = trail.baseline.get("settings"), trail.ref.name
    if not settings:
        yield "The ledger has no baseline of the trail; the log files in its bucket are not affected."
        return
    scope = "every Region" if settings.get(MULTI_REGION) else trail.ref.region
    yield f"It recorded the events of {scope} in bucket {settings[BUCKET]}; its log files are not affected."
    options = create_trail_options(settings)
    commands = [f"aws cloudtrail create-trail --region {trail.ref.region} --name {name} {options}"]
    selectors = trail.baseline.get("selectors") or ALL_MANAGEMENT_EVENTS
    if not same_selectors(selectors, ALL_MANAGEMENT_EVENTS):
        commands.append(_put_event_selectors(trail, selectors))
    commands.append(f"aws cloudtrail start-logging --region {trail.ref.region} --name {name}")
    for number, command in enumerate(commands):
        yield f"{'Then run' if number else 'To create it again, run'}: `{command}`."


def _put_event_selectors(trail: Trail, selectors: Mapping[str, object]) -> str:
    option = "--event-selectors" if "EventSelectors" in selectors else "--advanced-event-selectors"
    (value,) = selectors.values()
    text = shlex.quote(json.dumps(value))
    if len(text) > _MAX_SELECTORS_LENGTH:
        text = f"SELECTORS, with the JSON in the item #record of {trail.ref.arn} in the ledger"
    return (
        f"aws cloudtrail put-event-selectors --region {trail.ref.region} --trail-name {trail.ref.name} {option} {text}"
    )


def fix(trail: Trail, _settings: Settings) -> Trail:
    """Return *trail* logging, with the event selectors of its baseline if it has fewer; a deleted trail unchanged."""
    if not trail.exists:
        return trail
    fixed = replace(trail, logging=True) if _is_stopped(trail) else trail
    former = trail.baseline.get("selectors")
    if former and trail.new_gaps:
        fixed = replace(fixed, selectors=former)
    return fixed


CONTROL: Control[Trail] = Control(
    id="CLOUDTRAIL.LOGGING",
    title="Trail should log and record no less than in its baseline",
    severity=Severity.CRITICAL,
    kinds=(Kind.TRAIL,),
    reasons=reasons,
    fix=fix,
    description="Checks that each trail exists, is logging, and records no less than in its last compliant state, the "
    "baseline: management events, Regions, global service events, log file validation, and the destinations and the "
    "KMS key of its log files. A new trail that has never logged is not reported.",
    reports="A finding states what the trail no longer records, with the former and the current values; for a deleted "
    "trail, also the commands that create it again.",
    risk="Changes in the account are not recorded. Without events pipeseal detects violations only in its next sweep, "
    "and cannot report who caused them.",
    remediation="Starts logging and restores the event selectors of the baseline. For a deleted trail, other settings, "
    "or event selectors without a baseline, pipeseal only notifies.",
    advice="Deny StopLogging, DeleteTrail, UpdateTrail and PutEventSelectors in a service control policy, except for "
    "the administrators of the trail.",
    false_positives="An intended reduction, such as the removal of a duplicate trail, is reported. Exempt the trail "
    "before you change it.",
    source="https://docs.aws.amazon.com/awscloudtrail/latest/userguide/best-practices-security.html",
    permissions=(
        "cloudtrail:GetTrail",
        "cloudtrail:GetTrailStatus",
        "cloudtrail:GetEventSelectors",
        "cloudtrail:StartLogging",
        "cloudtrail:PutEventSelectors",
    ),
    parameters=(),
    requirements={
        Standard.SECURITY_HUB: ("CloudTrail.1", "CloudTrail.3", "CloudTrail.4"),
        Standard.CONFIG_RULE: ("multi-region-cloudtrail-enabled",),
        Standard.CIS_AWS_3_TO_5: ("3.1", "3.2", "3.5"),
        Standard.CIS_AWS_6_AND_7: ("4.1", "4.2", "4.5"),
        Standard.NIST_800_53: (
            *("AC-2(4)", "AC-4(26)", "AC-6(9)", "AU-2", "AU-3", "AU-6(3)", "AU-6(4)", "AU-10", "AU-12", "AU-14(1)"),
            *("CA-7", "SC-7(9)", "SI-3(8)", "SI-4(20)", "SI-7(8)", "SA-8(22)"),
        ),
        Standard.PCI_DSS: ("10.2.1",),
        Standard.ISO_27001: ("A.8.15", "A.8.16"),
    },
    inferred_requirements={Standard.OWASP_CICD: ("CICD-SEC-10",)},
)
