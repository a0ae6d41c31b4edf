"""The scan on moto: what it looks at, what makes an artifact bucket, and what AWS does not show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from time import sleep
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from tests.account import ACCOUNT, ENVIRONMENT, REGION, Account, writes
from tests.resources import document
from tests.scan import harbor

from pipeseal.aws.clients import client
from pipeseal.aws.pages import Listed, Page
from pipeseal.aws.world import World
from pipeseal.exemptions import Exemption
from pipeseal.model import Kind, Ref
from pipeseal.scan import posture, survey
from pipeseal.scan.report import Report
from pipeseal.scan.survey import _TOGETHER


@pytest.fixture(autouse=True)
def no_posture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask nothing of the account itself: it has tests of its own, and moto takes a second to begin with EC2."""
    monkeypatch.setattr(posture, "asked", lambda *_: iter(()))


@pytest.fixture
def made(account: Account) -> dict[str, str]:
    """Give the ARNs of a pipeline, its bucket and another one."""
    artifacts, plain = harbor.bucket("harbor", sealed=True), harbor.bucket("plain")
    return {"artifacts": artifacts, "plain": plain, "pipeline": harbor.pipeline(document())}


def scanned(*kinds: Kind, clients: Any = client) -> Report:
    """Scan the account."""
    return survey.survey(World(ENVIRONMENT, clients=clients), kinds or tuple(Kind))


def found(report: Report) -> dict[str, set[str]]:
    """Return the ids of the controls that found something, by ARN."""
    arns = {each.ref.arn for each in report.violations}
    return {arn: {each.control.id for each in report.violations if each.ref.arn == arn} for arn in arns}


def refusing(service: str, **answers: Exception) -> Callable[[str, str], Any]:
    """Return clients whose *service* raises the error given for a method, for buckets named plain where it has one."""

    class Refusing:
        def __init__(self, made: Any) -> None:
            self._made = made

        def __getattr__(self, name: str) -> Any:
            method = getattr(self._made, name)

            def refuse(**arguments: Any) -> Any:
                if arguments.get("Bucket", "plain") == "plain":
                    raise answers[name]
                return method(**arguments)

            return refuse if name in answers else method

    return lambda name, region: Refusing(client(name, region)) if name == service else client(name, region)


def denied(operation: str, code: str = "AccessDenied") -> ClientError:
    """Make AWS's refusal."""
    return ClientError({"Error": {"Code": code, "Message": "not for you"}}, operation)


def test_everything_is_judged_by_every_control(account: Account) -> None:
    """Artifacts make their buckets and keys artifact buckets and keys, abroad too; nothing is written.

    The worst comes first, with what pipeseal would do about it.
    """
    made = harbor.fill()
    with account.calls() as calls:
        report = scanned()
    assert found(report) == {
        made["artifacts"]: {"S3.SSE_UPLOADS", "S3.DEFAULT_ENCRYPTION"},
        made["abroad"]: {"S3.TLS", "S3.SSE_UPLOADS", "S3.DEFAULT_ENCRYPTION"},
        made["plain"]: {"S3.TLS"},
        made["key"]: {"KMS.ROTATION"},
        made["key abroad"]: {"KMS.ROTATION"},
        made["asymmetric"]: {"KMS.SYMMETRIC"},
        made["pipeline"]: {"CODEPIPELINE.SECRETS"},
        made["project"]: {"CODEBUILD.ARTIFACT_ENCRYPTION"},
        made["trail"]: {"CLOUDTRAIL.LOGGING"},
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
        "What artifacts are kept in, but is gone or another account's, was not judged: harbor-builds.",
    )
    assert (report.violated, report.compliant) == (9, 3)
    assert writes(calls) == []
    severities = [each.control.severity for each in report.violations]
    assert severities == sorted(severities, reverse=True)
    remedies = {each.control.id: each.remedy for each in report.violations if each.ref.arn != made["abroad"]}
    assert remedies["CODEPIPELINE.SECRETS"] == (), "only its owner can put that right"
    assert remedies["S3.TLS"] == ("bucket policy: DenyInsecureConnections added, all else kept",)
    assert remedies["CLOUDTRAIL.LOGGING"] == ("logging switched on",)


def test_a_bucket_is_one_of_artifacts_whatever_is_reported(made: dict[str, str]) -> None:
    """To report buckets alone, pipelines are read all the same, and their own violations left out."""
    report = scanned(Kind.BUCKET)
    assert set(found(report)) == {made["artifacts"], made["plain"]}
    assert "S3.SSE_UPLOADS" in found(report)[made["artifacts"]]
    assert set(report.scanned) == {Kind.BUCKET}


def test_a_bucket_that_cannot_be_read_is_told_of_and_the_others_are_judged(made: dict[str, str]) -> None:
    """What AWS refused first is what is missing, not what was asked to find out why."""
    report = scanned(clients=refusing("s3", get_bucket_policy=denied("GetBucketPolicy")))
    (lost,) = report.unreadable
    assert (lost.resource, lost.permission) == (made["plain"], "s3:GetBucketPolicy")
    assert lost.error == "AWS refused GetBucketPolicy: AccessDenied: not for you"
    assert made["plain"] not in found(report)
    assert (report.scanned[Kind.BUCKET], set(found(report))) == (1, {made["artifacts"]})
    assert report.fails(None)


