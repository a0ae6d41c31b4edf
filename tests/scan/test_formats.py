"""The output formats of a scan: JSON, ASFF, OCSF, CSV and text are valid for any content."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.session import Session
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st
from tests.fake_account import ACCOUNT, REGION
from tests.resources import PROJECT
from tests.scan.scan_account import EXEMPTION, NOON, REF, report

from pipeseal.cli._scan_text import show
from pipeseal.cli._terminal import Terminal
from pipeseal.controls.codepipeline_secrets import CONTROL as SECRETS
from pipeseal.controls.s3_tls import CONTROL as TLS
from pipeseal.model import Kind, Ref, Severity
from pipeseal.scan import asff, ocsf
from pipeseal.scan.report import ScanReport, ScanViolation, UnreadResource
from pipeseal.scan.rows import HEADER, rows

OPEN = ScanViolation(
    REF, TLS, ("The bucket allows plaintext requests.",), ("bucket policy: a Deny added",), dependents=(PROJECT,)
)
EXEMPT = replace(OPEN, ref=replace(REF, name="partner"), exemption=EXEMPTION)
REFUSED = replace(OPEN, ref=replace(REF, name="full"), proposed_steps=(), refusal="The policy exceeds the quota.")
DENIED = UnreadResource(Kind.BUCKET, replace(REF, name="denied"), "AWS refused GetBucketPolicy", "s3:GetBucketPolicy")
UNLISTED = UnreadResource(Kind.PIPELINE, None, "AWS was not reached")
FULL = report(OPEN, EXEMPT, REFUSED, unreadable=(DENIED, UNLISTED), notes=("No ledger.",))

TEXTS = st.text(max_size=3000)
REPORTS = st.builds(
    lambda name, reason, kind, error, region: report(
        ScanViolation(Ref(kind, ACCOUNT, region, name), TLS, (reason,), (), refusal=reason),
        ScanViolation(Ref(kind, ACCOUNT, region, name), TLS, (reason,), (reason,), exemption=EXEMPTION),
        unreadable=(UnreadResource(kind, Ref(kind, ACCOUNT, region, name), error), UnreadResource(kind, None, error)),
        region=region,
        notes=(reason,),
    ),
    st.text(min_size=1, max_size=300),
    TEXTS.map(lambda text: f"Reason: {text}"),
    st.sampled_from(Kind),
    TEXTS,
    st.sampled_from(["us-east-1", "cn-north-1", "us-gov-west-1", "us-iso-east-1"]),
)
_IMPORT: Any = Session().get_service_model("securityhub").operation_model("BatchImportFindings").input_shape
_MAX_LENGTHS = {"Title": 256, "Description": 1024, "Id": 512, "GeneratorId": 512}


def test_json_is_as_documented() -> None:
    """The JSON output has exactly the documented fields, and each is serializable."""
    document = json.loads(json.dumps(FULL.as_dict(1)))
    assert document | {"findings": [], "unreadable": [], "advice": []} == {
        "account": ACCOUNT,
        "region": REGION,
        "time": NOON.isoformat(),
        "scanned": {"bucket": 5},
        "compliant": 2,
        "violated": 2,
        "findings": [],
        "unreadable": [],
        "advice": [],
        "notes": ["No ledger."],
        "exit": 1,
    }
    assert document["findings"][0] == {
        "resource": "arn:aws:s3:::harbor",
        "kind": "bucket",
        "region": REGION,
        "control": "S3.TLS",
        "title": TLS.title,
        "severity": "high",
        "status": "violated",
        "reasons": ["The bucket allows plaintext requests."],
        "fix": ["bucket policy: a Deny added"],
        "refusal": "",
        "advice": TLS.advice,
        "source": TLS.source,
        "used_by": [PROJECT],
        "exemption": None,
    }
    assert [each["status"] for each in document["findings"]] == ["violated", "exempt", "violated"]
    assert document["findings"][1]["exemption"]["owner"] == "ada@example.com"
    assert document["unreadable"] == [
        {
            "resource": "arn:aws:s3:::denied",
            "kind": "bucket",
            "error": DENIED.error,
            "permission": "s3:GetBucketPolicy",
        },
        {"resource": "*", "kind": "pipeline", "error": "AWS was not reached", "permission": ""},
    ]
    assert document["advice"][0]["answer"] == "unknown"


@pytest.mark.parametrize(
    ("violations", "unreadable", "threshold", "fails"),
    [
        ((), (), Severity.LOW, False),
        ((OPEN,), (), Severity.LOW, True),
        ((OPEN,), (), Severity.HIGH, True),
        ((OPEN,), (), Severity.CRITICAL, False),
        ((OPEN, replace(OPEN, control=SECRETS)), (), Severity.CRITICAL, True),
        ((EXEMPT,), (), Severity.LOW, False),
        ((OPEN,), (), None, False),
        ((), (DENIED,), None, True),
    ],
)
def test_a_report_fails_by_its_threshold(
    violations: tuple[ScanViolation, ...],
    unreadable: tuple[UnreadResource, ...],
    threshold: Severity | None,
    fails: bool,  # noqa: FBT001
) -> None:
    """A violation at or above the threshold fails the scan, an exempt one never; an unread resource always does."""
    assert report(*violations, unreadable=unreadable).fails(threshold) is fails


@given(REPORTS)
def test_security_hub_accepts_every_finding(scanned: ScanReport) -> None:
    """Findings satisfy botocore's model of BatchImportFindings and the documented lengths; unread is NOT_AVAILABLE."""
    found: list[Any] = list(asff.findings(scanned))
    errors = ParamValidator().validate({"Findings": found}, _IMPORT)
    assert not errors.has_errors(), errors.generate_report()
    assert [each["Compliance"]["Status"] for each in found] == ["FAILED", "FAILED", "NOT_AVAILABLE", "NOT_AVAILABLE"]
    assert [each["Workflow"]["Status"] for each in found] == ["NEW", "SUPPRESSED", "NEW", "NEW"]
    for each in found:
        assert {name: limit for name, limit in _MAX_LENGTHS.items() if len(each[name]) > limit} == {}
        assert all(each[name].strip() for name in _MAX_LENGTHS)
        assert len(each["Remediation"]["Recommendation"]["Text"]) <= 512
        assert each["SchemaVersion"] == "2018-10-08"
        assert each["ProductArn"].endswith(f":securityhub:{scanned.region}:{ACCOUNT}:product/{ACCOUNT}/default")
        assert each["CreatedAt"] == "2026-11-21T12:00:00.000Z"


