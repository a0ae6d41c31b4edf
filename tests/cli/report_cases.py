"""A ledger of a month for the report: one of everything that can happen, and names that would like to be HTML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeseal.aws.entries import Entry, entry_id
from pipeseal.aws.ledger import Use
from pipeseal.aws.memory import Memory
from pipeseal.cli._report.facts import Facts
from pipeseal.exemptions import Exemption
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
THEIRS = {"Sid": "Readers", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
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


def found(control: str, *, writes: bool = True, refusal: str = "", reason: str = "No statement denies them.") -> Any:
    """Make a finding as the ledger keeps it."""
    mode = "enforce" if writes else "detect"
    return {"control": control, "mode": mode, "reasons": [reason], "refusal": refusal, "writes": writes}


def entry(
    of: Ref,
    ago: timedelta,
    outcome: str,
    *findings: Mapping[str, Any],
    took: timedelta = timedelta(seconds=4),
    actor: Actor | None = None,
    **fields: Any,
) -> Entry:
    """Make an entry of so long ago."""
    at = NOW - ago
    before = {"policy": {"Version": "2012-10-17", "Statement": [THEIRS]}, "encryption": {}}
    sealed = {**before, "policy": {"Version": "2012-10-17", "Statement": [THEIRS, DENY]}}
    states: Mapping[Kind, tuple[Any, Any]] = {
        Kind.BUCKET: (before, sealed),
        Kind.KEY: (
            {"status": "Enabled", "window": 0, "rotates": None},
            {"status": "PendingDeletion", "window": 30, "rotates": None},
        ),
        Kind.PIPELINE: (
            {"keys": {REGION: ""}, "transition": {"stage": "Build", "enabled": True, "reason": ""}},
            {"keys": {REGION: ""}, "transition": {"stage": "Build", "enabled": False, "reason": "unfit key"}},
        ),
    }
    was, fixed = states.get(of.kind, ({}, {}))
    wrote = any(finding["writes"] for finding in findings) and outcome not in ("failed", "escalated")
    steps = ("bucket policy: DenyInsecureConnections added, all else kept",) if wrote else ()
    known = {
        "intent": outcome,
        "before": was,
        "after": fixed if wrote else was,
        "wanted": fixed,
        "steps": steps,
        "alert": {} if wrote else {"proposed": ["bucket policy: DenyInsecureConnections added, all else kept"]},
        **fields,
    }
    return Entry(
        id=entry_id(at, of.arn, outcome, str(ago)),
        ref=of,
        cause=Cause(
            "e", "PutBucketPolicy", at, actor or Actor("ada", "IAMUser", arn=f"arn:aws:iam::{ACCOUNT}:user/ada")
        ),
        opened=at + took / 2,
        findings=tuple(findings),
        outcome=outcome,
        closed=at + took,
        **known,
    )


def days(number: float) -> timedelta:
    """Return so many days."""
    return timedelta(days=number)


def hours(number: float) -> timedelta:
    """Return so many hours."""
    return timedelta(hours=number)


def _entries() -> Iterator[Entry]:
    tls, uploads = found("S3.TLS"), found("S3.SSE_UPLOADS", reason="Nothing asks for KMS.")
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


def month(*more: Entry, exemptions: tuple[Exemption, ...] = (), known: Mapping[str, Memory] | None = None) -> Facts:
    """Return the facts of a month, and *more*."""
    buckets = [ref(name) for name in ("harbor-artifacts", "quay-artifacts", "legacy-drop", "contested", "scanner-in")]
    long = ref("acme-webshop-artifacts-eu-central-1-production")
    uses = {
        ref("release", Kind.PIPELINE).arn: {buckets[0].arn: KEY.arn, long.arn: KEY.arn},
        ref("deploy-web", Kind.PIPELINE).arn: {buckets[1].arn: "", KEY.arn: KEY.arn},
        ref("nightly", Kind.PROJECT).arn: {buckets[1].arn: "", buckets[3].arn: ""},
        ref("harbor", Kind.APPLICATION).arn: {buckets[4].arn: "", buckets[0].arn: ""},
    }
    memories = {user: Memory(uses=used) for user, used in uses.items()}
    memories |= {each.arn: Memory() for each in (*buckets, long, KEY, ref("quiet"), ref("archive"))}
    told = {ref("website").arn: Memory(told="x"), ref("contested").arn: Memory(told="x", wars={"S3.TLS": NOW})}
    pipeline = ref("deploy-web", Kind.PIPELINE).arn
    told[pipeline] = Memory(told="x", uses=uses[pipeline])
    first = Exemption(
        "ex-1", "S3.TLS", ref("scanner-in").arn, "grace", "the scanner cannot do TLS", NOW + timedelta(days=5)
    )
    ended = Exemption("ex-0", "S3.*", "arn:aws:s3:::team-*", "ada", "a migration", NOW - timedelta(days=2))
    return Facts(
        account=ACCOUNT,
        region=REGION,
        stack="pipeseal",
        start=NOW - timedelta(days=30),
        now=NOW,
        entries=(*_entries(), *more),
        known={**memories, **told, **(known or {})},
        exemptions=(ended, first, *exemptions),
        uses={"ex-1": Use(7, ref("scanner-in").arn, "2026-11-21T08:00:00+00:00")},
    )


def hostile() -> Facts:
    """Return the facts of a month in which everything that others may name is made to harm."""
    entries, known, exemptions = [], {}, []
    for number, text in enumerate(HOSTILE):
        bucket = ref(f"evil{text}")
        actor = Actor(text, text, via=text, arn=text)
        statement = {**THEIRS, "Sid": text, "Resource": text}
        state = {"policy": {"Statement": [statement]}, "encryption": {text: text}}
        made = entry(
            bucket,
            timedelta(days=number),
            "detected",
            found("S3.TLS", writes=False, reason=text, refusal=text),
            actor=actor,
            before={"policy": None, "encryption": {}},
            after={"policy": None, "encryption": {}},
            wanted=state,
            steps=(text,),
            alert={"proposed": [text]},
        )
        entries.append(made)
        known[bucket.arn] = Memory(told="x", uses={ref(f"used{text}").arn: text})
        exemptions.append(
            Exemption(
                f"ex-9{number}", "S3.TLS", bucket.arn.replace("\n", "").replace("\r", ""), "o", "r", NOW, actor="*"
            )
            if bucket.arn.isprintable() and len(bucket.arn) < 400
            else Exemption(f"ex-9{number}", "S3.TLS", "*", "o", "r", NOW)
        )
    return month(*entries, exemptions=tuple(exemptions), known=known)
