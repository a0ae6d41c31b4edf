"""A month of a ledger for the report: entries of every outcome, and names and policies with HTML and scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeseal.cli._report.data import ReportData
from pipeseal.exemptions import Exemption
from pipeseal.ledger.entries import FindingRecord, LedgerEntry, entry_id
from pipeseal.ledger.exemption_store import ExemptionUse
from pipeseal.ledger.records import ResourceRecord
from pipeseal.model import Actor, Cause, Kind, Ref

ACCOUNT, REGION = "123456789012", "us-east-1"
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
DENY = {
    "Sid": "DenyInsecureConnections",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::harbor", "arn:aws:s3:::harbor/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
PUBLIC_READ = {"Sid": "Readers", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
KEY = Ref(Kind.KEY, ACCOUNT, REGION, "5d3c1b2a-7e6f-4890-a1b2-c3d4e5f60718")
HOSTILE = (
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "\"><svg onload=document.title='owned'>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:document.title='owned'",
    "\u202egnp.exe\u2066\u200f\x00\x1b[31m\r\n",
    "&lt;b&gt; <b>bold</b> ]]> <!-- -->",
    "a" * 300,
)


def ref(name: str, kind: Kind = Kind.BUCKET) -> Ref:
    """Make a reference to a resource of that name."""
    return Ref(kind, ACCOUNT, REGION, name)


def found(
    control: str, *, writes: bool = True, refusal: str = "", reason: str = "No statement denies plaintext requests."
) -> FindingRecord:
    """Make a finding as the ledger stores it."""
    mode = "enforce" if writes else "detect"
    return {"control": control, "mode": mode, "reasons": [reason], "refusal": refusal, "writes": writes}


def entry(
    of: Ref,
    ago: timedelta,
    outcome: str,
    *findings: FindingRecord,
    took: timedelta = timedelta(seconds=4),
    actor: Actor | None = None,
    **fields: Any,
) -> LedgerEntry:
    """Make an entry for a call that was made *ago*."""
    at = NOW - ago
    before = {"policy": {"Version": "2012-10-17", "Statement": [PUBLIC_READ]}, "encryption": {}}
    fixed_policy = {**before, "policy": {"Version": "2012-10-17", "Statement": [PUBLIC_READ, DENY]}}
    states: Mapping[Kind, tuple[Any, Any]] = {
        Kind.BUCKET: (before, fixed_policy),
        Kind.KEY: (
            {"status": "Enabled", "window": 0, "rotates": None},
            {"status": "PendingDeletion", "window": 30, "rotates": None},
        ),
        Kind.PIPELINE: (
            {"keys": {REGION: ""}, "transition": {"stage": "Build", "enabled": True, "reason": ""}},
            {"keys": {REGION: ""}, "transition": {"stage": "Build", "enabled": False, "reason": "asymmetric key"}},
        ),
    }
    was, fixed = states.get(of.kind, ({}, {}))
    wrote = any(finding["writes"] for finding in findings) and outcome not in ("failed", "escalated")
    steps = ("bucket policy: DenyInsecureConnections added, all else kept",) if wrote else ()
    values = {
        "intent": outcome,
        "before": was,
        "after": fixed if wrote else was,
        "proposed": fixed,
        "steps": steps,
        "alert": {} if wrote else {"proposed": ["bucket policy: DenyInsecureConnections added, all else kept"]},
        **fields,
    }
    return LedgerEntry(
        id=entry_id(at, of.arn, outcome, str(ago)),
        ref=of,
        cause=Cause(
            "e", "PutBucketPolicy", at, actor or Actor("ada", "IAMUser", arn=f"arn:aws:iam::{ACCOUNT}:user/ada")
        ),
        opened=at + took / 2,
        findings=tuple(findings),
        outcome=outcome,
        closed=at + took,
        **values,
    )


def days(number: float) -> timedelta:
    """Return a duration in days."""
    return timedelta(days=number)


def hours(number: float) -> timedelta:
    """Return a duration in hours."""
    return timedelta(hours=number)


def _entries() -> Iterator[LedgerEntry]:
    tls, uploads = found("S3.TLS"), found("S3.SSE_UPLOADS", reason="No statement requires KMS.")
    for number in range(14):
        name = ("harbor-artifacts", "quay-artifacts", "acme-webshop-artifacts-eu-central-1-production")[number % 3]
        yield entry(
            ref(name), days(2 * number + 0.4), "remediated", tls, uploads, took=timedelta(seconds=3 + number % 5)
        )
    yield entry(ref("website"), days(12), "detected", found("S3.TLS", writes=False))
    yield entry(ref("legacy-drop"), days(9), "failed", found("S3.TLS", refusal="s3:PutBucketPolicy is missing."))
    yield entry(ref("legacy-drop"), days(5), "remediated", tls)
    yield entry(ref("release", Kind.PIPELINE), days(6), "quarantined", found("CODEPIPELINE.SYMMETRIC_KEY"))
    yield entry(ref("deploy-web", Kind.PIPELINE), days(3), "detected", found("CODEPIPELINE.SECRETS", writes=False))
    yield entry(KEY, days(8), "rejected", found("KMS.SYMMETRIC"))
    terraform = Actor("ci", "AssumedRole", via="Terraform", arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/ci/run")
    for minutes in (50, 40, 30):
        yield entry(ref("contested"), timedelta(minutes=minutes), "remediated", tls, actor=terraform)
    yield entry(ref("contested"), timedelta(minutes=20), "escalated", found("S3.TLS", writes=False), actor=terraform)
    own = entry_id(NOW - hours(24), ref("scanner-in").arn, "undone", str(hours(24)))
    done = entry(ref("scanner-in"), hours(60), "remediated", tls, undone_by=own)
    yield done
    by = Actor("grace", "operator")
    yield entry(ref("scanner-in"), hours(24), "undone", undoes=done.id, exemptions=("ex-1",), actor=by)


def month(
    *more: LedgerEntry, exemptions: tuple[Exemption, ...] = (), records: Mapping[str, ResourceRecord] | None = None
) -> ReportData:
    """Return the data of a month, with *more* entries."""
    buckets = [ref(name) for name in ("harbor-artifacts", "quay-artifacts", "legacy-drop", "contested", "scanner-in")]
    long = ref("acme-webshop-artifacts-eu-central-1-production")
    dependencies = {
        ref("release", Kind.PIPELINE).arn: {buckets[0].arn: KEY.arn, long.arn: KEY.arn},
        ref("deploy-web", Kind.PIPELINE).arn: {buckets[1].arn: "", KEY.arn: KEY.arn},
        ref("nightly", Kind.PROJECT).arn: {buckets[1].arn: "", buckets[3].arn: ""},
        ref("harbor", Kind.APPLICATION).arn: {buckets[4].arn: "", buckets[0].arn: ""},
    }
    known = {dependent: ResourceRecord(dependencies=used) for dependent, used in dependencies.items()}
    known |= {each.arn: ResourceRecord() for each in (*buckets, long, KEY, ref("quiet"), ref("archive"))}
    alerted = frozenset({"x"})
    known[ref("website").arn] = ResourceRecord(alerted=alerted)
    known[ref("contested").arn] = ResourceRecord(alerted=alerted, suspended={"S3.TLS": NOW})
    pipeline = ref("deploy-web", Kind.PIPELINE).arn
    known[pipeline] = ResourceRecord(alerted=alerted, dependencies=dependencies[pipeline])
    first = Exemption(
        "ex-1", "S3.TLS", ref("scanner-in").arn, "grace", "the scanner does not support TLS", NOW + timedelta(days=5)
    )
    ended = Exemption("ex-0", "S3.*", "arn:aws:s3:::team-*", "ada", "a migration", NOW - timedelta(days=2))
    return ReportData(
        account=ACCOUNT,
        region=REGION,
        stack="pipeseal",
        start=NOW - timedelta(days=30),
        now=NOW,
        entries=(*_entries(), *more),
        records={**known, **(records or {})},
        exemptions=(ended, first, *exemptions),
        exemption_uses={"ex-1": ExemptionUse(7, ref("scanner-in").arn, "2026-11-21T08:00:00+00:00")},
    )


def hostile() -> ReportData:
    """Return the data of a month in which every name and text from outside is one of HOSTILE."""
    entries, records, exemptions = [], {}, []
    for number, text in enumerate(HOSTILE):
        bucket = ref(f"evil{text}")
        actor = Actor(text, text, via=text, arn=text)
        statement = {**PUBLIC_READ, "Sid": text, "Resource": text}
        state = {"policy": {"Statement": [statement]}, "encryption": {text: text}}
        entry_of_text = entry(
            bucket,
            timedelta(days=number),
            "detected",
            found("S3.TLS", writes=False, reason=text, refusal=text),
            actor=actor,
            before={"policy": None, "encryption": {}},
            after={"policy": None, "encryption": {}},
            proposed=state,
            steps=(text,),
            alert={"proposed": [text]},
        )
        entries.append(entry_of_text)
        records[bucket.arn] = ResourceRecord(
            alerted=frozenset({"x"}), dependencies={ref(f"dependency{text}").arn: text}
        )
        exemptions.append(
            Exemption(
                f"ex-9{number}", "S3.TLS", bucket.arn.replace("\n", "").replace("\r", ""), "o", "r", NOW, actor="*"
            )
            if bucket.arn.isprintable() and len(bucket.arn) < 400
            else Exemption(f"ex-9{number}", "S3.TLS", "*", "o", "r", NOW)
        )
    return month(*entries, exemptions=tuple(exemptions), records=records)
