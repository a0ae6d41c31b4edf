"""Reports for machines: shapes that Security Hub, OCSF and spreadsheets take, whatever stands in them."""

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
from tests.account import ACCOUNT, REGION
from tests.scan.harbor import EXEMPTION, NOON, REF, report

from pipeseal.cli._scan_text import show
from pipeseal.cli._terminal import Terminal
from pipeseal.controls.codepipeline_secrets import CONTROL as SECRETS
from pipeseal.controls.s3_tls import CONTROL as TLS
from pipeseal.model import Kind, Ref, Severity
from pipeseal.scan import asff, ocsf
from pipeseal.scan.report import Report, Unseen, Violation
from pipeseal.scan.rows import HEADER, rows

OPEN = Violation(REF, TLS, ("It lets requests in clear through.",), ("bucket policy: a Deny added",), users=("arn:x",))
EXCUSED = replace(OPEN, ref=replace(REF, name="partner"), exemption=EXEMPTION)
REFUSED = replace(OPEN, ref=replace(REF, name="full"), remedy=(), refusal="12 bytes more than S3 takes.")
DENIED = Unseen(Kind.BUCKET, replace(REF, name="dark"), "AWS refused GetBucketPolicy", "s3:GetBucketPolicy")
UNLISTED = Unseen(Kind.PIPELINE, None, "AWS was not reached")
FULL = report(OPEN, EXCUSED, REFUSED, unreadable=(DENIED, UNLISTED), notes=("No ledger.",))

TEXTS = st.text(max_size=3000)
REPORTS = st.builds(
    lambda name, reason, kind, error, region: report(
        Violation(Ref(kind, ACCOUNT, region, name), TLS, (reason,), (), refusal=reason),
        Violation(Ref(kind, ACCOUNT, region, name), TLS, (reason,), (reason,), exemption=EXEMPTION),
        unreadable=(Unseen(kind, Ref(kind, ACCOUNT, region, name), error), Unseen(kind, None, error)),
        region=region,
        notes=(reason,),
    ),
    st.text(min_size=1, max_size=300),
    TEXTS.map(lambda text: f"It says {text}"),
    st.sampled_from(Kind),
    TEXTS,
    st.sampled_from(["us-east-1", "cn-north-1", "us-gov-west-1", "us-iso-east-1"]),
)
_IMPORT: Any = Session().get_service_model("securityhub").operation_model("BatchImportFindings").input_shape
_LONGEST = {"Title": 256, "Description": 1024, "Id": 512, "GeneratorId": 512}


def test_json_is_as_documented() -> None:
    """Every field of the contract, and nothing that JSON does not know."""
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
        "reasons": ["It lets requests in clear through."],
        "fix": ["bucket policy: a Deny added"],
        "refusal": "",
        "advice": TLS.advice,
        "source": TLS.source,
        "used_by": ["arn:x"],
        "exemption": None,
    }
    assert [each["status"] for each in document["findings"]] == ["violated", "exempt", "violated"]
    assert document["findings"][1]["exemption"]["owner"] == "ada@example.com"
    assert document["unreadable"] == [
        {"resource": "arn:aws:s3:::dark", "kind": "bucket", "error": DENIED.error, "permission": "s3:GetBucketPolicy"},
        {"resource": "*", "kind": "pipeline", "error": "AWS was not reached", "permission": ""},
    ]
    assert document["advice"][0]["answer"] == "unknown"


@pytest.mark.parametrize(
    ("violations", "unreadable", "bar", "fails"),
    [
        ((), (), Severity.LOW, False),
        ((OPEN,), (), Severity.LOW, True),
        ((OPEN,), (), Severity.HIGH, True),
        ((OPEN,), (), Severity.CRITICAL, False),
        ((OPEN, replace(OPEN, control=SECRETS)), (), Severity.CRITICAL, True),
        ((EXCUSED,), (), Severity.LOW, False),
        ((OPEN,), (), None, False),
        ((), (DENIED,), None, True),
    ],
)
def test_the_bar_decides(
    violations: tuple[Violation, ...],
    unreadable: tuple[Unseen, ...],
    bar: Severity | None,
    fails: bool,  # noqa: FBT001
) -> None:
    """At or above it a violation fails, an excused one never; what could not be read always does."""
    assert report(*violations, unreadable=unreadable).fails(bar) is fails


