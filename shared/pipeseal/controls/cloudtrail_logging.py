"""CLOUDTRAIL.LOGGING: trails keep what they kept: without CloudTrail pipeseal is blind, and nobody knows who did it.

Logging goes on again and selectors go back to what the ledger remembers; all else only the owner can put right.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeseal.model import Control, Kind, Severity
from pipeseal.model.trail import ALL_MANAGEMENT, Trail, alike, said

if TYPE_CHECKING:
    from pipeseal.settings import Settings

# GetTrail's name of a setting -> the option of `aws cloudtrail create-trail`.
_OPTIONS = {
    "S3BucketName": "--s3-bucket-name",
    "S3KeyPrefix": "--s3-key-prefix",
    "IsMultiRegionTrail": "--is-multi-region-trail",
    "LogFileValidationEnabled": "--enable-log-file-validation",
    "IsOrganizationTrail": "--is-organization-trail",
    "KmsKeyId": "--kms-key-id",
    "SnsTopicName": "--sns-topic-name",
    "CloudWatchLogsLogGroupArn": "--cloud-watch-logs-log-group-arn",
    "CloudWatchLogsRoleArn": "--cloud-watch-logs-role-arn",
}
_LONGEST_COMMAND = 600


def reasons(trail: Trail, _settings: Settings) -> tuple[str, ...]:
    """Say what the trail no longer keeps: all, where it is gone or stopped, or less than it did."""
    return tuple(_gone(trail) if not trail.exists else _lost(trail))


def _lost(trail: Trail) -> Iterator[str]:
    if _stopped(trail):
        yield "The trail is not logging: nothing is recorded until it is switched on again."
    yield from said(trail.missing)
    if any(trail.missing.values()) and not trail.sound.get("selectors"):
        yield "The ledger does not know its former event selectors, so they were left as they are."
    yield from trail.lesser


def _stopped(trail: Trail) -> bool:
    return not trail.logging and (not trail.fresh or trail.hint == "StopLogging")


def _gone(trail: Trail) -> Iterator[str]:
    """Say what the trail was, and how to make it again."""
    yield "The trail is gone: nothing is recorded by it any more."
    settings, name = trail.sound.get("settings"), trail.ref.name
    if not settings:
        yield "The ledger does not know how it was; its bucket still holds what it recorded."
        return
    where = "every Region" if settings.get("IsMultiRegionTrail") else trail.ref.region
    yield f"It kept the records of {where} in bucket {settings['S3BucketName']}, which still holds them."
    commands = [f"aws cloudtrail create-trail --region {trail.ref.region} --name {name}{_options(settings)}"]
    selectors = trail.sound.get("selectors") or ALL_MANAGEMENT
    if not alike(selectors, ALL_MANAGEMENT):
        commands.append(_put_selectors(trail, selectors))
    commands.append(f"aws cloudtrail start-logging --region {trail.ref.region} --name {name}")
    for number, command in enumerate(commands):
        start = "To make it again, in your own name" if number == 0 else "then"
        yield f"{start}: `{command}`."


def _options(settings: Mapping[str, Any]) -> str:
    words = []
    for name, option in _OPTIONS.items():
        if value := settings.get(name):
            words += [option] if value is True else [option, shlex.quote(str(value))]
    if not settings.get("IncludeGlobalServiceEvents", True):
        words.append("--no-include-global-service-events")
    return "".join(f" {word}" for word in words)


def _put_selectors(trail: Trail, selectors: Mapping[str, Any]) -> str:
    option = "--event-selectors" if "EventSelectors" in selectors else "--advanced-event-selectors"
    (value,) = selectors.values()
    text = shlex.quote(json.dumps(value))
    if len(text) > _LONGEST_COMMAND:
        text = f"JSON, which the ledger has in the item #memory of {trail.ref.arn}"
    return (
        f"aws cloudtrail put-event-selectors --region {trail.ref.region} --trail-name {trail.ref.name} {option} {text}"
    )


def fix(trail: Trail, _settings: Settings) -> Trail:
    """Return the trail logging, with its remembered selectors where it has fewer; a trail that is gone stays so."""
    if not trail.exists:
        return trail
    fixed = replace(trail, logging=True) if _stopped(trail) else trail
    former = trail.sound.get("selectors")
    if former and any(trail.missing.values()):
        fixed = replace(fixed, selectors=former)
    return fixed


CONTROL = Control(
    id="CLOUDTRAIL.LOGGING",
    title="CloudTrail keeps on recording what it recorded",
    severity=Severity.CRITICAL,
    kinds=(Kind.TRAIL,),
    reasons=reasons,
    fix=fix,
    advice="Let a service control policy deny StopLogging, DeleteTrail, UpdateTrail and PutEventSelectors to all but "
    "those who look after the trail.",
    source="https://docs.aws.amazon.com/awscloudtrail/latest/userguide/best-practices-security.html",
    permissions=(
        "cloudtrail:GetTrail",
        "cloudtrail:GetTrailStatus",
        "cloudtrail:GetEventSelectors",
        "cloudtrail:StartLogging",
        "cloudtrail:PutEventSelectors",
    ),
)
