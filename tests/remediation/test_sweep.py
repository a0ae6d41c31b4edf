"""The sweep: every resource is listed, distributed over the queue and checked, at about two calls each."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.fake_account import ACCOUNT, ENVIRONMENT, REGION, FakeAccount, FakeContext, writes
from tests.fake_resources import create_asymmetric_key, create_bucket, key_state, live_sids

import sweep
from pipeseal.clock import Clock
from pipeseal.exemptions import Grounds, Stage, grant
from pipeseal.kinds.bucket.api import BucketAdapter
from pipeseal.ledger import Ledger
from pipeseal.model import Kind, Listed, Page, Ref
from pipeseal.notify.email import reminder_body
from pipeseal.notify.reminder import remind

ROOT = Path(__file__).parents[2]
QUEUE = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/pipeseal-sweep"
PIPELINE = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:harbor"
SCHEDULED = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}


class SweepHarness:
    """The sweep queue and the function that reads it."""

    def __init__(self, account: FakeAccount) -> None:
        self.account = account
        self.sqs = boto3.client("sqs")
        self.url = self.sqs.create_queue(QueueName="pipeseal-sweep")["QueueUrl"]

    def begin(self) -> None:
        """Invoke the function as the schedule does."""
        sweep.handler(SCHEDULED, FakeContext())

    def messages(self) -> list[dict[str, Any]]:
        """Receive and delete a batch of messages."""
        found = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", ())
        for message in found:
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return [record(message["MessageId"], json.loads(message["Body"])) for message in found]

    def process_all(self) -> None:
        """Invoke the function with batches until the queue is empty; no message may fail."""
        while batch := self.messages():
            assert sweep.handler({"Records": batch}, FakeContext()) == {"batchItemFailures": []}


def record(identity: str, body: Any) -> dict[str, Any]:
    """Return a message in the form in which Lambda passes it to the function."""
    return {
        "messageId": identity,
        "body": json.dumps(body),
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:pipeseal-sweep",
        "awsRegion": REGION,
    }


@pytest.fixture
def sweeping(account: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> SweepHarness:
    """Return the sweep of an account; it has no grace period."""
    monkeypatch.setenv("SWEEP_QUEUE_URL", QUEUE)
    monkeypatch.setenv("GRACE_MINUTES", "0")
    sweep.runtime.cache_clear()
    return SweepHarness(account)


def requires_tls(bucket: str) -> bool:
    """Return whether the bucket was remediated."""
    return "DenyInsecureConnections" in live_sids(bucket)


def test_resources_without_an_event_are_remediated(sweeping: SweepHarness) -> None:
    """A bucket and a key that existed first are remediated; their alerts name the sweep as the cause."""
    create_bucket("quay")
    key = create_asymmetric_key()
    sweeping.begin()
    sweeping.process_all()
    assert requires_tls("quay")
    assert key_state(key) == "PendingDeletion"
    alerts = sweeping.account.alerts()
    assert sorted(alert["action"] for alert in alerts) == ["rejected", "remediated"]
    assert {alert["actor"]["name"] for alert in alerts} == {"the sweep"}
    assert {alert["event"]["name"] for alert in alerts} == {"Sweep"}


def test_a_second_sweep_finds_nothing(sweeping: SweepHarness) -> None:
    """It writes to no resource and sends no alert."""
    create_bucket("quay")
    sweeping.begin()
    sweeping.process_all()
    sweeping.account.alerts()
    with sweeping.account.calls() as calls:
        sweeping.begin()
        sweeping.process_all()
    assert set(writes(calls)) <= {"SendMessageBatch", "ReceiveMessage", "DeleteMessage"}
    assert sweeping.account.alerts() == []


def test_a_resource_in_its_grace_period_is_left_for_the_next_sweep(
    sweeping: SweepHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new bucket often gets its policy a moment later, so it is not checked at once."""
    monkeypatch.setenv("GRACE_MINUTES", "60")
    sweep.runtime.cache_clear()
    create_bucket("quay")
    create_asymmetric_key()
    sweeping.begin()
    sweeping.process_all()
    assert not requires_tls("quay")
    sweep.runtime().clock.now = lambda: datetime.now(UTC) + timedelta(minutes=61)
    sweeping.begin()
    sweeping.process_all()
    assert requires_tls("quay")


@pytest.mark.parametrize("artifacts", [False, True])
def test_a_compliant_bucket_costs_two_calls(sweeping: SweepHarness, artifacts: bool) -> None:  # noqa: FBT001 - the case
    """At most 2.1 calls a bucket, artifact buckets included, with the listing and the queue."""
    number = 50
    ledger = Ledger(boto3.client("dynamodb"), ENVIRONMENT["LEDGER_TABLE"], Clock())
    for each in range(number):
        create_bucket(f"quay-{each}")
        if artifacts:
            ledger.records.set_dependencies(PIPELINE, {}, {f"arn:aws:s3:::quay-{each}": ""})
    sweeping.begin()
    sweeping.process_all()
    listing = [record("list", {"list": "bucket", "token": "", "began": "2026-11-21T09:30:00+00:00"})]
    with sweeping.account.calls() as calls:
        sweep.handler({"Records": listing}, FakeContext())
        checks = sweeping.messages()
        sweep.handler({"Records": checks}, FakeContext())
    own = Counter(call for call in calls if call not in ("ReceiveMessage", "DeleteMessage"))
    assert own["GetBucketPolicy"] == number
    assert own["GetBucketEncryption"] == (number if artifacts else 0)
    assert own.total() <= 2.1 * number