@given(REPORTS)
def test_security_hub_takes_every_finding(made: Report) -> None:
    """By the model of BatchImportFindings and the documented lengths; unreadable is not available, never passed."""
    found = list(asff.findings(made))
    errors = ParamValidator().validate({"Findings": found}, _IMPORT)
    assert not errors.has_errors(), errors.generate_report()
    assert [each["Compliance"]["Status"] for each in found] == ["FAILED", "FAILED", "NOT_AVAILABLE", "NOT_AVAILABLE"]
    assert [each["Workflow"]["Status"] for each in found] == ["NEW", "SUPPRESSED", "NEW", "NEW"]
    for each in found:
        assert {name: longest for name, longest in _LONGEST.items() if len(each[name]) > longest} == {}
        assert all(each[name].strip() for name in _LONGEST)
        assert len(each["Remediation"]["Recommendation"]["Text"]) <= 512
        assert each["SchemaVersion"] == "2018-10-08"
        assert each["ProductArn"].endswith(f":securityhub:{made.region}:{ACCOUNT}:product/{ACCOUNT}/default")
        assert each["CreatedAt"] == "2026-11-21T12:00:00.000Z"


def test_a_matter_keeps_its_id() -> None:
    """The next scan updates the findings of this one; no two matters share one."""
    later = replace(FULL, time=NOON.replace(year=2027))
    ids = [[each["Id"] for each in asff.findings(made)] for made in (FULL, later)]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == len(ids[0]) == 5


# What the schema at schema.ocsf.io, version 1.3.0, requires of a Compliance Finding, and of the objects in it.
_REQUIRED = {
    "": ("activity_id", "category_uid", "class_uid", "time", "type_uid", "severity_id", "metadata", "finding_info"),
    "metadata": ("version", "product"),
    "finding_info": ("uid", "title"),
    "compliance": ("standards",),
    "cloud": ("provider",),
    "remediation": ("desc",),
}


@given(REPORTS)
def test_ocsf_takes_every_finding(made: Report) -> None:
    """What the schema requires is there, ids and their names agree, and the profile of the cloud is named."""
    found = list(ocsf.findings(made, "0.1.0"))
    assert [each["compliance"]["status"] for each in found] == ["Fail", "Fail", "Warning", "Warning"]
    assert [each["status"] for each in found] == ["New", "Suppressed", "New", "New"]
    for each in json.loads(json.dumps(found)):
        for place, names in _REQUIRED.items():
            part: dict[str, Any] = each[place] if place else each
            assert {name for name in names if part.get(name) in (None, "")} == set()
        assert (each["category_uid"], each["class_uid"], each["type_uid"]) == (2, 2003, 200301)
        assert (each["severity_id"], each["severity"]) in ((4, "High"), (3, "Medium"))
        assert (each["metadata"]["version"], each["metadata"]["profiles"]) == ("1.3.0", ["cloud"])
        assert each["time"] == 1795262400000
        assert all({"uid", "name", "type"} <= set(resource) for resource in each["resources"])


def test_a_row_for_each_matter() -> None:
    """As many cells as the header has; what could not be read has its row too."""
    made = [dict(zip(HEADER, row, strict=True)) for row in rows(FULL)]
    assert [row["status"] for row in made] == ["violated", "exempt", "violated", "unreadable", "unreadable"]
    assert made[1]["exemption"] == "ex-1"
    assert made[3]["advice"] == "Grant s3:GetBucketPolicy to whoever scans."


def shown(made: Report) -> str:
    """Return what a terminal is sent."""
    terminal = Terminal(soft_wrap=False)
    terminal.file = io.StringIO()
    show(terminal, made)
    return terminal.file.getvalue()


def test_the_text_tells_everything() -> None:
    """Violations with what would be done, what is excused and by whom, what could not be read, advice, the sum."""
    text = " ".join(shown(FULL).split())
    for words in (
        "HIGH · 2 violations",
        "It lets requests in clear through.",
        "pipeseal would: bucket policy: a Deny added",
        "pipeseal refuses: 12 bytes more than S3 takes.",
        "EXCUSED · 1 violation",
        "ada@example.com until 2027-11-21",
        "you lack s3:GetBucketPolicy",
        "every pipeline",
        "note No ledger.",
        "2 resources in violation (2 high), 2 fine, 2 not read.",
    ):
        assert words in text
    assert "All 5 resources are as they should be." in shown(report())


@given(REPORTS)
def test_nothing_that_others_wrote_moves_a_cursor(made: Report) -> None:
    """Names, reasons and AWS's own words reach the terminal without control characters."""
    assert {c for c in shown(made) if not c.isprintable()} <= {"\n"}
