"""The scan of an account on moto: what it checks, what makes a bucket an artifact bucket, and what cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from time import sleep
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from tests.fake_account import ACCOUNT, ENVIRONMENT, REGION, FakeAccount, writes
from tests.resources import document
from tests.scan import scan_account

from pipeseal.aws.clients import client
from pipeseal.exemptions import Exemption
from pipeseal.kinds.facts import LedgerFacts
from pipeseal.model import Kind, Listed, Page, Ref
from pipeseal.runtime import Runtime
from pipeseal.scan import advice, survey
from pipeseal.scan.report import ScanReport


@pytest.fixture(autouse=True)
def no_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the advice for the account: it has tests of its own, and moto needs a second to load EC2."""
    monkeypatch.setattr(advice, "account_advice", lambda *_: iter(()))


@pytest.fixture
def arns(account: FakeAccount) -> dict[str, str]:
    """Return the ARNs of a pipeline, its artifact bucket and another bucket."""
    artifacts, plain = scan_account.create_bucket("harbor", require_tls=True), scan_account.create_bucket("plain")
    return {"artifacts": artifacts, "plain": plain, "pipeline": scan_account.create_pipeline(document())}


def scan(*kinds: Kind, clients: Any = client) -> ScanReport:
    """Scan the account."""
    return survey.survey(Runtime(ENVIRONMENT, clients=clients), kinds or tuple(Kind))


def violated_controls(report: ScanReport) -> dict[str, set[str]]:
    """Return the IDs of the violated controls by ARN."""
    arns = {each.ref.arn for each in report.violations}
    return {arn: {each.control.id for each in report.violations if each.ref.arn == arn} for arn in arns}


def refusing(service: str, **answers: Exception) -> Callable[[str, str], Any]:
    """Return clients whose *service* raises the given error for a method; where it takes a bucket, only for "plain"."""

    class Refusing:
        def __init__(self, real: Any) -> None:
            self._real = real

        def __getattr__(self, name: str) -> Any:
            method = getattr(self._real, name)

            def refuse(**arguments: Any) -> Any:
                if arguments.get("Bucket", "plain") == "plain":
                    raise answers[name]
                return method(**arguments)

            return refuse if name in answers else method

    return lambda name, region: Refusing(client(name, region)) if name == service else client(name, region)


def denied(operation: str, code: str = "AccessDenied") -> ClientError:
    """Make an error as AWS returns it."""
    return ClientError({"Error": {"Code": code, "Message": "not authorized"}}, operation)


def test_every_resource_is_checked_by_every_control(account: FakeAccount) -> None:
    """What a pipeline uses is checked as an artifact bucket or key, in other Regions too; nothing is written.

    Violations come in the order of their severity, with what pipeseal would write.
    """
    arns = scan_account.create_resources()
    with account.calls() as calls:
        report = scan()
    assert violated_controls(report) == {
        arns["artifacts"]: {"S3.SSE_UPLOADS", "S3.DEFAULT_ENCRYPTION"},
        arns["artifacts in other region"]: {"S3.TLS", "S3.SSE_UPLOADS", "S3.DEFAULT_ENCRYPTION"},
        arns["plain"]: {"S3.TLS"},
        arns["key"]: {"KMS.ROTATION"},
        arns["key in other region"]: {"KMS.ROTATION"},
        arns["asymmetric"]: {"KMS.SYMMETRIC"},
        arns["pipeline"]: {"CODEPIPELINE.SECRETS"},
        arns["project"]: {"CODEBUILD.ARTIFACT_ENCRYPTION"},
        arns["trail"]: {"CLOUDTRAIL.LOGGING"},
    }
    assert {kind.name: number for kind, number in report.scanned.items()} == {
        "BUCKET": 5,
        "KEY": 3,
        "PIPELINE": 1,
        "APPLICATION": 1,
        "PROJECT": 1,
        "TRAIL": 1,
    }
    assert (report.account, report.region, report.unreadable) == (ACCOUNT, REGION, ())
    assert report.notes == (
        "Artifact buckets and keys that do not exist or belong to another account were not checked: harbor-builds.",
    )
    assert (report.violated, report.compliant) == (9, 3)
    assert writes(calls) == []
    severities = [each.control.severity for each in report.violations]
    assert severities == sorted(severities, reverse=True)
    in_region = [each for each in report.violations if each.ref.region == REGION]
    steps = {each.control.id: each.proposed_steps for each in in_region}
    assert steps["CODEPIPELINE.SECRETS"] == (), "it needs manual action"
    assert steps["S3.TLS"] == ("bucket policy: DenyInsecureConnections added, all else kept",)
    assert steps["CLOUDTRAIL.LOGGING"] == ("logging switched on",)