def test_a_finding_keeps_its_id() -> None:
    """A later scan gives the same finding the same Id; no two findings share one."""
    later = replace(FULL, time=NOON.replace(year=2027))
    ids = [[each["Id"] for each in asff.findings(scanned)] for scanned in (FULL, later)]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == len(ids[0]) == 5


# Fields that OCSF 1.3.0 (schema.ocsf.io) requires of a Compliance Finding and of the objects in it.
_REQUIRED = {
    "": ("activity_id", "category_uid", "class_uid", "time", "type_uid", "severity_id", "metadata", "finding_info"),
    "metadata": ("version", "product"),
    "finding_info": ("uid", "title"),
    "compliance": ("standards",),
    "cloud": ("provider",),
    "remediation": ("desc",),
}


@given(REPORTS)
def test_every_ocsf_finding_has_the_required_fields(scanned: ScanReport) -> None:
    """Required fields are present, IDs agree with their names, and the cloud profile is declared."""
    found: list[Any] = list(ocsf.findings(scanned, "0.1.0"))
    assert [each["compliance"]["status"] for each in found] == ["Fail", "Fail", "Warning", "Warning"]
    assert [each["status"] for each in found] == ["New", "Suppressed", "New", "New"]
    for each in json.loads(json.dumps(found)):
        for name_of_part, names in _REQUIRED.items():
            part: dict[str, Any] = each[name_of_part] if name_of_part else each
            assert {name for name in names if part.get(name) in (None, "")} == set()
        assert (each["category_uid"], each["class_uid"], each["type_uid"]) == (2, 2003, 200301)
        assert (each["severity_id"], each["severity"]) in ((4, "High"), (3, "Medium"))
        assert (each["metadata"]["version"], each["metadata"]["profiles"]) == ("1.3.0", ["cloud"])
        assert each["time"] == 1795262400000
        assert all({"uid", "name", "type"} <= set(resource) for resource in each["resources"])


def test_the_table_has_a_row_for_each_violation_and_unread_resource() -> None:
    """Each row has as many cells as the header."""
    table = [dict(zip(HEADER, row, strict=True)) for row in rows(FULL)]
    assert [row["status"] for row in table] == ["violated", "exempt", "violated", "unreadable", "unreadable"]
    assert table[1]["exemption"] == "ex-1"
    assert table[3]["advice"] == "Grant s3:GetBucketPolicy to the identity that runs the scan."


def shown(scanned: ScanReport) -> str:
    """Return the text output."""
    terminal = Terminal(soft_wrap=False)
    terminal.file = io.StringIO()
    show(terminal, scanned)
    return terminal.file.getvalue()


def test_the_text_is_complete() -> None:
    """It has violations with their remediation, exempt ones with their owner, unread resources, advice and totals."""
    text = " ".join(shown(FULL).split())
    for words in (
        "HIGH · 2 violations",
        "The bucket allows plaintext requests.",
        "used by project harbor",
        "remediation: bucket policy: a Deny added",
        "cannot be remediated: The policy exceeds the quota.",
        "EXEMPT · 1 violation",
        "ada@example.com until 2027-11-21",
        "missing permission: s3:GetBucketPolicy",
        "all pipelines",
        "note No ledger.",
        "2 resources in violation (2 high), 2 compliant, 2 not read.",
    ):
        assert words in text
    assert "No violations in 5 resources." in shown(report())


@given(REPORTS)
def test_the_text_has_no_control_characters(scanned: ScanReport) -> None:
    """Names, reasons and error messages reach the terminal without characters that it interprets."""
    assert {c for c in shown(scanned) if not c.isprintable()} <= {"\n"}
