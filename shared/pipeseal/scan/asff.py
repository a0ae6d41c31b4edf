"""A scan report in the AWS Security Finding Format, for BatchImportFindings of AWS Security Hub; pure."""

from __future__ import annotations

from collections.abc import Iterator

from pipeseal.model import Ref, partition_of
from pipeseal.scan.report import ScanReport, ScanViolation, UnreadResource, ViolationStatus

AsffFinding = dict[str, object]
"""A finding as JSON."""

_PARTITIONS = {"aws", "aws-cn", "aws-us-gov"}
"""The partitions that ASFF knows."""
_MAX_TITLE = 256
_MAX_TEXT = 512
_MAX_DESCRIPTION = 1024
_UNREADABLE = "UNREADABLE"


def findings(report: ScanReport) -> Iterator[AsffFinding]:
    """Yield a finding for each violation, suppressed where it is exempt, and for everything that could not be read."""
    for violation in report.violations:
        yield _violation_finding(report, violation)
    for unread in report.unreadable:
        yield _unread_finding(report, unread)


def _violation_finding(report: ScanReport, violation: ScanViolation) -> AsffFinding:
    control, ref = violation.control, violation.ref
    exempt = violation.status is ViolationStatus.EXEMPT
    return {
        **_common_fields(report, control.id, ref.arn),
        "Severity": {"Label": control.severity.name},
        "Title": _shorten(f"{control.id} {control.title}: {ref.kind} {ref.name}", _MAX_TITLE),
        "Description": _shorten(violation.description, _MAX_DESCRIPTION),
        "Remediation": {"Recommendation": {"Text": _shorten(control.advice, _MAX_TEXT), "Url": control.source}},
        "Resources": [_resource(ref)],
        "Compliance": {"Status": "FAILED"},
        "Workflow": {"Status": "SUPPRESSED" if exempt else "NEW"},
    }


def _unread_finding(report: ScanReport, unread: UnreadResource) -> AsffFinding:
    account = {"Type": "AwsAccount", "Id": f"AWS::::Account:{report.account}"}
    return {
        **_common_fields(report, _UNREADABLE, unread.id),
        "Severity": {"Label": "MEDIUM"},
        "Title": _shorten(unread.title, _MAX_TITLE),
        "Description": _shorten(unread.description, _MAX_DESCRIPTION),
        "Remediation": {"Recommendation": {"Text": unread.remediation}},
        "Resources": [_resource(unread.ref) if unread.ref else account],
        "Compliance": {"Status": "NOT_AVAILABLE"},
        "Workflow": {"Status": "NEW"},
    }


def _common_fields(report: ScanReport, control: str, subject: str) -> AsffFinding:
    """Return the fields that every finding has.

    The Id depends on the Region, the control and the subject only, so that the next scan updates the finding.
    """
    partition = partition_of(report.region)
    now = report.time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{report.time.microsecond // 1000:03}Z"
    return {
        "SchemaVersion": "2018-10-08",
        "Id": _shorten(f"pipeseal/{report.region}/{control}/{subject}", _MAX_TEXT),
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
    resource = {"Type": ref.kind.spec.asff_type, "Id": ref.arn, "Region": ref.region}
    return {**resource, "Partition": partition} if partition in _PARTITIONS else resource


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
