"""A report in the AWS Security Finding Format, as Security Hub's BatchImportFindings takes it; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeseal.model import Kind, Ref, partition_of
from pipeseal.scan.report import Report, Status, Unseen, Violation, noun

AT_ONCE = 100
"""Findings that one BatchImportFindings takes."""

_TYPES = {
    Kind.BUCKET: "AwsS3Bucket",
    Kind.KEY: "AwsKmsKey",
    Kind.PROJECT: "AwsCodeBuildProject",
    Kind.TRAIL: "AwsCloudTrailTrail",
}
_PARTITIONS = {"aws", "aws-cn", "aws-us-gov"}
_LONGEST_TITLE = 256
_LONGEST_TEXT = 512
_LONGEST_DESCRIPTION = 1024
_UNREADABLE = "UNREADABLE"


def findings(report: Report) -> Iterator[dict[str, Any]]:
    """Yield a finding for each violation, suppressed where it is excused, and for what could not be read."""
    for violation in report.violations:
        yield _finding(report, violation)
    for unreadable in report.unreadable:
        yield _unread(report, unreadable)


def _finding(report: Report, violation: Violation) -> dict[str, Any]:
    control, ref = violation.control, violation.ref
    exempt = violation.status is Status.EXEMPT
    return {
        **_frame(report, control.id, ref.arn),
        "Severity": {"Label": control.severity.name},
        "Title": _cut(f"{control.id} {control.title}: {noun(ref.kind)} {ref.name}", _LONGEST_TITLE),
        "Description": _cut(" ".join((*violation.reasons, *filter(None, [violation.refusal]))), _LONGEST_DESCRIPTION),
        "Remediation": {"Recommendation": {"Text": _cut(control.advice, _LONGEST_TEXT), "Url": control.source}},
        "Resources": [_resource(ref)],
        "Compliance": {"Status": "FAILED"},
        "Workflow": {"Status": "SUPPRESSED" if exempt else "NEW"},
    }


def _unread(report: Report, unreadable: Unseen) -> dict[str, Any]:
    kind = noun(unreadable.kind)
    resource = (
        _resource(unreadable.ref)
        if unreadable.ref
        else {"Type": "AwsAccount", "Id": f"AWS::::Account:{report.account}"}
    )
    return {
        **_frame(report, _UNREADABLE, unreadable.ref.arn if unreadable.ref else f"every-{kind}"),
        "Severity": {"Label": "MEDIUM"},
        "Title": _cut(unreadable.title, _LONGEST_TITLE),
        "Description": _cut(unreadable.sentence, _LONGEST_DESCRIPTION),
        "Remediation": {"Recommendation": {"Text": unreadable.remedy}},
        "Resources": [resource],
        "Compliance": {"Status": "NOT_AVAILABLE"},
        "Workflow": {"Status": "NEW"},
    }


def _frame(report: Report, control: str, what: str) -> dict[str, Any]:
    """Return what every finding has; the same matter has the same Id in the next scan, so that it is updated."""
    partition = partition_of(report.region)
    now = report.time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{report.time.microsecond // 1000:03}Z"
    return {
        "SchemaVersion": "2018-10-08",
        "Id": _cut(f"pipeseal/{report.region}/{control}/{what}", _LONGEST_TEXT),
        "ProductArn": f"arn:{partition}:securityhub:{report.region}:{report.account}:product/{report.account}/default",
        "ProductFields": {"ProviderName": "pipeseal"},
        "GeneratorId": f"pipeseal/{control}",
        "AwsAccountId": report.account,
        "Types": ["Software and Configuration Checks/AWS Security Best Practices"],
        "CreatedAt": now,
        "UpdatedAt": now,
        "RecordState": "ACTIVE",
    }


def _resource(ref: Ref) -> dict[str, str]:
    partition = partition_of(ref.region)
    resource = {"Type": _TYPES.get(ref.kind, "Other"), "Id": ref.arn, "Region": ref.region}
    return {**resource, "Partition": partition} if partition in _PARTITIONS else resource


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