def test_artifact_buckets_are_known_when_only_buckets_are_reported(arns: dict[str, str]) -> None:
    """Pipelines are read for their dependencies, and their violations are not reported."""
    report = scan(Kind.BUCKET)
    assert set(violated_controls(report)) == {arns["artifacts"], arns["plain"]}
    assert "S3.SSE_UPLOADS" in violated_controls(report)[arns["artifacts"]]
    assert set(report.scanned) == {Kind.BUCKET}


def test_an_unreadable_bucket_is_reported_and_the_others_are_checked(arns: dict[str, str]) -> None:
    """The missing permission is that of the first denied call, not of a call that follows to find the cause."""
    report = scan(clients=refusing("s3", get_bucket_policy=denied("GetBucketPolicy")))
    (unread,) = report.unreadable
    assert (unread.resource, unread.permission) == (arns["plain"], "s3:GetBucketPolicy")
    assert unread.error == "AWS refused GetBucketPolicy: AccessDenied: not authorized"
    assert arns["plain"] not in violated_controls(report)
    assert (report.scanned[Kind.BUCKET], set(violated_controls(report))) == (1, {arns["artifacts"]})
    assert report.fails(None)


@pytest.mark.parametrize(
    ("error", "says", "permission"),
    [
        (denied("ListPipelines", "AccessDeniedException"), "not authorized", "codepipeline:ListPipelines"),
        (denied("ListPipelines", "ThrottlingException"), "Throttling", ""),
        (EndpointConnectionError(endpoint_url="https://codepipeline.nowhere"), "not reached", ""),
    ],
)
def test_a_kind_that_cannot_be_listed_is_reported_once(
    arns: dict[str, str], error: Exception, says: str, permission: str
) -> None:
    """The other kinds are checked; a note states that artifact buckets may be unknown."""
    report = scan(clients=refusing("codepipeline", list_pipelines=error))
    (unread,) = report.unreadable
    assert (unread.resource, unread.kind, unread.permission) == ("*", Kind.PIPELINE, permission)
    assert says in unread.error
    assert arns["plain"] in violated_controls(report)
    assert arns["artifacts"] not in violated_controls(report)
    assert "pipelines could not be read" in report.notes[0]
    assert "not checked by the controls for artifact storage" in report.notes[0]


def test_an_account_that_denies_everything_has_no_report(account: FakeAccount) -> None:
    """The error that AWS returned is raised."""

    class DenyAll:
        def __getattr__(self, name: str) -> Any:
            def refuse(**_: Any) -> None:
                raise denied(name)

            return refuse

    with pytest.raises(ClientError, match="not authorized"):
        scan(clients=lambda *_: DenyAll())