def test_the_function_handles_the_sample_messages(sweeping: SweepHarness) -> None:
    """The messages in events/sweep have the form that the function reads: their bucket is remediated."""
    create_bucket("harbor-artifacts")
    for sample in sorted((ROOT / "events/sweep").glob("*.json")):
        answer = sweep.handler(json.loads(sample.read_text("utf-8")), FakeContext())
        assert answer in ({}, {"batchItemFailures": []}), sample.name
    assert live_sids("harbor-artifacts") == ["DenyInsecureConnections"]


def test_a_failing_resource_does_not_stop_the_others(sweeping: SweepHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only its message is delivered again; the other resources in it, and the other messages, are checked."""
    for name in ("harbor", "quay", "wharf"):
        create_bucket(name)
    read = BucketAdapter.read

    def failing(self: BucketAdapter, clients: Any, ref: Ref, *known: Any) -> Any:
        if ref.name == "harbor":
            raise TimeoutError("no response")
        return read(self, clients, ref, *known)

    monkeypatch.setattr(BucketAdapter, "read", failing)
    began = "2026-11-21T09:30:00+00:00"
    batch = [
        record("one", {"check": "bucket", "names": ["harbor", "quay"], "began": began}),
        record("two", {"check": "bucket", "names": ["wharf"], "began": began}),
    ]
    assert sweep.handler({"Records": batch}, FakeContext()) == {"batchItemFailures": [{"itemIdentifier": "one"}]}
    assert [requires_tls(name) for name in ("harbor", "quay", "wharf")] == [False, True, True]


@pytest.mark.parametrize("body", ["no object", {"list": "sqs"}, {"check": "bucket"}, {}])
def test_an_invalid_message_fails_alone(sweeping: SweepHarness, body: Any) -> None:
    """SQS moves it to the dead-letter queue after three attempts; the other messages of its batch succeed."""
    good = record("good", {"check": "bucket", "names": [], "began": "2026-11-21T09:30:00+00:00"})
    response = sweep.handler({"Records": [record("bad", body), good]}, FakeContext())
    assert response == {"batchItemFailures": [{"itemIdentifier": "bad"}]}


def test_a_listing_that_runs_out_of_time_continues(sweeping: SweepHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new message continues from the next page, so that no resource is listed twice or omitted."""
    began = "2026-11-21T09:30:00+00:00"
    pages = {"": ("one", "2"), "2": ("two", "3"), "3": ("three", "")}

    def page(_self: object, _clients: object, account: str, region: str, token: str) -> Page:
        name, following = pages[token]
        return Page((Listed(Ref(Kind.BUCKET, account, region, f"page-{name}"), None),), following)

    monkeypatch.setattr(BucketAdapter, "list_page", page)
    hurried = FakeContext()
    monkeypatch.setattr(hurried, "get_remaining_time_in_millis", lambda: 1_000)
    batch, names = [record("first", {"list": "bucket", "token": "", "began": began})], []
    for _ in pages:
        sweep.handler({"Records": batch}, hurried)
        bodies = [json.loads(each["body"]) for each in sweeping.messages()]
        names += [name for body in bodies if "check" in body for name in body["names"]]
        batch = [record("next", body) for body in bodies if "list" in body]
    assert (names, batch) == (["page-one", "page-two", "page-three"], [])


def test_reminders_of_exemptions_that_end(sweeping: SweepHarness) -> None:
    """One reminder is sent a week before the end and one after it, however many sweeps there are."""
    now = datetime.now(UTC)
    ledger = Ledger(boto3.client("dynamodb"), ENVIRONMENT["LEDGER_TABLE"], Clock(lambda: now))
    soon, later = (
        grant("S3.TLS", "arn:aws:s3:::quay", Grounds("ada", "a partner without TLS", now + timedelta(days=days)), now)
        for days in (6, 60)
    )
    for exemption in (soon, later):
        ledger.exemptions.add(exemption)
    sweeping.begin()
    sweeping.begin()
    (reminder,) = sweeping.account.alerts()
    assert (reminder["action"], reminder["id"], reminder["severity"]) == ("exemption-ending", soon.id, "low")
    assert reminder["attributes"]["control"] == '["S3.TLS"]'
    sweep.runtime().clock.now = lambda: now + timedelta(days=7)
    sweeping.begin()
    sweeping.begin()
    (reminder,) = sweeping.account.alerts()
    assert (reminder["action"], reminder["exemption"]["owner"]) == ("exemption-ended", "ada")


def test_a_reminder_has_the_command_that_renews_the_exemption(sweeping: SweepHarness) -> None:
    """Control, resource, actor and tag are quoted for the shell, so that the command runs as pasted."""
    now = datetime.now(UTC)
    grounds = Grounds("ada", "why", now + timedelta(days=1))
    exemption = grant("S3.*", "arn:aws:s3:::*", grounds, now, actor="o'hara as role *", tag="team=a b")
    body = reminder_body(remind(exemption, Stage.ENDING, ACCOUNT, REGION))
    (line,) = (line for line in body.splitlines() if "exempt add" in line)
    arguments = shlex.split(line)
    options = {name: arguments[arguments.index(f"--{name}") + 1] for name in ("control", "resource", "actor", "tag")}
    assert options == {"control": "S3.*", "resource": "arn:aws:s3:::*", "actor": "o'hara as role *", "tag": "team=a b"}