@pytest.mark.parametrize(
    ("error", "says", "permission"),
    [
        (denied("ListPipelines", "AccessDeniedException"), "not for you", "codepipeline:ListPipelines"),
        (denied("ListPipelines", "ThrottlingException"), "Throttling", ""),
        (EndpointConnectionError(endpoint_url="https://codepipeline.nowhere"), "not reached", ""),
    ],
)
def test_a_service_that_lists_nothing_is_one_entry(
    made: dict[str, str], error: Exception, says: str, permission: str
) -> None:
    """The others are judged; a note says that artifact buckets may be missing."""
    report = scanned(clients=refusing("codepipeline", list_pipelines=error))
    (lost,) = report.unreadable
    assert (lost.resource, lost.kind, lost.permission) == ("*", Kind.PIPELINE, permission)
    assert says in lost.error
    assert made["plain"] in found(report)
    assert made["artifacts"] not in found(report)
    assert "not judged as one of artifacts" in report.notes[0]


def test_an_account_that_shows_nothing_is_no_report(account: Account) -> None:
    """What AWS answered is raised."""

    class Nothing:
        def __getattr__(self, name: str) -> Any:
            def refuse(**_: Any) -> None:
                raise denied(name)

            return refuse

    with pytest.raises(ClientError, match="not for you"):
        scanned(clients=lambda *_: Nothing())


def test_an_error_of_our_own_gives_no_secret_away(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """What trips pipeseal is unreadable too; its text may quote what was read, and is left out."""
    harbor.bucket("plain")

    def trip(*_: object) -> None:
        raise KeyError("hunter2")

    monkeypatch.setattr("pipeseal.aws.buckets.read", trip)
    (lost,) = scanned().unreadable
    assert "KeyError" in lost.error
    assert "hunter2" not in lost.error


def test_exemptions_are_honoured_where_there_is_a_ledger(made: dict[str, str]) -> None:
    """What is excused is shown with its exemption; one by tag counts where the tag is there."""
    world = World(ENVIRONMENT)
    until = world.clock().replace(year=world.clock().year + 1)
    excuse = Exemption("ex-plain", "S3.TLS", made["plain"], "ada", "a website", until)
    boto3.client("s3").put_bucket_tagging(Bucket="plain", Tagging={"TagSet": [{"Key": "open", "Value": "yes"}]})
    for each in (
        excuse,
        replace(excuse, id="ex-tag", resource="*", tag="open=y*"),
        replace(excuse, id="ex-ended", resource="*", until=until.replace(year=2020)),
        replace(excuse, id="ex-actor", resource="*", actor="ada*"),
    ):
        world.ledger.excuse(each)
        if each.id == "ex-tag":
            world.ledger.end("ex-plain")
        report = scanned(Kind.BUCKET)
        (spared,) = report.excused
        assert spared.exemption
        assert (spared.ref.arn, spared.exemption.id) == (made["plain"], "ex-plain" if each is excuse else "ex-tag")
        assert made["plain"] not in {each.ref.arn for each in report.open}
    assert "ex-actor" in report.notes[0]


def test_no_stack_is_needed(account: Account) -> None:
    """Without a ledger a note says that exemptions are not honoured."""
    boto3.client("dynamodb").delete_table(TableName=ENVIRONMENT["LEDGER_TABLE"])
    report = scanned()
    assert report.notes == ("No ledger of a stack was read (there is none): exemptions are not honoured.",)
    assert not report.fails(None)


class Thousands:
    """A World with many buckets on many pages; counts how many are looked at together."""

    def __init__(self) -> None:
        self.together = self.most = 0
        self.seen: list[str] = []
        self._lock = Lock()
        self.account, self.region = ACCOUNT, REGION
        self.clients, self.clock = client, World(ENVIRONMENT).clock
        self.settings = World(ENVIRONMENT).settings

    @property
    def ledger(self) -> Any:
        raise denied("GetItem")

    def page(self, kind: Kind, token: str) -> Page:
        if kind is not Kind.BUCKET:
            return Page((), "")
        start = int(token or 0)
        found = (Listed(Ref(kind, ACCOUNT, REGION, f"b{start + number}"), None) for number in range(700))
        return Page(tuple(found), str(start + 700) if start < 1400 else "")

    def look(self, ref: Ref, _memory: object) -> None:
        with self._lock:
            self.together += 1
            self.most = max(self.most, self.together)
            self.seen.append(ref.name)
        sleep(0.0001)
        with self._lock:
            self.together -= 1


def test_thousands_are_looked_at_once_each_and_few_together(account: Account) -> None:
    """Page by page, in bounded numbers; how far it is can be watched."""
    world, listed, done = Thousands(), [0], [0]

    def watch(kind: Kind, more: int, less: int) -> None:
        if kind is Kind.BUCKET:
            listed[0] += more
            done[0] += less

    survey.survey(world, [Kind.BUCKET], watch)  # type: ignore[arg-type]
    assert sorted(world.seen) == sorted(f"b{number}" for number in range(2100))
    assert world.most <= _TOGETHER[Kind.BUCKET]
    assert (listed, done) == ([2100], [2100])