def test_an_unexpected_error_discloses_no_secret(account: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """The resource is reported as unread; the text of the error may quote what was read, and is left out."""
    scan_account.create_bucket("plain")

    def fail(*_: object) -> None:
        raise KeyError("hunter2")

    monkeypatch.setattr("pipeseal.kinds.bucket.api.BucketAdapter.read", fail)
    (unread,) = scan().unreadable
    assert "KeyError" in unread.error
    assert "hunter2" not in unread.error


def test_exemptions_of_the_ledger_are_applied(arns: dict[str, str]) -> None:
    """An exempt violation names its exemption; an exemption by tag applies to resources with the tag."""
    runtime = Runtime(ENVIRONMENT)
    until = runtime.clock.now().replace(year=runtime.clock.now().year + 1)
    by_arn = Exemption("ex-plain", "S3.TLS", arns["plain"], "ada", "a website", until)
    boto3.client("s3").put_bucket_tagging(Bucket="plain", Tagging={"TagSet": [{"Key": "open", "Value": "yes"}]})
    for each in (
        by_arn,
        replace(by_arn, id="ex-tag", resource="*", tag="open=y*"),
        replace(by_arn, id="ex-ended", resource="*", until=until.replace(year=2020)),
        replace(by_arn, id="ex-actor", resource="*", actor="ada*"),
    ):
        runtime.ledger.exemptions.add(each)
        if each.id == "ex-tag":
            runtime.ledger.exemptions.end("ex-plain")
        report = scan(Kind.BUCKET)
        (exempted,) = report.exempted
        assert exempted.exemption
        assert (exempted.ref.arn, exempted.exemption.id) == (arns["plain"], "ex-plain" if each is by_arn else "ex-tag")
        assert arns["plain"] not in {each.ref.arn for each in report.open}
    assert "ex-actor" in report.notes[0]


def test_no_stack_is_needed(account: FakeAccount) -> None:
    """Without a ledger, a note states that exemptions are not applied."""
    boto3.client("dynamodb").delete_table(TableName=ENVIRONMENT["LEDGER_TABLE"])
    report = scan()
    assert report.notes == ("The ledger could not be read (the table does not exist): exemptions are not applied.",)
    assert not report.fails(None)


def test_every_kind_of_the_registry_is_scanned(account: FakeAccount) -> None:
    """A scan without a selection of kinds covers every kind, those without resources included."""
    assert scan().scanned == dict.fromkeys(Kind, 0)


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_can_be_scanned_alone(account: FakeAccount, kind: Kind) -> None:
    """A report of one kind covers that kind, and nothing else."""
    assert set(scan(kind).scanned) == {kind}


class ManyBuckets:
    """A runtime with 2100 buckets on three pages; it counts how many are read concurrently."""

    def __init__(self) -> None:
        self.concurrent = self.most_concurrent = 0
        self.read: list[str] = []
        self._lock = Lock()
        self.account, self.region = ACCOUNT, REGION
        self.clients, self.clock = client, Runtime(ENVIRONMENT).clock
        self.settings = Runtime(ENVIRONMENT).settings
        self.resources = self

    @property
    def ledger(self) -> Any:
        raise denied("GetItem")

    def list_page(self, kind: Kind, _account: str, _region: str, token: str) -> Page:
        if kind is not Kind.BUCKET:
            return Page((), "")
        start = int(token or 0)
        listed = (Listed(Ref(kind, ACCOUNT, REGION, f"b{start + number}"), None) for number in range(700))
        return Page(tuple(listed), str(start + 700) if start < 1400 else "")

    def read_or_raise(self, ref: Ref, _facts: LedgerFacts) -> None:
        with self._lock:
            self.concurrent += 1
            self.most_concurrent = max(self.most_concurrent, self.concurrent)
            self.read.append(ref.name)
        sleep(0.0001)
        with self._lock:
            self.concurrent -= 1


def test_thousands_of_buckets_are_read_once_each_and_few_at_a_time(account: FakeAccount) -> None:
    """Every page is read, with no more threads than the registry allows, and the progress adds up."""
    runtime, listed, read = ManyBuckets(), [0], [0]

    def progress(kind: Kind, more_listed: int, more_read: int) -> None:
        if kind is Kind.BUCKET:
            listed[0] += more_listed
            read[0] += more_read

    survey.survey(runtime, [Kind.BUCKET], progress)  # type: ignore[arg-type]
    assert sorted(runtime.read) == sorted(f"b{number}" for number in range(2100))
    assert runtime.most_concurrent <= Kind.BUCKET.spec.scan_threads
    assert (listed, read) == ([2100], [2100])
