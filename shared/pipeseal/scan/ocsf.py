"""A report as Compliance Findings (class 2003) of the Open Cybersecurity Schema Framework; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeseal.model import Ref, Severity, partition_of
from pipeseal.scan.report import Report, Status, Unseen, Violation, noun

VERSION = "1.3.0"
_CLASS, _CATEGORY, _CREATE = 2003, 2, 1
_SEVERITIES = {
    Severity.LOW: (2, "Low"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.HIGH: (4, "High"),
    Severity.CRITICAL: (5, "Critical"),
}
_NEW, _SUPPRESSED = (1, "New"), (3, "Suppressed")
_WARNING, _FAIL = (2, "Warning"), (3, "Fail")
_AWS_ACCOUNT = 10
_STANDARD = "AWS data protection in CI/CD"


def findings(report: Report, product_version: str) -> Iterator[dict[str, Any]]:
    """Yield a finding for each violation, suppressed where it is excused, and for what could not be read."""
    for violation in report.violations:
        yield _finding(report, violation, product_version)
    for unreadable in report.unreadable:
        yield _unread(report, unreadable, product_version)


def _finding(report: Report, violation: Violation, product_version: str) -> dict[str, Any]:
    control, ref = violation.control, violation.ref
    said = " ".join((*violation.reasons, *filter(None, [violation.refusal])))
    return {
        **_frame(report, control.severity, _SUPPRESSED if violation.exemption else _NEW, product_version),
        "message": said,
        "finding_info": {
            **_info(report, control.id, ref.arn),
            "title": f"{control.id} {control.title}: {noun(ref.kind)} {ref.name}",
            "desc": said,
        },
        "compliance": _compliance(control.id, _FAIL, said),
        "resources": [_resource(ref)],
        "remediation": {"desc": control.advice, "references": [control.source]},
        **({"comment": _excuse(violation)} if violation.status is Status.EXEMPT else {}),
    }


def _excuse(violation: Violation) -> str:
    exemption = violation.exemption
    return f"Exemption {exemption.id} until {exemption.until.isoformat()}" if exemption else ""


def _unread(report: Report, unreadable: Unseen, product_version: str) -> dict[str, Any]:
    what = unreadable.ref.arn if unreadable.ref else f"every-{noun(unreadable.kind)}"
    return {
        **_frame(report, Severity.MEDIUM, _NEW, product_version),
        "message": unreadable.sentence,
        "finding_info": {
            **_info(report, "UNREADABLE", what),
            "title": unreadable.title,
            "desc": unreadable.sentence,
        },
        "compliance": _compliance("UNREADABLE", _WARNING, unreadable.error),
        "resources": [_resource(unreadable.ref)] if unreadable.ref else [],
        "remediation": {"desc": unreadable.remedy},
    }


def _frame(report: Report, severity: Severity, status: tuple[int, str], product_version: str) -> dict[str, Any]:
    """Return what every finding has."""
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


def _info(report: Report, control: str, what: str) -> dict[str, Any]:
    return {
        "uid": f"pipeseal/{report.account}/{report.region}/{control}/{what}",
        "types": ["Software and Configuration Checks"],
        "created_time": _milliseconds(report),
    }


def _compliance(control: str, status: tuple[int, str], said: str) -> dict[str, Any]:
    return {
        "control": control,
        "standards": [_STANDARD],
        "status_id": status[0],
        "status": status[1],
        "status_detail": said,
    }


def _resource(ref: Ref) -> dict[str, Any]:
    return {
        "uid": ref.arn,
        "name": ref.name,
        "type": noun(ref.kind),
        "region": ref.region,
        "cloud_partition": partition_of(ref.region),
    }


def _milliseconds(report: Report) -> int:
    return int(report.time.timestamp() * 1000)
