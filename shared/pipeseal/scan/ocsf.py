"""A scan report as Compliance Findings (class 2003) of the Open Cybersecurity Schema Framework; pure."""

from __future__ import annotations

from collections.abc import Iterator

from pipeseal.model import Ref, Severity, partition_of
from pipeseal.scan.report import ScanReport, ScanViolation, UnreadResource

VERSION = "1.3.0"

OcsfFinding = dict[str, object]
"""A finding as JSON."""

_Enumerated = tuple[int, str]
"""A value of an OCSF enumeration: its ID and its name."""

_CLASS, _CATEGORY, _CREATE = 2003, 2, 1
_SEVERITIES: dict[Severity, _Enumerated] = {
    Severity.LOW: (2, "Low"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.HIGH: (4, "High"),
    Severity.CRITICAL: (5, "Critical"),
}
_NEW, _SUPPRESSED = (1, "New"), (3, "Suppressed")
_WARNING, _FAIL = (2, "Warning"), (3, "Fail")
_AWS_ACCOUNT = 10
_STANDARD = "AWS data protection in CI/CD"
_UNREADABLE = "UNREADABLE"


def findings(report: ScanReport, product_version: str) -> Iterator[OcsfFinding]:
    """Yield a finding for each violation, suppressed where it is exempt, and for everything that could not be read."""
    for violation in report.violations:
        yield _violation_finding(report, violation, product_version)
    for unread in report.unreadable:
        yield _unread_finding(report, unread, product_version)


def _violation_finding(report: ScanReport, violation: ScanViolation, product_version: str) -> OcsfFinding:
    control, ref, exemption = violation.control, violation.ref, violation.exemption
    return {
        **_common_fields(report, control.severity, _SUPPRESSED if exemption else _NEW, product_version),
        "message": violation.description,
        "finding_info": {
            **_finding_info(report, control.id, ref.arn),
            "title": f"{control.id} {control.title}: {ref.kind} {ref.name}",
            "desc": violation.description,
        },
        "compliance": _compliance(control.id, _FAIL, violation.description),
        "resources": [_resource(ref)],
        "remediation": {"desc": control.advice, "references": [control.source]},
        **({"comment": f"Exemption {exemption.id} until {exemption.until.isoformat()}"} if exemption else {}),
    }


def _unread_finding(report: ScanReport, unread: UnreadResource, product_version: str) -> OcsfFinding:
    return {
        **_common_fields(report, Severity.MEDIUM, _NEW, product_version),
        "message": unread.description,
        "finding_info": {
            **_finding_info(report, _UNREADABLE, unread.id),
            "title": unread.title,
            "desc": unread.description,
        },
        "compliance": _compliance(_UNREADABLE, _WARNING, unread.error),
        "resources": [_resource(unread.ref)] if unread.ref else [],
        "remediation": {"desc": unread.remediation},
    }


def _common_fields(report: ScanReport, severity: Severity, status: _Enumerated, product_version: str) -> OcsfFinding:
    """Return the fields that every finding has."""
    severity_id, severity_name = _SEVERITIES[severity]
    return {
        "metadata": {
            "version": VERSION,
            "profiles": ["cloud"],
            "product": {"name": "pipeseal", "vendor_name": "pipeseal", "version": product_version},
        },
        "category_uid": _CATEGORY,
        "category_name": "Findings",
        "class_uid": _CLASS,
        "class_name": "Compliance Finding",
        "activity_id": _CREATE,
        "activity_name": "Create",
        "type_uid": _CLASS * 100 + _CREATE,
        "type_name": "Compliance Finding: Create",
        "time": _milliseconds(report),
        "severity_id": severity_id,
        "severity": severity_name,
        "status_id": status[0],
        "status": status[1],
        "cloud": {
            "provider": "AWS",
            "account": {"uid": report.account, "type": "AWS Account", "type_id": _AWS_ACCOUNT},
            "region": report.region,
        },
    }


def _finding_info(report: ScanReport, control: str, subject: str) -> OcsfFinding:
    return {
        "uid": f"pipeseal/{report.account}/{report.region}/{control}/{subject}",
        "types": ["Software and Configuration Checks"],
        "created_time": _milliseconds(report),
    }


def _compliance(control: str, status: _Enumerated, detail: str) -> OcsfFinding:
    return {
        "control": control,
        "standards": [_STANDARD],
        "status_id": status[0],
        "status": status[1],
        "status_detail": detail,
    }


def _resource(ref: Ref) -> dict[str, str]:
    return {
        "uid": ref.arn,
        "name": ref.name,
        "type": str(ref.kind),
        "region": ref.region,
        "cloud_partition": partition_of(ref.region),
    }


def _milliseconds(report: ScanReport) -> int:
    """Return the time of the scan in milliseconds since the epoch."""
    return int(report.time.timestamp() * 1000)
